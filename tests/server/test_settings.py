"""Settings: arguments before variables before defaults, and messages that name the variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from click99.server.settings import Settings, variable


def test_arguments_come_before_variables_before_defaults(monkeypatch: pytest.MonkeyPatch):
    assert Settings().port == 9090
    monkeypatch.setenv("CLICK99_PORT", "1234")
    assert Settings().port == 1234
    assert Settings(port=5678).port == 5678


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_variable(monkeypatch: pytest.MonkeyPatch, name: str):
    values = {
        "port": "7",
        "device": "cuda:1",
        "allowed_hosts": "a.example",
        "threads": "3",
        "image_mb": "7",
        "image_megapixels": "0.5",
        "body_mb": "7",
        "task_results": "700",
        "object_clicks": "70",
        "requests_at_once": "7",
        "cache_mb": "50",
        "state_mb": "5",
        "state_minutes": "9",
        "near_percent": "2.5",
        "clean_percent": "0.2",
        "polygon_tolerance": "0.5",
        "workers": "2",
        "replicas": "2",
        "redis_url": "redis://127.0.0.1",
        "database_url": "postgresql://127.0.0.1/click99",
        "database_upgrade": "start",
        "registry_url": "s3://bucket/click99",
        "engine": "openvino",
        "memory": "off",
        "try_page": "False",
        "log": "json",
        "overlap": "True",
        "sync_minutes": "5",
        "retrain_every": "50",
        "retrain_ray": "http://ray:8265",
        "retrain_minutes": "7.5",
        "retrain_keep": "5",
        "lines": "3+7,8+9",
    } | {
        "label_studio_url": "http://label.studio",
        "label_studio_host": "https://labels.example.org/sub",
        "basic_auth_user": "ann",
        "basic_auth_password": "ann",
    }
    if name.startswith("basic_auth"):
        monkeypatch.setenv("CLICK99_BASIC_AUTH_USER", "ann")
        monkeypatch.setenv("CLICK99_BASIC_AUTH_PASSWORD", "ann")
    if name in ("workers", "replicas"):
        monkeypatch.setenv("CLICK99_REDIS_URL", values["redis_url"])
    if name == "retrain_ray":
        monkeypatch.setenv("CLICK99_REGISTRY_URL", values["registry_url"])
    value = values.get(name, "/somewhere")
    monkeypatch.setenv(variable(name), value)
    assert str(getattr(Settings(), name)) == value


def test_variables_without_the_prefix_mean_nothing(monkeypatch: pytest.MonkeyPatch):
    for name in ("HOME", "PORT", "MODEL", "HOST"):
        monkeypatch.setenv(name, "9")
    assert Settings() == Settings(port=9090, model=None, host="127.0.0.1")
    assert Settings().home == Path("9/.click99")  # ~ is expanded as everywhere


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLICK99_PORT", "")
    assert Settings().port == 9090


def test_hosts_are_split_and_trimmed():
    assert Settings(allowed_hosts=" a.example, b.example:8080,,").hosts == {"a.example", "b.example:8080"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lines": "3+7,3"}, "lines"),
        ({"lines": "every"}, "names no groups"),
        ({"port": 70000}, "port"),
        ({"label_studio_url": "localhost:8080"}, "http"),
        ({"basic_auth_user": "ann"}, "CLICK99_BASIC_AUTH_PASSWORD"),
        ({"state_mb": 0}, "state_mb"),
        ({"cache_mb": 15}, "cache_mb"),
        ({"allowed_hosts": "a.example, http://b.example"}, "without http"),
        ({"device": "abacus"}, "device"),
        ({"registry_url": "bucket/click99"}, "s3://bucket/folder"),
        ({"retrain_ray": "http://ray:8265"}, "CLICK99_REGISTRY_URL"),
        ({"redis_url": "localhost:6379"}, "redis://host"),
        ({"redis_url": "redis+sentinel://a,b"}, "/name"),
        ({"registry_url": "s3://"}, "s3://bucket/folder"),
        ({"home": "s3://bucket/click99"}, "CLICK99_REGISTRY_URL"),
        ({"database_upgrade": "never"}, "database_upgrade"),
    ],
)
def test_a_wrong_value_is_refused(given: dict[str, Any], message: str):
    with pytest.raises(ValidationError, match=message):
        Settings(**given)


def test_secrets_are_not_printed():
    shown = repr(
        Settings(label_studio_api_key="secret-a", basic_auth_user="u", basic_auth_password="secret-b")
    )
    assert "secret" not in shown
