import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.test_full_disk import limited_to
from trading_bot.errors.fault import Fault
from trading_bot.store.engine import open_engine
from trading_bot.store.single_bot import held as bot_held
from trading_bot.supervision.lock import held

HOLDER = """
import sys
from pathlib import Path
from trading_bot.supervision.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def test_a_held_home_names_the_process_that_holds_it(tmp_path: Path) -> None:
    with held(tmp_path / "lock"), pytest.raises(Fault) as raised, held(tmp_path / "lock"):
        pass

    assert (raised.value.code, raised.value.context) == ("BOT_005", {"pid": os.getpid()})


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(Fault), held(path):
            pass
        holder.kill()
        holder.wait()

        with held(path):
            assert path.read_text() == f"{os.getpid()}\n"


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with held(tmp_path / "lock"):
        child = subprocess.Popen(
            [sys.executable, "-c", "print(1, flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
        )
        assert child.stdout
        child.stdout.readline()
    with child, held(tmp_path / "lock"):
        assert child.poll() is None
        child.communicate(b"\n")


def test_a_new_lock_does_not_keep_the_end_of_a_longer_pid(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999999999\n")

    with held(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_full_disk_keeps_nobody_from_holding_a_lock(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'botgraph.db'}")

    with limited_to(0), held(tmp_path / "lock"), bot_held(engine, "main"):
        with pytest.raises(Fault, match="The process that holds already supervises"), held(tmp_path / "lock"):
            pass
        with pytest.raises(Fault, match="is held by another process"), bot_held(engine, "main"):
            pass
