"""The codes of limits on requests: each names the limit, and its remediation says how to get under it."""

from trading_bot.domain.errors import ErrorCode, RetryKind, Severity


def _limit(code: str, title: str, *, meaning: str, remediation: str) -> ErrorCode:
    return ErrorCode(
        error_code=code,
        error_type="LimitError",
        title=title,
        meaning=meaning,
        impact="Nothing was executed.",
        remediation=remediation,
        severity=Severity.LOW,
        retry=RetryKind.AFTER_FIX,
    )


REQUEST_LIMITS = (
    _limit(
        "QRY_020",
        "The document is too long",
        meaning="It has more tokens (names, values, brackets, comments), or more operations and fragments, than are read.",
        remediation="Send fewer fields, move values into variables, and leave out comments and operations that you don't run.",
    ),
    _limit(
        "QRY_021",
        "The document is too deep",
        meaning="Its fields stand inside each other more levels deep than is allowed, fragments written out.",
        remediation="Ask for the inner object by a root field of its own, such as trades(first: 1) or command(id), in a second query.",
    ),
    _limit(
        "QRY_022",
        "The document has too many aliases",
        meaning="More fields are asked for under another name than is allowed, fragments written out.",
        remediation="Ask once with a list, a filter and `first` instead of many times under aliases, or send several requests.",
    ),
    _limit(
        "QRY_023",
        "The document has too many root fields",
        meaning="More fields stand at the top of an operation than is allowed, fragments written out.",
        remediation="Split it into several requests; leave out root fields that you don't use.",
    ),
    _limit(
        "QRY_024",
        "The document has too many directives",
        meaning="@skip, @include and the like are used more often than is allowed, fragments written out.",
        remediation="Leave out directives whose condition you know, and put one on a fragment instead of on each of its fields.",
    ),
    _limit(
        "QRY_025",
        "The document has too many selections",
        meaning="Fields and spreads are more than is allowed, fragments written out wherever they are spread.",
        remediation="Select only the fields that you need, spread each fragment once, or split the document into several requests.",
    ),
    _limit(
        "QRY_026",
        "The answer would have too many fields",
        meaning="The estimate of the answer's fields, each list counted at its `first`, is over the limit.",
        remediation="Lower `first` (nested lists multiply), select fewer fields below lists, and page with `after`.",
    ),
    _limit(
        "QRY_027",
        "The answer is larger than the key's byte budget",
        meaning="The answer, or the worst that a write may answer, has more bytes than the key's maxResponseBytes.",
        remediation="Send context.narrower with the same variables, which fits; or lower `first` and drop what context.heaviest names.",
    ),
)
"""All of them, by code."""
