"""Probes: what a service manager and a monitoring system ask: whether the API lives, whether it can do its work, and its figures."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from graph.doors.pages import Pages, json_answer
from graph.observability.metrics import CONTENT_TYPE, BotFigures, Metrics
from resolvers.context import Operation
from resolvers.metrics import find_metrics
from resolvers.state import find_bot_summary
from trading_bot.domain.commands import Caller
from trading_bot.errors.fault import Fault
from trading_bot.store.schema import require_current
from trading_bot.store.versions import HEAD

NOT_READY = 503
MOST_BOTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Answers the probes that need a key."""

    pages: Pages
    metrics: Metrics

    async def ready(self, request: Request) -> Response:
        """Whether the store can be read and is of this release; `?verbose` names each check and how the bots are, which decides nothing."""
        caller = await self.pages.caller(request)
        if isinstance(caller, Response):
            return caller
        checks = [await self._check_store(), await self._check_schema()]
        faults = [check for check in checks if isinstance(check, Fault)]
        if "verbose" not in request.query_params:
            return self.pages.error(faults[0], NOT_READY) if faults else json_answer({"status": "ready"})
        shown = [_shown(name, check) for name, check in zip(("store", "schema"), checks, strict=True)]
        body: dict[str, Any] = {
            "status": "not ready" if faults else "ready",
            "checks": shown,
            "bots": [] if faults else await self._bots(caller),
        }
        if faults:
            body["errors"] = [self.pages.shape.of_fault(faults[0])]
        return json_answer(body, NOT_READY if faults else 200)

    async def figures(self, request: Request) -> Response:
        """Everything that is counted, for Prometheus."""
        caller = await self.pages.caller(request)
        if isinstance(caller, Response):
            return caller
        headers = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        return Response(self.metrics.text(await self._figures(caller)), headers=headers)

    async def _check_store(self) -> str | Fault:
        try:
            bots = await self._in_thread(self.pages.parts.store.bot_ids)
        except Fault as fault:
            return fault
        return f"{len(bots)} bots"

    async def _check_schema(self) -> str | Fault:
        try:
            await self._in_thread(lambda: require_current(self.pages.parts.store.engine))
        except Fault as fault:
            return fault
        return HEAD

    async def _bots(self, caller: Caller) -> list[dict[str, Any]]:
        """How each bot is; none where that can't be read now."""
        operation = Operation(self.pages.parts, caller)
        try:
            found = []
            for bot_id in await self._bot_ids():
                summary = await find_bot_summary(operation.of_root(bot_id), bot_id=bot_id)
                found.append(
                    {
                        "id": bot_id,
                        "health": summary.health_status,
                        "reason": summary.health_reason,
                        "dataAgeSeconds": summary.data_age_seconds,
                    }
                )
        except Fault:
            return []
        finally:
            await operation.close()
        return found

    async def _figures(self, caller: Caller) -> list[BotFigures] | None:
        operation = Operation(self.pages.parts, caller)
        try:
            return [
                BotFigures(
                    bot_id=bot_id,
                    figures=await find_metrics(operation.of_root(bot_id), bot_id=bot_id),
                    summary=await find_bot_summary(operation.of_root(bot_id), bot_id=bot_id),
                )
                for bot_id in await self._bot_ids()
            ]
        except Fault:
            return None
        finally:
            await operation.close()

    async def _bot_ids(self) -> tuple[str, ...]:
        return (await self.pages.parts.memory.bots())[:MOST_BOTS]

    async def _in_thread(self, work: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.pages.parts.workers, work)


def _shown(name: str, check: str | Fault) -> dict[str, Any]:
    if isinstance(check, Fault):
        return {"name": name, "ok": False, "detail": f"{check.code}: {check.cause}"}
    return {"name": name, "ok": True, "detail": check}
