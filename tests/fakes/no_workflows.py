"""What a test gives that needs no workflows."""

from trading_bot.errors.fault import Fault
from workflows.desk import Equipment


def no_workflows() -> Equipment:
    """Nothing: a test that comes here did need some."""
    raise Fault("SYS_001", "This test has no workflows.")
