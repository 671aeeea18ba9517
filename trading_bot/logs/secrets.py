"""Secrets: texts that no log may ever hold, whoever hands them over: keys, passwords, and the name of the account.

Our own code logs none of them. But a venue or a driver may repeat what it was told, so every line is searched before it is written.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from trading_bot.settings import Settings

HIDDEN = "[hidden]"
_KEY = re.compile(
    r"bg_[0-9a-f]{10}_[\w-]{20,}"
)  # an API key as we make them, whoever's it is: the store has only its hash
_KEY_BEGINS = b"bg_"
SHORTEST = 6
"""A shorter text would be found within innocent words, and protects nothing."""


class Secrets:
    """What is to be hidden. It may grow while it is used."""

    def __init__(self, *texts: str | None) -> None:
        self._texts: tuple[str, ...] = ()
        self._escaped: tuple[bytes, ...] = ()  # as orjson writes them
        self._forms: tuple[str, ...] = ()  # as they are, and as either library for JSON writes them
        for text in texts:
            self.add(text)

    def add(self, text: str | None) -> None:
        """Hide `text` from now on; null, and what is too short to be a secret, is passed over."""
        if text is None or len(text) < SHORTEST or text in self._texts:
            return
        longest_first = sorted((*self._texts, text), key=len, reverse=True)
        self._texts = tuple(longest_first)
        self._escaped = tuple(orjson.dumps(known)[1:-1] for known in longest_first)
        forms = ((known, orjson.dumps(known)[1:-1].decode(), json.dumps(known)[1:-1]) for known in longest_first)
        self._forms = tuple(dict.fromkeys(form for three in forms for form in three))

    def hide(self, text: str) -> str:
        """`text` without any of them, as they are or as JSON has them."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return _KEY.sub(HIDDEN, text)

    def are_in(self, line: bytes) -> bool:
        """Whether a line of JSON has one of them anywhere."""
        for known in self._escaped:
            if known in line:
                return True
        return _KEY_BEGINS in line

    def without(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record of JSON data whose texts have none of them; its names stay."""
        return {name: self._hidden(value) for name, value in record.items()}

    def _hidden(self, value: Any) -> Any:
        match value:
            case str():
                return self.hide(value)
            case dict():
                return self.without(value)
            case list() | tuple():
                return [self._hidden(item) for item in value]
            case _:
                return value


def secrets_of(settings: Settings) -> Secrets:
    """What the settings and the saved keys of a home keep secret."""
    password = urlsplit(settings.store_url).password
    secrets = Secrets(password, unquote(password) if password else None)
    if settings.api_auth_token is not None:
        secrets.add(settings.api_auth_token.get_secret_value())
    for file in (settings.first_key_file, settings.confirm_secret_file):
        try:
            secrets.add(file.read_text().strip())
        except (OSError, UnicodeDecodeError):
            continue
    return secrets
