"""graphql-ws, the reference client of graphql-transport-ws, does all that it can do."""

import json

import pytest

from graph.doors import messages
from tests.api.client import Api
from tests.external import node


@pytest.mark.usefixtures("_node_packages")
def test_the_reference_client_gets_what_it_asks_for(shared_api: Api) -> None:
    ran = node.run("graphql_ws.mjs", f"ws://127.0.0.1:{shared_api.port}/graphql", shared_api.token, "bg_0_none")
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)

    assert seen["query"] == [{"data": {"viewer": {"name": "admin", "scope": "ADMIN"}}}]
    assert seen["variables"] == [{"data": {"fills": {"edges": [{"node": {"symbol": "IBM"}}]}}}]
    assert seen["mutation"] == [{"data": {"botPause": {"command": None, "errors": []}}}]
    assert seen["invalid"] == [{"errors": ["QRY_003"]}]
    assert seen["afterInvalid"] == [{"data": {"bots": [{"id": "main"}]}}]
    assert seen["failed"] == [{"errors": ["BOT_001"]}]
    assert seen["subscription"] == [{"data": {"botSummary": {"__typename": "BotSummary"}}}] * 2
    assert seen["together"] == [
        [{"data": {"botSummary": {"__typename": "BotSummary"}}}],
        [{"data": {"botState": {"__typename": "BotState"}}}],
    ]
    assert (seen["pong"], seen["closed"]) == ("pong null", "closed 1000")
    assert [(end["closed"], end["reason"][:19]) for end in seen["refused"]] == [(4403, "Forbidden: AUTH_001")]
    assert {
        "BadRequest": messages.INVALID_MESSAGE,
        "Unauthorized": messages.UNAUTHORIZED,
        "Forbidden": messages.FORBIDDEN,
        "SubprotocolNotAcceptable": messages.BAD_PROTOCOL,
        "ConnectionInitialisationTimeout": messages.INIT_TIMEOUT,
        "SubscriberAlreadyExists": messages.ID_IN_USE,
        "TooManyInitialisationRequests": messages.TOO_MANY_INITS,
    }.items() <= seen["codes"].items()
