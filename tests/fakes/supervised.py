"""`botgraph up` with stand-ins for bot and API, and with the limits given as JSON in the first argument."""

import json
import sys

from rich.console import Console

from trading_bot.clock import SystemClock
from trading_bot.errors.block import block
from trading_bot.errors.fault import Fault
from trading_bot.settings import load_settings
from trading_bot.supervision.limits import Limits
from trading_bot.supervisor import Commands, supervise

CLOCK = SystemClock()


def main() -> int:
    limits = Limits(**json.loads(sys.argv[1]))
    commands = Commands(
        bot=(sys.executable, "-m", "tests.fakes.stand_in_bot"), api=(sys.executable, "-m", "tests.fakes.stand_in_api")
    )
    try:
        return supervise(
            load_settings(),
            release="0",
            clock=CLOCK,
            begun=CLOCK.monotonic(),
            out=Console(),
            err=Console(stderr=True),
            limits=limits,
            commands=commands,
        )
    except Fault as fault:
        sys.stderr.write(block(fault.semantic(now=CLOCK.now())) + "\n")
        return 78


if __name__ == "__main__":
    sys.exit(main())
