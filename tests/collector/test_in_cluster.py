"""A run as a pod does it: resources and status on a real API server, the binder's volume in a folder."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bannette.collector import ClusterAssignment, Interruption, Run
from bannette.collector.cluster_status import ClusterStatus
from bannette.collector.order import Order
from bannette.collector.status import began
from bannette.kube import ClusterApi
from bannette.resources import ActiveRun, ChannelStatus, Trigger
from devcluster.apiserver import ApiServer
from tests.collector.local_channel import Ended, wait_until
from tests.notify.mail_server import Authority
from tests.notify.test_cloud_events import http_sink

pytestmark = pytest.mark.apiserver

NAMESPACE = "acme"
CRDS = Path(__file__).parents[2] / "crds"
RESOURCES = """
apiVersion: bannette.io/v1alpha1
kind: CollectionChannel
metadata: {{name: acme-onedrive, namespace: {namespace}}}
spec:
  type: OneDrive
  recipient: {{name: marie}}
  destination: {{binder: purchases}}
  historyLimit: 3
  onedrive:
    folder: /Invoices
    account:
      application: {{tenantId: {tenant}, user: {user}, clientId: {client}, credentialsSecret: {{name: acme-app}}}}
  ocr: {{enabled: false}}
---
apiVersion: bannette.io/v1alpha1
kind: Binder
metadata: {{name: purchases, namespace: {namespace}}}
spec: {{company: Acme, storage: {{persistentVolumeClaim: {{claimName: purchases}}}}}}
---
apiVersion: bannette.io/v1alpha1
kind: Recipient
metadata: {{name: marie, namespace: {namespace}}}
spec: {{displayName: Marie, email: marie@acme.example}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        running.install_crds(CRDS)
        running.kubectl("create", "namespace", NAMESPACE)
        yield running


class Pod:
    """Runs the collector against the API server."""

    def __init__(self, server, simulator, folder):
        self.server = server
        self.volume = folder / "binder"
        self.log = folder / "termination-log"
        self.credentials = folder / "credentials"
        self.events = folder / "events"
        self.volume.mkdir()
        self.credentials.mkdir()
        (self.credentials / "clientSecret").write_text(f"{simulator.client_secret}\n")
        self.environment = {**simulator.environment, "BANNETTE_TERMINATION_LOG": str(self.log)}

    @property
    def api(self):
        return ClusterApi(
            self.server.url, namespace=NAMESPACE, token=self.server.token, ca=self.server.ca_file.read_text()
        )

    @property
    def status(self):
        return ClusterStatus(self.api, name="acme-onedrive", patience=1.0, poll=0.1)

    def collect(self, run="run-1", trigger=Trigger.MANUAL, *, patience=1.0, **order):
        now = datetime.now(UTC)
        order = Order(id=run, trigger=trigger, started_at=now, due_at=now, job=f"job-{run}", **order)
        assignment = ClusterAssignment(
            self.api,
            channel="acme-onedrive",
            volume=self.volume,
            credentials=self.credentials,
            events=self.events,
            events_ca=self.events / "ca.crt",
        )
        # Pods have a /tmp of their own; tests that run side by side have one.
        assignment.scratch = self.volume.with_name("scratch")
        assignment.status = ClusterStatus(self.api, name="acme-onedrive", patience=patience, poll=0.1)
        entry, code = Run(assignment, order, Interruption(), environ=self.environment, in_pod=True).run()
        return Ended(code, json.dumps(entry.to_dict()), "")

    def shown(self, plural="collectionchannels", name="acme-onedrive"):
        return self.api.get(plural, name).get("status", {})


@pytest.fixture
def pod(server, simulator, tmp_path):
    resources = RESOURCES.format(
        namespace=NAMESPACE, tenant=simulator.tenant_id, user=simulator.user, client=simulator.client_id
    )
    server.apply(resources)
    yield Pod(server, simulator, tmp_path)
    server.kubectl("delete", "collectionchannels,binders,recipients", "--all", "-n", NAMESPACE)


def test_a_run_reports_in_the_channels_status_and_counts_in_the_binders(pod, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    ended = pod.collect(request="now")
    assert ended.code == 0, ended.entry
    status = pod.shown()
    assert status["lastRun"] == status["history"][0] == ended.entry
    assert (status["lastRun"]["request"], status["lastRun"]["job"]) == ("now", "job-run-1")
    assert status["lastRun"]["generation"] == 1
    assert status["checkpoint"]["seenItems"] == 1
    assert "activeRun" not in status
    binder = pod.shown("binders", "purchases")
    assert (binder["documents"], binder["bytes"]) == (1, 5)
    (line,) = pod.server.kubectl("get", "binders", "-n", NAMESPACE, "--no-headers").splitlines()
    assert re.search(r" 1 +\d+s ", line), line
    assert json.loads(pod.log.read_text()) == ended.entry


def test_a_run_is_in_the_history_once_though_it_had_several_pods(pod, simulator):
    pod.collect("run-1")
    simulator.control.create("/Invoices/a.txt", "alpha")
    pod.collect("run-1")
    for number in (2, 3, 4):
        pod.collect(f"run-{number}")
    history = pod.shown()["history"]
    assert len(history) == 3
    assert {entry["id"] for entry in history} <= {"run-1", "run-2", "run-3", "run-4"}
    assert len({entry["id"] for entry in history}) == 3


def test_what_the_pods_of_a_job_collected_is_added_up_once(pod, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    first = pod.collect("run-1")
    simulator.control.create("/Invoices/b.txt", "beta!!")
    second = pod.collect("run-1")
    assert (second.entry["collected"], second.entry["bytes"]) == (2, 11)
    assert second.entry["startedAt"] == first.entry["startedAt"]
    assert pod.shown()["history"] == [second.entry]
    binder = pod.shown("binders", "purchases")
    assert (binder["documents"], binder["bytes"]) == (2, 11)


def test_an_active_run_shows_while_it_goes_on(pod, simulator, monkeypatch):
    monkeypatch.setattr("bannette.collector.heartbeat.EVERY", 0.1)
    simulator.control.create("/Invoices/slow.txt", generate=60_000)
    simulator.control.add_faults({"name": "held", "kinds": ["download"], "delay": 3600.0})
    thread = threading.Thread(target=pod.collect)
    thread.start()
    wait_until(lambda: pod.shown().get("activeRun", {}).get("discovered") == 1, "the run to show")
    active = pod.shown()["activeRun"]
    assert (active["id"], active["job"], active["trigger"]) == ("run-1", "job-run-1", "Manual")
    simulator.control.remove_faults("held")
    thread.join()
    assert "activeRun" not in pod.shown()


def test_a_run_waits_while_another_ones_heart_beats_and_goes_on_when_it_stands_still(pod, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    began_at = datetime.now(UTC)
    # Many beats: one or two may be late.
    patience = 5.0
    other = ActiveRun(id="other", trigger=Trigger.MANUAL, job="j", started_at=began_at, heartbeat=began_at)
    stop = threading.Event()

    def beat():
        at = began_at
        while not stop.wait(0.2):
            at += timedelta(days=365)
            pod.status.update(lambda status, at=at: replace(status, active_run=replace(other, heartbeat=at)))

    pod.status.update(lambda status: replace(status, active_run=other))
    heart = threading.Thread(target=beat)
    run = threading.Thread(target=pod.collect, kwargs={"patience": patience})
    heart.start()
    run.start()
    run.join(patience + 2)
    assert run.is_alive()
    assert simulator.control.counters()["total"] == 0
    stop.set()
    heart.join()
    run.join(120)
    assert not run.is_alive()
    status = pod.shown()
    assert status["lastRun"]["collected"] == 1
    assert "activeRun" not in status


def test_a_pod_of_the_same_job_takes_over_at_once(pod, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    now = datetime.now(UTC)
    order = Order(id="run-1", trigger=Trigger.MANUAL, started_at=now, due_at=now)
    pod.status.update(lambda status: began(status, order))
    assert pod.collect("run-1").counts("result", "collected") == ("Succeeded", 1)


def test_updates_that_meet_are_repeated_and_none_is_lost(pod):
    def add(count):
        for _ in range(count):
            status = pod.status
            status.use_binder("purchases", {})
            status.count_arrivals(documents=1, size=10, at=datetime.now(UTC))

    threads = [threading.Thread(target=add, args=(5,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (pod.shown("binders", "purchases")["documents"], pod.shown("binders", "purchases")["bytes"]) == (20, 200)


def test_a_run_touches_nothing_of_the_operators(pod, simulator):
    operators = {"lastHandledRequestedAt": "x", "conditions": [], "observedGeneration": 1}
    pod.api.patch_status("collectionchannels", "acme-onedrive", {"status": operators})
    pod.collect()
    status = ChannelStatus.parse(pod.shown())
    assert (status.last_handled_requested_at, status.observed_generation) == ("x", 1)


@pytest.mark.parametrize("kind", ["binder", "recipient"])
def test_a_missing_prerequisite_is_in_the_history(pod, server, kind):
    name = {"binder": "purchases", "recipient": "marie"}[kind]
    server.kubectl("delete", kind, name, "-n", NAMESPACE)
    ended = pod.collect()
    assert (ended.code, ended.entry["result"]) == (2, "Failed")
    assert pod.shown()["lastRun"] == ended.entry


def test_a_run_whose_channel_is_gone_still_leaves_its_entry(pod, server):
    server.kubectl("delete", "collectionchannel", "acme-onedrive", "-n", NAMESPACE)
    ended = pod.collect()
    assert ended.code == 2
    assert json.loads(pod.log.read_text()) == ended.entry


def test_the_binders_status_says_whether_its_sink_was_told(pod, server, simulator, tmp_path):
    def conditions():
        return pod.shown("binders", "purchases").get("conditions")

    def spec(**events):
        patch = json.dumps({"spec": {"events": events or None}})
        server.kubectl("patch", "binder", "purchases", "-n", NAMESPACE, "--type=merge", "-p", patch)

    simulator.control.create("/Invoices/a.txt", "alpha")
    authority = Authority(tmp_path)
    with http_sink(tls=authority.context) as sink:
        spec(url=sink.url, secret={"name": "erp"}, caBundle={"configMap": "company-ca"})
        # Neither is mounted: the operator's pods get them where they exist.
        assert pod.collect("run-1").counts("result", "collected") == ("Succeeded", 1)
        (missing,) = conditions()
        assert (missing["type"], missing["status"], missing["reason"]) == (
            "EventsDelivered",
            "False",
            "EventTokenMissing",
        )
        assert "1 document is still to be told of" in missing["message"]
        assert "canary" not in json.dumps(conditions())
        pod.events.mkdir()
        (pod.events / "token").write_text("canary-of-the-sink\n")
        (pod.events / "ca.crt").write_bytes(authority.file.read_bytes())
        assert pod.collect("run-2").counts("result", "reason") == ("Succeeded", "NothingNew")
        (_, headers, body), *none = sink.heard
    assert none == []
    assert (headers["Authorization"], json.loads(body)["source"]) == ("Bearer canary-of-the-sink", "/acme/purchases")
    (told,) = conditions()
    assert (told["status"], told["reason"]) == ("True", "Delivered")
    assert pod.shown("binders", "purchases")["documents"] == 1
    version = pod.api.get("binders", "purchases")["metadata"]["resourceVersion"]
    pod.collect("run-3")
    assert pod.api.get("binders", "purchases")["metadata"]["resourceVersion"] == version
    spec()
    pod.collect("run-4")
    assert not conditions()
