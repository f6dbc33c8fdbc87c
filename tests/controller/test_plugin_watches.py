"""What the plugin sees of an object through the real kubectl: each of its states, whenever they come."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from bannette.cli.plugin.kubectl import Kubectl
from bannette.errors import PersonNeeded, Transient
from devcluster.binaries import program
from tests.controller.between import Answer, Asked, Between
from tests.controller.cluster import Json
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(120)]

NAME = "acme-onedrive"
SECONDS = 20.0


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
    assert next(seen) == "05:30"
    assert next(seen, "nothing more") == "06:00"
    tenant.change(schedule={"time": "06:30"})
    assert next(seen, "nothing more") == "06:30"


def test_what_is_not_there_is_refused_at_once(tenant: Tenant, kubectl: Kubectl) -> None:
    with pytest.raises(PersonNeeded) as refused:
        next(kubectl.states(NAME, deadline=time.monotonic() + SECONDS))
    assert refused.value.reason == "NotFound"


def test_an_object_whose_watch_ends_is_watched_again(tenant: Tenant, between: Between, kubectl: Kubectl) -> None:
    tenant.add_channel()
    seen = times(kubectl.states(NAME, deadline=time.monotonic() + SECONDS))
    assert next(seen) == "05:30"
    wait_for_watch(between)
    between.cut_watches()
    tenant.change(schedule={"time": "06:00"})
    assert "06:00" in seen


def refuse_connections(between: Between, kubectl: Kubectl) -> Callable[[], None]:
    """Let kubectl find nobody at the server's address; return what ends that."""
    kubeconfig = Path(kubectl.options[1])
    told = kubeconfig.read_text()
    kubeconfig.write_text(told.replace(between.url, "http://127.0.0.1:9"))
    return lambda: (kubeconfig.write_text(told), None)[1]


def be_unavailable(between: Between, kubectl: Kubectl) -> Callable[[], None]:
    """Let the server answer that it isn't ready; return what ends that."""
    between.fault = lambda asked: Answer.refusal(503, "ServiceUnavailable")

    def end() -> None:
        between.fault = lambda asked: None

    return end


@pytest.mark.parametrize("be_away", [refuse_connections, be_unavailable])
def test_an_api_server_that_is_started_anew_is_waited_for(
    tenant: Tenant, between: Between, kubectl: Kubectl, be_away: Callable[[Between, Kubectl], Callable[[], None]]
) -> None:
    tenant.add_channel()
    states = kubectl.states(NAME, deadline=time.monotonic() + SECONDS)
    assert next(times(states)) == "05:30"
    wait_for_watch(between)
    come_back = be_away(between, kubectl)
    between.cut_watches()
    assert [next(states), next(states)] == [None, None]
    tenant.change(schedule={"time": "06:00"})
    come_back()
    assert next(times(states)) == "06:00"


@pytest.mark.parametrize("be_away", [refuse_connections, be_unavailable])
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
