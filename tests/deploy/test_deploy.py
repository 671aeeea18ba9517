"""The unit, the image and the compose file run commands that exist, keep the home, and open nothing to the network."""

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.project import ROOT, tracked
from trading_bot.settings import NAMES, load_settings

DEPLOY = ROOT / "deploy"
BOTGRAPH = Path(sys.executable).with_name("botgraph")
HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictNamespaces": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
}


def unit() -> dict[str, dict[str, str]]:
    """The sections of the unit; of a key that stands twice the last one counts."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    setattr(parser, "optionxform", str)  # noqa: B010 - systemd minds capitals; mypy minds a method that is assigned
    parser.read(DEPLOY / "botgraph.service")
    return {name: dict(parser[name]) for name in parser.sections()}


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Containerfile, with what stands behind each."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def service() -> dict[str, Any]:
    """The one service of the compose file."""
    content = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert list(content["services"]) == ["bot-and-api"]
    found: dict[str, Any] = content["services"]["bot-and-api"]
    return found


def last(instruction: str) -> str:
    return next(rest for name, rest in reversed(instructions()) if name == instruction)


def starts(arguments: list[str]) -> None:
    """Whether the command exists, and starts."""
    said = subprocess.run(
        [BOTGRAPH, *arguments, "--help"], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert "Usage: botgraph up" in said.stdout


def test_the_unit_the_image_and_compose_start_the_same_command_which_exists() -> None:
    program, *arguments = unit()["Service"]["ExecStart"].split()
    assert Path(program).name == json.loads(last("ENTRYPOINT"))[0] == BOTGRAPH.name
    assert arguments == json.loads(last("CMD")) == service()["command"] == ["up"]
    starts(arguments)


def test_the_unit_waits_for_our_signs_and_does_not_try_again_what_would_not_help() -> None:
    found = unit()["Service"]

    assert (found["Type"], found["WatchdogSec"], found["Restart"]) == ("notify", "30", "on-failure")
    assert (found["RestartPreventExitStatus"], found["KillMode"]) == ("78", "mixed")
    assert float(found["TimeoutStopSec"]) > 5
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"


def test_the_unit_lets_it_write_to_its_home_and_nowhere_else() -> None:
    found = unit()["Service"]

    assert {name: found.get(name) for name in HARDENED} == HARDENED
    assert found["Environment"] == f"BOTGRAPH_HOME=/var/lib/{found['StateDirectory']}"
    assert (found["StateDirectoryMode"], found["UMask"], found["User"]) == ("0700", "0077", "botgraph")
    assert not {"ReadWritePaths", "BindPaths"} & set(found)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_itself_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "botgraph.service").read_text()
    mine = tmp_path / "botgraph.service"
    mine.write_text(text.replace("/opt/botgraph/.venv/bin/botgraph", str(BOTGRAPH)))
    said = subprocess.run(["systemd-analyze", "verify", mine], capture_output=True, text=True, check=False, timeout=60)

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_the_image_is_made_of_what_is_locked_and_holds_no_secret() -> None:
    copied = [rest.split()[:-1] for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    names = [name for names in copied for name in names]
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()

    assert names == [
        "requirements.lock",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "graph",
        "resolvers",
        "workflows",
        "trading_bot",
    ]
    assert ignored[0] == "*"  # what is not named below does not get into the image, such as var/ and .env
    assert [line[1:] for line in ignored if line.startswith("!")] == names
    assert all(tracked(f"{name}*") for name in names)
    assert any("--require-hashes --requirement requirements.lock" in rest for _, rest in instructions())


def test_the_container_runs_as_nobody_in_particular_and_keeps_its_home_in_a_volume(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = dict(pair.split("=", 1) for name, rest in instructions() if name == "ENV" for pair in rest.split())
    ours = {name: value for name, value in variables.items() if name in NAMES.values()}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()

    assert set(ours) == {"BOTGRAPH_HOME", "BOT_API_HOST"}
    assert last("USER") == "botgraph"
    assert json.loads(last("VOLUME")) == [str(settings.home)] == ["/var/lib/botgraph"]
    assert last("EXPOSE") == str(settings.api_port)
    assert service()["volumes"] == ["home:/var/lib/botgraph"]


def test_compose_opens_the_port_on_this_machine_only_and_grants_nothing() -> None:
    found = service()

    assert found["ports"] == ["127.0.0.1:8000:8000"]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["init"] is True
    assert not {"privileged", "network_mode", "cap_add", "devices"} & set(found)
    assert (DEPLOY / found["build"]["context"]).resolve() == ROOT
    assert (ROOT / found["build"]["dockerfile"]).is_file()


def test_what_the_package_needs_beside_its_code_gets_into_the_image() -> None:
    """The image has an installed package, not a checkout: whatever is read at run time must lie within the four packages."""
    packages = ("graph/*", "resolvers/*", "workflows/*", "trading_bot/*")
    data = {path.suffix for path in tracked(*packages) if path.suffix != ".py"}

    assert data <= {".graphql", ".mako", ".yaml", ".json"}
