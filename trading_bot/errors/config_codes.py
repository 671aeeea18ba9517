"""The codes of changes of the configuration: what is wrong with one, what became of one."""

from trading_bot.errors.codes import DELAY, FIX, HIGH, LOW, MEDIUM, code, look

CONFIG_CODES = (
    code(
        "CFG_007", "ConflictError", "The configuration changed meanwhile", LOW, FIX,
        meaning="The change was made against a version that is not the latest any more; context.changed says what differs since.",
        impact="Nothing was changed.",
        remediation="Look at context.changed, then plan the change again: configPlan answers with a token for the latest version.",
        actions=(look("See the latest changes", "configHistory", first=3),),
    ),
    code(
        "CFG_008", "ConflictError", "Another change is being watched", LOW, DELAY,
        meaning="One watched change at a time: the one in context.version has not been adopted and watched to its end.",
        impact="Nothing was changed.",
        remediation="Wait until context.until and plan again, or undo the other change with configRollback, which may interrupt it.",
        actions=(look("See what is being watched", "configHistory", first=1),),
    ),
    code(
        "CFG_009", "ConfigurationError", "A change of the configuration was given up", HIGH, FIX,
        meaning="The bot refused the version, no bot took it on in time, or things got worse while it was watched.",
        impact="What was in force before is in force again, but no limit was loosened; positions, plans and orders are untouched.",
        remediation="Read the cause, correct the change, and plan it again; configHistory has the version with what became of it.",
        actions=(look("See the latest changes", "configHistory", first=3),),
    ),
    code(
        "CFG_010", "ConfigurationError", "There is nothing to change", LOW, FIX,
        meaning="The configuration is already what it would become.",
        impact="Nothing was changed; no version was written.",
        remediation="Nothing is left to do, unless another version was meant: query `config` and `configDiff` show what each holds.",
    ),
    code(
        "CFG_020", "ConfigurationError", "Values of the configuration don't go together", MEDIUM, FIX,
        meaning="Each value is allowed by itself, but it contradicts another one, or what the venue or the home has.",
        impact="The configuration was not taken; what was in force stays in force.",
        remediation="Set the field in context.field to context.suggestion, or change the other value that the cause names.",
    ),
    code(
        "CFG_021", "ConfigurationError", "A secret stands where none may", HIGH, FIX,
        meaning="The configuration never holds a secret: it says where the secret is, as env:NAME or file:PATH, where one is due.",
        impact="The configuration was not taken, and what looks like a secret was not kept.",
        remediation="Put the secret into a variable or a file of the bot's user and name that instead. Replace the secret if others have seen it.",
    ),
)  # fmt: skip
