"""The error catalogue: every code once, with what it means and how it is resolved.

AUTH who asks · CFG configuration and settings · API rate · BOT the process and its run state · SUP the supervisor · RISK limits · LLM a
language model that decides · ORD orders and fills · DATA market data and venue reads · QRY requests to the graph · WF workflows · LOG the
audit log · BAK backups · SYS store, ports and faults of our own. Each family stands in one of the modules beside this one.
"""

from types import MappingProxyType

from trading_bot.domain.errors import ErrorCode
from trading_bot.errors.config_codes import CONFIG_CODES
from trading_bot.errors.decider_codes import DECIDER_CODES
from trading_bot.errors.keeping_codes import KEEPING_CODES
from trading_bot.errors.process_codes import PROCESS_CODES
from trading_bot.errors.request_codes import REQUEST_CODES
from trading_bot.errors.request_limits import REQUEST_LIMITS
from trading_bot.errors.run_codes import RUN_CODES
from trading_bot.errors.supervision_codes import SUPERVISION_CODES
from trading_bot.errors.trading_codes import TRADING_CODES
from trading_bot.errors.workflow_codes import WORKFLOW_CODES

FAMILIES = ("AUTH", "CFG", "API", "BOT", "SUP", "RISK", "LLM", "ORD", "DATA", "QRY", "WF", "LOG", "BAK", "SYS")
"""The families, in the order in which they are shown."""
_ENTRIES = (
    *REQUEST_CODES,
    *REQUEST_LIMITS,
    *PROCESS_CODES,
    *CONFIG_CODES,
    *SUPERVISION_CODES,
    *TRADING_CODES,
    *DECIDER_CODES,
    *KEEPING_CODES,
    *WORKFLOW_CODES,
    *RUN_CODES,
)


def _place(known: ErrorCode) -> tuple[int, str]:
    family, _, number = known.error_code.partition("_")
    return FAMILIES.index(family), number


CATALOGUE = MappingProxyType({known.error_code: known for known in sorted(_ENTRIES, key=_place)})
"""All codes, by code, family by family."""


def entry(code: str) -> ErrorCode:
    """The catalogue's entry for `code`; KeyError for one that does not exist."""
    return CATALOGUE[code]
