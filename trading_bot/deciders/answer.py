"""Answer: the JSON Schema that a language model's answer must satisfy, and its way into the domain."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from trading_bot.domain.advice import Advice, Enter, Leave, Situation, Stay, Tighten
from trading_bot.domain.errors import REASON_BYTES, capped
from trading_bot.domain.orders import OrderType
from trading_bot.errors.fault import Fault

MOST_CHARACTERS = 20_000
"""Of an answer; a real one has some hundred."""
_ORDER_TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP)
_PRICE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000_000}
_WHY = {"type": "string", "minLength": 1, "maxLength": 2000}


def answer_schema(situation: Situation) -> dict[str, Any]:
    """What may be answered in `situation`: nothing, an entry, an exit or a tighter stop, of the symbols that it allows."""
    choices = [_action("none", {})]
    if situation.may_enter:
        entry = {
            "symbol": {"enum": list(situation.may_enter)},
            "order_type": {"enum": [kind.name for kind in _ORDER_TYPES]},
            "entry_price": _PRICE,
            "stop_price": _PRICE,
            "target_price": {"anyOf": [_PRICE, {"type": "null"}]},
            "good_for_bars": {"type": "integer", "minimum": 1, "maximum": 60},
        }
        choices.append(_action("enter", entry))
    if situation.may_exit:
        planned = {"symbol": {"enum": list(situation.may_exit)}}
        choices += [_action("exit", planned), _action("tighten", {**planned, "stop_price": _PRICE})]
    return {"oneOf": choices}


def parse_answer(text: str, situation: Situation) -> Advice:
    """The advice that `text` spells. Raises Fault LLM_002, which says what is wrong with it and repeats nothing of it."""
    values = _values(text)
    problem = _problem(values, answer_schema(situation))
    if problem is not None:
        raise Fault("LLM_002", f"The answer does not fit the schema: {problem}.")
    reasoning = capped(values["reasoning"], REASON_BYTES)
    match values["action"]:
        case "enter":
            target = values["target_price"]
            return Enter(
                symbol=values["symbol"],
                order_type=OrderType[values["order_type"]],
                entry_price=Decimal(values["entry_price"]),
                stop_price=Decimal(values["stop_price"]),
                target_price=None if target is None else Decimal(target),
                good_for_bars=int(values["good_for_bars"]),
                reasoning=reasoning,
            )
        case "exit":
            return Leave(symbol=values["symbol"], reasoning=reasoning)
        case "tighten":
            return Tighten(symbol=values["symbol"], stop_price=Decimal(values["stop_price"]), reasoning=reasoning)
        case _:
            return Stay(reasoning=reasoning)


def _action(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    parts = {"action": {"const": name}, **properties, "reasoning": _WHY}
    return {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}


def _values(text: str) -> Any:
    if len(text) > MOST_CHARACTERS:
        raise Fault("LLM_002", f"The answer has {len(text)} characters, at most {MOST_CHARACTERS} are read.")
    try:
        # Numbers are read as they are written; NaN and Infinity are no JSON.
        return json.loads(_unfenced(text), parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        raise Fault("LLM_002", "The answer is not JSON.") from None


def _unfenced(text: str) -> str:
    """`text` without the code fence that many models can't do without."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1] == "```":  # noqa: PLR2004 - both fences and something between
        return "\n".join(lines[1:-1])
    return text


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or abs(value.adjusted()) > 20 or len(value.as_tuple().digits) > 20:  # noqa: PLR2004 - digits of any price
        raise ValueError(text)
    return value


def _problem(values: Any, schema: dict[str, Any]) -> str | None:
    """What is wrong, by the place in the answer and the rule that it breaks; null when nothing is."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - a bot without a model does not load it
    from jsonschema.exceptions import relevance  # noqa: PLC0415

    action = values.get("action") if isinstance(values, dict) else None
    meant = [choice for choice in schema["oneOf"] if choice["properties"]["action"]["const"] == action]
    validator = Draft202012Validator(meant[0] if meant else schema)
    first = max(validator.iter_errors(values), key=relevance, default=None)
    if first is None:
        return None
    if not meant:
        return f"`action` must be {_listed([choice['properties']['action']['const'] for choice in schema['oneOf']])}"
    place = ".".join(str(part) for part in first.absolute_path) or "the object"
    return f"`{place}` breaks {first.validator} {_listed(first.validator_value)}"


def _listed(rule: Any) -> str:
    parts = rule if isinstance(rule, Sequence) and not isinstance(rule, str) else [rule]
    return capped(", ".join(str(part) for part in parts), 100)
