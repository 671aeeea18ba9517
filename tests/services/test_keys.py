import base64
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.fakes.set_clock import SetClock
from trading_bot.domain.commands import Caller
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from trading_bot.services.keys import Keys
from trading_bot.store.engine import open_engine


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def engine(tables_url: str) -> Iterator[sa.Engine]:
    opened = open_engine(tables_url)
    yield opened
    opened.dispose()


@pytest.fixture
def keys(engine: sa.Engine, clock: SetClock) -> Keys:
    return Keys(engine, clock)


def test_a_token_opens_what_its_key_allows(keys: Keys) -> None:
    caller, token = keys.create("dashboard", Scope.READ, rate_per_minute=30, max_response_bytes=20_000)

    assert caller == Caller(
        key_id=caller.key_id, name="dashboard", scope=Scope.READ, rate_per_minute=30, max_response_bytes=20_000
    )
    assert keys.verify(token) == caller
    assert keys.create("other", Scope.OPERATE)[0].max_response_bytes == 10_240


def test_a_token_names_its_key_and_has_256_random_bits(keys: Keys) -> None:
    (first, token), (_, other) = keys.create("a", Scope.READ), keys.create("b", Scope.READ)

    parts = re.fullmatch(r"bg_([a-z0-9]+)_([A-Za-z0-9_-]{43})", token)
    assert parts is not None
    assert parts[1] == first.key_id
    assert len(base64.urlsafe_b64decode(parts[2] + "=")) == 32
    assert token.split("_", 2)[2] != other.split("_", 2)[2]


def test_nothing_of_a_secret_is_stored(keys: Keys, engine: sa.Engine) -> None:
    _, token = keys.create("a", Scope.READ)
    keys.import_token("chosen by an operator")

    with engine.connect() as connection:
        stored = str(connection.execute(sa.text("SELECT * FROM api_keys")).all())
    assert token not in stored
    assert token.split("_", 2)[2] not in stored
    assert "chosen by an operator" not in stored


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.upper(),
        lambda token: " " + token,
        lambda token: token.replace("bg_", "bg_x"),
        lambda token: "bg_nobody_" + token.split("_", 2)[2],
        lambda token: "\ud800" + token,
        lambda token: token + "\0",
        lambda token: "é" * 100_000,
    ],
    ids=["empty", "short", "long", "case", "space", "id", "unknown", "surrogate", "nul", "huge"],
)  # fmt: skip
def test_a_wrong_token_opens_nothing(keys: Keys, change: object) -> None:
    _, token = keys.create("a", Scope.ADMIN)

    assert keys.verify(change(token)) is None  # type: ignore[operator]
    assert keys.verify(token) is not None


def test_a_revocation_holds_at_once_here_and_within_a_second_elsewhere(
    keys: Keys, engine: sa.Engine, clock: SetClock
) -> None:
    elsewhere = Keys(engine, clock)
    caller, token = keys.create("a", Scope.READ)
    assert keys.verify(token) == elsewhere.verify(token) == caller
    assert keys.find(caller.key_id) == caller

    assert keys.revoke(caller.key_id)

    assert (keys.verify(token), keys.find(caller.key_id)) == (None, None)
    clock.move(0.99)
    assert elsewhere.verify(token) is None
    (listed,) = keys.list()
    assert (listed.id, listed.revoked_at is not None) == (caller.key_id, True)


def test_a_key_that_does_not_exist_can_not_be_revoked(keys: Keys) -> None:
    assert not keys.revoke("nobody")


def test_a_key_is_not_looked_up_again_within_half_a_second(keys: Keys, engine: sa.Engine, clock: SetClock) -> None:
    _, token = keys.create("a", Scope.READ)
    looks: list[object] = []
    sa.event.listen(engine, "begin", looks.append)

    for _ in range(10):
        keys.verify(token)
        clock.move(0.04)

    assert len(looks) == 1


def test_keys_are_listed_oldest_first(keys: Keys, clock: SetClock) -> None:
    for name in ("c", "a", "b"):
        keys.create(name, Scope.READ)
        clock.move(1)

    assert [key.name for key in keys.list()] == ["c", "a", "b"]


def test_the_first_start_makes_an_admin_key_and_saves_it_for_the_owner(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "home" / "keys" / "admin.key"
    token = keys.ensure_first(path)

    assert token is not None
    assert path.read_text() == token + "\n"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert [file.name for file in path.parent.iterdir()] == ["admin.key"]
    caller = keys.verify(token)
    assert caller is not None
    assert (caller.name, caller.scope, caller.max_response_bytes) == ("first", Scope.ADMIN, 1024 * 1024)


def test_later_starts_say_nothing_whether_the_file_is_there_or_not(
    keys: Keys, engine: sa.Engine, tmp_path: Path
) -> None:
    path = tmp_path / "admin.key"
    token = keys.ensure_first(path)

    assert Keys(engine, SetClock()).ensure_first(path) is None
    assert path.read_text() == f"{token}\n"
    path.unlink()
    assert keys.ensure_first(path) is None
    assert not path.exists()
    assert len(keys.list()) == 1


def test_a_first_key_that_was_revoked_is_not_made_again(keys: Keys, tmp_path: Path) -> None:
    token = keys.ensure_first(tmp_path / "admin.key")
    keys.revoke("first")

    assert keys.ensure_first(tmp_path / "admin.key") is None
    assert keys.verify(str(token)) is None


def test_a_key_file_that_can_not_be_written_leaves_no_key(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(Fault) as refusal:
        keys.ensure_first(tmp_path / "taken" / "admin.key")

    assert (refusal.value.code, refusal.value.context) == ("SYS_007", {"file": "admin.key"})
    assert keys.list() == ()
    token = keys.ensure_first(tmp_path / "free" / "admin.key")
    assert keys.verify(str(token)) is not None


def test_a_file_that_others_could_read_is_replaced_not_reused(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    path.write_text("old")
    path.chmod(0o644)

    token = keys.ensure_first(path)

    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (f"{token}\n", 0o600)


def test_processes_that_start_together_make_one_first_key(engine: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "admin.key"
    tokens: list[str | None] = []
    at_once = threading.Barrier(4)

    def start() -> None:
        at_once.wait(5)
        tokens.append(Keys(engine, SetClock()).ensure_first(path))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    (token,) = (token for token in tokens if token is not None)
    assert len(tokens) == 4
    assert path.read_text() == token + "\n"
    assert Keys(engine, SetClock()).verify(token) is not None


def test_an_imported_token_opens_everything(keys: Keys) -> None:
    caller = keys.import_token("sixteen letters!")

    assert keys.verify("sixteen letters!") == caller
    assert (caller.name, caller.scope, caller.max_response_bytes) == ("environment", Scope.ADMIN, 1024 * 1024)


def test_importing_the_same_token_again_changes_nothing(keys: Keys) -> None:
    first = keys.import_token("sixteen letters!")

    assert keys.import_token("sixteen letters!") == first
    assert len(keys.list()) == 1


def test_a_changed_import_closes_the_former_one_and_a_return_opens_it_again(keys: Keys) -> None:
    _, token = keys.create("environment", Scope.READ)
    first = keys.import_token("the first of them")
    second = keys.import_token("the second of them")

    assert keys.verify("the first of them") is None
    assert keys.verify("the second of them") == second
    assert keys.import_token("the first of them") == first
    assert keys.verify("the first of them") == first
    assert keys.verify("the second of them") is None
    assert keys.verify(token) is not None


def test_a_token_of_ours_from_another_home_can_be_imported(keys: Keys) -> None:
    token = "bg_first_" + "A" * 43

    assert keys.import_token(token).name == "environment"
    assert keys.verify(token) is not None


@pytest.mark.parametrize("token", ["", "fifteen letters", "x" * 513])
def test_a_token_too_short_or_too_long_is_refused_without_being_shown(keys: Keys, token: str) -> None:
    with pytest.raises(Fault) as refusal:
        keys.import_token(token)

    assert (refusal.value.code, refusal.value.context["setting"]) == ("CFG_003", "BOT_API_AUTH_TOKEN")
    assert refusal.value.cause == f"Expected BOT_API_AUTH_TOKEN of 16 to 512 characters, was {len(token)}."
    assert keys.list() == ()


def test_while_the_store_fails_those_seen_just_before_are_known_and_nobody_else(
    keys: Keys, engine: sa.Engine, clock: SetClock
) -> None:
    caller, token = keys.create("a", Scope.READ)
    stranger, strange_token = keys.create("b", Scope.READ)
    keys.verify(strange_token)
    clock.move(120)
    keys.verify(token)
    clock.move(30)

    def fail(connection: sa.Connection) -> None:
        raise Fault("SYS_002", "On purpose.")

    sa.event.listen(engine, "begin", fail)
    for unknown in (strange_token, "bg_nobody_" + "A" * 43):
        with pytest.raises(Fault) as refusal:
            keys.verify(unknown)
        assert refusal.value.code == "SYS_002"
    assert keys.verify(token) == caller
    clock.move(3600)
    assert keys.verify(token) == caller

    sa.event.remove(engine, "begin", fail)
    keys.revoke(caller.key_id)
    assert keys.verify(token) is None
    assert keys.verify(strange_token) == stranger
