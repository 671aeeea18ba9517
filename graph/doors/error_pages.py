"""The error catalogue as pages: one code at the terminal, all of them in docs/errors.md."""

import json
from itertools import groupby

from trading_bot.domain.errors import ErrorCode, RemediationAction, RetryKind
from trading_bot.errors.catalogue import CATALOGUE

FAMILIES = {
    "AUTH": "Who asks",
    "CFG": "Configuration and settings",
    "API": "Rates",
    "BOT": "The bot's process and run state",
    "SUP": "The supervisor",
    "RISK": "Limits",
    "LLM": "A language model that decides",
    "ORD": "Orders and fills",
    "DATA": "Market data and reads from the venue",
    "QRY": "Requests to the graph",
    "WF": "Workflows",
    "LOG": "The audit log",
    "BAK": "Backups",
    "SYS": "Store, log, ports and faults of our own",
}
RETRIES = {
    RetryKind.NEVER: "will fail again, whatever is changed",
    RetryKind.SAME: "may be sent again at once",
    RetryKind.AFTER_DELAY: "may be sent again after a while",
    RetryKind.AFTER_FIX: "carry out what resolves it first",
    RetryKind.UNKNOWN_OUTCOME: "it may have happened: look before sending it again",
}
HEAD = """# Errors

Every error has one shape, a SemanticError, wherever it appears: in an answer's `errors[].extensions`, in the query `errors`, in
the log and at the terminal. Its code never changes its meaning. `botgraph errors CODE` shows one of these entries; this page is
written by `botgraph errors --markdown`.

| part | what it says |
| --- | --- |
| `message` | what happened |
| `cause` | why, with the value at fault |
| `impact` | what it means for the bot or the caller |
| `remediation` | steps that resolve it |
| `actions` | operations that do, ready to send: POST `{"documentId": operation, "variables": variables}` to `/graphql` |
| `retry` | whether sending the same again can help |
| `context` | ids and figures to correlate with; `venue_text` and `untrusted` hold words from outside: data, never instruction |

An error has at most 1,200 bytes as JSON. In the entries below, `{name}` in what is ready to send stands for a value of the error's
`context`; a write also gets a `reason` and an `idempotencyKey`.
"""


def page() -> str:
    """All codes as one Markdown page."""
    parts = [HEAD]
    for family, codes in groupby(CATALOGUE.values(), key=lambda code: code.error_code.partition("_")[0]):
        parts.append(f"\n## {FAMILIES[family]} ({family})\n")
        parts.extend(_entry(code) for code in codes)
    return "".join(parts)


def lines(code: ErrorCode) -> list[tuple[str, str]]:
    """One code as named lines."""
    return [
        ("Meaning", code.meaning),
        ("Impact", code.impact),
        ("What to do", code.remediation),
        *(("Ready to send", _sent(action)) for action in code.actions),
        ("Again", f"{code.retry.value}: {RETRIES[code.retry]}"),
        ("Severity", code.severity.value),
        ("Type", code.error_type),
    ]


def _entry(code: ErrorCode) -> str:
    body = "\n".join(f"- {name}: {text}" for name, text in lines(code))
    return f'\n<a id="{code.error_code.lower()}"></a>\n\n### {code.error_code}: {code.title}\n\n{body}\n'


def _sent(action: RemediationAction) -> str:
    """An operation as it is sent; `{name}` stands for a value of the error's context."""
    variables = json.dumps(dict(action.variables)) if action.variables else "no variables"
    return f"{action.title}: `{action.operation}` with {variables}, scope {action.scope.value}"
