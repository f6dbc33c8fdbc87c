"""An inbox that is asked for by its annotations is served by a pod of the real image, and closes with it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import requests

from demo.installation import forwarded
from devcluster.binaries import program
from tests.cluster.tenant import Tenant

TOKEN = "a token of this test"


def ask(tenant: Tenant) -> None:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    opened = datetime.now(UTC).isoformat()
    tenant.kubectl(
        "annotate", "--overwrite", "binder", "purchases", f"bannette.io/inbox-reader={digest}",
        f"bannette.io/inbox-opened={opened}",
    )  # fmt: skip


def inbox(tenant: Tenant) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        tenant.kubectl("get", "binder", "purchases", "-o", "jsonpath={.status.inbox}") or "{}"
    )
    return found


def is_open(tenant: Tenant) -> bool:
    return inbox(tenant).get("state") == "Open"


def test_an_inbox_is_served_by_a_pod_and_closes_with_it(tenant: Tenant) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    ask(tenant)
    tenant.wait("the inbox is open", lambda: is_open(tenant))
    selector = "--selector=app.kubernetes.io/component=inbox"
    said = tenant.kubectl("get", "pods", selector, "-o", "jsonpath={.items[*].metadata.name} {.items[*].status.podIP}")
    name, ip = said.split()
    assert inbox(tenant)["address"] == f"{ip}:8377"
    with forwarded(tenant._kubectl, str(program("kubectl")), tenant.namespace, f"pod/{name}", 8377) as port:
        url = f"http://127.0.0.1:{port}"
        assert requests.get(f"{url}/documents", timeout=30).status_code == 401
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        found = session.get(f"{url}/documents", timeout=30).json()
        assert sorted(one["name"] for one in found["documents"]) == ["1.txt", "2.txt"]
        document = found["documents"][0]["id"]
        original = session.get(f"{url}/documents/{document}/files/original", timeout=30)
        assert original.text.startswith("Document ")
        assert session.post(f"{url}/documents/{document}/done", timeout=30).status_code == 200
        assert session.get(f"{url}/runs", timeout=30).json()["runs"][0]["result"] == "Succeeded"
    # The volume is written to as by runs, and nothing in the pod leads into the cluster.
    assert len(tenant.inbox()) == 1
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert "no" in tenant.kubectl("exec", name, "--", "sh", "-c", f"test -e {account} || echo no")
    tenant.kubectl("delete", "pod", name)
    tenant.wait("the end is noticed", lambda: inbox(tenant).get("state") == "Closed")
    ask(tenant)
    tenant.wait("it is open again", lambda: is_open(tenant))
