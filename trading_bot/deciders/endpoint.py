"""Endpoint: one call to an OpenAI-compatible chat endpoint, bounded in time and size, with nothing of the key in what comes back."""

import asyncio
import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import orjson

from trading_bot.clock import Clock
from trading_bot.deciders.secret import read_secret, without_secret
from trading_bot.domain.decider import Decider
from trading_bot.errors.fault import Fault

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 262_144
"""Of a reply; a real one has some thousand."""
LONGEST_WAIT_SECONDS = 3600.0
"""A server that asks for more is asked again after this all the same."""
_MOST_TOKENS = 100_000_000
_OK = 200
_TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What an endpoint answered."""

    text: str
    """The model's words: untrusted."""
    input_tokens: int | None
    """Tokens that were sent; null where it does not say."""
    output_tokens: int | None
    """Tokens that were answered; null where it does not say."""


class Endpoint:
    """One chat endpoint. Connections are kept between calls; the key is not."""

    def __init__(self, *, config: Decider, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    async def complete(self, system: str, user: str) -> Completion:
        """Send both messages. Raises Fault LLM_001 for whatever keeps it from an answer, CFG_006 for a key that can't be read."""
        secret = read_secret(self._config.key) if self._config.key is not None else None
        status, headers, body = await self._sent(self._request(system, user), secret)
        if status == _TOO_MANY:
            after = _retry_after(headers.get("retry-after"), self._clock)
            raise Fault("LLM_001", "The endpoint answered 429: too many calls.", after_seconds=after)
        if status != _OK:
            raise Fault("LLM_001", f"The endpoint answered {status}{_hint(status)}.", context={"status": status})
        return _completion(body, secret)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _request(self, system: str, user: str) -> dict[str, Any]:
        request = {
            "model": self._config.model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            "max_tokens": self._config.max_tokens,
        }
        return request if self._config.temperature is None else {**request, "temperature": self._config.temperature}

    async def _sent(self, request: dict[str, Any], secret: str | None) -> tuple[int, "httpx.Headers", bytes]:
        """Status, headers and body of the reply, within the time that is allowed for all of it."""
        import httpx  # noqa: PLC0415 - a bot without a model does not load it

        seconds = self._config.timeout_seconds
        # An encoded body could be far larger than what is read of it.
        headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
        if secret is not None:
            headers["authorization"] = f"Bearer {secret}"
        if self._client is None:
            # What the environment says of proxies and logins is left out: the key goes to the configured address only.
            self._client = httpx.AsyncClient(timeout=seconds, trust_env=False, follow_redirects=False)
        url = f"{(self._config.url or '').rstrip('/')}/chat/completions"
        try:
            async with asyncio.timeout(seconds):
                content = orjson.dumps(request)
                async with self._client.stream("POST", url, content=content, headers=headers) as reply:
                    return reply.status_code, reply.headers, await _body(reply)
        except (TimeoutError, httpx.TimeoutException):
            raise Fault("LLM_001", f"The endpoint did not answer within {seconds:g} s.") from None
        except httpx.HTTPError as error:
            raise Fault("LLM_001", f"The call to the endpoint failed ({type(error).__name__}).") from None


async def _body(reply: "httpx.Response") -> bytes:
    if reply.headers.get("content-encoding", "identity") != "identity":
        raise Fault("LLM_001", "The endpoint answered in an encoding that it was not asked for.")
    body = bytearray()
    async for part in reply.aiter_raw():
        body += part
        if len(body) > MOST_BYTES:
            raise Fault("LLM_001", f"The endpoint answered with more than {MOST_BYTES} bytes.")
    return bytes(body)


def _completion(body: bytes, secret: str | None) -> Completion:
    """What the body says. It may say anything."""
    try:
        reply = orjson.loads(body)
        text = reply["choices"][0]["message"]["content"]
    except (ValueError, TypeError, KeyError, IndexError):
        raise Fault("LLM_001", "The endpoint's reply is not a chat completion.") from None
    if not isinstance(text, str):
        raise Fault("LLM_001", "The endpoint's reply has no text in it.")
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return Completion(
        text=without_secret(text, secret),
        input_tokens=_tokens(counts.get("prompt_tokens")),
        output_tokens=_tokens(counts.get("completion_tokens")),
    )


def _tokens(count: Any) -> int | None:
    is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MOST_TOKENS
    return count if is_count else None


def _retry_after(value: str | None, clock: Clock) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or a date), at most an hour; null where there is none to understand."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds()
        except (ValueError, TypeError):  # no date, or one without a zone
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else None


def _hint(status: int) -> str:
    if status in (401, 403):
        return ": it does not take the key"
    if status == 404:  # noqa: PLR2004 - Not Found
        return ": it does not know the address or the model"
    return ""
