"""What the plugin sees of an object through the real kubectl: each of its states, whenever they come."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from bannette.cli.plugin.kubectl import Kubectl
from bannette.controller.names import CHANNEL, JOB, on_demand_job_name
from bannette.errors import PersonNeeded, Transient
from devcluster.binaries import program
from tests.controller.between import Answer, Asked, Between, Fault, Late
from tests.controller.calling import Started, start
from tests.controller.cluster import Json
from tests.controller.tenant import Tenant
from tests.controller.test_plugin import job_that_waits, requested

__all__ = ["start"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

NAME = "acme-onedrive"
REFUSING = "http://127.0.0.1:9"
SECONDS = 90.0


@pytest.fixture
def kubectl(tenant: Tenant, between: Between, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    """kubectl in the tenant's namespace, by way of the proxy."""
    server = tenant.cluster.server
    config = yaml.safe_load(Path(server.kubectl.environment()["KUBECONFIG"]).read_text())
    config["clusters"][0]["cluster"] = {"server": between.url}
    between.token = server.token
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("PATH", f"{program('kubectl').parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / "cache"))
    return Kubectl(("--kubeconfig", str(kubeconfig), "--namespace", tenant.namespace))


def wait_for_watch(between: Between) -> None:
    deadline = time.monotonic() + SECONDS
    while not between.watches:
        assert time.monotonic() < deadline, "kubectl watches nothing"
        time.sleep(0.05)


def times(states: Iterator[Json | None]) -> Iterator[str]:
    """Yield the time of day of each state."""
    return (body["spec"]["schedule"]["time"] for body in states if body is not None)


def test_what_changes_before_the_watch_begins_is_seen(tenant: Tenant, between: Between, kubectl: Kubectl) -> None:
    tenant.add_channel()
    changed: list[str] = []

    def change_first(asked: Asked) -> None:
        if asked.watches and not changed:
            changed.append("06:00")
            tenant.change(schedule={"time": "06:00"})

    between.fault = change_first
    seen = times(kubectl.states(NAME, deadline=time.monotonic() + SECONDS))
    # If kubectl is slow, the plugin has looked for itself meanwhile, and sees the same twice.
    assert next(seen) == "05:30"
    assert "06:00" in seen
    tenant.change(schedule={"time": "06:30"})
    assert "06:30" in seen


def test_what_is_not_there_is_refused_at_once(tenant: Tenant, kubectl: Kubectl) -> None:
    with pytest.raises(PersonNeeded) as refused:
        next(kubectl.states(NAME, deadline=time.monotonic() + SECONDS))
    assert refused.value.reason == "NotFound"


def test_a_refused_connection_is_told_as_such_though_no_kind_is_looked_up(between: Between, kubectl: Kubectl) -> None:
    refuse_connections(between, kubectl)
    with pytest.raises(Transient):
        kubectl.text("get", "--raw", "/readyz")


# what the server says when it can't answer now
FAILURES = {
    "500": Answer.refusal(500, "InternalError"),
    "504": Answer.refusal(504, "Timeout"),
    "504 of an attempt": Answer.refusal(504, "ServerTimeout"),
    "429": Answer.refusal(429, "TooManyRequests"),
    "its store": Answer(
        500, '{"kind":"Status","status":"Failure","message":"etcdserver: request timed out","code":500}'
    ),
    "a proxy": Answer(502, "<html>Bad Gateway</html>"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_server_that_fails_now_may_be_asked_again(between: Between, kubectl: Kubectl, failure: Answer) -> None:
    between.fault = lambda asked: failure if "/collectionchannels" in asked.path else None
    with pytest.raises(Transient, match="can't answer now") as failed:
        kubectl.text("get", "collectionchannels.bannette.io", NAME)
    assert failed.value.reason == "ApiUnavailable"


def test_a_server_that_says_nothing_is_not_waited_for_without_end(
    tenant: Tenant, between: Between, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant.add_channel()
    # It learns of the kinds first.
    kubectl.text("get", "collectionchannels.bannette.io", NAME)
    answers = threading.Event()

    def wait() -> None:
        answers.wait(SECONDS)

    between.fault = lambda asked: Late(wait) if "/collectionchannels" in asked.path else None
    monkeypatch.setattr("bannette.cli.plugin.kubectl.REQUEST_SECONDS", 2.0)
    try:
        with pytest.raises(Transient, match="can't be reached"):
            kubectl.text("get", "collectionchannels.bannette.io", NAME)
    finally:
        answers.set()


def test_an_object_whose_watch_ends_is_watched_again(tenant: Tenant, between: Between, kubectl: Kubectl) -> None:
    tenant.add_channel()
    seen = times(kubectl.states(NAME, deadline=time.monotonic() + SECONDS))
    assert next(seen) == "05:30"
    wait_for_watch(between)
    between.cut_watches()
    tenant.change(schedule={"time": "06:00"})
    assert "06:00" in seen


def test_an_object_that_is_deleted_is_followed_no_longer(tenant: Tenant, between: Between, kubectl: Kubectl) -> None:
    tenant.add_channel()
    states = kubectl.states(NAME, deadline=time.monotonic() + SECONDS)
    assert next(times(states)) == "05:30"
    wait_for_watch(between)
    tenant.cluster.delete(CHANNEL, tenant.namespace, NAME)
    with pytest.raises(PersonNeeded, match=rf'"{NAME}" was deleted meanwhile in namespace {tenant.namespace}') as gone:
        list(states)
    assert gone.value.reason == "NotFound"


def refuse_connections(between: Between, kubectl: Kubectl) -> Callable[[], None]:
    """Let kubectl find nobody at the server's address; return what ends that."""
    told = Path(kubectl.options[1]).read_text()
    replace_kubeconfig(kubectl, told.replace(between.url, REFUSING))
    return lambda: replace_kubeconfig(kubectl, told)


def replace_kubeconfig(kubectl: Kubectl, text: str) -> None:
    """Let no kubectl that is just starting read half of it."""
    kubeconfig = Path(kubectl.options[1])
    new = kubeconfig.with_name("new")
    new.write_text(text)
    new.replace(kubeconfig)


def be_unavailable(between: Between, kubectl: Kubectl) -> Callable[[], None]:
    """Let the server answer that it isn't ready; return what ends that."""
    between.fault = lambda asked: Answer.refusal(503, "ServiceUnavailable")

    def end() -> None:
        between.fault = lambda asked: None

    return end


def be_slowly_unavailable(between: Between, kubectl: Kubectl) -> Callable[[], None]:
    """The same by a server, or to a kubectl, that takes longer than the plugin waits before it looks for itself."""
    come_back = be_unavailable(between, kubectl)
    unavailable = between.fault

    def slowly(asked: Asked) -> Fault | None:
        if "/collectionchannels" in asked.path:
            time.sleep(0.7)
        return unavailable(asked)

    between.fault = slowly
    return come_back


def fail(between: Between, kubectl: Kubectl) -> Callable[[], None]:
    """Let a proxy before the server find nobody behind it; return what ends that."""
    come_back = be_unavailable(between, kubectl)
    between.fault = lambda asked: Answer(502, "<html>Bad Gateway</html>")
    return come_back


AWAY = [refuse_connections, be_unavailable, be_slowly_unavailable, fail]


@pytest.mark.parametrize("be_away", AWAY)
def test_an_api_server_that_is_started_anew_is_waited_for(
    tenant: Tenant, between: Between, kubectl: Kubectl, be_away: Callable[[Between, Kubectl], Callable[[], None]]
) -> None:
    tenant.add_channel()
    states = kubectl.states(NAME, deadline=time.monotonic() + SECONDS)
    assert next(times(states)) == "05:30"
    wait_for_watch(between)
    come_back = be_away(between, kubectl)
    between.cut_watches()
    assert [*itertools.islice((state for state in states if state is None), 2)] == [None, None]
    tenant.change(schedule={"time": "06:00"})
    come_back()
    assert next(times(states)) == "06:00"


@pytest.mark.parametrize("be_away", AWAY)
def test_an_api_server_that_stays_away_is_told_of(
    tenant: Tenant,
    between: Between,
    kubectl: Kubectl,
    be_away: Callable[[Between, Kubectl], Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bannette.cli.plugin.kubectl.AWAY_SECONDS", 2.0)
    tenant.add_channel()
    states = kubectl.states(NAME, deadline=time.monotonic() + SECONDS)
    assert next(times(states)) == "05:30"
    wait_for_watch(between)
    be_away(between, kubectl)
    between.cut_watches()
    with pytest.raises(Transient) as away:
        list(states)
    assert away.value.reason == "ApiUnavailable"


def test_a_run_is_followed_on_though_its_job_could_not_be_looked_at(
    tenant: Tenant, between: Between, kubectl: Kubectl, start: Started
) -> None:
    tenant.add_channel()
    channel, looked = tenant.channel(), threading.Event()

    def fault(asked: Asked) -> Fault | None:
        if "/jobs/" not in asked.path:
            return None
        looked.set()
        return Answer.refusal(503, "ServiceUnavailable")

    between.fault = fault
    process = start("run", NAME, "--yes", *kubectl.options[:2])
    request = requested(tenant)
    name = on_demand_job_name(NAME, channel["metadata"]["uid"], request=request)
    job = tenant.cluster.create(JOB, tenant.namespace, job_that_waits(name))
    # Whether it is there is looked at when the run says nothing, and whether it tries again when the run has failed.
    tenant.report({"lastHandledRequestedAt": request})
    assert looked.wait(SECONDS)
    looked.clear()
    job["metadata"] |= {"annotations": {"bannette.io/request": request}, "labels": {"bannette.io/trigger": "Manual"}}
    tenant.report({"lastRun": tenant.entry(job, result="Failed", message="No folder.")})
    assert looked.wait(SECONDS)
    assert process.poll() is None
    between.fault = lambda asked: None
    tenant.cluster.delete(JOB, tenant.namespace, name)
    output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (3, "Failed: No folder.\n"), errors
