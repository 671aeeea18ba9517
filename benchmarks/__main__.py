"""`python -m benchmarks [--quick] [NAME ...]`: runs all benchmarks, or those named, and writes benchmarks/RESULTS.md.

A benchmark is a module of this folder with a function `run(quick: bool) -> Table`. Sections of benchmarks that were not run are kept.
"""

import importlib
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.table import Table

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
_PARTS = frozenset(
    {
        "__init__",
        "__main__",
        "table",
        "load",
        "served",
        "homes",
        "waiting_bot",
        "nice_api",
        "store_load",
        "subscribers",
        "fan_out_peers",
    }
)


def main() -> int:
    """Run, print, and write."""
    quick = "--quick" in sys.argv
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")]
    known = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in _PARTS)
    unknown = set(wanted) - set(known)
    if unknown:
        print(f"No benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    sections = {} if quick else _kept()
    for name in wanted or known:
        print(f"{name} ...", flush=True)
        table: Table = importlib.import_module(f"benchmarks.{name}").run(quick)
        sections[name] = f"<!-- {name}: {_stamp()} -->\n{table.markdown()}"
        print(table.markdown(), flush=True)
    if not quick:
        RESULTS.write_text(_page(sections), encoding="utf-8")
    return 0


def _kept() -> dict[str, str]:
    """The sections of the file as it stands, by the name of their benchmark."""
    if not RESULTS.exists():
        return {}
    parts = re.split(r"(?m)^(?=<!-- \w+: )", RESULTS.read_text(encoding="utf-8"))
    return {re.match(r"<!-- (\w+)", part)[1]: part.rstrip() + "\n" for part in parts[1:]}  # type: ignore[index]  # split there


def _page(sections: dict[str, str]) -> str:
    head = (
        "# Results\n\nWritten by `make bench`. Figures are ratios to a peer in the same run where they say so; "
        "absolute ones depend on the machine.\n"
    )
    return head + "\n" + "\n".join(sections[name] for name in sorted(sections))


def _stamp() -> str:
    """Date, commit and machine of a measurement."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    processor = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine()
    )
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {commit or 'unknown'}, {os.cpu_count()} x {processor}, Python {platform.python_version()}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    sys.exit(main())
