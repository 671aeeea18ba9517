"""Config secrets: texts that look like a secret. A configuration says where a secret is, and never holds it."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from trading_bot.services.config_fields import Path

_SHAPES = re.compile(
    r"^(?:sk|pk|rk|bg|ghp|gho|ghs|glpat|xox[abprs]|hf|gsk)[-_][\w-]{16,}$"  # keys that say by their beginning what they are
    r"|^github_pat_\w{20,}$"
    r"|^A(?:KIA|SIA)[A-Z0-9]{16}$"
    r"|^eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*$"  # a signed token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


def looks_secret(text: object) -> bool:
    """Whether a text has the shape of a key or token, or is an address with a password in it."""
    return isinstance(text, str) and (bool(_SHAPES.search(text)) or _has_password(text))


def secrets_in(values: Any, path: Path = ()) -> Iterator[Path]:
    """Where in a configuration something stands that looks like a secret."""
    match values:
        case dict():
            for key, value in values.items():
                yield from secrets_in(value, (*path, str(key)))
        case list():
            for place, value in enumerate(values):
                yield from secrets_in(value, (*path, place))
        case str() if looks_secret(values):
            yield path


def _has_password(text: str) -> bool:
    if "://" not in text:
        return False
    try:
        return bool(urlsplit(text).password)
    except ValueError:
        return False
