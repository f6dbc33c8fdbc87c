"""Helm installs, upgrades, uninstalls and installs again, on a real API server, while channels live on."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from bannette.connect import load_keys
from bannette.controller.names import CHANNEL, CRON_JOB, JOB, SECRET, Kind
from devcluster import chart
from devcluster.apiserver import ApiServer
from tests.controller.cluster import SYSTEM, Cluster, Json, eventually
from tests.controller.operator_process import Operator
from tests.controller.people import can
from tests.controller.tenant import Tenant

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]

LIVED_THROUGH = ("uid", "creationTimestamp")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server on which nothing of Bannette is."""
    audit_log = tmp_path_factory.mktemp("audit") / "audit.log"
    with ApiServer(controller_manager=True, audit_log=audit_log) as server:
        yield Cluster(server, audit_log)


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the commit before this one: chart, definitions, operator."""
    folder = tmp_path_factory.mktemp("previous")
    command = ["git", "archive", "HEAD~1", "charts", "crds", "operator"]
    packed = subprocess.run(command, cwd=chart.SOURCE, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def helm(cluster: Cluster, tmp_path: Path) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        environment = cluster.server.kubectl.environment() | {
            f"HELM_{name}_HOME": str(tmp_path / name.lower()) for name in ("CACHE", "CONFIG", "DATA")
        }
        done = subprocess.run(
            [str(chart.helm()), *arguments, "--namespace", SYSTEM], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def exists(cluster: Cluster, kind: str, name: str) -> bool:
    return bool(cluster.server.kubectl("get", kind, name, "-n", SYSTEM, "--ignore-not-found", "-o", "name").strip())


DEFINITION = "crds/collectionchannels.yaml"


def definition(sources: Path) -> Json:
    found: Json = yaml.safe_load((sources / DEFINITION).read_text())
    return found


def columns(of: Json) -> list[str]:
    """What ``kubectl get`` shows of a definition's resources."""
    (version,) = of["spec"]["versions"]
    return [column["name"] for column in version["additionalPrinterColumns"]]


def active(job: Json) -> Json:
    """What the run of *job* says while it goes on."""
    moment = job["metadata"]["creationTimestamp"]
    started = {"startedAt": moment, "heartbeat": moment}
    return {"id": job["metadata"]["uid"], "trigger": "Manual", "job": job["metadata"]["name"], **started}


def lives(of: Json) -> dict[str, object]:
    return {name: of["metadata"][name] for name in LIVED_THROUGH}


def test_channels_live_through_upgrade_uninstall_and_reinstall(
    cluster: Cluster, previous: Path, helm: Callable[..., str], tmp_path: Path
) -> None:
    # The previous commit's chart and operator, with definitions that lack something: an upgrade brings it.
    older = definition(previous)
    (version,) = older["spec"]["versions"]
    version["additionalPrinterColumns"].pop()
    (previous / DEFINITION).write_text(yaml.safe_dump(older))
    helm("install", "bannette", str(previous / "charts" / "bannette"), "--create-namespace")
    cluster.server.wait_for_crds()

    def served() -> Json:
        name = older["metadata"]["name"]
        return cluster.request("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")

    tenant = Tenant(cluster, "acme")
    tenant.add_prerequisites()
    tenant.add_channel()
    folders = [tmp_path / name for name in ("old", "new", "again")]
    for folder in folders:
        folder.mkdir()
    old_code = {"PYTHONPATH": os.pathsep.join([str(previous / "operator"), "."]), "POD_NAME": "old"}
    with Operator(cluster, folders[0], environ=old_code):
        first = tenant.wait_for_job("Initial")
        tenant.run(first, collected=3)
        tenant.wait_for_entry(first)
        tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
        tenant.request("under way")
        under_way = tenant.wait_for_job("Manual")
        eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "under way", "it is acknowledged")
        tenant.report({"activeRun": active(under_way)})
    assert columns(served()) == columns(older)
    channel, cron_job, history = tenant.channel(), tenant.cron_job(), tenant.status()["history"]

    # While nobody hears it.
    tenant.request("meanwhile")
    helm("upgrade", "bannette", str(chart.CHART))
    with Operator(cluster, folders[1], environ={"POD_NAME": "new"}):
        eventually(lambda: "meanwhile waits" in tenant.condition("Ready").get("message", ""), "the run is respected")
        assert [lives(job) for job in tenant.jobs("Manual")] == [lives(under_way)]
        tenant.report({"activeRun": None})
        tenant.run(under_way)
        meanwhile = tenant.wait_for_job("Manual", request="meanwhile")
        tenant.run(meanwhile)
        tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    assert [entry.get("request") for entry in tenant.status()["history"]] == ["meanwhile", "under way", None]
    assert columns(served()) == columns(definition(chart.SOURCE))
    assert lives(tenant.channel()) == lives(channel)
    assert lives(tenant.cron_job()) == lives(cron_job)
    for member in ("schedule", "timeZone", "suspend", "concurrencyPolicy"):
        assert tenant.cron_job()["spec"][member] == cron_job["spec"][member]
    assert history[0] in tenant.status()["history"]
    assert len(tenant.jobs("Initial")) == 1

    helm("uninstall", "bannette")
    for kind, name in (("deployment", "bannette-operator"), ("clusterrole", "bannette-operator")):
        assert not exists(cluster, kind, name)
    assert not exists(cluster, "validatingadmissionpolicy", "bannette-configure")
    assert lives(tenant.channel()) == lives(channel)
    assert lives(tenant.cron_job()) == lives(cron_job)

    helm("install", "bannette", str(chart.CHART))
    before = cluster.audit_position()
    with Operator(cluster, folders[2], environ={"POD_NAME": "again"}):
        tenant.request("after the reinstallation")
        tenant.wait_for_job("Manual", request="after the reinstallation")
        eventually(
            lambda: tenant.status().get("lastHandledRequestedAt") == "after the reinstallation", "it is acknowledged"
        )
    writes = [write.partition("?")[0] for write in cluster.writes_of(Operator.user, since=before)]
    # The Job, the acknowledgement, and the Jobs of earlier requests if there was time: nothing else had to be mended.
    job, acknowledgement = f"create {JOB.path('acme')}", f"patch {CHANNEL.path('acme', 'acme-onedrive', 'status')}"
    left = {f"delete {JOB.path('acme', one['metadata']['name'])}" for one in (under_way, meanwhile)}
    assert writes.count(job) == 1
    assert acknowledgement in writes
    assert {one for one in writes if "/events" not in one} - left == {job, acknowledgement}
    assert cluster.find(CRON_JOB, "acme", "acme-onedrive-collect") is not None


PAGES = ("connect.enabled=true", "connect.url=https://connect.example")
KEYS = "bannette-connect-keys"


def test_the_keys_of_links_are_made_once_and_live_through_upgrades(
    cluster: Cluster, helm: Callable[..., str], tmp_path: Path
) -> None:
    def release(*settings: str) -> dict[str, str]:
        options = [option for setting in settings for option in ("--set", setting)]
        helm("upgrade", "--install", "bannette", str(chart.CHART), "--create-namespace", *options)
        keys: dict[str, str] = cluster.get(SECRET, SYSTEM, KEYS)["data"]
        return keys

    first = release(*PAGES)
    (key,) = first.values()
    (tmp_path / "first").write_bytes(base64.b64decode(key))
    assert load_keys(tmp_path).newest == "first"
    assert release(*PAGES, "connect.replicas=3") == first
    # As the page of the docs has it: one more for a while, then the first one goes.
    cluster.patch(SECRET, SYSTEM, KEYS, {"data": {"9999-01-01": key}})
    assert release(*PAGES) == {**first, "9999-01-01": key}
    cluster.patch(SECRET, SYSTEM, KEYS, {"data": dict.fromkeys(first)})
    assert release(*PAGES) == {"9999-01-01": key}
    # Lost, it is made anew: links of before don't open, and people are told to ask for new ones.
    cluster.delete(SECRET, SYSTEM, KEYS)
    assert len(release(*PAGES)) == 1
    helm("upgrade", "bannette", str(chart.CHART), "--set", "connect.enabled=false")
    for kind, name in (("deployment", "bannette-connect"), ("clusterrole", "bannette-connect"), ("secret", KEYS)):
        assert not exists(cluster, kind, name)


def test_keys_of_ones_own_are_used_and_not_touched(cluster: Cluster, helm: Callable[..., str]) -> None:
    cluster.create(SECRET, SYSTEM, {"metadata": {"name": "own"}, "stringData": {"key": "k" * 32}})
    options = [option for setting in (*PAGES, "connect.keysSecret=own") for option in ("--set", setting)]
    helm("upgrade", "--install", "bannette", str(chart.CHART), "--create-namespace", *options)
    assert not exists(cluster, "secret", KEYS)
    deployment = cluster.get(Kind("apps/v1", "Deployment", "deployments"), SYSTEM, "bannette-connect")
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert [one["secret"]["secretName"] for one in volumes if "secret" in one] == ["own"]
    assert exists(cluster, "secret", "own")


def test_a_release_of_named_namespaces_has_no_rights_elsewhere(
    cluster: Cluster, helm: Callable[..., str], tmp_path: Path
) -> None:
    beta, gamma = Tenant(cluster, "beta"), Tenant(cluster, "gamma")
    helm(
        "upgrade",
        "--install",
        "bannette",
        str(chart.CHART),
        "--create-namespace",
        "--set",
        "operator.namespaces={beta}",
    )
    for tenant in (beta, gamma):
        tenant.add_prerequisites()
        tenant.add_channel()
    with Operator(cluster, tmp_path, "--namespace=beta", environ={"POD_NAME": "beta"}):
        beta.wait_for_condition("Ready", status="True", reason="Scheduled")
    assert gamma.status() == {}
    for verb, resource, group in (("get", "secrets", ""), ("create", "jobs", "batch"), ("list", "pods", "")):
        may = [can(cluster, Operator.user, verb, resource, namespace, group=group) for namespace in ("beta", "gamma")]
        assert may == [True, False], resource
