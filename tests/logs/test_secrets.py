import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from tests.fakes.application_log import logged_to
from tests.fakes.set_clock import SetClock
from trading_bot.logs.audit import AuditLog
from trading_bot.logs.secrets import Secrets, secrets_of
from trading_bot.settings import load_settings

KEY = 'bg_"quoted"\\key-é'


@pytest.fixture
def application_log(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "trading_bot.log"
    with logged_to(file, Secrets(KEY, "hunter2-hunter2")):
        yield file


@pytest.mark.parametrize(
    ("record", "written"),
    [
        ({"note": f"the key {KEY} was refused"}, {"note": "the key [hidden] was refused"}),
        ({"context": {"text": KEY, "n": 5}}, {"context": {"text": "[hidden]", "n": 5}}),
        ({"list": ["a", KEY, {"deep": f"<{KEY}>"}]}, {"list": ["a", "[hidden]", {"deep": "<[hidden]>"}]}),
        ({"note": "hunter2-hunter2 and more"}, {"note": "[hidden] and more"}),
        ({"note": "hunter"}, {"note": "hunter"}),
        ({"note": "with bg_0123456789_abcdefghijklmnopqrstuvwxyz-_ABC it works"}, {"note": "with [hidden] it works"}),
        ({"note": "bg_not_a_key"}, {"note": "bg_not_a_key"}),
    ],
)
def test_no_line_of_the_audit_log_holds_a_secret(folder: Path, record: dict[str, Any], written: dict[str, Any]) -> None:
    log = AuditLog(folder, SetClock(), Secrets(KEY, "hunter2-hunter2"))
    log.append("orders", 1, {**record, "bot_id": "main"})

    (line,) = log.read("orders")
    assert {name: line[name] for name in written} == written
    assert log.verify("orders").ok


def test_names_of_fields_stay_what_they_are(folder: Path) -> None:
    log = AuditLog(folder, SetClock(), Secrets("quantity"))
    log.append("orders", 1, {"quantity": "1", "bot_id": "main"})

    assert next(iter(log.read("orders")))["quantity"] == "1"


def test_what_becomes_known_later_is_hidden_from_then_on(folder: Path) -> None:
    log = AuditLog(folder, SetClock())
    log.append("orders", 1, {"note": "account 5QR71234", "bot_id": "main"})
    log.secrets.add("5QR71234")
    log.append("orders", 2, {"note": "account 5QR71234", "bot_id": "main"})

    assert [line["note"] for line in log.read("orders")] == ["account 5QR71234", "account [hidden]"]


def test_a_secret_within_another_leaves_nothing_of_the_longer_one() -> None:
    assert Secrets("secret", "secret-and-more").hide("my secret-and-more, my secret") == "my [hidden], my [hidden]"


def test_short_words_and_nothing_are_passed_over() -> None:
    assert Secrets("paper", None, "").hide("a paper trade") == "a paper trade"


def test_no_line_of_an_application_log_holds_a_secret(application_log: Path) -> None:
    ours, foreign = structlog.get_logger("trading_bot.test"), logging.getLogger("httpx")
    ours.warning("refused", key=KEY, url="postgresql://bot:hunter2-hunter2@db/x")
    foreign.error("could not log in with %s", "hunter2-hunter2")
    ours.error("failed", exc_info=RuntimeError(f"driver: password is hunter2-hunter2, key {KEY}"))

    text = application_log.read_text()
    lines = [orjson.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["refused", "failed"]
    assert lines[0]["key"] == "[hidden]"
    assert "driver: password is [hidden], key [hidden]" in lines[1]["exception"]
    assert "could not log in with [hidden]" in text
    assert "hunter2" not in text


def test_settings_and_saved_keys_are_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_API_AUTH_TOKEN", "token-of-the-operator")
    monkeypatch.setenv("BOTGRAPH_STORE_URL", "postgresql+psycopg://bot:pass%20word@db.example/botgraph")
    (home / "keys").mkdir()
    (home / "keys" / "admin.key").write_text("bg_first_key\n")
    (home / "keys" / "confirm.key").write_text("sign-with-this\n")

    secrets = secrets_of(load_settings())

    for text in ("token-of-the-operator", "pass%20word", "pass word", "bg_first_key", "sign-with-this"):
        assert secrets.hide(f"<{text}>") == "<[hidden]>"
