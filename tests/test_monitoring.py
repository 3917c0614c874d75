"""The dashboard and the alerts: of the form that Grafana and Prometheus take, over metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grafana_foundation_sdk.cog.plugins as plugins
import promql_parser
import pytest
import yaml
from fastapi.testclient import TestClient
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from click99.server.app import create_app
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter

FOLDER = Path(__file__).parents[1] / "docker" / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
(GROUP,) = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [target["expr"] for target in TARGETS] + [rule["expr"] for rule in GROUP["rules"]]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names that a server tells at /metrics."""
    app = create_app(Settings(home=tmp_path_factory.mktemp("home")), DiscPainter())
    with TestClient(app) as server:
        text = server.get("/metrics").text
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, flags=re.MULTILINE))
    buckets = {f"{name}_bucket" for name, kind in kinds.items() if kind == "histogram"}
    return {*kinds, *buckets, "up"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_promql_over_metrics_that_there_are(expression: str, metrics: set[str]):
    promql_parser.parse(expression)
    named = set(re.findall(r"\b(click99_\w+|up)\b", expression))
    assert named
    assert named <= metrics


def test_every_metric_is_in_the_dashboard_or_an_alert(metrics: set[str]):
    told = {re.sub("_bucket$", "", name) for name in metrics if name.startswith("click99_")}
    shown = " ".join(EXPRESSIONS)
    training = {name for name in told if "training" in name or "fine" in name}
    assert {name for name in told - training if not name.endswith("_created") and name not in shown} == set()


def test_the_dashboard_is_of_grafana_s_form():
    assert DASHBOARD["schemaVersion"] >= 36
    assert {"title", "uid", "panels", "templating", "time"} <= DASHBOARD.keys()
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels), "none lies on another"
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["datasource"]["uid"] == "${source}"
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_grafana_s_own_types_know_every_field_of_the_dashboard():
    """They are made from its schema, and leave out what that lacks."""
    plugins.register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert [*unknown(DASHBOARD, read)] == []
    damaged = json.loads((FOLDER / "dashboard.json").read_text())
    damaged["panels"][0]["gridPosition"] = damaged["panels"][0].pop("gridPos")
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(damaged)))
    assert [*unknown(damaged, read)] == ["panels.0.gridPosition"]


def unknown(told: Any, read: Any, path: str = "") -> Iterator[str]:
    """Where something of it was not read, or otherwise."""
    if isinstance(told, list) and isinstance(read, list) and len(told) == len(read):
        told, read = dict(enumerate(told)), dict(enumerate(read))
    if isinstance(told, dict) and isinstance(read, dict):
        for name, value in told.items():
            if value or name in read:  # empty ones may be left out
                yield from unknown(value, read.get(name), f"{path}.{name}".lstrip("."))
    elif told != read:
        yield path


@pytest.mark.parametrize("rule", GROUP["rules"], ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]):
    assert (
        {"alert", "expr", "labels", "annotations"}
        <= rule.keys()
        <= {*["alert", "expr", "for", "labels", "annotations"]}
    )
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {"summary", "description"} == rule["annotations"].keys()


def test_prometheus_is_told_of_the_alerts_and_of_click99():
    told = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    assert [(FOLDER / name).is_file() for name in told["rule_files"]] == [True]
    (job,) = told["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("click99", "/metrics")
