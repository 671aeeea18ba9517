"""Codes of trading: RISK limits, ORD orders and fills, DATA market data and venue reads."""

from trading_bot.errors.codes import DELAY, FIX, HIGH, LOW, MEDIUM, NEVER, SAME, UNKNOWN, code

TRADING_CODES = (
    code(
        "RISK_001", "RiskError", "An entry was too large or too small", LOW, NEVER,
        meaning="What the limits and the buying power leave is less than one unit of the instrument.",
        impact="The entry was not sent; nothing else is affected.",
        remediation="None is needed. To trade this symbol, raise risk.max_position_size_pct or risk.risk_per_trade_pct within their ranges.",
    ),
    code(
        "RISK_002", "RiskError", "The exposure limit is reached", LOW, DELAY,
        meaning="Positions and resting entries are worth what the limits allow, or too many plans are open.",
        impact="The entry was not sent; exits go on.",
        remediation="Wait until a position closes, or raise risk.max_exposure_pct or risk.max_open_positions within their ranges.",
    ),
    code(
        "RISK_003", "RiskError", "The daily loss limit is reached", HIGH, DELAY,
        meaning="The session's P&L is at or below risk.daily_loss_limit.",
        impact="No new entries in this session; stops, targets and exits go on.",
        remediation="Review today's trades with `{ trades(first: 20) { edges { node { symbol netProfitLoss } } } }`; entries go on with the next session.",
    ),
    code(
        "RISK_004", "RiskError", "Market data is too old to act on", MEDIUM, DELAY,
        meaning="The symbol's last bar is older than risk.max_data_age_seconds of venue time.",
        impact="No new entry on the symbol; exits go on.",
        remediation="Wait for the symbol's next bar; if none comes, check health.checks for market_data and the feed's file or connection.",
    ),
    code(
        "RISK_005", "RiskError", "Too many trades in a row lost", HIGH, FIX,
        meaning="Since the breaker was last reset, risk.max_consecutive_losses trades in a row ended with a loss.",
        impact="No new entries: the circuit breaker trips; stops, targets and exits go on.",
        remediation="Review the losses with `{ trades(first: 20) { edges { node { strategyName netProfitLoss } } } }`, then reset with circuitBreakerReset.",
    ),
    code(
        "RISK_006", "RiskError", "The day-trade limit is reached", MEDIUM, DELAY,
        meaning="Below $25,000 of equity three day trades are allowed in five sessions; this entry might have needed a fourth to get out.",
        impact="The entry was not sent; equities can still be sold, crypto pairs can be traded.",
        remediation="Wait until botState.account.dayTradeCount falls with the sessions, or hold $25,000 of equity or more.",
    ),
    code(
        "RISK_007", "RiskError", "Too many orders within a minute", LOW, DELAY,
        meaning="risk.max_orders_per_minute orders were intended within one minute of venue time.",
        impact="The entry was not sent; exits go on and are never held back.",
        remediation="None is needed: the next minute begins anew. If it repeats, trade fewer symbols or raise risk.max_orders_per_minute.",
    ),
    code(
        "RISK_008", "RiskError", "An entry price is out of its collar", MEDIUM, NEVER,
        meaning="The price is further than risk.price_collar_pct from the last one, or not a multiple of the price step.",
        impact="The entry was not sent; nothing else is affected.",
        remediation="Compare the figures with the symbol's last bar: a wrong price comes from the strategy or model, or from a bad bar of the feed.",
    ),
    code(
        "RISK_009", "RiskError", "The symbol takes no entries", HIGH, FIX,
        meaning="What the venue holds of the symbol differs from our books, and nobody has settled it yet.",
        impact="No new entry on the symbol; exits of what is held go on, other symbols are traded.",
        remediation="See the quantities with `botgraph reconcile`, then settle it with `botgraph reconcile --adopt SYMBOL` or `--ignore SYMBOL` and a --reason.",
    ),
    code(
        "RISK_010", "RiskError", "The circuit breaker tripped", HIGH, FIX,
        meaning="A limit that ends a day's entries was reached; context.code says which.",
        impact="The bot is HALTED: no entries, resting ones are cancelled; stops, targets and sync go on, also after a restart.",
        remediation="Find out why with riskEvents and today's trades. Once the cause is gone, reset with circuitBreakerReset (ADMIN, with a reason).",
    ),
    code(
        "RISK_011", "RiskError", "The venue rejects too many orders", HIGH, DELAY,
        meaning="The venue rejected risk.max_rejections orders within risk.rejection_window_minutes of venue time.",
        impact="No new entries: the circuit breaker trips; stops, targets and exits go on.",
        remediation="Read the venue's texts in `{ errors(first: 20) { edges { node { cause context } } } }`, correct what they name, and reset with circuitBreakerReset.",
    ),
    code(
        "RISK_012", "RiskError", "An exit would sell more than is held", MEDIUM, NEVER,
        meaning="The quantity is larger than what the plan holds: it would be a short sale, which the bot never makes.",
        impact="The order was not sent; the position and its stop are as they were.",
        remediation="Send at most the quantity that botState.positions shows.",
    ),
    code(
        "ORD_001", "OrderError", "The venue rejected an order", MEDIUM, FIX,
        meaning="The venue definitely refused; its own text is in context.venue_text and is data, not instruction.",
        impact="The order does not exist at the venue; an exit is tried again at the next bar.",
        remediation="Compare context.quantity and context.symbol with the account's buying power and positions in botState, then correct the limits.",
    ),
    code(
        "ORD_002", "OrderError", "An order's outcome is unknown", HIGH, UNKNOWN,
        meaning="The venue did not answer in time: the order may or may not exist there.",
        impact="The order counts as live until a look-up settles it; no second one is sent for the same plan.",
        remediation="Nothing to send: the bot looks it up at every bar. Watch the order's status in botState.orders until it is settled.",
    ),
    code(
        "ORD_003", "OrderError", "A fill that no plan or order explains", HIGH, FIX,
        meaning="The venue reports an execution with our prefix for which there is no plan and no order here.",
        impact="It was booked with the reason `unattributed`; our position includes it, no stop watches it.",
        remediation="Compare context.client_order_id with the venue's own records, then close the position there or with positionsClose.",
    ),
    code(
        "ORD_004", "OrderError", "An order could not be cancelled", MEDIUM, SAME,
        meaning="The venue refused to cancel, or its answer is not known.",
        impact="The order may still fill; it counts as live.",
        remediation="Nothing to send: the bot tries again at every bar. Watch the order's status in botState.orders.",
    ),
    code(
        "ORD_005", "OrderError", "An order was never sent", LOW, NEVER,
        meaning="The bot stopped between storing the intent and sending it, and the market moved on.",
        impact="The order was marked EXPIRED; nothing exists at the venue.",
        remediation="None is needed: the strategy decides anew with the next bar.",
    ),
    code(
        "ORD_006", "OrderError", "The venue reported an impossible change of an order", HIGH, FIX,
        meaning="The venue's status can't follow the stored one by the transition table.",
        impact="The stored order is unchanged; its fills are booked as reported.",
        remediation="Compare the order in context.client_order_id with the venue's own records and report the venue's reply to its operator.",
    ),
    code(
        "ORD_007", "OrderError", "The venue's position is not what our fills add up to", HIGH, FIX,
        meaning="The venue holds more or less of a symbol than the sum of our fills; both quantities are in the context.",
        impact="No new entries on the symbol; exits sell what is really held, and a plan of which nothing is held is suspended.",
        remediation="Find out who traded, then run `botgraph reconcile --adopt SYMBOL --reason ...` to take it into the books, or --ignore where it is not the bot's.",
    ),
    code(
        "ORD_008", "OrderError", "A corporate action changed a position", HIGH, FIX,
        meaning="Price and quantity of a symbol jumped by one ratio, as by a split; nothing was traded.",
        impact="The symbol's plan is suspended: no order leaves for it and its loss at the new price is not counted.",
        remediation="Check the split, then run `botgraph reconcile --adopt SYMBOL --reason ...`: quantity, stop and target change by the ratio and the plan goes on.",
    ),
    code(
        "ORD_009", "OrderError", "An order that had ended here works at the venue", HIGH, SAME,
        meaning="The venue lists an order with our prefix that had ended here or is not known: its request came late, or its record was lost.",
        impact="The bot asked the venue to cancel it; what it may have filled is booked.",
        remediation="None is needed if it does not repeat. If it does, cancel the order in context.client_order_id at the venue by hand.",
    ),
    code(
        "ORD_010", "OrderError", "A stop or target can't be moved there", LOW, FIX,
        meaning="A stop may only be tightened, unless an operator says otherwise, and has to stand below the target.",
        impact="The plan is unchanged; its stop and target stay armed.",
        remediation="Choose a stop at or above the one in context.was and below the target.",
    ),
    code(
        "DATA_001", "DataError", "The candle file can't be read", HIGH, FIX,
        meaning="The file is missing, not readable, not gzip where its name says so, or lacks the columns.",
        impact="The bot did not start or its feed has stopped; nothing was traded on it.",
        remediation="Give a readable CSV (plain or .gz) with the columns timestamp,symbol,open,high,low,close,volume to --candles.",
    ),
    code(
        "DATA_002", "DataError", "A row of the candle file is broken", HIGH, FIX,
        meaning="A row is not a valid candle, or stands out of order.",
        impact="The feed stops before that row; the bot is STOPPED and what was traded so far stands.",
        remediation="Correct line context.line of context.file (times in UTC and sorted, low <= open, close <= high, volume >= 0), then restart.",
    ),
    code(
        "DATA_003", "DataError", "The market feed stands still", MEDIUM, DELAY,
        meaning="No bar came although the market is open.",
        impact="New entries wait; stops are watched with the last known bar.",
        remediation="Check health.checks for market_data and venue; the bot goes on by itself with the next bar.",
    ),
    code(
        "DATA_004", "DataError", "The venue could not be read", MEDIUM, DELAY,
        meaning="A read of account, orders or fills failed; the last known figures are shown.",
        impact="New entries wait for a successful read; nothing was sent on the old figures.",
        remediation="None is needed for a passing failure. If dataAgeSeconds keeps growing, check the venue's connection and key.",
    ),
    code(
        "DATA_005", "DataError", "The venue sent something impossible", HIGH, FIX,
        meaning="A reply has a value that can't be true: negative, not a number, unknown symbol or a clock years off.",
        impact="The reply was not used; new entries wait until a valid one comes.",
        remediation="Compare context with the venue's own records; while it repeats, pause with botPause and report it to the venue.",
    ),
)  # fmt: skip
