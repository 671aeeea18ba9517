"""The API at the priority that the supervisor gives it: `python -m benchmarks.nice_api`."""

import os
import sys

from graph.__main__ import main

if __name__ == "__main__":
    os.nice(5)
    sys.exit(main())
