"""`botgraph up` with markers as token and password, and requests that carry keys everywhere: nothing of them is in any file of the logs."""

import sys
from pathlib import Path

import httpx

from tests.processes.running import running

BOTGRAPH = str(Path(sys.executable).with_name("botgraph"))
TOKEN = "MARKER-token-of-the-operator"
WRONG = "bg_0123456789_MARKER-of-a-key-that-nobody-has-made-here"
PASSWORD = "MARKER-password"


def test_nothing_secret_is_in_the_logs_of_any_process(tmp_path: Path, port: int, postgres_url: str) -> None:
    home = tmp_path / "home"
    environment = {
        "BOT_API_AUTH_TOKEN": TOKEN,
        "BOTGRAPH_STORE_URL": postgres_url.replace("postgres:@", f"postgres:{PASSWORD}@"),
        "BOT_MODEL_KEY": "MARKER-model-key",
    }
    pause = f'mutation {{ botPause(input: {{reason: "{WRONG}", idempotencyKey: "p"}}) {{ errors {{ errorCode }} }} }}'
    with running([BOTGRAPH, "up", "--speed", "max"], home=home, port=port, environment=environment) as started:
        started.says("Ready in ")
        answers = [
            httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": query}, headers=headers, timeout=20)
            for query, headers in (
                ("{ viewer { name } }", {"X-API-Key": TOKEN}),
                ("{ viewer { name } }", {"Authorization": f"Bearer {WRONG}"}),
                ("{ viewer { name } }", {"X-API-Key": WRONG, "X-Request-ID": WRONG}),
                (f'{{ nonsense(key: "{TOKEN}") }}', {"X-API-Key": TOKEN}),
                (pause, {"X-API-Key": TOKEN}),
            )
        ]
        httpx.get(f"http://127.0.0.1:{port}/nowhere/{TOKEN}?key={WRONG}", headers={"X-API-Key": TOKEN}, timeout=20)
        assert [answer.status_code for answer in answers][:3] == [200, 401, 401]
        assert answers[-1].json()["data"]["botPause"]["errors"] == []
        started.stop()

    files = [path for path in sorted((home / "logs").rglob("*")) if path.is_file()]
    assert {"bot.out.log", "api.log", "supervisor.log", "trading_bot.log"} <= {path.name for path in files}
    assert any(path.name.startswith("commands-") for path in files)
    told = {path.name: path.read_text(errors="replace") for path in files}
    assert [name for name, text in told.items() if "MARKER" in text] == []
    assert '"reason":"[hidden]"' in next(text for name, text in told.items() if name.startswith("commands-"))
