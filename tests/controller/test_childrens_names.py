"""Objects of others that get the name of a channel's child between a look at it and a write: they stay as they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bannette.controller.names import (
    CHANNEL,
    CHILD_KINDS,
    CRON_JOB,
    RECIPIENT,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    Kind,
    child_name,
)
from tests.controller.between import Asked, Before, Between, Fault
from tests.controller.cluster import Cluster, Json, eventually
from tests.controller.operator_process import NewOperator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

_POD: Json = {"restartPolicy": "Never", "containers": [{"name": "other", "image": "other"}]}
_THEIRS: dict[Kind, Json] = {
    SERVICE_ACCOUNT: {},
    ROLE: {"rules": []},
    ROLE_BINDING: {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [],
    },
    CRON_JOB: {"spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": _POD}}}}},
}

of_each_kind = pytest.mark.parametrize("kind", CHILD_KINDS, ids=lambda kind: kind.kind)


@pytest.fixture
def overtake(cluster: Cluster, tenant: Tenant, between: Between) -> Callable[[Kind], list[Json]]:
    """Put an object of somebody else in a child's place, just before the operator's next write to it arrives."""

    def prepare(kind: Kind) -> list[Json]:
        name, made = child_name(kind, "acme-onedrive"), list[Json]()

        def fault(asked: Asked) -> Fault | None:
            if not made and asked.method == "PATCH" and asked.path == kind.path(tenant.namespace, name):
                if cluster.find(kind, tenant.namespace, name):
                    cluster.delete(kind, tenant.namespace, name)
                body = {"metadata": {"name": name}, **_THEIRS[kind]}
                made.append(cluster.create(kind, tenant.namespace, body))
            return None

        between.fault = fault
        return made

    return prepare


def _is_left_alone(tenant: Tenant, kind: Kind, made: list[Json]) -> None:
    stalled = tenant.wait_for_condition("Stalled", status="True", reason="ForeignObject")
    assert f'{kind.kind} "{child_name(kind, "acme-onedrive")}"' in stalled["message"]
    found = tenant.cluster.get(kind, tenant.namespace, child_name(kind, "acme-onedrive"))
    assert [found] == made


@of_each_kind
def test_what_somebody_made_before_a_child_could_be_made_is_left_alone(
    tenant: Tenant, new_operator: NewOperator, between: Between, overtake: Callable[[Kind], list[Json]], kind: Kind
) -> None:
    tenant.add_prerequisites()
    new_operator(server=between.url).start()
    made = overtake(kind)
    tenant.add_channel(suspend=True)
    _is_left_alone(tenant, kind, made)


@of_each_kind
def test_what_somebody_made_in_the_place_of_a_child_is_left_alone(
    tenant: Tenant, new_operator: NewOperator, between: Between, overtake: Callable[[Kind], list[Json]], kind: Kind
) -> None:
    tenant.add_prerequisites()
    operator = new_operator(server=between.url).start()
    tenant.add_channel(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    made = overtake(kind)
    drift = {"metadata": {"labels": {"app.kubernetes.io/part-of": "other"}}}
    tenant.cluster.patch(kind, tenant.namespace, child_name(kind, "acme-onedrive"), drift)
    _is_left_alone(tenant, kind, made)
    # It calls for nobody to grant rights, and isn't put off for longer and longer.
    assert "reconcile.refused" not in operator.log.read_text()


def test_somebody_elses_cron_job_is_not_suspended_for_a_channel_that_is_being_deleted(
    tenant: Tenant, new_operator: NewOperator, between: Between, overtake: Callable[[Kind], list[Json]]
) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    kept = {"metadata": {"finalizers": ["example.com/kept"]}}
    tenant.cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", kept)
    operator = new_operator(server=between.url).start()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    made = overtake(CRON_JOB)
    tenant.cluster.delete(CHANNEL, tenant.namespace, "acme-onedrive")
    tenant.wait_for_condition("Ready", status="False", reason="Deleting")
    assert [tenant.cron_job()] == made
    assert "reconcile.refused" not in operator.log.read_text()
    tenant.cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", {"metadata": {"finalizers": None}})


def test_a_child_that_went_while_its_watch_was_away_is_made_again(
    tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    """The API server says that it isn't there, and nothing else ever does."""
    tenant.add_prerequisites()
    tenant.cluster.create(
        RECIPIENT,
        tenant.namespace,
        {"metadata": {"name": "paul"}, "spec": {"displayName": "Paul", "email": "paul@acme.example", "locale": "fr"}},
    )
    new_operator(server=between.url).start()
    tenant.add_channel(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    between.fault = lambda asked: Before() if asked.path.endswith("/roles") else None
    between.cut_watches()
    name = child_name(ROLE, "acme-onedrive")
    tenant.cluster.delete(ROLE, tenant.namespace, name)
    tenant.change(recipient={"name": "paul"})

    def is_pauls() -> bool:
        role = tenant.cluster.find(ROLE, tenant.namespace, name)
        return role is not None and ["paul"] in [rule["resourceNames"] for rule in role["rules"]]

    eventually(is_pauls, "the Role is there again, as the channel is now")
