"""Channels that are deleted, or deleted and made again, while the operator doesn't look."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from bannette.controller.names import BINDER, CHANNEL, CHANNEL_LABEL, CHANNEL_UID_LABEL
from tests.controller.between import Answer, Asked, Before, Between, Fault
from tests.controller.cluster import Cluster, Json, eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant
from tests.controller.test_operator_port import free_port

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

NewOperator = Callable[..., Operator]


def _channel_of(job: Json) -> str:
    name: str = job["metadata"]["labels"][CHANNEL_LABEL]
    return name


def test_what_was_deleted_while_nobody_watched_is_missed_in_the_next_list(
    cluster: Cluster, tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    tenant.add_prerequisites()
    port = free_port()
    operator = new_operator(f"--listen=127.0.0.1:{port}", server=between.url).start()
    for name in ("goes", "stays"):
        tenant.add_channel(name)
    for name in ("goes", "stays"):
        eventually(lambda name=name: [job for job in tenant.jobs() if _channel_of(job) == name], f"a run of {name}")
        # When nothing is going on, nothing else has it looked at again.
        tenant.run(next(job for job in tenant.jobs() if _channel_of(job) == name))
        tenant.wait_for_condition("Ready", status="True", reason="Scheduled", name=name)
    gone = Answer.refusal(410, "Expired")
    expired = Answer(200, f'{{"type":"ERROR","object":{gone.body}}}\n')
    is_away, told = True, set[str]()

    def fault(asked: Asked) -> Fault | None:
        if not asked.watches or not asked.path.endswith(("/collectionchannels", "/binders")) or asked.path in told:
            return None
        if is_away:
            return Before()
        told.add(asked.path)
        return expired

    between.fault = fault
    between.cut_watches()
    cluster.delete(CHANNEL, tenant.namespace, "goes")
    cluster.delete(BINDER, tenant.namespace, "purchases")
    eventually(lambda: not cluster.find(CHANNEL, tenant.namespace, "goes"), "the channel is gone")
    is_away = False

    def series() -> str:
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text

    eventually(lambda: 'channel="goes"' not in series(), "the channel has no series any more")
    assert 'channel="stays"' in series()
    tenant.wait_for_condition("PrerequisitesMet", status="False", reason="BinderMissing", name="stays")
    assert operator.running


def test_what_was_decided_about_a_channel_is_not_said_of_the_next_one_of_its_name(
    cluster: Cluster, tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    """Its request is its own, though it has the same value."""
    tenant.add_prerequisites()
    new_operator(server=between.url).start()
    tenant.add_channel()
    tenant.run(tenant.wait_for_job("Initial"))
    eventually(lambda: tenant.condition("Ready").get("reason") == "Scheduled", "nothing is going on")
    uids = [tenant.channel()["metadata"]["uid"]]

    def fault(asked: Asked) -> Fault | None:
        tells = asked.method == "PATCH" and asked.path.endswith("/acme-onedrive/status")
        if tells and len(uids) == 1 and tenant.jobs("Manual"):
            cluster.delete(CHANNEL, tenant.namespace, "acme-onedrive")
            eventually(lambda: not cluster.find(CHANNEL, tenant.namespace, "acme-onedrive"), "it is gone")
            uids.append(tenant.add_channel()["metadata"]["uid"])
            tenant.request("A")
        return None

    between.fault = fault
    tenant.request("A")

    def of_the_second(trigger: str) -> list[Json]:
        return [
            job
            for job in tenant.jobs(trigger)
            if len(uids) == 2 and job["metadata"]["labels"][CHANNEL_UID_LABEL] == uids[1]
        ]

    initial = eventually(lambda: of_the_second("Initial"), "the second channel's first run")[0]
    tenant.run(initial)
    eventually(lambda: of_the_second("Manual"), "the second channel's request is run")
