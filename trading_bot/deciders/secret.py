"""Secret: what a reference (env:NAME or file:PATH) stands for, read when it is needed and kept nowhere."""

import os
from pathlib import Path

from trading_bot.errors.fault import Fault

_MOST_BYTES = 4096
SHOWN = "[secret]"


def read_secret(reference: str) -> str:
    """The secret behind `reference`. Raises Fault CFG_006, which names the reference and never what is behind it."""
    kind, _, name = reference.partition(":")
    secret = _variable(name) if kind == "env" else _file(name)
    if not secret.isascii() or not secret.isprintable() or " " in secret or not secret:
        raise _fault(reference, "it is empty, or has characters that no header may carry")
    return secret


def without_secret(text: str, secret: str | None) -> str:
    """`text` with nothing left of the secret: a server may repeat what it was sent."""
    return text.replace(secret, SHOWN) if secret else text


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise _fault(f"env:{name}", "the variable is not set")
    return value.strip()


def _file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _fault(f"file:{name}", f"the file can't be read ({error.strerror})") from None
    if len(raw) > _MOST_BYTES:
        raise _fault(f"file:{name}", f"the file has more than {_MOST_BYTES} bytes")
    return raw.decode("latin-1").strip()


def _fault(reference: str, why: str) -> Fault:
    return Fault("CFG_006", f"`{reference}`: {why}.", context={"reference": reference})
