"""The Kubernetes manifests, as far as they can be checked without a cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from fastapi.testclient import TestClient

from click99 import __version__
from click99.server.app import create_app
from click99.server.settings import Settings, variable
from tests.disc_painter import DiscPainter

FOLDER = Path(__file__).parents[1] / "docker" / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
RESOURCES = [
    resource
    for file in KUSTOMIZATION["resources"]
    for resource in yaml.safe_load_all((FOLDER / file).read_text())
]
(GIVEN,) = (
    dict(each.split("=", 1) for each in one["literals"]) for one in KUSTOMIZATION["configMapGenerator"]
)
SECRETS = set(re.findall(r"\b(?:CLICK99|LABEL_STUDIO)_[A-Z_]+", (FOLDER / "server.yaml").read_text()))


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = (one for one in RESOURCES if one["kind"] == kind)
    return found


def pod(kind: str) -> dict[str, Any]:
    return of_kind(kind)["spec"]["template"]


def test_every_file_is_applied() -> None:
    files = {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == {*KUSTOMIZATION["resources"]}


@pytest.mark.parametrize("version", ["1.30", "latest"])
def test_kubernetes_knows_all_that_they_say(version: str) -> None:
    """By its own schemas, with no field more; of the ServiceMonitor only Prometheus' operator has one."""
    version = kubernetes_validate.latest_version() if version == "latest" else version
    for resource in RESOURCES:
        if resource["kind"] != "ServiceMonitor":
            kubernetes_validate.validate(resource, version, strict=True)
    misspelt = of_kind("PodDisruptionBudget") | {"spec": {"maxUnavailible": 1}}
    with pytest.raises(kubernetes_validate.ValidationError, match="maxUnavailible"):
        kubernetes_validate.validate(misspelt, version, strict=True)


def test_kustomize_renders_them() -> None:
    if not shutil.which("kubectl"):
        pytest.skip("needs kubectl")
    made = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    rendered = list(yaml.safe_load_all(made.stdout))
    assert sorted(one["kind"] for one in rendered) == sorted(
        ["ConfigMap", *(one["kind"] for one in RESOURCES)]
    )
    assert {one["metadata"]["namespace"] for one in rendered} == {"click99"}
    (settings,) = (one for one in rendered if one["kind"] == "ConfigMap")
    for one in rendered:
        if one["kind"] in ("Deployment", "Job"):
            (container,) = one["spec"]["template"]["spec"]["containers"]
            assert container["image"] == f"registry.example.org/click99:{__version__}"
            assert container["envFrom"][0]["configMapRef"]["name"] == settings["metadata"]["name"]


def test_the_settings_exist_and_are_accepted() -> None:
    known = {variable(name) for name in Settings.model_fields}
    assert GIVEN.keys() <= known
    assert known >= SECRETS
    secret = {"CLICK99_DATABASE_URL": "postgresql://click99:secret@postgres/click99"}
    given = GIVEN | secret
    Settings.model_validate(
        {name: given[variable(name)] for name in Settings.model_fields if variable(name) in given}
    )


def test_what_selects_pods_selects_the_servers_and_not_the_upgrade() -> None:
    labels = pod("Deployment")["metadata"]["labels"]
    selectors = [
        of_kind("Service")["spec"]["selector"],
        of_kind("Service")["metadata"]["labels"],
        of_kind("Deployment")["spec"]["selector"]["matchLabels"],
        of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        of_kind("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        of_kind("ServiceMonitor")["spec"]["selector"]["matchLabels"],
    ]
    assert selectors == [labels] * len(selectors)
    assert pod("Job")["metadata"]["labels"] != labels
    target = of_kind("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == of_kind("Deployment")["metadata"]["name"]


def test_ports_and_volumes_have_one_name_for_one_thing() -> None:
    (server,) = pod("Deployment")["spec"]["containers"]
    assert server["ports"] == [{"name": "http", "containerPort": Settings.model_fields["port"].default}]
    for kind in ("Deployment", "Job"):
        (container,) = pod(kind)["spec"]["containers"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod(kind)["spec"]["volumes"]}
    (opened,) = of_kind("NetworkPolicy")["spec"]["ingress"][0]["ports"]
    assert opened["port"] == server["ports"][0]["containerPort"]


def test_a_processor_for_each_thread() -> None:
    (server,) = pod("Deployment")["spec"]["containers"]
    assert server["resources"]["requests"]["cpu"] == GIVEN["CLICK99_THREADS"]


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_what_is_probed_is_served_without_a_password(probe: str, tmp_path: Path) -> None:
    (server,) = pod("Deployment")["spec"]["containers"]
    closed = Settings(home=tmp_path, basic_auth_user="ann", basic_auth_password="ann")
    with TestClient(create_app(closed, DiscPainter())) as client:
        assert client.get(server[probe]["httpGet"]["path"]).status_code in (200, 503)
