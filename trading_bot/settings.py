"""Settings: what the environment and `.env` say about this installation, read once, typed, with the home's folders beside them."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from trading_bot.errors.fault import Fault

SHOWN_CHARACTERS = 40
HIDDEN = frozenset({"BOT_API_AUTH_TOKEN", "BOTGRAPH_STORE_URL"})  # the second may hold a password
STORES = ("sqlite:///", "postgresql+psycopg://", "postgresql://")


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links; the operator's name is kept


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _store(url: str) -> str:
    place = url.removeprefix(STORES[0])
    if not url.startswith(STORES) or place in {"", ":memory:"}:
        msg = "not a store that two processes can share"
        raise ValueError(msg)
    return url


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if any(not origin.startswith(("http://", "https://")) or origin.count("/") > 2 for origin in origins):  # noqa: PLR2004 - the two of "://"
        msg = "not origins as browsers send them"
        raise ValueError(msg)
    return origins


def _default_store(values: dict[str, Any]) -> str:
    home = values.get("home")
    return f"{STORES[0]}{home}/botgraph.db" if home else ""


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Speed = Literal["max"] | Annotated[float, Field(ge=0.01, le=1_000_000, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Everything that the environment decides. A field's description says what was expected where a value is wrong."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    home: AbsolutePath = Field(
        default=Path("var"), validation_alias="BOTGRAPH_HOME", validate_default=True, description="the path of a folder"
    )
    """Where everything is kept: store, logs, configuration, keys. Absolute."""
    store_url: Annotated[str, AfterValidator(_store)] = Field(
        default_factory=_default_store,
        validation_alias="BOTGRAPH_STORE_URL",
        description="sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE",
    )
    """Address of the store, for SQLAlchemy; `botgraph.db` in the home when unset."""
    api_host: str = Field(
        default="127.0.0.1",
        validation_alias="BOT_API_HOST",
        pattern=r"^[A-Za-z0-9_.:-]{1,253}$",
        description="an address or name of this machine",
    )
    """Where the API listens."""
    api_port: int = Field(
        default=8000, validation_alias="BOT_API_PORT", ge=1, le=65_535, description="a whole number from 1 to 65535"
    )
    """The API's TCP port."""
    api_auth_token: SecretStr | None = Field(
        default=None,
        validation_alias="BOT_API_AUTH_TOKEN",
        min_length=16,
        max_length=256,
        description="16 to 256 characters",
    )
    """An admin key; none unless set: the first start makes and saves one."""
    api_cors_origins: Annotated[Listed, AfterValidator(_origins)] = Field(
        default=(),
        validation_alias="BOT_API_CORS_ORIGINS",
        description="addresses such as https://example.com, by commas",
    )
    """Origins whose pages may call the API."""
    api_allowed_hosts: Listed = Field(
        default=("localhost", "127.0.0.1"),
        validation_alias="BOT_API_ALLOWED_HOSTS",
        min_length=1,
        description="one or more host names, by commas",
    )
    """Names under which the API lets itself be called."""
    api_rate_per_minute: int = Field(
        default=100,
        validation_alias="BOT_API_RATE_PER_MINUTE",
        ge=0,
        le=1_000_000,
        description="a whole number from 0 (no limit) to 1000000",
    )
    """Operations a minute for each key; 0 for no limit."""
    api_sockets_per_key: int = Field(
        default=100,
        validation_alias="BOT_API_SOCKETS_PER_KEY",
        ge=0,
        le=1_000_000,
        description="a whole number from 0 (no limit) to 1000000",
    )
    """WebSockets that each key may have open; 0 for no limit."""
    api_works: bool = Field(default=True, validation_alias="BOT_API_WORKS", description="true or false")
    """Whether the API also carries workflows on; else `botgraph worker` must run."""
    state_cache_ttl: float = Field(
        default=60.0, validation_alias="BOT_STATE_CACHE_TTL", ge=0, le=60, description="seconds from 0 to 60"
    )
    """Longest time that an unchanged answer is served, in seconds."""
    candles: AbsolutePath | None = Field(
        default=None, validation_alias="BOTGRAPH_CANDLES", description="the path of a candle file"
    )
    """Candle file to replay; none for the configured feed. Absolute."""
    speed: Speed | None = Field(
        default=None, validation_alias="BOTGRAPH_SPEED", description="max, or a number from 0.01 to 1000000"
    )
    """Venue seconds per second, or `max` for as fast as it can; none for the configured speed."""
    seed: int | None = Field(
        default=None,
        validation_alias="BOTGRAPH_SEED",
        ge=0,
        le=2**63 - 1,
        description="a whole number from 0 to 2^63-1",
    )
    """Seed of the simulated market; none for the configured one."""

    workflows_dir: AbsolutePath | None = Field(
        default=None, validation_alias="BOTGRAPH_WORKFLOWS_DIR", description="the path of a folder"
    )
    """The operator's own workflows; none for `config/workflows` in the home. Absolute."""

    @property
    def own_workflows_dir(self) -> Path:
        """The operator's own workflows: the folder that was named, or `config/workflows`."""
        return self.workflows_dir or self.config_dir / "workflows"

    @property
    def workflow_allow_file(self) -> Path:
        """What the operator lets steps of workflows use outside of BotGraph; nothing where it is not there."""
        return self.config_dir / "workflow_allow.yaml"

    @property
    def logs_dir(self) -> Path:
        """Audit log and application logs."""
        return self.home / "logs"

    @property
    def config_dir(self) -> Path:
        """The bot's configuration."""
        return self.home / "config"

    @property
    def config_file(self) -> Path:
        """The bot's configuration, as an operator edits it."""
        return self.config_dir / "bot.yaml"

    @property
    def keys_dir(self) -> Path:
        """Saved keys."""
        return self.home / "keys"

    @property
    def first_key_file(self) -> Path:
        """The key that the first start made."""
        return self.keys_dir / "admin.key"

    @property
    def confirm_secret_file(self) -> Path:
        """The secret that confirm tokens are signed with."""
        return self.keys_dir / "confirm.key"

    @property
    def backups_dir(self) -> Path:
        """Backups of this home."""
        return self.home / "backups"

    @property
    def exports_dir(self) -> Path:
        """Archives of logs and of incidents, for whoever has to read them; made when the first one is."""
        return self.home / "exports"

    @property
    def restoring_file(self) -> Path:
        """There while a backup is being put back: the home is neither the old one nor the new one."""
        return self.home / "restoring"

    @property
    def run_dir(self) -> Path:
        """What the supervisor notes about the processes that it started."""
        return self.home / "run"

    @property
    def venue_file(self) -> Path:
        """The paper exchange's own ledger."""
        return self.home / "venue.db"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the one supervisor of this home; holds its pid."""
        return self.home / "supervisor.lock"

    @property
    def api_address(self) -> str:
        """`http://host:port`, as a program on this machine calls the API."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.api_host, self.api_host)  # noqa: S104 - read, not bound
        return f"http://[{host}]:{self.api_port}" if ":" in host else f"http://{host}:{self.api_port}"

    def make_folders(self) -> None:
        """Make the home and its folders, for this user only (0700). Raises Fault CFG_003 where that can't be done."""
        for folder in (self.home, self.logs_dir, self.config_dir, self.keys_dir, self.backups_dir, self.run_dir):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                cause = f"BOTGRAPH_HOME needs the folder {folder}, which can't be made: {error.strerror}."
                raise Fault("CFG_003", cause, context={"setting": "BOTGRAPH_HOME"}) from None

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for a child process; with the token, if there is one."""
        variables: dict[str, str] = {}
        for field, name in NAMES.items():
            match getattr(self, field):
                case None:
                    continue
                case SecretStr() as secret:
                    variables[name] = secret.get_secret_value()
                case tuple() as parts:
                    variables[name] = ",".join(parts)
                case value:
                    variables[name] = str(value)
        return variables


NAMES = {field: str(info.validation_alias) for field, info in Settings.model_fields.items()}
"""The environment variable of each field."""


def load_settings(**overrides: Any) -> Settings:
    """The settings in force: overrides by field name, then the environment, then `.env`, then the defaults.

    Raises Fault CFG_003, which names the variable, its value unless that is secret, and what was expected.
    """
    given = {NAMES[field]: value for field, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise _fault(error) from None
    except (OSError, UnicodeDecodeError) as error:
        cause = f"The file .env can't be read: {type(error).__name__}."
        raise Fault("CFG_003", cause, context={"setting": ".env"}) from None


def _fault(error: ValidationError) -> Fault:
    # A wrong home makes the default of the store wrong as well: the first problem is the one to name.
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    field = next(field for field, alias in NAMES.items() if name in {field, alias})
    variable = NAMES[field]
    was = "" if variable in HIDDEN else f" was `{_shown(first['input'])}`:"
    expected = Settings.model_fields[field].description
    return Fault("CFG_003", f"{variable}{was or ' is wrong:'} expected {expected}.", context={"setting": variable})


def _shown(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
