"""A masked fault of the running API is found in its log by the id that the caller was given."""

import json
import sqlite3
from pathlib import Path

import httpx

from tests.api.test_process import free_port, key, running, wait_until_alive
from tests.fakes.seeded_watch import COMMAND


def test_a_masked_fault_is_found_in_the_log_by_its_id(tmp_path: Path, seeded_store: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "botgraph.db").write_bytes(seeded_store.read_bytes())
    with sqlite3.connect(home / "botgraph.db") as damaged:
        damaged.execute("UPDATE commands SET outcome = '{hunter2'")
    damaged.close()
    port, token = free_port(), key(home)
    with running(home, port) as process:
        wait_until_alive(port, process)
        query = {"query": f'{{ command(id: "{COMMAND}") {{ outcome }} viewer {{ scope }} }}'}
        body = httpx.post(f"http://127.0.0.1:{port}/graphql", json=query, headers={"X-API-Key": token}).json()
    (error,) = body["errors"]
    lines = (home / "logs" / "api.log").read_text().splitlines()
    (record,) = [json.loads(line) for line in lines if error["extensions"]["context"]["fault_id"] in line]

    assert error["extensions"]["errorCode"] == "SYS_001"
    assert error["extensions"]["cause"] == "An unexpected fault of the API."
    assert "hunter2" not in json.dumps(body)
    assert body["data"]["viewer"] == {"scope": "READ"}
    assert record["event"] == "fault"
    assert record["exception"].startswith("Traceback")
    assert "JSONDecodeError" in record["exception"]
