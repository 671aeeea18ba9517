"""Codes of the supervisor: SUP processes that are held down, don't come back, or were asked of nobody."""

from trading_bot.errors.codes import CRITICAL, DELAY, FIX, HIGH, LOW, act, code, look

SUPERVISION_CODES = (
    code(
        "SUP_001", "ProcessError", "The bot crashed again and again and is held down", CRITICAL, FIX,
        meaning="The bot's process ended several times in a row, each time soon after its start; the supervisor does not start it any more.",
        impact="Nothing is traded and no stop is watched; orders at the venue stay as they are.",
        remediation="Read the file in context.log from byte context.log_from on. Correct what it names. Then run `botgraph process start`, or the workflow restart-bot.",
        actions=(
            look("See the errors before it", "errors", first=5),
            act("Start it again, once that is corrected", "workflowExecute", workflowId="restart-bot"),
        ),
    ),
    code(
        "SUP_002", "ProcessError", "The process did not come back", HIGH, FIX,
        meaning="A process was started by command, and gave no sign of life in time, refused to start, or was held down.",
        impact="The command failed. The supervisor goes on trying unless the process is held down.",
        remediation="Read the last lines of the file in context.log and correct what they name. See the summary whether it is back by now.",
        actions=(look("See whether it is back", "botHealth"),),
    ),
    code(
        "SUP_003", "CommandError", "No supervisor took the command in time", LOW, DELAY,
        meaning="A command to the supervisor is carried out within five minutes or not at all.",
        impact="No process was started or ended by it.",
        remediation="Wait until `botgraph up` runs in this home, then send the command once more.",
        actions=(look("See the commands", "commands", first=5),),
    ),
)  # fmt: skip
