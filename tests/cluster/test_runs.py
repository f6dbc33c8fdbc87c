"""From `kubectl apply` to the inbox, on a real Kubernetes with the real images."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from tests.cluster.tenant import CHANNEL, Tenant


def _counts(tenant: Tenant) -> list[tuple[object, object, object]]:
    return [(run["trigger"], run["result"], run["collected"]) for run in tenant.history]


def test_applying_a_channel_brings_its_documents(tenant: Tenant) -> None:
    tenant.create_channel()
    tenant.kubectl("wait", "collectionchannel", CHANNEL, "--for=condition=Ready", "--timeout=110s")
    tenant.wait_for_runs(1)
    assert _counts(tenant) == [("Initial", "Succeeded", 2)]
    assert sorted(str(entry["name"]) for entry in tenant.inbox()) == ["1.txt", "2.txt"]
    tenant.wait_for_condition("Connected", status="True")


def test_an_annotation_is_acknowledged_and_is_one_run(tenant: Tenant) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    tenant.drop("3.txt", "A third one")
    for _ in range(20):
        tenant.request("once")
    tenant.wait_for_runs(2)
    assert _counts(tenant) == [("Manual", "Succeeded", 1), ("Initial", "Succeeded", 2)]
    assert tenant.status["lastHandledRequestedAt"] == "once"
    assert tenant.history[0]["request"] == "once"
    assert len(tenant.jobs()) <= 2

    tenant.request("twice")
    tenant.wait_for_runs(3)
    assert _counts(tenant)[0] == ("Manual", "Succeeded", 0)


def test_a_request_during_a_run_is_one_more_run_after_it(tenant: Tenant) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    tenant.drop("3.txt", "A slow one")
    tenant.slow_down(50)
    tenant.request("first")
    tenant.wait("the run to be active", lambda: tenant.status.get("activeRun"))
    tenant.request("second")
    tenant.request("third")
    tenant.go_on()
    tenant.wait_for_runs(3)
    assert [run.get("request") for run in tenant.history] == ["third", "first", None]
    assert [run["collected"] for run in tenant.history] == [0, 1, 2]
    assert tenant.status["lastHandledRequestedAt"] == "third"


def test_the_day_run_fires_without_the_operator(tenant: Tenant) -> None:
    tenant.create_channel(suspend=True)
    tenant.wait("the CronJob", lambda: tenant.kubectl("get", "cronjobs", "-o", "name"))
    # Two minutes ahead: the controller of CronJobs fires at the minute, and the operator is gone by then. It is the
    # same day there, where midnight isn't near.
    now = datetime.datetime.now(datetime.UTC)
    zone = "UTC" if 6 <= now.hour < 18 else "Pacific/Auckland"
    due = now.astimezone(ZoneInfo(zone)) + datetime.timedelta(seconds=100)
    tenant.create_channel(schedule={"time": f"{due:%H:%M}", "timeZone": zone}, suspend=False)
    tenant.wait_for_runs(1)
    tenant.drop("3.txt", "For the day's run")
    tenant.scale_operator(0)
    try:
        tenant.wait_for_runs(2)
    finally:
        tenant.scale_operator(1)
    # The first run was the day's automatic one already: this one says so and collects nothing.
    assert [run["trigger"] for run in tenant.history] == ["Scheduled", "Initial"]
    assert (tenant.history[0]["result"], tenant.history[0]["reason"]) == ("Skipped", "AlreadyCollectedToday")


def test_the_operator_killed_while_it_reconciles_makes_everything_once(tenant: Tenant) -> None:
    for number in range(3):
        tenant.create_channel(suspend=bool(number % 2))
        for pod in tenant.operator_pods():
            # One that was about to end may be gone by now.
            words = ("delete", pod, "--ignore-not-found", "--grace-period=0", "--force")
            tenant._kubectl("-n", "bannette-system", *words)
    tenant.create_channel()
    tenant.wait_for_runs(1)
    assert _counts(tenant) == [("Initial", "Succeeded", 2)]
    assert len(tenant.jobs()) == 1


def test_a_killed_pod_of_a_run_is_replaced_and_nothing_comes_twice(tenant: Tenant) -> None:
    tenant.slow_down(15)
    tenant.create_channel()
    tenant.wait("the run to be active", lambda: tenant.status.get("activeRun"))
    (pod,) = tenant.pods()
    metadata = pod["metadata"]
    assert isinstance(metadata, dict)
    tenant.kubectl("delete", "pod", metadata["name"], "--grace-period=0", "--force")
    tenant.wait("the run to succeed", lambda: [run for run in tenant.history if run["result"] == "Succeeded"])
    assert len(tenant.inbox()) == 2
    assert len(tenant.jobs()) == 1


def test_a_channel_deleted_without_the_operator_and_made_again_collects_nothing_twice(tenant: Tenant) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    tenant.scale_operator(0)
    try:
        tenant.kubectl("delete", "collectionchannel", CHANNEL, "--timeout=110s")
        tenant.wait("its children to be collected", lambda: not tenant.jobs())
        tenant.create_channel()
    finally:
        tenant.scale_operator(1)
    tenant.wait_for_runs(1)
    assert tenant.history[0]["collected"] == 0
    assert tenant.history[0]["alreadySeen"] == 2
    assert len(tenant.inbox()) == 2


def test_a_missing_binder_is_named_and_its_coming_starts_the_first_run(tenant: Tenant) -> None:
    tenant.kubectl("delete", "binder", "purchases")
    tenant.create_channel()
    tenant.wait("the condition", lambda: tenant.condition("PrerequisitesMet"))
    met = tenant.condition("PrerequisitesMet")
    assert met["status"] == "False"
    assert 'Binder "purchases"' in str(met["message"])
    assert not tenant.jobs()
    tenant.create_binder()
    tenant.wait_for_runs(1)
    tenant.wait_for_condition("PrerequisitesMet", status="True")
