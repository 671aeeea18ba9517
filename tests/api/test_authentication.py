"""Without a valid key nothing is learnt; with one, the key decides what may be done."""

from typing import Any

import pytest

from tests.api.client import Api
from trading_bot.domain.errors import Scope

ANYTHING: list[dict[str, Any]] = [
    {"method": "POST", "json": {"query": "{ viewer { name } }"}},
    {"method": "POST", "json": {"query": "{ nonsense"}},
    {"method": "POST", "json": {"query": "{ __schema { types { name } } }"}},
    {"method": "POST", "content": b"\x00\xff not json"},
    {"method": "POST", "content": b"x" * 100_000, "headers": {"Content-Type": "text/plain"}},
    {"method": "POST", "content": b""},
    {"method": "GET", "params": {"query": "{ viewer { name } }"}},
    {"method": "GET"},
    {"method": "DELETE"},
    {"method": "POST", "json": {"query": "{ viewer { name } }"}, "headers": {"X-API-Key": "bg_00_wrong"}},
    {"method": "POST", "json": {"query": "{ viewer { name } }"}, "headers": {"Authorization": "Bearer " + "x" * 5000}},
    {"method": "POST", "json": {"query": "{ viewer { name } }"}, "headers": {"Authorization": "Basic YTpi"}},
    {"method": "POST", "json": {"query": "{ viewer { name } }"}, "headers": {"X-API-Key": ""}},
]


def test_without_a_key_everything_gets_the_same_refusal(shared_api: Api) -> None:
    answers = [shared_api.call(path="/graphql", **request) for request in ANYTHING]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["Cache-Control"] == "no-store"
    assert answers[0].json() == {
        "errors": [
            {
                "message": "No valid API key was sent",
                "extensions": {
                    "errorCode": "AUTH_001",
                    "errorType": "AuthenticationError",
                    "cause": "The request came without a valid key.",
                    "impact": "Nothing was read or changed; the document was not even parsed.",
                    "remediation": answers[0].json()["errors"][0]["extensions"]["remediation"],
                    "retry": {"kind": "AFTER_FIX", "afterSeconds": None},
                    "context": {},
                    "severity": "MEDIUM",
                    "timestamp": "2026-03-02T12:00:00Z",
                    "actions": [],
                },
            }
        ]
    }


@pytest.mark.parametrize("path", ["/readyz", "/schema.graphql", "/config.schema.json"])
def test_the_other_pages_need_a_key_too(shared_api: Api, path: str) -> None:
    assert shared_api.call("GET", path).status_code == 401
    assert shared_api.call("GET", path, headers={"X-API-Key": shared_api.token}).status_code == 200


def test_a_key_is_taken_from_either_header(shared_api: Api) -> None:
    body = {"query": "{ viewer { keyId name scope maxResponseBytes rateLimitPerMinute } }"}
    plain = shared_api.call("POST", "/graphql", json=body, headers={"X-API-Key": shared_api.token})
    bearer = shared_api.call("POST", "/graphql", json=body, headers={"Authorization": f"bearer {shared_api.token}"})

    assert plain.json()["data"]["viewer"] == bearer.json()["data"]["viewer"]
    assert plain.json()["data"]["viewer"] == {
        "keyId": shared_api.token.split("_")[1],
        "name": "admin",
        "scope": "ADMIN",
        "maxResponseBytes": 1_048_576,
        "rateLimitPerMinute": None,
    }


def test_the_key_of_the_environment_is_an_admins(start: Any) -> None:
    api = start(api_auth_token="a-token-of-the-operator")

    assert api.data("{ viewer { name scope } }", token="a-token-of-the-operator")["viewer"] == {
        "name": "environment",
        "scope": "ADMIN",
    }


def test_a_revoked_key_opens_nothing(api: Api) -> None:
    token = api.key(Scope.READ)
    assert api.data("{ viewer { scope } }", token=token) == {"viewer": {"scope": "READ"}}
    api.keys.revoke(token.split("_")[1])

    assert eventually_refused(api, token) == 401


def eventually_refused(api: Api, token: str) -> int:
    """The status of the first request that is not answered any more; a revocation holds within a second."""
    give_up = api.clock.monotonic() + 2.0
    while True:
        status = api.post("{ viewer { scope } }", token=token).status_code
        if status != 200 or api.clock.monotonic() > give_up:
            return status
