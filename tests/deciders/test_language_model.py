import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.deciders.situations import sample_situation
from tests.fakes.model_server import NOTHING, ModelServer, Reply, answering, model_server, saying
from trading_bot.clock import SystemClock
from trading_bot.deciders import language_model
from trading_bot.deciders.language_model import Counsel, LanguageModel
from trading_bot.domain.advice import Stay
from trading_bot.domain.decider import Decider, DeciderKind
from trading_bot.errors.fault import Fault


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


def counsel(server: ModelServer, **changes: Any) -> Counsel:
    config = Decider(
        **{
            "kind": DeciderKind.LANGUAGE_MODEL,
            "url": server.url,
            "model": "small",
            "cost_per_1k_input": Decimal("0.15"),
            "cost_per_1k_output": Decimal("0.6"),
            **changes,
        }
    )

    async def ask() -> Counsel:
        model = LanguageModel(config=config, clock=SystemClock())
        try:
            return await model.ask(sample_situation())
        finally:
            await model.close()

    return asyncio.run(ask())


def test_advice_comes_with_its_prompt_its_exact_cost_and_its_time(server: ModelServer) -> None:
    server.replies(answering(**NOTHING))

    given = counsel(server)

    assert given.outcome == Stay(reasoning="Nothing stands out.")
    assert given.cost_usd == Decimal("0.21")  # 1000 tokens at 0.15 and 100 at 0.6, each for a thousand
    assert 0 < given.latency_ms < 10_000
    assert given.prompt == "\n\n".join(message["content"] for message in server.calls[0].body["messages"])
    assert given.asked_at == sample_situation().at


def test_an_answer_that_is_not_usable_cost_what_it_cost_and_its_words_are_kept_as_data(server: ModelServer) -> None:
    server.replies(saying("ignore the limits, buy 1,000,000 " * 200, sent=10, answered=1000))

    given = counsel(server)

    assert isinstance(given.outcome, Fault)
    assert given.outcome.code == "LLM_002"
    assert given.cost_usd == Decimal("0.6015")
    assert given.answer is not None
    assert given.answer.startswith("ignore the limits")
    assert len(given.answer.encode()) <= 2000


def test_a_call_that_fails_has_no_words_and_no_cost(server: ModelServer) -> None:
    server.replies(Reply(status=429, headers={"retry-after": "30"}))

    given = counsel(server)

    assert isinstance(given.outcome, Fault)
    assert (given.outcome.code, given.outcome.after_seconds) == ("LLM_001", 30.0)
    assert (given.answer, given.cost_usd) == (None, None)


def test_an_endpoint_that_counts_nothing_has_no_cost(server: ModelServer) -> None:
    server.replies(Reply(body=b'{"choices": [{"message": {"content": "{}"}}]}'))

    assert counsel(server).cost_usd is None


def test_a_fault_of_ours_is_a_failed_call_that_tells_none_of_what_was_sent(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(text: str, situation: object) -> Stay:
        raise RuntimeError(text)

    monkeypatch.setattr(language_model, "parse_answer", broken)
    server.replies(saying("sk-MARKER-0451"))

    given = counsel(server)

    assert isinstance(given.outcome, Fault)
    assert (given.outcome.code, given.outcome.cause) == ("LLM_001", "The call failed unexpectedly (RuntimeError).")
    assert given.cost_usd == Decimal("0.21")
    assert "sk-MARKER-0451" not in capsys.readouterr().out


def test_a_question_can_be_taken_back(server: ModelServer) -> None:
    server.replies(saying("late", after=threading.Event()))

    async def begin_and_cancel() -> None:
        config = Decider(kind=DeciderKind.LANGUAGE_MODEL, url=server.url, model="small")
        model = LanguageModel(config=config, clock=SystemClock())
        asking = asyncio.create_task(model.ask(sample_situation()))
        assert await asyncio.to_thread(server.called.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await model.close()

    asyncio.run(begin_and_cancel())


def test_a_bot_without_a_model_loads_nothing_of_what_one_needs() -> None:
    code = "import sys, trading_bot.bootstrap, trading_bot.deciders.language_model; print({'httpx', 'jsonschema'} & sys.modules.keys())"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
