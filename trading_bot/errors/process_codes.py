"""Codes of processes: CFG configuration and settings, BOT the process and its run state, SYS store, log, ports and faults of our own."""

from trading_bot.errors.codes import CRITICAL, DELAY, FIX, HIGH, LOW, MEDIUM, SAME, act, code, look

PROCESS_CODES = (
    code(
        "CFG_001", "ConfigurationError", "Invalid configuration", MEDIUM, FIX,
        meaning="A value of the configuration is missing, unknown, of the wrong type or out of range.",
        impact="The configuration was not taken; what was in force stays in force.",
        remediation="Set the field in context.field to what context.allowed says; context.suggestion is such a value. Then send or start it again.",
    ),
    code(
        "CFG_002", "ConfigurationError", "The configuration file can't be read", HIGH, FIX,
        meaning="config/bot.yaml is missing, not readable, too large or not valid YAML.",
        impact="The bot did not start.",
        remediation="Correct the line that the cause names, or move the file away: without one, a default is written.",
    ),
    code(
        "CFG_003", "SettingError", "Invalid setting", HIGH, FIX,
        meaning="An environment variable or .env entry has a wrong value.",
        impact="The process did not start.",
        remediation="Correct or unset the variable in context.setting; docs/operate.md lists all of them with their ranges.",
    ),
    code(
        "CFG_004", "ConfigurationError", "Another feed needs another home", HIGH, FIX,
        meaning="The paper exchange of this home was started with another candle file, seed or starting cash.",
        impact="The bot did not start; its ledger is untouched.",
        remediation="Set BOTGRAPH_HOME to a new folder for the other feed, or start with the one in context.expected.",
    ),
    code(
        "CFG_005", "ConfigurationError", "The configuration file was edited", LOW, FIX,
        meaning="config/bot.yaml differs from the version in force; a version is changed only by applying a change, never by editing the file.",
        impact="The edit was not taken; the version in force stays in force.",
        remediation="See what it would change with `botgraph config plan`, then take it with `botgraph config apply`, or undo the edit.",
    ),
    code(
        "CFG_006", "ConfigurationError", "A secret can't be read", HIGH, FIX,
        meaning="The configuration says where a secret is (env:NAME or file:PATH), and nothing usable is there.",
        impact="What needs the secret is not done; the bot tries again at its next call.",
        remediation="Set the variable or write the file that context.reference names, readable for the bot's user; a variable also needs a restart.",
    ),
    code(
        "BOT_001", "NotFoundError", "No such bot", LOW, FIX,
        meaning="No bot of that id is in the store.",
        impact="Nothing was read or changed.",
        remediation="Leave botId out when there is one bot, or take an id from the query `{ bots { id name } }`.",
        actions=(look("List the bots", "bots"),),
    ),
    code(
        "BOT_002", "ProcessError", "This bot already runs", HIGH, FIX,
        meaning="Another process holds the lock of this bot: there may be one only.",
        impact="This process did not start; the running bot is untouched.",
        remediation="End the process in context.pid first, or set BOTGRAPH_HOME to another folder for another bot.",
    ),
    code(
        "BOT_003", "CommandError", "The bot can't do that in its present state", LOW, FIX,
        meaning="The command does not fit the run state.",
        impact="The run state is unchanged.",
        remediation="Read health.runState: botResume leaves PAUSED and HALTED, botStart leaves STOPPED. Send the one that fits.",
        actions=(
            look("See the run state and why", "botHealth", botId="{botId?}"),
            act("Resume from PAUSED or HALTED", "botResume", botId="{botId?}"),
            act("Start from STOPPED", "botStart", botId="{botId?}"),
        ),
    ),
    code(
        "BOT_004", "TradingError", "A step of the trading loop failed", HIGH, SAME,
        meaning="One step failed for a reason that has no code of its own; the full record is in the application log under context.fault_id.",
        impact="That step was left out for this bar; the loop goes on and tries it again at the next.",
        remediation="If it repeats, pause with botPause, find context.fault_id in logs/trading_bot.log and correct what it names.",
        actions=(look("See the last errors", "errors", first=5), act("Pause it, if this repeats", "botPause")),
    ),
    code(
        "BOT_005", "ProcessError", "BotGraph already runs in this home", HIGH, FIX,
        meaning="Another `botgraph up` holds this home.",
        impact="Nothing was started; the running one is untouched.",
        remediation="Stop the process in context.pid with Ctrl-C or SIGTERM, or set BOTGRAPH_HOME to another folder.",
    ),
    code(
        "BOT_006", "ProcessError", "A process ended and is being restarted", HIGH, DELAY,
        meaning="The supervisor saw the bot or the API end or hang, and starts it again after a growing delay.",
        impact="While the bot is down nothing is traded and stops are not watched; while the API is down nothing can be read.",
        remediation="If it repeats, read the last lines of the log file in context.log, correct what they name, and start again.",
        actions=(look("See whether it is back", "botHealth"),),
    ),
    code(
        "SYS_001", "InternalError", "An unexpected fault", HIGH, SAME,
        meaning="A fault of BotGraph itself; the full record is in the application log under context.fault_id.",
        impact="This request or step failed; the bot's books are protected by transactions.",
        remediation="Send it once more; if it repeats, look context.fault_id up in the logs folder and report what stands there.",
        actions=(look("See whether the bot is well", "botHealth"),),
    ),
    code(
        "SYS_002", "StoreError", "The store can't be used", CRITICAL, DELAY,
        meaning="The database is locked by another program, unreachable or refuses to write.",
        impact="Nothing new is traded, for no intent can be stored; the API answers with the last it knows or with this error.",
        remediation="Close other programs that hold the database, check BOTGRAPH_STORE_URL and free disk space; the bot goes on by itself.",
        actions=(look("See whether it can be read again", "botSummary"),),
    ),
    code(
        "SYS_003", "StoreError", "The store has another version", CRITICAL, FIX,
        meaning="The tables are missing or were written by another release.",
        impact="The process did not start; the store is untouched.",
        remediation="Start with `botgraph up`, which brings an older store up to date; for a newer store install the newer BotGraph.",
    ),
    code(
        "SYS_004", "ProcessError", "The port is taken", HIGH, FIX,
        meaning="Another program listens on BOT_API_PORT.",
        impact="Nothing was started.",
        remediation="Set BOT_API_PORT to a free port, such as 8001, or end the other program.",
    ),
    code(
        "SYS_005", "LogError", "The audit log can't be written", CRITICAL, FIX,
        meaning="A record that the store has committed could not be appended to the log; it waits in the outbox.",
        impact="No new orders are sent until it can be written; nothing is lost.",
        remediation="Free disk space and check the permissions of the logs folder; the bot writes the waiting records by itself.",
        actions=(look("See whether the log is written again", "botHealth"),),
    ),
    code(
        "SYS_006", "ProcessError", "The API does not answer", HIGH, DELAY,
        meaning="Nothing answers at the address of the API.",
        impact="Nothing was read or changed; the bot trades on if it runs.",
        remediation="Start it with `botgraph up`; if it runs elsewhere, set BOT_API_HOST and BOT_API_PORT to its address.",
    ),
    code(
        "SYS_007", "FileError", "A file can't be written", HIGH, FIX,
        meaning="A file or folder of BOTGRAPH_HOME, such as that of the first key, can't be made.",
        impact="What needed the file was not done; nothing half-written is left.",
        remediation="Free disk space and check that BOTGRAPH_HOME and the folder of context.file belong to you and may be written, then start again.",
    ),
    code(
        "SYS_008", "OperationError", "A named operation is broken", HIGH, FIX,
        meaning="A file of graph/operations does not hold one described operation of its name that fits the schema.",
        impact="The API did not start; the bot trades on if it runs.",
        remediation="Correct context.file at context.line; if you did not change it, install BotGraph again.",
    ),
)  # fmt: skip
