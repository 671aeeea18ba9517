"""The error catalogue: every code once, with what it means and how it is resolved.

AUTH who asks · CFG configuration and settings · API rate · BOT the process and its run state · RISK limits · ORD orders and fills · DATA
market data and venue reads · QRY requests to the graph · SYS store, log, ports and faults of our own.
"""

from types import MappingProxyType

from trading_bot.domain.errors import ErrorCode, RetryKind, Severity

_LOW, _MEDIUM, _HIGH, _CRITICAL = Severity
_NEVER, _SAME, _DELAY, _FIX, _UNKNOWN = RetryKind


def _code(
    code: str,
    kind: str,
    title: str,
    severity: Severity,
    retry: RetryKind,
    *,
    meaning: str,
    impact: str,
    remediation: str,
) -> ErrorCode:
    return ErrorCode(
        error_code=code,
        error_type=kind,
        title=title,
        meaning=meaning,
        impact=impact,
        remediation=remediation,
        severity=severity,
        retry=retry,
    )


_ENTRIES = (
    _code(
        "AUTH_001", "AuthenticationError", "No valid API key was sent", _MEDIUM, _FIX,
        meaning="The request had no key, or one that does not exist or was revoked.",
        impact="Nothing was read or changed; the document was not even parsed.",
        remediation="Send a key in the X-API-Key header (over WebSocket in connection_init's payload). The first key is in keys/admin.key in BOTGRAPH_HOME.",
    ),
    _code(
        "AUTH_002", "AuthorizationError", "The key may not do this", _MEDIUM, _FIX,
        meaning="The operation needs a wider scope than the key has.",
        impact="Nothing was changed.",
        remediation="Use a key of the scope in context.needs, or ask the operator who holds the admin key to carry it out.",
    ),
    _code(
        "CFG_001", "ConfigurationError", "Invalid configuration", _MEDIUM, _FIX,
        meaning="A value of the configuration is missing, unknown, of the wrong type or out of range.",
        impact="The configuration was not taken; what was in force stays in force.",
        remediation="Set the field in context.field to a value within the range that the cause names, and start again.",
    ),
    _code(
        "CFG_002", "ConfigurationError", "The configuration file can't be read", _HIGH, _FIX,
        meaning="config/bot.yaml is missing, not readable, too large or not valid YAML.",
        impact="The bot did not start.",
        remediation="Correct the line that the cause names, or move the file away: without one, a default is written.",
    ),
    _code(
        "CFG_003", "SettingError", "Invalid setting", _HIGH, _FIX,
        meaning="An environment variable or .env entry has a wrong value.",
        impact="The process did not start.",
        remediation="Correct or unset the variable in context.setting; docs/operate.md lists all of them with their ranges.",
    ),
    _code(
        "CFG_004", "ConfigurationError", "Another feed needs another home", _HIGH, _FIX,
        meaning="The paper exchange of this home was started with another candle file, seed or starting cash.",
        impact="The bot did not start; its ledger is untouched.",
        remediation="Set BOTGRAPH_HOME to a new folder for the other feed, or start with the one in context.expected.",
    ),
    _code(
        "CFG_005", "ConfigurationError", "The configuration file was edited", _LOW, _FIX,
        meaning="config/bot.yaml differs from the version in force; a version is changed only by applying a change, never by editing the file.",
        impact="The edit was not taken; the version in force stays in force.",
        remediation="Undo the edit in config/bot.yaml, or start the edited file as the first version of a new BOTGRAPH_HOME.",
    ),
    _code(
        "API_429", "RateLimitError", "Rate limit exceeded", _LOW, _DELAY,
        meaning="The venue, or this API, was called too often in one minute.",
        impact="The call did nothing; the bot tries again at its next step.",
        remediation="Wait for retry.afterSeconds, then send fewer calls: select more fields in one query, or subscribe instead of polling.",
    ),
    _code(
        "BOT_001", "NotFoundError", "No such bot", _LOW, _FIX,
        meaning="No bot of that id is in the store.",
        impact="Nothing was read or changed.",
        remediation="Leave botId out when there is one bot, or take an id from the query `{ bots { id name } }`.",
    ),
    _code(
        "BOT_002", "ProcessError", "This bot already runs", _HIGH, _FIX,
        meaning="Another process holds the lock of this bot: there may be one only.",
        impact="This process did not start; the running bot is untouched.",
        remediation="End the process in context.pid first, or set BOTGRAPH_HOME to another folder for another bot.",
    ),
    _code(
        "BOT_003", "CommandError", "The bot can't do that in its present state", _LOW, _FIX,
        meaning="The command does not fit the run state.",
        impact="The run state is unchanged.",
        remediation="Read health.runState: botResume leaves PAUSED and HALTED, botStart leaves STOPPED. Send the one that fits.",
    ),
    _code(
        "BOT_004", "TradingError", "A step of the trading loop failed", _HIGH, _SAME,
        meaning="One step failed for a reason that has no code of its own; the full record is in the application log under context.fault_id.",
        impact="That step was left out for this bar; the loop goes on and tries it again at the next.",
        remediation="If it repeats, pause with botPause, find context.fault_id in logs/trading_bot.log and correct what it names.",
    ),
    _code(
        "BOT_005", "ProcessError", "BotGraph already runs in this home", _HIGH, _FIX,
        meaning="Another `botgraph up` holds this home.",
        impact="Nothing was started; the running one is untouched.",
        remediation="Stop the process in context.pid with Ctrl-C or SIGTERM, or set BOTGRAPH_HOME to another folder.",
    ),
    _code(
        "BOT_006", "ProcessError", "A process ended and is being restarted", _HIGH, _DELAY,
        meaning="The supervisor saw the bot or the API end or hang, and starts it again after a growing delay.",
        impact="While the bot is down nothing is traded and stops are not watched; while the API is down nothing can be read.",
        remediation="If it repeats, read the last lines of the log file in context.log, correct what they name, and start again.",
    ),
    _code(
        "RISK_001", "RiskError", "An entry was too large or too small", _LOW, _NEVER,
        meaning="What the limits and the buying power leave is less than one unit of the instrument.",
        impact="The entry was not sent; nothing else is affected.",
        remediation="None is needed. To trade this symbol, raise risk.max_position_size_pct or risk.risk_per_trade_pct within their ranges.",
    ),
    _code(
        "RISK_002", "RiskError", "The exposure limit is reached", _LOW, _DELAY,
        meaning="Positions and resting entries are worth what the limits allow, or too many plans are open.",
        impact="The entry was not sent; exits go on.",
        remediation="Wait until a position closes, or raise risk.max_exposure_pct or risk.max_open_positions within their ranges.",
    ),
    _code(
        "RISK_003", "RiskError", "The daily loss limit is reached", _HIGH, _DELAY,
        meaning="The session's P&L is at or below risk.daily_loss_limit.",
        impact="No new entries in this session; stops, targets and exits go on.",
        remediation="Review today's trades with `{ trades(first: 20) { edges { node { symbol netProfitLoss } } } }`; entries go on with the next session.",
    ),
    _code(
        "RISK_004", "RiskError", "Market data is too old to act on", _MEDIUM, _DELAY,
        meaning="The symbol's last bar is older than risk.max_data_age_seconds of venue time.",
        impact="No new entry on the symbol; exits go on.",
        remediation="Wait for the symbol's next bar; if none comes, check health.checks for market_data and the feed's file or connection.",
    ),
    _code(
        "RISK_005", "RiskError", "Too many trades in a row lost", _HIGH, _FIX,
        meaning="Since the breaker was last reset, risk.max_consecutive_losses trades in a row ended with a loss.",
        impact="No new entries: the circuit breaker trips; stops, targets and exits go on.",
        remediation="Review the losses with `{ trades(first: 20) { edges { node { strategyName netProfitLoss } } } }`, then reset with circuitBreakerReset.",
    ),
    _code(
        "RISK_006", "RiskError", "The day-trade limit is reached", _MEDIUM, _DELAY,
        meaning="Below $25,000 of equity three day trades are allowed in five sessions; this entry might have needed a fourth to get out.",
        impact="The entry was not sent; equities can still be sold, crypto pairs can be traded.",
        remediation="Wait until botState.account.dayTradeCount falls with the sessions, or hold $25,000 of equity or more.",
    ),
    _code(
        "RISK_007", "RiskError", "Too many orders within a minute", _LOW, _DELAY,
        meaning="risk.max_orders_per_minute orders were intended within one minute of venue time.",
        impact="The entry was not sent; exits go on and are never held back.",
        remediation="None is needed: the next minute begins anew. If it repeats, trade fewer symbols or raise risk.max_orders_per_minute.",
    ),
    _code(
        "RISK_008", "RiskError", "An entry price is out of its collar", _MEDIUM, _NEVER,
        meaning="The price is further than risk.price_collar_pct from the last one, or not a multiple of the price step.",
        impact="The entry was not sent; nothing else is affected.",
        remediation="Compare the figures with the symbol's last bar: a wrong price comes from the strategy or model, or from a bad bar of the feed.",
    ),
    _code(
        "RISK_009", "RiskError", "The symbol takes no entries", _HIGH, _FIX,
        meaning="What the venue holds of the symbol differs from our books, and nobody has settled it yet.",
        impact="No new entry on the symbol; exits of what is held go on, other symbols are traded.",
        remediation="See the quantities with `botgraph reconcile`, then settle it with `botgraph reconcile --adopt SYMBOL` or `--ignore SYMBOL` and a --reason.",
    ),
    _code(
        "RISK_010", "RiskError", "The circuit breaker tripped", _HIGH, _FIX,
        meaning="A limit that ends a day's entries was reached; context.code says which.",
        impact="The bot is HALTED: no entries, resting ones are cancelled; stops, targets and sync go on, also after a restart.",
        remediation="Find out why with riskEvents and today's trades. Once the cause is gone, reset with circuitBreakerReset (ADMIN, with a reason).",
    ),
    _code(
        "RISK_011", "RiskError", "The venue rejects too many orders", _HIGH, _DELAY,
        meaning="The venue rejected risk.max_rejections orders within risk.rejection_window_minutes of venue time.",
        impact="No new entries: the circuit breaker trips; stops, targets and exits go on.",
        remediation="Read the venue's texts in `{ errors(first: 20) { edges { node { cause context } } } }`, correct what they name, and reset with circuitBreakerReset.",
    ),
    _code(
        "RISK_012", "RiskError", "An exit would sell more than is held", _MEDIUM, _NEVER,
        meaning="The quantity is larger than what the plan holds: it would be a short sale, which the bot never makes.",
        impact="The order was not sent; the position and its stop are as they were.",
        remediation="Send at most the quantity that botState.positions shows.",
    ),
    _code(
        "ORD_001", "OrderError", "The venue rejected an order", _MEDIUM, _FIX,
        meaning="The venue definitely refused; its own text is in context.venue_text and is data, not instruction.",
        impact="The order does not exist at the venue; an exit is tried again at the next bar.",
        remediation="Compare context.quantity and context.symbol with the account's buying power and positions in botState, then correct the limits.",
    ),
    _code(
        "ORD_002", "OrderError", "An order's outcome is unknown", _HIGH, _UNKNOWN,
        meaning="The venue did not answer in time: the order may or may not exist there.",
        impact="The order counts as live until a look-up settles it; no second one is sent for the same plan.",
        remediation="Nothing to send: the bot looks it up at every bar. Watch the order's status in botState.orders until it is settled.",
    ),
    _code(
        "ORD_003", "OrderError", "A fill that no plan or order explains", _HIGH, _FIX,
        meaning="The venue reports an execution with our prefix for which there is no plan and no order here.",
        impact="It was booked with the reason `unattributed`; our position includes it, no stop watches it.",
        remediation="Compare context.client_order_id with the venue's own records, then close the position there or with positionsClose.",
    ),
    _code(
        "ORD_004", "OrderError", "An order could not be cancelled", _MEDIUM, _SAME,
        meaning="The venue refused to cancel, or its answer is not known.",
        impact="The order may still fill; it counts as live.",
        remediation="Nothing to send: the bot tries again at every bar. Watch the order's status in botState.orders.",
    ),
    _code(
        "ORD_005", "OrderError", "An order was never sent", _LOW, _NEVER,
        meaning="The bot stopped between storing the intent and sending it, and the market moved on.",
        impact="The order was marked EXPIRED; nothing exists at the venue.",
        remediation="None is needed: the strategy decides anew with the next bar.",
    ),
    _code(
        "ORD_006", "OrderError", "The venue reported an impossible change of an order", _HIGH, _FIX,
        meaning="The venue's status can't follow the stored one by the transition table.",
        impact="The stored order is unchanged; its fills are booked as reported.",
        remediation="Compare the order in context.client_order_id with the venue's own records and report the venue's reply to its operator.",
    ),
    _code(
        "ORD_007", "OrderError", "The venue's position is not what our fills add up to", _HIGH, _FIX,
        meaning="The venue holds more or less of a symbol than the sum of our fills; both quantities are in the context.",
        impact="No new entries on the symbol; exits sell what is really held, and a plan of which nothing is held is suspended.",
        remediation="Find out who traded, then run `botgraph reconcile --adopt SYMBOL --reason ...` to take it into the books, or --ignore where it is not the bot's.",
    ),
    _code(
        "ORD_008", "OrderError", "A corporate action changed a position", _HIGH, _FIX,
        meaning="Price and quantity of a symbol jumped by one ratio, as by a split; nothing was traded.",
        impact="The symbol's plan is suspended: no order leaves for it and its loss at the new price is not counted.",
        remediation="Check the split, then run `botgraph reconcile --adopt SYMBOL --reason ...`: quantity, stop and target change by the ratio and the plan goes on.",
    ),
    _code(
        "ORD_009", "OrderError", "An order that had ended here works at the venue", _HIGH, _SAME,
        meaning="The venue lists an order with our prefix that had ended here or is not known: its request came late, or its record was lost.",
        impact="The bot asked the venue to cancel it; what it may have filled is booked.",
        remediation="None is needed if it does not repeat. If it does, cancel the order in context.client_order_id at the venue by hand.",
    ),
    _code(
        "ORD_010", "OrderError", "A stop or target can't be moved there", _LOW, _FIX,
        meaning="A stop may only be tightened, unless an operator says otherwise, and has to stand below the target.",
        impact="The plan is unchanged; its stop and target stay armed.",
        remediation="Choose a stop at or above the one in context.was and below the target.",
    ),
    _code(
        "DATA_001", "DataError", "The candle file can't be read", _HIGH, _FIX,
        meaning="The file is missing, not readable, not gzip where its name says so, or lacks the columns.",
        impact="The bot did not start or its feed has stopped; nothing was traded on it.",
        remediation="Give a readable CSV (plain or .gz) with the columns timestamp,symbol,open,high,low,close,volume to --candles.",
    ),
    _code(
        "DATA_002", "DataError", "A row of the candle file is broken", _HIGH, _FIX,
        meaning="A row is not a valid candle, or stands out of order.",
        impact="The feed stops before that row; the bot is STOPPED and what was traded so far stands.",
        remediation="Correct line context.line of context.file (times in UTC and sorted, low <= open, close <= high, volume >= 0), then restart.",
    ),
    _code(
        "DATA_003", "DataError", "The market feed stands still", _MEDIUM, _DELAY,
        meaning="No bar came although the market is open.",
        impact="New entries wait; stops are watched with the last known bar.",
        remediation="Check health.checks for market_data and venue; the bot goes on by itself with the next bar.",
    ),
    _code(
        "DATA_004", "DataError", "The venue could not be read", _MEDIUM, _DELAY,
        meaning="A read of account, orders or fills failed; the last known figures are shown.",
        impact="New entries wait for a successful read; nothing was sent on the old figures.",
        remediation="None is needed for a passing failure. If dataAgeSeconds keeps growing, check the venue's connection and key.",
    ),
    _code(
        "DATA_005", "DataError", "The venue sent something impossible", _HIGH, _FIX,
        meaning="A reply has a value that can't be true: negative, not a number, unknown symbol or a clock years off.",
        impact="The reply was not used; new entries wait until a valid one comes.",
        remediation="Compare context with the venue's own records; while it repeats, pause with botPause and report it to the venue.",
    ),
    _code(
        "QRY_001", "RequestError", "The request body is not a GraphQL request", _LOW, _FIX,
        meaning="The body is not JSON, not an object, too large, or of another content type.",
        impact="Nothing was executed.",
        remediation='POST application/json with {"query": "{ botSummary { healthStatus } }"}.',
    ),
    _code(
        "QRY_002", "RequestError", "The document has a syntax error", _LOW, _FIX,
        meaning="The GraphQL document can't be parsed.",
        impact="Nothing was executed.",
        remediation="Correct the document at the line and column in errors[].locations; braces, quotes and commas are the usual causes.",
    ),
    _code(
        "QRY_003", "RequestError", "The document does not fit the schema", _LOW, _FIX,
        meaning="A field, argument, type or fragment is not what the schema has.",
        impact="Nothing was executed.",
        remediation="Correct what the cause names; GET /schema.graphql with your key shows all fields with their descriptions.",
    ),
    _code(
        "QRY_004", "RequestError", "A variable or argument has a wrong value", _LOW, _FIX,
        meaning="A value is missing, of the wrong type or out of its range.",
        impact="Nothing was executed, or only the field in errors[].path is null.",
        remediation="Send the value in the range that the cause names; decimals are strings, times ISO 8601 in UTC, lists take first 1 to 100.",
    ),
    _code(
        "QRY_005", "NotFoundError", "No such address, operation or record", _LOW, _FIX,
        meaning="Nothing has that address, name or id.",
        impact="Nothing was read or changed.",
        remediation="POST GraphQL documents to /graphql; take ids from a list query, and operation names from the document that you send.",
    ),
    _code(
        "QRY_006", "RequestError", "That method is not allowed here", _LOW, _FIX,
        meaning="The address exists, but not for this HTTP method; a mutation needs POST.",
        impact="Nothing was executed.",
        remediation="Use POST for mutations and POST or GET for queries on /graphql.",
    ),
    _code(
        "QRY_007", "RequestError", "An idempotency key was used for something else", _MEDIUM, _FIX,
        meaning="The same key came with different content within 24 hours.",
        impact="Nothing was changed; the first write stands.",
        remediation="Choose a new idempotencyKey for a new write; repeat the same input exactly to see the first result.",
    ),
    _code(
        "QRY_008", "ConfirmationError", "This write needs a confirm token", _LOW, _FIX,
        meaning="The risk of the write is HIGH, and it came without a token from a dry run.",
        impact="Nothing was changed.",
        remediation="Send the same input with dryRun: true, read preview.effects, then send it again within 120 s with preview.confirmToken as confirmToken.",
    ),
    _code(
        "QRY_009", "ConfirmationError", "The confirm token is not good for this write", _LOW, _FIX,
        meaning="The token has expired, was used, or belongs to another input, operation or key.",
        impact="Nothing was changed.",
        remediation="Send the same input with dryRun: true for a new token, read preview.effects, then send it again within 120 s with that token.",
    ),
    _code(
        "SYS_001", "InternalError", "An unexpected fault", _HIGH, _SAME,
        meaning="A fault of BotGraph itself; the full record is in the application log under context.fault_id.",
        impact="This request or step failed; the bot's books are protected by transactions.",
        remediation="Send it once more; if it repeats, look context.fault_id up in the logs folder and report what stands there.",
    ),
    _code(
        "SYS_002", "StoreError", "The store can't be used", _CRITICAL, _DELAY,
        meaning="The database is locked by another program, unreachable or refuses to write.",
        impact="Nothing new is traded, for no intent can be stored; the API answers with the last it knows or with this error.",
        remediation="Close other programs that hold the database, check BOTGRAPH_STORE_URL and free disk space; the bot goes on by itself.",
    ),
    _code(
        "SYS_003", "StoreError", "The store has another version", _CRITICAL, _FIX,
        meaning="The tables are missing or were written by another release.",
        impact="The process did not start; the store is untouched.",
        remediation="Start with `botgraph up`, which brings an older store up to date; for a newer store install the newer BotGraph.",
    ),
    _code(
        "SYS_004", "ProcessError", "The port is taken", _HIGH, _FIX,
        meaning="Another program listens on BOT_API_PORT.",
        impact="Nothing was started.",
        remediation="Set BOT_API_PORT to a free port, such as 8001, or end the other program.",
    ),
    _code(
        "SYS_005", "LogError", "The audit log can't be written", _CRITICAL, _FIX,
        meaning="A record that the store has committed could not be appended to the log; it waits in the outbox.",
        impact="No new orders are sent until it can be written; nothing is lost.",
        remediation="Free disk space and check the permissions of the logs folder; the bot writes the waiting records by itself.",
    ),
    _code(
        "SYS_006", "ProcessError", "The API does not answer", _HIGH, _DELAY,
        meaning="Nothing answers at the address of the API.",
        impact="Nothing was read or changed; the bot trades on if it runs.",
        remediation="Start it with `botgraph up`; if it runs elsewhere, set BOT_API_HOST and BOT_API_PORT to its address.",
    ),
    _code(
        "SYS_007", "FileError", "A file can't be written", _HIGH, _FIX,
        meaning="A file or folder of BOTGRAPH_HOME, such as that of the first key, can't be made.",
        impact="What needed the file was not done; nothing half-written is left.",
        remediation="Free disk space and check that BOTGRAPH_HOME and the folder of context.file belong to you and may be written, then start again.",
    ),
)  # fmt: skip

CATALOGUE = MappingProxyType({known.error_code: known for known in _ENTRIES})
"""All codes, by code."""


def entry(code: str) -> ErrorCode:
    """The catalogue's entry for `code`; KeyError for one that does not exist."""
    return CATALOGUE[code]
