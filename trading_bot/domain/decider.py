"""The decider: who decides on entries, the strategies or a language model, and what an operator may set about the latter."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from ipaddress import ip_address
from typing import Annotated, ClassVar
from urllib.parse import SplitResult, urlsplit

from trading_bot.domain.instruments import SYMBOL, require_symbols
from trading_bot.domain.ranges import STRICT, TEXT, Count, Form, Range, Reference, require_ranges

MOST_SYMBOLS = 10
"""Symbols that a language model is shown at once: more don't fit what it may be sent."""

_PRINTABLE = TEXT.pattern.removesuffix("*")
_REFERENCE = rf"env:[A-Za-z_][A-Za-z0-9_]{{0,99}}|file:(?!\s){_PRINTABLE}{{1,400}}"
_MODEL = rf"{_PRINTABLE}{{1,300}}"
_LONGEST = 300


class DeciderKind(Enum):
    """Who decides on entries."""

    RULES = "rules"
    """The strategies."""
    LANGUAGE_MODEL = "language-model"
    """A language model; the strategies rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Who decides on entries. All but `kind` is about the language model, and not used by the rules."""

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    kind: DeciderKind = DeciderKind.RULES
    """Who decides: rules (the strategies) or language-model."""
    url: Annotated[
        str | None,
        Form(
            pattern=r"https?://[!-~]{1,292}",
            says="such as https://example.com/v1: no user, password, query or fragment in it",
            examples=("https://example.com/v1",),
        ),
    ] = None
    """Where an OpenAI-compatible endpoint is, without `/chat/completions`; https where a key is sent, unless it is this machine."""
    key: Annotated[
        str | None,
        Form(
            pattern=_REFERENCE,
            says="as env:NAME or file:PATH: it says where the key is, and is not the key itself",
            examples=("env:MODEL_KEY", "file:/run/secrets/model.key"),
        ),
        Reference(),
    ] = None
    """Where the endpoint's key is: env:NAME or file:PATH; null for none. Never the key itself."""
    model: Annotated[
        str | None, Form(pattern=_MODEL, says="of 1 to 300 printable characters", examples=("small-instruct",))
    ] = None
    """The model's name at the endpoint."""
    every_bars: Annotated[int, Range(low=1, high=390, unit="minutes of venue time")] = 5
    """Minutes of venue time from one question to the next, 1 to 390."""
    symbols: Annotated[tuple[str, ...], Count(low=0, high=MOST_SYMBOLS), SYMBOL] = ()
    """What it is shown and may enter, at most 10 symbols; empty takes the first ten that are traded."""
    timeout_seconds: Annotated[float, Range(low=1.0, high=120.0, unit="seconds")] = 20.0
    """Wall-clock seconds that an answer may take, 1 to 120."""
    max_tokens: Annotated[int, Range(low=50, high=8000, unit="tokens")] = 800
    """Longest answer, in tokens, 50 to 8000."""
    temperature: Annotated[float | None, Range(low=0.0, high=2.0)] = 0.0
    """Chance in its answers, 0 to 2; null leaves it to the endpoint."""
    cost_per_1k_input: Annotated[Decimal, Range(low=Decimal(0), high=Decimal(1000), unit="US dollars")] = Decimal(0)
    """US dollars for 1,000 tokens that are sent, 0 to 1000."""
    cost_per_1k_output: Annotated[Decimal, Range(low=Decimal(0), high=Decimal(1000), unit="US dollars")] = Decimal(0)
    """US dollars for 1,000 tokens that are answered, 0 to 1000."""

    def __post_init__(self) -> None:
        require_ranges(self, "decider.")
        require_symbols("decider.symbols", self.symbols)
        _require_endpoint(self)


def _require_endpoint(decider: Decider) -> None:
    """Refuse an endpoint that can't be called, or a key that would travel in the clear. No message repeats a value: it may be a secret."""
    if decider.kind is DeciderKind.LANGUAGE_MODEL and not (decider.url and decider.model):
        msg = "Expected `decider.url` and `decider.model` for a language model."
        raise ValueError(msg)
    if decider.url is not None:
        parts = _parts(decider.url)
        if parts.scheme == "http" and decider.key is not None and not _is_this_machine(parts.hostname or ""):
            msg = "Expected `decider.url` with https: a key is sent in the clear to this machine only."
            raise ValueError(msg)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    else:
        usable = usable and not (parts.username or parts.password or parts.query or parts.fragment)
        if usable and len(url) <= _LONGEST and url.isascii() and url.isprintable() and " " not in url:
            return parts
    msg = "Expected `decider.url` such as https://example.com/v1: no user, password, query or fragment in it."
    raise ValueError(msg)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
