"""The operator is killed between any two of its writes, and at random; what it left is finished, and nothing twice.

So it is when it is told to end before it has begun to work.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter

import pytest
import yaml

from bannette.controller.names import CHILD_KINDS, JOB, LEASE, child_name
from bannette.controller.rights import LEASE_RULES
from tests.controller.between import After, Answer, Asked, Before, Between, Fault
from tests.controller.cluster import SYSTEM, Cluster, Json, eventually
from tests.controller.operator_process import NewOperator, Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1800)]

_RANDOM_KILLS = int(os.environ.get("BANNETTE_OPERATOR_KILLS", "10"))


def test_killed_between_any_two_writes_it_makes_everything_once(
    cluster: Cluster, tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    tenant.add_prerequisites()
    operator = new_operator(server=between.url)
    met: Counter[str] = Counter()
    killed: Counter[str] = Counter()

    def fault(asked: Asked) -> Fault | None:
        """Kill it before each write when it first comes, and after it, unanswered, when it comes again."""
        if not asked.writes:
            return None
        write = f"{asked.method} {asked.path}"
        met[write] += 1
        if met[write] > 2:
            return None
        # Writes go side by side: one kill may come before several of them.
        killed[write] += 1
        kill = lambda: os.kill(operator.pid, signal.SIGKILL)  # noqa: E731
        return Before(kill) if met[write] == 1 else After(kill)

    between.fault = fault
    position = cluster.audit_position()
    with operator.kept_alive() as starts:
        tenant.add_channel()
        tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
        initial = eventually(lambda: tenant.jobs("Initial"), "the first run", seconds=300)[0]
        tenant.run(initial)
        met.clear()
        tenant.request("A")
        eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "A is acknowledged", seconds=300)
        tenant.run(tenant.wait_for_job("Manual"))
        met.clear()
        tenant.change(suspend=True)
        tenant.wait_for_condition("Ready", status="True", reason="Suspended")
        eventually(lambda: tenant.cron_job()["spec"]["suspend"], "the CronJob is suspended")
        died = starts() - 1
    # Before and after: the children, the first Job, the status; the second Job, the status; the CronJob, the status.
    assert killed.total() >= 2 * (len(CHILD_KINDS) + 2 + 2 + 2), killed
    assert died > killed.total() / 2
    _is_whole(tenant)
    made = cluster.created_by(Operator.user, "jobs", namespace=tenant.namespace, since=position)
    assert len(made) == len(set(made)) == 2
    assert [entry["trigger"] for entry in tenant.status()["history"]] == ["Manual", "Initial"]


def test_killed_at_random_it_runs_each_channel_and_each_request_once(
    cluster: Cluster, tenant: Tenant, new_operator: NewOperator
) -> None:
    chance = random.Random(20261129)
    tenant.add_prerequisites()
    operator = new_operator()
    names = [f"channel-{number}" for number in range(6)]
    asked: dict[str, str] = {}
    position = cluster.audit_position()
    with operator.kept_alive() as starts:
        for name in names:
            tenant.add_channel(name)
        for kill in range(_RANDOM_KILLS):
            time.sleep(chance.uniform(0.3, 2.5))
            name = chance.choice(names)
            asked[name] = f"request-{kill}"
            tenant.request(asked[name], name)
            other = chance.choice(names)
            tenant.change(other, schedule={"time": f"{kill % 24:02}:{chance.randrange(60):02}"})
            _end_runs(tenant, names)
            if operator.running:
                os.kill(operator.pid, signal.SIGKILL)
        eventually(lambda: _all_handled(tenant, names, asked), "all runs have ended", seconds=600)
        assert starts() >= _RANDOM_KILLS / 2
    for name in names:
        _is_whole(tenant, name)
    made = cluster.created_by(Operator.user, "jobs", namespace=tenant.namespace, since=position)
    assert len(made) == len(set(made))
    for name in names:
        entries = tenant.status(name)["history"]
        ids = [entry["id"] for entry in entries]
        requests = [entry["request"] for entry in entries if entry.get("request")]
        assert len(ids) == len(set(ids))
        assert len(requests) == len(set(requests))
        assert [entry["trigger"] for entry in entries].count("Initial") <= 1


def test_when_the_leader_of_two_replicas_is_killed_the_other_takes_over(
    tenant: Tenant, new_operator: NewOperator
) -> None:
    tenant.add_prerequisites()
    lease = f"--lease-namespace={tenant.namespace}"
    tenant.cluster.server.apply(_lease_rights(tenant.namespace))
    leader, other = (new_operator(lease, pod=name) for name in ("leader", "other"))
    leader.start(until="operator.ready")
    other.start(until="")
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    leader.kill()
    tenant.request("A")
    tenant.run(tenant.wait_for_job("Initial"))
    # Nobody gave the Lease back: it must run out.
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "A is acknowledged", seconds=300)
    assert len(tenant.jobs("Manual")) == 1
    assert other.running


def test_a_replica_that_stands_by_ends_when_it_is_told_to(tenant: Tenant, new_operator: NewOperator) -> None:
    tenant.cluster.server.apply(_lease_rights(tenant.namespace))
    leader, other = (new_operator(f"--lease-namespace={tenant.namespace}", pod=name) for name in ("leader", "other"))
    leader.start(until="lease.held")
    other.start(until="lease.awaited")
    assert other.stop() == 0
    assert leader.running


def test_an_operator_that_is_told_to_end_while_it_lists_what_there_is_gives_the_lease_back(
    tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    tenant.cluster.server.apply(_lease_rights(tenant.namespace))
    between.fault = lambda asked: Answer(503, "") if asked.path.endswith("/jobs") else None
    operator = new_operator(f"--lease-namespace={tenant.namespace}", server=between.url).start(until="watch.failed")
    (lease,) = tenant.cluster.list(LEASE, tenant.namespace)
    assert lease["spec"]["holderIdentity"]
    assert operator.stop() == 0
    (lease,) = tenant.cluster.list(LEASE, tenant.namespace)
    assert not lease["spec"].get("holderIdentity")


def _lease_rights(namespace: str) -> str:
    name = {"name": "bannette-operator", "namespace": namespace}
    rbac = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": name, "rules": list(LEASE_RULES)}
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": name,
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "bannette-operator"},
        "subjects": [{"kind": "ServiceAccount", "name": "bannette-operator", "namespace": SYSTEM}],
    }
    return yaml.safe_dump_all([role, binding])


def _end_runs(tenant: Tenant, names: list[str]) -> None:
    """Play the pods that have come meanwhile: each run reports and ends."""
    for job in tenant.jobs():
        conditions = job.get("status", {}).get("conditions") or []
        if not any(one["type"] in ("Complete", "Failed") for one in conditions):
            tenant.run(job)


def _all_handled(tenant: Tenant, names: list[str], asked: dict[str, str]) -> bool:
    _end_runs(tenant, names)
    handled = all(tenant.status(name).get("lastHandledRequestedAt") == value for name, value in asked.items())
    return handled and all(tenant.status(name).get("history") for name in names) and not _unfinished(tenant)


def _unfinished(tenant: Tenant) -> list[Json]:
    return [job for job in tenant.jobs() if not job.get("status", {}).get("completionTime")]


def _is_whole(tenant: Tenant, name: str = "acme-onedrive") -> None:
    """Check that the channel has its children, and is observed as it is."""
    channel = tenant.channel(name)
    for kind in CHILD_KINDS:
        child = tenant.cluster.get(kind, tenant.namespace, child_name(kind, name))
        assert [owner["uid"] for owner in child["metadata"]["ownerReferences"]] == [channel["metadata"]["uid"]]
    eventually(
        lambda: tenant.status(name)["observedGeneration"] == tenant.channel(name)["metadata"]["generation"],
        f"{name} is observed",
    )
    assert tenant.cluster.list(JOB, tenant.namespace)
