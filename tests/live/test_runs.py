"""A workflow run is shown as it is now to all who have it open, whenever they came, and until it has ended."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from graph.execution import Executor
from graph.live.hub import Live
from graph.live.writer import Writer, Written
from resolvers.context import Operation
from tests.fakes.seeded_watch import workflow_run
from tests.live.watching import Watching, tasks, until, watch
from trading_bot.domain.events import EventKind
from trading_bot.store import tables, workflow_runs
from trading_bot.store.store import Store

ID = "7e0a2c1e-3f0d-4b57-9c36-2d6a54b1f0aa"
QUERY = f'subscription {{ workflowRun(id: "{ID}") {{ reason finishedAt }} }}'
NOW = datetime(2025, 1, 6, 17, 0, tzinfo=UTC)


def test_all_who_have_it_open_see_each_step_and_the_end(run: Executor) -> None:
    async def look() -> tuple[list[list[str]], list[object], tuple[int, int]]:
        live = Live(executor=run)
        begin(run.parts.store)
        watchers = [await watch(live, QUERY) for _ in range(3)]
        await until(lambda: all(reasons(one) == ["begun"] for one in watchers))
        move(run.parts.store, "first step")
        await until(lambda: all(reasons(one) == ["begun", "first step"] for one in watchers))
        move(run.parts.store, "done", finished_at=NOW)
        await until(lambda: all(one.ended for one in watchers))
        late = await watch(live, QUERY)
        await until(lambda: bool(late.ended))
        await until(lambda: tasks() == 0)
        seen = [*watchers, late]
        return [reasons(one) for one in seen], [one.ended for one in seen], (len(live), run.parts.counters.subscribers)

    assert asyncio.run(look()) == (
        [["begun", "first step", "done"]] * 3 + [["done"]],
        [[None]] * 4,
        (0, 0),
    )


@pytest.mark.parametrize("is_over", [False, True])
def test_who_comes_while_it_moves_is_shown_where_it_is_now(
    run: Executor, monkeypatch: pytest.MonkeyPatch, *, is_over: bool
) -> None:
    write = Writer.write

    async def look() -> tuple[list[str], list[str]]:
        live = Live(executor=run)
        begin(run.parts.store)
        early = await watch(live, QUERY)
        await until(lambda: reasons(early) == ["begun"])
        has_moved = False

        async def late_by_a_move(self: Writer, value: object, operation: Operation) -> Written:
            nonlocal has_moved
            if not has_moved:  # the first answer of the one who comes
                has_moved = True
                move(run.parts.store, "moved", finished_at=NOW if is_over else None)
                with suppress(AssertionError):  # whether the others may be shown it before or not
                    await until(lambda: len(reasons(early)) == 2, seconds=0.3)
            return await write(self, value, operation)

        monkeypatch.setattr(Writer, "write", late_by_a_move)
        late = await watch(live, QUERY)
        await until(lambda: reasons(early)[-1:] == reasons(late)[-1:] == ["moved"])
        early.leave()
        late.leave()
        await until(lambda: tasks() == 0)
        return reasons(early), reasons(late)

    assert asyncio.run(look()) == (["begun", "moved"], ["begun", "moved"])


def begin(store: Store) -> None:
    """A run that goes on."""
    made = replace(workflow_run(NOW), id=ID, reason="begun", finished_at=None, error=None, attempts=())
    with store.writing("main") as w:
        workflow_runs.add_run(w, made)


def move(store: Store, reason: str, finished_at: datetime | None = None) -> None:
    """Change what is shown of it."""
    with store.writing("main") as w:
        run = tables.metadata.tables["workflow_runs"]
        w.connection.execute(run.update().where(run.c.id == ID).values(reason=reason, finished_at=finished_at))
        w.changed(EventKind.WORKFLOW, ID, "It moved.", {})


def reasons(one: Watching) -> list[str]:
    """What it was shown, one after the other."""
    return [payload["data"]["workflowRun"]["reason"] for payload in one.payloads]
