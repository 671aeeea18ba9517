"""A whole house: the real bot and API under the real supervisor, on a market that was played to a moment and then stands almost still."""

import itertools
import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.playing import first_days, play_bars, replay_settings
from tests.processes.running import Running, running, until
from tests.processes.test_up import BOTGRAPH

RESTING = 237
"""With the next bar of the first recorded day, which comes as soon as a bot starts, an entry on IBM rests, and AIG and BAC are held with
stop and target; with the one after that it is still so."""
_numbers = itertools.count()


@dataclass(kw_only=True)
class House:
    """One `up`, and a client of its API."""

    up: Running
    token: str
    api: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{self.up.port}", timeout=30)

    @property
    def home(self) -> Path:
        return self.up.home

    def sent(self, operation: str, *, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The answer to a named operation, while the API may be starting."""
        body = {"documentId": operation, "variables": variables}
        headers = {"X-API-Key": token or self.token}
        answer = until(lambda: self._answer(body, headers))
        found: dict[str, Any] = answer.json()
        return found

    def asked(self, operation: str, **variables: Any) -> Any:
        """The data of its one root field."""
        answer = self.sent(operation, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"][operation] if operation in answer["data"] else answer["data"]

    def begun(self, workflow: str, *, token: str | None = None, **parameters: Any) -> dict[str, Any]:
        """A run that was asked for: rehearsed first, and confirmed where that is needed."""
        variables: dict[str, Any] = {"workflowId": workflow, "parameters": parameters, "reason": "a test"}
        key = f"key-{os.getpid()}-{next(_numbers)}"
        rehearsed = self.sent("workflowExecute", token=token, **variables, idempotencyKey=f"{key}-dry", dryRun=True)
        answered = rehearsed["data"] and rehearsed["data"]["workflowExecute"]
        assert answered is not None, rehearsed
        assert answered["preview"] is not None, rehearsed
        preview = answered["preview"]
        confirmed = {"confirmToken": preview["confirmToken"]} if preview["confirmToken"] else {}
        answer = self.sent("workflowExecute", token=token, **variables, **confirmed, idempotencyKey=key)
        found: dict[str, Any] | None = answer["data"] and answer["data"]["workflowExecute"]
        assert found is not None, answer
        return {**found, "preview": preview}

    def run(self, workflow: str, *, token: str | None = None, **parameters: Any) -> dict[str, Any]:
        """A run that has ended: as the API tells it, with each step's stored output under `outputs`."""
        begun = self.begun(workflow, token=token, **parameters)
        assert begun["run"] is not None, begun
        return self.ended(begun["run"]["id"])

    def ended(self, run_id: str) -> dict[str, Any]:
        """The run, once it has ended."""

        def find() -> dict[str, Any] | None:
            found: dict[str, Any] = self.asked("workflowRun", id=run_id)
            return found if found["finishedAt"] else None

        found = until(find, seconds=90)
        return {**found, "outputs": self._outputs(run_id)}

    def _outputs(self, run_id: str) -> dict[str, Any]:
        """What each step gave back, whole: the operation leaves it out."""
        query = "query($id: ID!) { workflowRun(id: $id) { steps { id output } } }"
        answer = self.api.post(
            "/graphql", json={"query": query, "variables": {"id": run_id}}, headers={"X-API-Key": self.token}
        ).json()
        return {step["id"]: step["output"] for step in answer["data"]["workflowRun"]["steps"]}

    def _answer(self, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response | None:
        try:
            return self.api.post("/graphql", json=body, headers=headers)
        except httpx.TransportError:
            return None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the store, past the API."""
        with sqlite3.connect(f"file:{self.home}/botgraph.db?mode=ro", uri=True) as connection:
            return connection.execute(query).fetchall()


def unused_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


def played(home: Path, candles: Path, bars: int, *, config: str = "") -> Path:
    """A home after so many bars of the first recorded day; the file that it replays."""
    home.mkdir(parents=True)
    if config:
        (home / "config").mkdir()
        (home / "config" / "bot.yaml").write_text(config)
    day = first_days(candles, 1, home / "day.csv")
    play_bars(replay_settings(home, day, f"sqlite:///{home / 'botgraph.db'}"), bars)
    return day


@contextmanager
def housed(home: Path, day: Path, *, speed: str, **environment: str) -> Iterator[House]:
    """The home under `botgraph up`, ready."""
    argv = [BOTGRAPH, "up", "--candles", str(day), "--speed", speed]
    with running(
        argv, home=home, port=unused_port(), environment={"BOT_API_RATE_PER_MINUTE": "0", **environment}
    ) as up:
        up.says("Ready in ")
        house = House(up=up, token=(home / "keys" / "admin.key").read_text().strip())
        try:
            yield house
        finally:
            house.api.close()
            up.stop()


def told(run: dict[str, Any]) -> str:
    """How a run ended, for a failure's message."""
    return json.dumps({"status": run["status"], "error": run["error"], "steps": run["steps"]}, indent=1)
