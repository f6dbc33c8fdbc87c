"""Five hundred clients whose Binder or Secret is wrong: each says so once, and all go on when it is right."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from bannette.controller.names import CHANNEL, JOB, RECIPIENT, SECRET
from devcluster import chart
from tests.controller.cluster import Cluster, Json, eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1500)]

SLOTS = 7
MINUTES = 240
_SETTLED_SECONDS = 6.0


@pytest.fixture
def many(tenant: Tenant) -> Iterator[Tenant]:
    """A namespace whose channels and runs go with the test: an operator of all namespaces would look after them."""
    yield tenant
    for kind in (CHANNEL, JOB):
        tenant.cluster.request("DELETE", kind.path(tenant.namespace))


def _channels(tenant: Tenant) -> list[Json]:
    return tenant.cluster.list(CHANNEL, tenant.namespace)


def _condition(channel: Json, kind: str) -> Json:
    conditions = channel.get("status", {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == kind), {})


def _wait_for_all(tenant: Tenant, kind: str, status: str, what: str, *, seconds: float) -> list[Json]:
    def all_say() -> list[Json] | None:
        found = [_condition(channel, kind) for channel in _channels(tenant)]
        return found if all(one.get("status") == status for one in found) else None

    # To list them all takes the API server as long as ten of the operator's writes.
    return eventually(all_say, what, seconds=seconds, every=2.0)


def _events(tenant: Tenant) -> list[Json]:
    items: list[Json] = tenant.cluster.request("GET", f"/apis/events.k8s.io/v1/namespaces/{tenant.namespace}/events")[
        "items"
    ]
    return [item for item in items if item["regarding"]["kind"] == CHANNEL.kind]


def _add_clients(tenant: Tenant, tmp_path: Path, clients: int) -> None:
    """Make them by the chart, as Helm would."""
    table = tmp_path / "clients.csv"
    rows = [f"client-{number},client-{number}@acme.example" for number in range(clients)]
    table.write_text("\n".join(["name,email", *rows]))
    application = '{"tenantId":"11111111-2222-3333-4444-555555555555","clientId":"c","credentialsSecret":"acme-app"}'
    command = [
        str(chart.helm()), "template", "clients", str(chart.SOURCE / "charts" / "bannette-channels"),
        f"--namespace={tenant.namespace}", f"--set-file=table={table}", "--set=defaults.binder=purchases",
        f"--set-json=defaults.application={application}",
    ]  # fmt: skip
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    bodies: list[Json] = [body for body in yaml.load_all(rendered, yaml.CSafeLoader) if body]
    assert len(bodies) == 2 * clients
    with ThreadPoolExecutor(8) as workers:
        # The people first: else some channels say for a moment that they aren't there.
        for kind in (RECIPIENT, CHANNEL):
            mine = [body for body in bodies if body["kind"] == kind.kind]
            list(workers.map(lambda body, kind=kind: tenant.cluster.create(kind, tenant.namespace, body), mine))


@pytest.mark.parametrize(("lacking", "clients"), [("binder", 500), ("secret", 150)])
def test_what_all_lack_is_one_condition_each_and_no_flood(
    cluster: Cluster, many: Tenant, new_operator: Callable[..., Operator], tmp_path: Path, lacking: str, clients: int
) -> None:
    tenant = many
    tenant.add_claim()
    if lacking == "binder":
        tenant.add_credentials()
    else:
        tenant.add_binder()
        tenant.add_credentials(wrong="key")
    position = cluster.audit_position()
    new_operator(f"--max-concurrent-runs={SLOTS}").start()
    _add_clients(tenant, tmp_path, clients)
    said = _wait_for_all(tenant, "PrerequisitesMet", "False", "all say what they lack", seconds=500)
    assert {one["reason"] for one in said} == {"BinderMissing" if lacking == "binder" else "CredentialsMissing"}
    named = 'Binder "purchases"' if lacking == "binder" else "acme-app"
    assert all(named in one["message"] for one in said)
    assert tenant.jobs() == []
    # Each is told after its condition, and last of all.
    eventually(
        lambda: len([one for one in cluster.writes_of(Operator.user, since=position) if "/events" in one]) >= clients,
        "all are told what they lack",
        every=1.0,
    )
    assert len(_events(tenant)) == clients

    # It is said once: nothing is written while nothing changes.
    settled = cluster.audit_position()
    time.sleep(_SETTLED_SECONDS)
    assert cluster.writes_of(Operator.user, since=settled) == []
    made = cluster.writes_of(Operator.user, since=position)
    assert len([one for one in made if "/events" not in one]) <= 5 * clients

    if lacking == "binder":
        tenant.add_binder()
    else:
        tenant.cluster.patch(SECRET, tenant.namespace, "acme-app", {"stringData": {"clientSecret": "right"}})
    _wait_for_all(tenant, "PrerequisitesMet", "True", "all have what they lacked", seconds=500)
    # The first collections go a few at a time; the others say that they wait.
    eventually(lambda: len(tenant.jobs()) == SLOTS, "the first of them collect")
    waiting = [one for one in _channels(tenant) if _condition(one, "Ready").get("reason") == "RunWaiting"]
    assert len(waiting) >= clients - 2 * SLOTS
    job = tenant.jobs()[0]
    tenant.run(job)
    eventually(lambda: len(tenant.jobs()) == SLOTS + 1, "the next one collects")
    schedules = {channel["status"]["schedule"]["cron"] for channel in _channels(tenant)}
    # Chance would leave 30 of the minutes empty for 500 names, and 130 for 150.
    assert len(schedules) > 0.7 * MINUTES * (1 - (1 - 1 / MINUTES) ** clients)
