"""The load of `store_waits`: clients that ask for the whole state without pause, and subscribers to it each second.

`python -m benchmarks.store_load PORT` with the API key in TOKEN; it says when all are connected, and ends with its standard input. It
stands for other machines, so it only takes processor time that nobody here wants.
"""

import asyncio
import json
import os
import sys
import threading
from contextlib import ExitStack

from websockets.sync.client import connect

from benchmarks.answer_latency import STATE
from benchmarks.load import request
from benchmarks.load import run as load

CLIENTS = 10
SUBSCRIBERS = 100
_EACH_SECOND = STATE.replace("botState", "botState(intervalSeconds: 1)", 1)


def main() -> None:
    """Connect, say so, and ask until standard input ends."""
    port, token = int(sys.argv[1]), os.environ["TOKEN"]
    with ExitStack() as connections:
        for _ in range(SUBSCRIBERS):
            connecting = connect(
                f"ws://127.0.0.1:{port}/graphql",
                subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]  # a str
                max_queue=None,
            )
            socket = connections.enter_context(connecting)
            socket.send(json.dumps({"type": "connection_init", "payload": {"X-API-Key": token}}))
            socket.send(
                json.dumps({"type": "subscribe", "id": "1", "payload": {"query": f"subscription {_EACH_SECOND}"}})
            )
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        threading.Thread(target=_ask, args=(port, token), daemon=True).start()
        print("connected", flush=True)
        sys.stdin.read()


def _ask(port: int, token: str) -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    headers = {"X-API-Key": token, "Content-Type": "application/json"}
    ask = request("/graphql", body=json.dumps({"query": STATE}).encode(), headers=headers)
    while True:
        asyncio.run(load(port, [ask], connections=CLIENTS, total=100))


if __name__ == "__main__":
    main()
