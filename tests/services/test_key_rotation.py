from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.fakes.set_clock import SetClock
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.services.key_rotation import KeyRotation
from trading_bot.services.keys import Keys
from trading_bot.store.engine import open_engine
from trading_bot.store.tables import api_keys


@pytest.fixture
def keys(sqlite_url: str) -> Iterator[Keys]:
    engine: sa.Engine = open_engine(sqlite_url)
    yield Keys(engine, SetClock())
    engine.dispose()


@pytest.fixture
def rotation(keys: Keys, tmp_path: Path) -> KeyRotation:
    return KeyRotation(keys=keys, folder=tmp_path / "keys", first_key_file=tmp_path / "keys" / "admin.key")


def test_a_successor_opens_what_the_old_key_did_until_that_is_ended(keys: Keys, rotation: KeyRotation) -> None:
    old, token = keys.create("dashboard", Scope.OPERATE, rate_per_minute=30, max_response_bytes=20_000)
    made = rotation.successor(old.key_id, name="run:make")
    new = made.file.read_text().strip()

    assert (made.file.name, made.file.stat().st_mode & 0o777) == (f"{made.caller.key_id}.key", 0o600)
    assert keys.verify(new) == made.caller
    assert (made.caller.name, made.caller.scope) == ("dashboard", Scope.OPERATE)
    assert (made.caller.rate_per_minute, made.caller.max_response_bytes) == (30, 20_000)
    assert made.caller.key_id != old.key_id
    assert keys.verify(token) == old

    ended = rotation.end(old.key_id, successor=made.caller.key_id)
    assert (ended.id, ended.revoked_at is not None) == (old.key_id, True)
    assert (keys.verify(token), keys.verify(new)) == (None, made.caller)


def test_what_is_made_under_one_name_is_made_once(keys: Keys, rotation: KeyRotation) -> None:
    old, _ = keys.create("dashboard", Scope.READ)
    first = rotation.successor(old.key_id, name="run:make")
    token = first.file.read_text()

    assert rotation.successor(old.key_id, name="run:make") == first
    assert first.file.read_text() == token
    assert rotation.successor(old.key_id, name="other:make").caller.key_id != first.caller.key_id
    assert len(keys.list()) == 3


def test_a_file_without_its_key_is_one_that_was_cut_short_and_is_made_anew(keys: Keys, rotation: KeyRotation) -> None:
    old, _ = keys.create("dashboard", Scope.READ)
    first = rotation.successor(old.key_id, name="run:make")
    lost = first.file.read_text()
    with keys._engine.begin() as connection:  # as if it had been killed between the file and the commit
        connection.execute(api_keys.delete().where(api_keys.c.id == first.caller.key_id))

    keys = Keys(keys._engine, SetClock())  # another process remembers no token
    rotation = KeyRotation(keys=keys, folder=first.file.parent, first_key_file=first.file.with_name("admin.key"))
    again = rotation.successor(old.key_id, name="run:make")

    assert again == first
    assert again.file.read_text() != lost
    assert keys.verify(lost.strip()) is None
    assert keys.verify(again.file.read_text().strip()) == again.caller


def test_a_key_whose_file_is_gone_is_not_made_again(keys: Keys, rotation: KeyRotation) -> None:
    old, _ = keys.create("dashboard", Scope.READ)
    first = rotation.successor(old.key_id, name="run:make")
    token = first.file.read_text().strip()
    first.file.unlink()

    with pytest.raises(Fault) as refused:
        rotation.successor(old.key_id, name="run:make")

    assert refused.value.code == "SYS_007"
    assert not first.file.exists()
    assert keys.verify(token) == first.caller
    assert len(keys.list()) == 2


def test_the_first_key_s_successor_takes_its_place_in_the_home(
    keys: Keys, rotation: KeyRotation, tmp_path: Path
) -> None:
    file = tmp_path / "keys" / "admin.key"
    token = keys.ensure_first(file)
    assert token is not None
    made = rotation.successor("first", name="run:make")
    assert file.read_text().strip() == token
    new = made.file.read_text()
    rotation.end("first", successor=made.caller.key_id)

    assert (file.read_text(), file.stat().st_mode & 0o777) == (new, 0o600)
    assert keys.verify(token) is None
    assert keys.ensure_first(file) is None  # nothing makes a first key again


def test_to_undo_it_the_successor_is_ended_and_its_file_is_gone(keys: Keys, rotation: KeyRotation) -> None:
    old, token = keys.create("dashboard", Scope.READ)
    made = rotation.successor(old.key_id, name="run:make")
    new = made.file.read_text().strip()
    rotation.end(made.caller.key_id)

    assert (keys.verify(new), made.file.exists(), keys.verify(token)) == (None, False, old)


def test_a_key_that_is_not_there_or_not_ours_to_replace_is_refused(keys: Keys, rotation: KeyRotation) -> None:
    imported = keys.import_token("a-token-of-the-operator")
    revoked, _ = keys.create("old", Scope.READ)
    keys.revoke(revoked.key_id)
    causes = []
    for key_id in ("nobody", revoked.key_id, imported.key_id):
        with pytest.raises(Fault) as refused:
            rotation.successor(key_id, name="run:make")
        causes.append((refused.value.code, refused.value.cause))

    assert causes == [
        ("QRY_005", "There is no open key `nobody`."),
        ("QRY_005", f"There is no open key `{revoked.key_id}`."),
        ("QRY_005", "This key stands in BOT_API_AUTH_TOKEN."),
    ]
    with pytest.raises(Fault, match="There is no open key `nobody`"):
        rotation.end("nobody")


def test_no_key_is_ended_for_a_successor_that_does_not_open(keys: Keys, rotation: KeyRotation) -> None:
    old, token = keys.create("dashboard", Scope.READ)
    with pytest.raises(Fault, match="There is no open key `0123456789`"):
        rotation.end(old.key_id, successor="0123456789")

    assert keys.verify(token) == old
