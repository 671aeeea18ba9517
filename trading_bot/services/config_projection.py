"""The config projection: the file as the picture of the version in force. It is written after an adoption, and only ever read to compare.

A file that is neither what was last written nor what is in force was edited by hand: that is told with its plan, and never taken. Before a
new version is written over such a file it is put aside beside it.
"""

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from trading_bot.domain.config_changes import ConfigPlan
from trading_bot.domain.config_versions import ConfigPointer, InForce
from trading_bot.domain.records import record_of
from trading_bot.errors.fault import Fault
from trading_bot.services.config_plans import plan_values
from trading_bot.services.config_versions import stored_config
from trading_bot.services.config_views import view_of
from trading_bot.services.configuration import config_hash, config_values, parse_config
from trading_bot.services.journal import Journal
from trading_bot.store import config_changes, errors
from trading_bot.store.store import Store, Writing

_log = structlog.get_logger(__name__)
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The file as it is."""

    digest: str
    """SHA-256 of its bytes."""
    values: dict[str, Any] | None
    """The configuration that it spells; null where it spells none."""
    problem: Fault | None
    """Why it spells none; null where it does."""

    @property
    def hash(self) -> str | None:
        """MD5 of the configuration that it spells."""
        return None if self.values is None else config_hash(self.values)


class ConfigProjection:
    """Writes the file, and notices when somebody else did."""

    def __init__(self, *, path: Path, store: Store, bot_id: str, journal: Journal) -> None:
        self._path = path
        self._store = store
        self._bot_id = bot_id
        self._journal = journal
        self._seen: tuple[int, int, int] | None = None

    def look(self, in_force: InForce) -> None:
        """Compare, if the file was touched since the last look; costs one call of the system where it was not."""
        if self._touched() != self._seen:
            self.settle(in_force)

    def settle(self, in_force: InForce, *, adopted: bool = False) -> None:
        """Make the file the picture of the version in force, or tell that it was edited; `adopted` when that version is new."""
        with self._store.reading(self._bot_id) as r:
            pointer = config_changes.find_pointer(r)
        if pointer is None:
            return
        self._seen = None  # a file that was written, or could not be, is compared again at the next look
        if self._compare(in_force, pointer, adopted=adopted):
            self._seen = self._touched()

    def _compare(self, in_force: InForce, pointer: ConfigPointer, *, adopted: bool) -> bool:
        """Whether there is nothing more to be done until the file is touched."""
        digest = self._digest()
        if digest is not None and digest == pointer.file_digest and pointer.file_version == in_force.version:
            if pointer.replaced_digest is not None:  # it was written: whoever puts the old file back edits it
                self._remember(in_force, digest, replaced=None)
            return True
        if digest is None or digest in {pointer.file_digest, pointer.replaced_digest}:
            self._write(in_force, digest)
            return False
        if digest == pointer.told_digest and not adopted:
            return True
        file = self._read(digest)
        if file.hash == in_force.hash:
            self._remember(in_force, digest, replaced=None)
        elif adopted:
            self._put_aside(file)
            self._write(in_force, digest)
            return False
        else:
            self._tell(digest, self._edited(file, in_force))
        return True

    def _touched(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _digest(self) -> str | None:
        """SHA-256 of the file; null without one."""
        try:
            return hashlib.sha256(self._path.read_bytes()).hexdigest()
        except FileNotFoundError:
            return None
        except OSError as error:
            cause = f"{self._path.name} can't be read ({error.strerror})."
            raise Fault("CFG_002", cause, context={"file": self._path.name}) from error

    def _read(self, digest: str) -> _File:
        from trading_bot.services.config_file import read_config  # noqa: PLC0415 - only a file that was edited needs YAML

        try:
            config = read_config(self._path)
        except Fault as fault:
            return _File(digest=digest, values=None, problem=fault)
        return _File(digest=digest, values=config_values(config) if config else {}, problem=None)

    def _write(self, in_force: InForce, replaced: str | None) -> None:
        """Write the file over the one of that digest. What it becomes is stored first: a kill in between looks like no edit."""
        from trading_bot.services.config_file import read_text, render, write_text  # noqa: PLC0415 - likewise

        with self._store.reading(self._bot_id) as r:
            stored = stored_config(r, in_force.version)
        try:
            previous = read_text(self._path)
        except Fault:
            previous = None  # it was put aside, and nothing in it can be kept
        text = render(parse_config(stored.values), previous)
        self._remember(in_force, hashlib.sha256(text.encode()).hexdigest(), replaced=replaced)
        write_text(self._path, text)

    def _put_aside(self, file: _File) -> None:
        """Keep what somebody wrote by hand, by a second name that says which content it is; what is written next gets the first one."""
        aside = self._path.with_name(f"{self._path.stem}.edited-{file.digest[:8]}{self._path.suffix}")
        try:
            if aside.exists():
                return  # the same content was put aside before
            _double(self._path, aside)
        except OSError as error:
            cause = f"{self._path.name} was edited and can't be put aside ({error.strerror})."
            raise Fault("CFG_002", cause, context={"file": self._path.name}) from error
        _log.warning("edited_file_put_aside", file=aside.name)

    def _remember(self, in_force: InForce, digest: str, *, replaced: str | None) -> None:
        """Keep what the file is, or is about to become, and which version's picture that is."""

        def write(w: Writing) -> None:
            pointer = config_changes.find_pointer(w)
            if pointer is not None:
                kept = replace(pointer, file_version=in_force.version, file_digest=digest, replaced_digest=replaced)
                config_changes.save_pointer(w, replace(kept, told_digest=None))

        self._journal.commit(write)

    def _tell(self, digest: str, fault: Fault) -> None:
        """An edited file is reported once with what it would change, and is not taken."""

        def write(w: Writing) -> None:
            pointer = config_changes.find_pointer(w)
            if pointer is not None:
                config_changes.save_pointer(w, replace(pointer, told_digest=digest))
            errors.save_error(w, fault.semantic(now=w.now))

        self._journal.commit(write)

    def _edited(self, file: _File, in_force: InForce) -> Fault:
        context = {"file": self._path.name, "version": in_force.version}
        if file.problem is not None:
            cause = f"{self._path.name} was edited and can't be taken: {file.problem.cause}"
            return Fault("CFG_005", cause, context={**file.problem.context, **context})
        with self._store.reading(self._bot_id) as r:
            plan = plan_values(stored_config(r, in_force.version), file.values, view_of(r))
        changes = len(plan.diff)
        cause = f"{self._path.name} differs from version {in_force.version}, which is in force, in {changes} values."
        return Fault("CFG_005", cause, context={**context, **_told(plan)})


def _told(plan: ConfigPlan) -> dict[str, object]:
    """A plan in as few words as an error has room for."""
    changed = [record_of(one) for one in plan.diff[:_SHOWN]]
    return {
        "valid": plan.valid,
        "risk": plan.risk.name,
        "problems": [f"{one.error_code}: {one.cause}" for one in plan.errors[:3]],
        "changed": [{name: one[name] for name in ("path", "before", "after")} for one in changed],
        "changes": len(plan.diff),
    }


def _double(path: Path, second: Path) -> None:
    """Keep the file by a second name; as a copy, whole or not at all, where the disk has no such names or the file is somebody else's."""
    try:
        second.hardlink_to(path)
    except OSError:
        fresh = second.with_name(f"{second.name}.tmp")
        shutil.copy(path, fresh)
        fresh.replace(second)
