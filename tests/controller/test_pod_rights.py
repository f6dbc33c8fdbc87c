"""What the ServiceAccount of a channel's pods may do, tried with the client that pods use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from bannette.accounts import ConnectionSecret, connection_manifest
from bannette.errors import PersonNeeded
from bannette.kube import ClusterApi, Conflict
from bannette.onedrive import Client, DelegatedSignIn, endpoints_for
from bannette.resources import Channel
from simulator.testing import Simulator
from tests.collector.connected import refresh_tokens, sign_in_person
from tests.controller.cluster import eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


@pytest.fixture
def pod(tenant: Tenant, operator: Operator) -> Callable[[str], ClusterApi]:
    """Return the API as a pod of the named channel sees it."""
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.add_channel("acme-delegated", delegated=True)
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    tenant.wait_for_condition("Ready", status="True", reason="NotConnected", name="acme-delegated")

    def seen_by(channel: str) -> ClusterApi:
        return ClusterApi(
            tenant.cluster.server.url,
            namespace=tenant.namespace,
            token=tenant.cluster.service_account_token(tenant.namespace, f"{channel}-collector"),
            ca=tenant.cluster.server.ca_file.read_text(),
        )

    return seen_by


def test_a_pod_reads_what_it_is_about_and_reports(tenant: Tenant, pod: Callable[[str], ClusterApi]) -> None:
    api = pod("acme-onedrive")
    for plural, name in (("collectionchannels", "acme-onedrive"), ("binders", "purchases"), ("recipients", "marie")):
        assert api.get(plural, name)["metadata"]
    api.patch_status("collectionchannels", "acme-onedrive", {"status": {"checkpoint": {"revision": 3}}})
    api.patch_status("binders", "purchases", {"status": {"documents": 3}})
    assert tenant.status()["checkpoint"] == {"revision": 3}


@pytest.mark.parametrize(
    ("plural", "name"),
    [("collectionchannels", "acme-delegated"), ("secrets", "acme-app"), ("secrets", "acme-delegated-onedrive")],
)
def test_a_pod_reads_nothing_else(pod: Callable[[str], ClusterApi], plural: str, name: str) -> None:
    with pytest.raises(PersonNeeded) as caught:
        pod("acme-onedrive").get(plural, name)
    assert caught.value.reason == "Forbidden"


def test_a_pod_of_a_delegated_account_keeps_its_own_sign_in(pod: Callable[[str], ClusterApi]) -> None:
    api = pod("acme-delegated")
    secret = api.get("secrets", "acme-delegated-onedrive")
    api.put("secrets", "acme-delegated-onedrive", secret | {"data": {"token-cache": "e30="}})
    with pytest.raises(Conflict):
        api.put("secrets", "acme-delegated-onedrive", secret | {"data": {"token-cache": "e30K"}})


def test_what_the_connect_command_writes_connects_the_channel_and_its_pod_renews_it(
    tenant: Tenant, pod: Callable[[str], ClusterApi], simulator: Simulator
) -> None:
    api = pod("acme-delegated")
    store = ConnectionSecret(api, channel="acme-delegated")
    assert store.load() is None
    connection = sign_in_person(simulator, stale=True)
    channel = Channel.parse(api.get("collectionchannels", "acme-delegated"))
    manifest = yaml.safe_dump(connection_manifest(channel, connection))
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    tenant.cluster.server.kubectl(*apply, input=manifest)
    tenant.wait_for_condition("Connected", status="True", reason="SignedIn", name="acme-delegated")
    assert tenant.status("acme-delegated")["connection"]["account"] == simulator.user
    started = eventually(
        lambda: [job for job in tenant.jobs("Initial") if job["metadata"]["name"].startswith("acme-delegated-")],
        "the first collection",
    )
    assert len(started) == 1
    assert store.load() == connection
    client = Client(simulator.client_id)
    assert DelegatedSignIn(endpoints_for("Global", simulator.environment), client, store, connection).token()
    renewed = store.load()
    assert renewed is not None
    assert renewed.id == connection.id
    assert not refresh_tokens(renewed.tokens) & refresh_tokens(connection.tokens)
    # Connected again, over what the pod wrote; the Secret is still the operator's.
    tenant.cluster.server.kubectl(*apply, input=manifest)
    assert store.load() == connection
    owners = api.get("secrets", "acme-delegated-onedrive")["metadata"]
    assert isinstance(owners, dict)
    assert [owner["name"] for owner in owners["ownerReferences"]] == ["acme-delegated"]


def test_a_status_that_changed_meanwhile_is_not_overwritten(pod: Callable[[str], ClusterApi]) -> None:
    api = pod("acme-onedrive")
    metadata = api.get("collectionchannels", "acme-onedrive")["metadata"]
    assert isinstance(metadata, dict)
    patch = {"status": {"checkpoint": {"revision": 4}}}
    api.patch_status("collectionchannels", "acme-onedrive", patch, resource_version=metadata["resourceVersion"])
    with pytest.raises(Conflict):
        api.patch_status("collectionchannels", "acme-onedrive", {"status": {}}, resource_version="1")
