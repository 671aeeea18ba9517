"""Codes of requests: AUTH who asks, API how often, QRY what is asked."""

from trading_bot.errors.codes import DELAY, FIX, LOW, MEDIUM, code, look

REQUEST_CODES = (
    code(
        "AUTH_001", "AuthenticationError", "No valid API key was sent", MEDIUM, FIX,
        meaning="The request had no key, or one that does not exist or was revoked.",
        impact="Nothing was read or changed; the document was not even parsed.",
        remediation="Send a key in the X-API-Key header (over WebSocket in connection_init's payload). The first key is in keys/admin.key in BOTGRAPH_HOME.",
    ),
    code(
        "AUTH_002", "AuthorizationError", "The key may not do this", MEDIUM, FIX,
        meaning="The operation needs a wider scope than the key has.",
        impact="Nothing was changed.",
        remediation="Use a key of the scope in context.needs, or ask the operator who holds the admin key to carry it out.",
        actions=(look("See what this key may do", "viewer"),),
    ),
    code(
        "API_429", "RateLimitError", "Rate limit exceeded", LOW, DELAY,
        meaning="The venue, or this API, was called too often in one minute.",
        impact="The call did nothing; the bot tries again at its next step.",
        remediation="Wait for retry.afterSeconds, then send fewer calls: select more fields in one query, or subscribe instead of polling.",
        actions=(look("See what is left of this minute", "viewer"),),
    ),
    code(
        "QRY_001", "RequestError", "The request body is not a GraphQL request", LOW, FIX,
        meaning="The body is not JSON, not an object, too large, or of another content type.",
        impact="Nothing was executed.",
        remediation='POST application/json with {"query": "{ botSummary { healthStatus } }"}.',
    ),
    code(
        "QRY_002", "RequestError", "The document has a syntax error", LOW, FIX,
        meaning="The GraphQL document can't be parsed.",
        impact="Nothing was executed.",
        remediation="Correct the document at the line and column in errors[].locations; braces, quotes and commas are the usual causes.",
    ),
    code(
        "QRY_003", "RequestError", "The document does not fit the schema", LOW, FIX,
        meaning="A field, argument, type or fragment is not what the schema has.",
        impact="Nothing was executed.",
        remediation="Correct what the cause names; GET /schema.graphql with your key shows all fields with their descriptions.",
    ),
    code(
        "QRY_004", "RequestError", "A variable or argument has a wrong value", LOW, FIX,
        meaning="A value is missing, of the wrong type or out of its range.",
        impact="Nothing was executed, or only the field in errors[].path is null.",
        remediation="Send the value in the range that the cause names; decimals are strings, times ISO 8601 in UTC, lists take first 1 to 100.",
    ),
    code(
        "QRY_005", "NotFoundError", "No such address, operation or record", LOW, FIX,
        meaning="Nothing has that address, name or id.",
        impact="Nothing was read or changed.",
        remediation="POST GraphQL documents to /graphql; take ids from a list query, and operation names from the document that you send.",
    ),
    code(
        "QRY_006", "RequestError", "That method is not allowed here", LOW, FIX,
        meaning="The address exists, but not for this HTTP method; a mutation needs POST.",
        impact="Nothing was executed.",
        remediation="Use POST for mutations and POST or GET for queries on /graphql.",
    ),
    code(
        "QRY_007", "RequestError", "An idempotency key was used for something else", MEDIUM, FIX,
        meaning="The same key came with different content within 24 hours.",
        impact="Nothing was changed; the first write stands.",
        remediation="Choose a new idempotencyKey for a new write; repeat the same input exactly to see the first result.",
    ),
    code(
        "QRY_008", "ConfirmationError", "This write needs a confirm token", LOW, FIX,
        meaning="The risk of the write is HIGH, and it came without a token from a dry run.",
        impact="Nothing was changed.",
        remediation="Send the same input with dryRun: true, read preview.effects, then send it again within 120 s with preview.confirmToken as confirmToken.",
    ),
    code(
        "QRY_009", "ConfirmationError", "The confirm token is not good for this write", LOW, FIX,
        meaning="The token has expired, was used, or belongs to another input, operation or key.",
        impact="Nothing was changed.",
        remediation="Send the same input with dryRun: true for a new token, read preview.effects, then send it again within 120 s with that token.",
    ),
)  # fmt: skip
