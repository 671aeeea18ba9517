"""Tokens: good for one thing, one caller and 120 seconds."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.standing_clock import StandingClock
from trading_bot.errors.fault import Fault
from trading_bot.services.tokens import Tokens, load_secret

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECRET = bytes(range(32))
ASKED = {"purpose": "confirm", "key_id": "k1", "subject": "digest"}


def test_a_token_is_good_for_what_it_was_given_for() -> None:
    issued = tokens().issue(**ASKED)

    assert issued.expires_at == NOW + timedelta(seconds=120)
    assert tokens().verify(issued.token, **ASKED) == "07" * 14


def test_a_token_can_be_sent_anywhere() -> None:
    token = Tokens(SECRET, StandingClock(NOW)).issue(**ASKED).token

    assert len(token) == 75
    assert token.startswith("ct_")
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("other", [{"purpose": "plan"}, {"key_id": "k2"}, {"subject": "other digest"}])
def test_a_token_is_good_for_nothing_else(other: dict[str, str]) -> None:
    token = tokens().issue(**ASKED).token

    with pytest.raises(Fault, match="QRY_009: The token is not from a dry run of just this input by this key"):
        tokens().verify(token, **{**ASKED, **other})


def test_parts_can_not_be_shifted_between_names() -> None:
    token = tokens().issue(purpose="confirm", key_id="k1", subject="23").token

    with pytest.raises(Fault, match="QRY_009"):
        tokens().verify(token, purpose="confirm", key_id="k12", subject="3")


def test_a_token_of_another_home_is_not_good() -> None:
    token = Tokens(b"x" * 32, StandingClock(NOW)).issue(**ASKED).token

    with pytest.raises(Fault, match="QRY_009"):
        tokens().verify(token, **ASKED)


@pytest.mark.parametrize(("seconds", "is_good"), [(0, True), (119.999, True), (120, False), (600, False)])
def test_a_token_ends_after_120_seconds(seconds: float, is_good: bool) -> None:  # noqa: FBT001
    token = tokens().issue(**ASKED).token
    later = tokens(NOW + timedelta(seconds=seconds))

    if is_good:
        assert later.verify(token, **ASKED) == "07" * 14
    else:
        with pytest.raises(Fault, match=f"QRY_009: The token expired {seconds - 120:.0f} s ago"):
            later.verify(token, **ASKED)


@given(st.integers(0, 74), st.characters(codec="ascii"))
def test_a_changed_token_is_not_good(place: int, letter: str) -> None:
    token = tokens().issue(**ASKED).token
    changed = token[:place] + letter + token[place + 1 :]

    if changed != token:
        with pytest.raises(Fault, match="QRY_009"):
            tokens().verify(changed, **ASKED)


@given(st.text(max_size=100))
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Fault, match="QRY_009"):
        tokens().verify(text, **ASKED)


def test_two_tokens_are_never_the_same() -> None:
    both = Tokens(SECRET, StandingClock(NOW))

    assert both.issue(**ASKED).token != both.issue(**ASKED).token


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected a secret of at least 32 bytes, was 31"):
        Tokens(b"x" * 31, StandingClock(NOW))


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "confirm.key"
    first = load_secret(path)

    assert len(first) == 32
    assert load_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["confirm.key"]


def test_all_who_start_at_once_get_the_same_secret(tmp_path: Path) -> None:
    got: list[bytes] = []
    starting = [Thread(target=lambda: got.append(load_secret(tmp_path / "confirm.key"))) for _ in range(8)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()

    assert len(got) == 8
    assert len(set(got)) == 1


@pytest.mark.parametrize("held", ["", "not hexadecimal", "ab" * 31])
def test_a_file_without_a_secret_is_told(tmp_path: Path, held: str) -> None:
    path = tmp_path / "confirm.key"
    path.write_text(held)

    with pytest.raises(Fault, match=r"SYS_007: The file `confirm.key` does not hold a secret of 32 bytes"):
        load_secret(path)


def test_a_secret_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where a folder should be")

    with pytest.raises(Fault, match=r"SYS_007: The key file `confirm.key` can't be written"):
        load_secret(tmp_path / "keys" / "confirm.key")


def tokens(now: datetime = NOW) -> Tokens:
    return Tokens(SECRET, StandingClock(now), new_id=lambda size: b"\x07" * size)
