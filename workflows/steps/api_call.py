"""API calls: a named operation of our own graph with the caller's key, or a request to a host that the operator allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from workflows.model import OperationFacts, Operations, Rehearsal, Scene, Step
from workflows.steps.kind import SHOWN, Problem
from workflows.steps.requests import Requests

FILLED_IN = frozenset({"botId", "reason", "idempotencyKey", "confirmToken", "dryRun"})
"""Variables that the step fills in itself."""
RISKS = MappingProxyType(
    {
        "botPause": RiskLevel.LOW,
        "botResume": RiskLevel.MEDIUM,
        "botStart": RiskLevel.MEDIUM,
        "errorAcknowledge": RiskLevel.LOW,
    }
)
"""Operations that are never of risk HIGH; of every other one that writes it is expected."""
OF_RUNS = frozenset({"workflowExecute", "workflowCancel"})
"""A run starts and ends no runs: that would have no end itself."""
UNCONFIRMED = "QRY_008"
OUTAGE = "SYS_002"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCalls:
    """Carries `api_call` steps out."""

    operations: Operations
    """The way to our own graph."""
    requests: Requests
    """The way to others."""

    def problems(self, step: Step) -> tuple[Problem, ...]:
        if "host" in step.parameters:
            return self.requests.problems(step)
        found = operation_problems(self.operations, step.parameters)
        if "response_code" in step.validation and step.validation["response_code"] != 200:  # noqa: PLR2004 - HTTP
            found.append(Problem(("validation", "response_code"), "our own operations answer with 200", "Write 200."))
        return tuple(found)

    def risk(self, given: Mapping[str, Any]) -> RiskLevel:
        if "host" in given:
            return self.requests.risk(given)
        return RISKS.get(given["operation"], RiskLevel.HIGH) if self.writes(given) else RiskLevel.LOW

    def writes(self, given: Mapping[str, Any]) -> bool:
        if "host" in given:
            return self.requests.writes(given)
        facts = self.operations.facts(given["operation"])
        return facts is None or facts.writes

    async def run(self, given: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
        if "host" in given:
            return await self.requests.run(given, scene)
        facts = _known(self.operations, given["operation"])
        variables = filled_in(facts, given.get("variables", {}), scene)
        answer = await self.operations.run(facts.name, variables, scene.caller)
        if self.risk(given) is RiskLevel.HIGH and error_code(answer) == UNCONFIRMED:
            # The run was confirmed as a whole, for its risk is HIGH; so its step may ask for the token that it needs itself.
            token = _token(await self.operations.run(facts.name, {**variables, "dryRun": True}, scene.caller))
            answer = await self.operations.run(facts.name, {**variables, "confirmToken": token}, scene.caller)
        require_answer(answer, facts.name)
        return {"status": "OK", "response_code": 200, "data": answer.get("data")}

    async def rehearse(self, given: Mapping[str, Any], scene: Scene) -> Rehearsal:
        if "host" in given:
            return self.requests.rehearse(given)
        facts = _known(self.operations, given["operation"])
        risk = self.risk(given)
        if not facts.writes:
            return Rehearsal(effect=f"Asks for {facts.name}: {facts.description}"[:SHOWN], risk=risk, is_skipped=False)
        variables = {**filled_in(facts, given.get("variables", {}), scene), "dryRun": True}
        answer = await self.operations.run(facts.name, variables, scene.caller)
        require_answer(answer, facts.name)
        preview = _payload(answer).get("preview") or {}
        effect = " ".join((str(preview.get("summary") or facts.description), *map(str, preview.get("effects") or ())))
        found = next((one for one in RiskLevel if one.name == preview.get("risk")), risk)
        return Rehearsal(effect=effect[:SHOWN], risk=found, is_skipped=False)


def operation_problems(operations: Operations, given: Mapping[str, Any], place: str = "parameters") -> list[Problem]:
    """What is wrong with the name and the variables of an operation."""
    facts = operations.facts(given["operation"])
    if facts is None or facts.name in OF_RUNS:
        return [
            Problem(
                (place, "operation"),
                f"there is no operation `{given['operation']}` for a step",
                "`botgraph operations` lists them.",
            )
        ]
    found = []
    variables = given.get("variables", {})
    for name in variables:
        if name not in facts.variables:
            closest = get_close_matches(name[:100], facts.variables, n=1, cutoff=0.5)
            remedy = f"Write `{closest[0]}`." if closest else f"It has {', '.join(facts.variables) or 'none'}."
            found.append(Problem((place, "variables", name), f"the operation has no variable `{name:.40}`", remedy))
        elif name in FILLED_IN - {"botId", "reason"}:
            found.append(Problem((place, "variables", name), f"`{name}` is filled in by the step", "Remove it."))
    found += [
        Problem((place, "operation"), f"the operation needs the variable `{name}`", f"Add `{name}` to `variables`.")
        for name in facts.required
        if name not in variables and name not in FILLED_IN
    ]
    return found


def scope_of(operations: Operations, name: str) -> Scope:
    """What a key must be allowed for an operation."""
    facts = operations.facts(name)
    return Scope.ADMIN if facts is None else facts.scope


def filled_in(facts: OperationFacts, variables: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """The variables, with the bot, and for a write reason and idempotency key, where the operation takes them."""
    usual = {"botId": scene.bot_id}
    if facts.writes:
        usual |= {"reason": scene.reason}
    found = {name: value for name, value in usual.items() if name in facts.variables} | dict(variables)
    return found | ({"idempotencyKey": scene.idempotency_key} if facts.writes else {})


def error_code(answer: Mapping[str, Any]) -> str | None:
    """The code of what went wrong: of the operation, or in the payload of a write; null where nothing did."""
    for error in answer.get("errors") or ():
        return str((error.get("extensions") or {}).get("errorCode") or "SYS_001")
    for error in _payload(answer).get("errors") or ():
        return str(error.get("errorCode") or "SYS_001")
    return None


def require_answer(answer: Mapping[str, Any], name: str) -> None:
    """Raise WF_004 where an operation was refused or failed, SYS_002 where the store could not be used: asking again may help."""
    code = error_code(answer)
    if code is not None:
        cause = f"The operation {name} was answered with {code}."
        if code == OUTAGE:
            raise Fault(code, cause, context={"operation": name})
        raise Fault(
            "WF_004", cause, context={"operation": name, "operationErrorCode": code, "untrusted": _said(answer)}
        )


def _payload(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a document of one root field was answered with; empty where that is no object."""
    data = answer.get("data")
    roots = list(data.values()) if isinstance(data, Mapping) else []
    return roots[0] if len(roots) == 1 and isinstance(roots[0], Mapping) else {}


def _said(answer: Mapping[str, Any]) -> str:
    errors = answer.get("errors") or _payload(answer).get("errors") or [{}]
    extensions = errors[0].get("extensions") or errors[0]
    return str(extensions.get("cause") or errors[0].get("message") or "")[:300]


def _token(answer: Mapping[str, Any]) -> str | None:
    preview = _payload(answer).get("preview") or {}
    token = preview.get("confirmToken")
    return token if isinstance(token, str) else None


def _known(operations: Operations, name: object) -> OperationFacts:
    facts = operations.facts(name) if isinstance(name, str) else None
    if facts is None or facts.name in OF_RUNS:
        raise Fault("QRY_005", "No operation has this name.", context={"operation": str(name)[:60]})
    return facts
