"""A process that appends to the audit log until it is killed: `python -m tests.fakes.busy_log FOLDER FIRST LAST BOT [FILE_LIMIT]`.

Each number that is durable is printed on a line of its own, so that whoever kills it knows what must be there. With a limit it can write no
file larger than that many bytes, as on a full disk: the fault's code is printed and the process goes on once its limit is lifted.
"""

import resource
import sys
from pathlib import Path

from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault
from trading_bot.logs.audit import AuditLog


def main(folder: Path, first: int, last: int, bot_id: str, limit: int | None) -> None:
    log = AuditLog(folder, SystemClock())
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    number = first
    while number <= last:
        try:
            log.append("orders", number, {"bot_id": bot_id, "note": "x" * (number % 97)})
        except Fault as fault:
            sys.stdout.write(f"{fault.code}\n")
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            sys.stdout.write(f"{number}\n")
            number += 1
        sys.stdout.flush()


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        int(sys.argv[2]),
        int(sys.argv[3]),
        sys.argv[4],
        int(sys.argv[5]) if len(sys.argv) > 5 else None,
    )
