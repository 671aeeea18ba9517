import stat
from pathlib import Path

import pytest

from trading_bot.errors.fault import Fault
from trading_bot.settings import NAMES, Settings, load_settings


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` of the checkout reaches a test."""
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_everything_has_a_default(tmp_path: Path) -> None:
    settings = load_settings()

    assert settings.home == tmp_path / "var"
    assert settings.store_url == f"sqlite:///{tmp_path}/var/botgraph.db"
    assert (settings.api_host, settings.api_port, settings.api_address) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert settings.api_auth_token is None
    assert settings.api_cors_origins == ()
    assert settings.api_allowed_hosts == ("localhost", "127.0.0.1")
    assert (settings.api_rate_per_minute, settings.state_cache_ttl) == (100, 60.0)
    assert (settings.candles, settings.speed, settings.seed) == (None, None, None)


def test_the_environment_wins_over_the_file_and_a_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("BOT_API_PORT=8001\nBOTGRAPH_SEED=1\nBOTGRAPH_SPEED=2.5\nSOMEBODY_ELSES=1\n")
    monkeypatch.setenv("BOTGRAPH_SEED", "2")
    monkeypatch.setenv("BOTGRAPH_SPEED", "10")

    settings = load_settings(speed="max")

    assert (settings.api_port, settings.seed, settings.speed) == (8001, 2, "max")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_API_PORT", "")

    assert load_settings().api_port == 8000


def test_a_list_is_given_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_API_CORS_ORIGINS", "https://a.example, http://b.example:3000")

    assert load_settings().api_cors_origins == ("https://a.example", "http://b.example:3000")


def test_the_home_is_made_absolute_and_holds_the_store(tmp_path: Path) -> None:
    settings = load_settings(home="here/../there")

    assert settings.home == tmp_path / "there"
    assert settings.store_url == f"sqlite:///{tmp_path}/there/botgraph.db"


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("BOT_API_PORT", "http", "BOT_API_PORT was `http`: expected a whole number from 1 to 65535."),
        ("BOT_API_PORT", "0", "BOT_API_PORT was `0`: expected a whole number from 1 to 65535."),
        ("BOT_API_HOST", "a b", "BOT_API_HOST was `a b`: expected an address or name of this machine."),
        ("BOT_API_AUTH_TOKEN", "hunter2", "BOT_API_AUTH_TOKEN is wrong: expected 16 to 256 characters."),
        (
            "BOT_API_CORS_ORIGINS",
            "*",
            "BOT_API_CORS_ORIGINS was `*`: expected addresses such as https://example.com, by commas.",
        ),
        ("BOT_API_ALLOWED_HOSTS", ",", "BOT_API_ALLOWED_HOSTS was ``: expected one or more host names, by commas."),
        (
            "BOT_API_RATE_PER_MINUTE",
            "-1",
            "BOT_API_RATE_PER_MINUTE was `-1`: expected a whole number from 0 (no limit) to 1000000.",
        ),
        ("BOT_STATE_CACHE_TTL", "61", "BOT_STATE_CACHE_TTL was `61`: expected seconds from 0 to 60."),
        (
            "BOTGRAPH_STORE_URL",
            "mysql://me:secret@host/db",
            "BOTGRAPH_STORE_URL is wrong: expected sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE.",
        ),
        (
            "BOTGRAPH_STORE_URL",
            "sqlite:///:memory:",
            "BOTGRAPH_STORE_URL is wrong: expected sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE.",
        ),
        ("BOTGRAPH_SPEED", "nan", "BOTGRAPH_SPEED was `nan`: expected max, or a number from 0.01 to 1000000."),
        ("BOTGRAPH_SEED", "x" * 50, f"BOTGRAPH_SEED was `{'x' * 39}…`: expected a whole number from 0 to 2^63-1."),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    name: str, value: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(Fault) as raised:
        load_settings()

    assert (raised.value.code, raised.value.cause, raised.value.context) == ("CFG_003", cause, {"setting": name})


@pytest.mark.parametrize("secret", ["hunter2", "mysql://me:hunter2@host/db"])
def test_a_wrong_secret_is_never_shown(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "BOTGRAPH_STORE_URL" if "://" in secret else "BOT_API_AUTH_TOKEN"
    monkeypatch.setenv(name, secret)

    with pytest.raises(Fault) as raised:
        load_settings()

    assert "hunter2" not in f"{raised.value!r} {raised.value.context} {raised.value.__cause__} "


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"BOT_API_PORT=\xff\xfe")

    with pytest.raises(Fault, match=r"CFG_003: The file \.env can't be read: UnicodeDecodeError"):
        load_settings()


def test_a_token_is_not_in_the_text_of_the_settings() -> None:
    assert "a-long-enough-token" not in repr(load_settings(api_auth_token="a-long-enough-token"))


def test_the_environment_of_a_child_gives_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path / "home",
        api_port="8123",
        api_auth_token="a-long-enough-token",
        api_cors_origins="https://a.example,https://b.example",
        speed="0.5",
        seed="12",
        candles="candles.csv",
    )
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)

    assert Settings() == settings


def test_folders_are_for_this_user_only(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "a" / "home")

    settings.make_folders()

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in settings.home.iterdir()}
    assert modes == {"logs": 0o700, "config": 0o700, "keys": 0o700, "backups": 0o700, "run": 0o700}
    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o700


def test_a_home_that_is_a_file_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")

    with pytest.raises(Fault) as raised:
        load_settings().make_folders()

    assert raised.value.code == "CFG_003"
    assert raised.value.context == {"setting": "BOTGRAPH_HOME"}


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000"), ("box.example", "http://box.example:8000")],
)
def test_the_api_is_called_at_an_address_of_this_machine(host: str, address: str) -> None:
    assert load_settings(api_host=host).api_address == address


def test_every_setting_is_called_bot_something() -> None:
    assert all(name.startswith(("BOT_", "BOTGRAPH_")) for name in NAMES.values())
