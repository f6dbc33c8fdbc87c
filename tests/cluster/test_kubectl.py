"""What a platform engineer sees and may do with kubectl."""

from __future__ import annotations

from importlib.metadata import version

from devcluster.errors import CommandFailed
from tests.cluster.tenant import CHANNEL, Tenant


def test_the_columns_the_explanations_and_waiting_work(tenant: Tenant) -> None:
    tenant.create_channel()
    tenant.kubectl("wait", "cch", CHANNEL, "--for=condition=Ready", "--timeout=110s")
    tenant.wait_for_runs(1)
    header, row = tenant.kubectl("get", "cch").splitlines()
    assert header.split("  ")[0] == "NAME"
    for column in ("READY", "CONNECTED", "LAST RUN", "RESULT", "NEW", "TOTAL", "NEXT RUN", "AGE"):
        assert column in header
    assert "Succeeded" in row
    wide = tenant.kubectl("get", "cch", "-o", "wide").splitlines()
    for column in ("FOLDER", "BINDER", "RECIPIENT", "SCHEDULE", "SUSPEND", "MESSAGE"):
        assert column in wide[0]
    assert tenant.folder in wide[1]
    assert "time zone" in tenant.kubectl("explain", "cch.spec.schedule.timeZone").lower()


def test_a_runs_service_account_may_do_its_work_and_nothing_else(tenant: Tenant) -> None:
    tenant.create_channel(suspend=True)
    tenant.wait("the Role", lambda: "acme-onedrive" in tenant.kubectl("get", "rolebindings", "-o", "name"))
    user = f"system:serviceaccount:{tenant.namespace}:{CHANNEL}-collector"

    def may(*words: str) -> bool:
        try:
            return tenant.kubectl("auth", "can-i", *words, "--as", user).strip() == "yes"
        except CommandFailed:
            return False

    allowed = [
        ("get", f"collectionchannels.bannette.io/{CHANNEL}"),
        ("get", "binders.bannette.io/purchases"),
        ("get", "recipients.bannette.io/marie"),
        ("patch", f"collectionchannels.bannette.io/{CHANNEL}", "--subresource=status"),
        ("patch", "binders.bannette.io/purchases", "--subresource=status"),
    ]
    refused = [
        ("list", "collectionchannels.bannette.io"),
        ("get", "collectionchannels.bannette.io/another"),
        ("patch", f"collectionchannels.bannette.io/{CHANNEL}"),
        ("delete", f"collectionchannels.bannette.io/{CHANNEL}"),
        ("patch", "recipients.bannette.io/marie", "--subresource=status"),
        ("get", "secrets/acme-app"),
        ("list", "secrets"),
        ("get", "configmaps"),
        ("create", "pods"),
        ("create", "jobs.batch"),
        ("get", "pods"),
        ("get", "nodes"),
    ]
    # The API server hears of a Role a moment after it was made.
    tenant.wait(f"{user} to have its rights", lambda: all(may(*words) for words in allowed))
    assert [words for words in refused if may(*words)] == []


def test_the_images_know_their_version(tenant: Tenant) -> None:
    said = f"bannette {version('bannette')}"
    deployment = "deployment/bannette-operator"
    assert tenant._kubectl("-n", "bannette-system", "exec", deployment, "--", "bannette", "version").strip() == said
    assert tenant.in_binder("bannette", "version").strip() == said
