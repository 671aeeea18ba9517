"""The examples in docs/api.md answer as they say."""

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.api.client import Api

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ANSWERED = [(kind, text, BLOCKS[n + 1][1]) for n, (kind, text) in enumerate(BLOCKS[:-1]) if BLOCKS[n + 1][0] == "json"]
TALK = next(text for kind, text in BLOCKS if kind == "text")


@pytest.mark.parametrize(("kind", "text", "answer"), ANSWERED, ids=range(len(ANSWERED)))
def test_an_example_answers_as_the_page_says(api: Api, kind: str, text: str, answer: str) -> None:
    given = api.post(text).json() if kind == "graphql" else curl(api, text)

    assert given == json.loads(answer)


def test_the_talk_over_a_websocket_goes_as_the_page_says(api: Api) -> None:
    with api.socket() as socket:
        for line in TALK.replace('"KEY"', json.dumps(api.token)).splitlines():
            direction, _, message = line.partition(" ")
            if direction == ">":
                socket.send(json.loads(message))
            else:
                assert socket.receive() == json.loads(message)


def test_every_kind_of_example_is_there() -> None:
    assert [kind for kind, _, _ in ANSWERED] == [
        "sh",
        "sh",
        "sh",
        "graphql",
        "graphql",
        "graphql",
        "graphql",
        "graphql",
        "graphql",
        "graphql",
    ]


def curl(api: Api, line: str) -> Any:
    """What curl would be answered."""
    words = shlex.split(line.replace("$GRAPHQL", f"{api.url}/graphql").replace("$KEY", api.token))
    pairs = list(pairwise(words))
    headers = dict(value.split(": ", 1) for option, value in pairs if option == "-H")
    body = next((value for option, value in pairs if option == "-d"), None)
    parameters = dict(value.split("=", 1) for option, value in pairs if option == "--data-urlencode")
    return api.call(
        "GET" if "-G" in words else "POST", "/graphql", headers=headers, content=body, params=parameters
    ).json()
