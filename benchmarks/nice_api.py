"""The API at the priority that the supervisor gives it: `python -m benchmarks.nice_api`."""

import os
import sys

from graph.__main__ import main
from trading_bot.supervisor import API_NICENESS

if __name__ == "__main__":
    os.nice(API_NICENESS)
    sys.exit(main())
