"""One GraphQL call of the running API, as the terminal makes it."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from trading_bot.errors.catalogue import CATALOGUE
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings

TIMEOUT_SECONDS = 10.0


def call(settings: Settings, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer's `data`. Raises Fault AUTH_001 without a key, SYS_006 when nothing answers, else with the API's own code."""
    headers = {"X-API-Key": key_of(settings), "Content-Type": "application/json", "Host": host_of(settings)}
    place = urlsplit(settings.api_address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/graphql", json.dumps({"query": query, "variables": variables}), headers)
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = f"{settings.api_address} gave no answer: {type(error).__name__}."
        raise Fault("SYS_006", cause, context={"address": settings.api_address}) from None
    finally:
        connection.close()
    match answer:
        case {"errors": [{"message": str()} as error, *_]}:
            raise fault_of(error)
        case {"data": dict(data)}:
            return data
        case _:
            cause = f"What answers at {settings.api_address} is not BotGraph."
            raise Fault("SYS_006", cause, context={"address": settings.api_address})


def key_of(settings: Settings) -> str:
    """The key that the terminal calls with. AUTH_001 where there is none."""
    if settings.api_auth_token is not None:
        return settings.api_auth_token.get_secret_value()
    try:
        return settings.first_key_file.read_text().strip()
    except OSError:
        cause = f"No key is saved in {settings.first_key_file}, and BOT_API_AUTH_TOKEN is not set."
        raise Fault("AUTH_001", cause) from None


def host_of(settings: Settings) -> str:
    """A name under which the API lets itself be called."""
    return next((name for name in settings.api_allowed_hosts if "*" not in name), "localhost")


def fault_of(error: dict[str, Any]) -> Fault:
    """The API's error, as a fault of ours."""
    told = error.get("extensions", {})
    code = told.get("errorCode")
    return Fault(
        code if code in CATALOGUE else "SYS_001",  # a newer API may know codes that we don't
        told.get("cause", error.get("message", "")),
        message=error.get("message"),
        impact=told.get("impact"),
        remediation=told.get("remediation"),
        context=told.get("context"),
    )
