from __future__ import annotations

from typing import cast

import pytest

from bannette.controller.names import CRON_JOB, JOB, ROLE, Key
from bannette.controller.slots import Slots
from bannette.controller.store import Store
from tests.controller.scene import UID, Body, channel_body

KEY = Key("acme", "acme-onedrive")
MADE = "2026-11-24T09:00:00Z"
AGAIN = {"uid": "another", "creationTimestamp": "2026-11-24T09:00:01Z"}
OWNER: Body = {
    "apiVersion": "bannette.io/v1alpha1",
    "kind": "CollectionChannel",
    "name": "acme-onedrive",
    "uid": UID,
}


def versioned(body: Body, version: int, **members: object) -> Body:
    return {**body, "metadata": {**cast("Body", body["metadata"]), "resourceVersion": str(version)}, **members}


def child(version: int, **members: object) -> Body:
    labels = {"bannette.io/channel": "acme-onedrive"}
    return {
        "metadata": {
            "name": "acme-onedrive-collect",
            "namespace": "acme",
            "resourceVersion": str(version),
            "labels": labels,
            "managedFields": [{"manager": "someone"}],
        },
        **members,
    }


def a_job(
    name: str, *, finished: bool = False, version: int = 1, channel: str = "acme-onedrive", owner: Body | None = None
) -> Body:
    conditions = [{"type": "Complete", "status": "True", "lastTransitionTime": "2026-11-24T09:10:00Z"}]
    return {
        "metadata": {
            "name": name,
            "namespace": "acme",
            "uid": f"uid of {name}",
            "resourceVersion": str(version),
            "creationTimestamp": "2026-11-24T09:00:00Z",
            "labels": {"bannette.io/channel": channel, "bannette.io/channel-uid": UID},
            "ownerReferences": [owner or OWNER | {"name": channel}],
        },
        "status": {"conditions": conditions if finished else []},
    }


def test_a_heartbeat_wakes_nobody_but_is_remembered() -> None:
    store = Store()
    run = {"id": "r", "heartbeat": "2026-11-24T09:00:00Z", "collected": 1}
    assert store.put_channel(versioned(channel_body(), 1, status={"activeRun": run}))
    later = run | {"heartbeat": "2026-11-24T09:01:00Z", "collected": 9}
    assert not store.put_channel(versioned(channel_body(), 2, status={"activeRun": later}))
    assert cast("Body", (store.channel(KEY) or {})["status"])["activeRun"] == later


def test_what_decisions_rest_on_wakes() -> None:
    store = Store()
    store.put_channel(versioned(channel_body(), 1))
    assert store.put_channel(versioned(channel_body(requested="A"), 2))
    assert store.put_channel(versioned(channel_body(requested="A", metadata={"generation": 2}), 3))
    assert store.put_channel(
        versioned(
            channel_body(requested="A", metadata={"generation": 2}),
            4,
            status={"history": [{"id": "1", "result": "Failed"}]},
        )
    )


def test_an_older_version_that_comes_late_is_ignored() -> None:
    store = Store()
    store.put_channel(versioned(channel_body(requested="B"), 10))
    assert not store.put_channel(versioned(channel_body(requested="A"), 9))
    assert "B" in str(store.channel(KEY))


@pytest.mark.parametrize(
    ("version", "metadata", "known"),
    [(9, {}, True), (10, {}, True), (11, {}, False), (11, AGAIN, False), (9, {"name": "another"}, False)],
)
def test_a_version_of_a_channel_is_known_when_it_or_a_later_one_was_seen(version, metadata, known) -> None:
    store = Store()
    store.put_channel(versioned(channel_body(metadata={"creationTimestamp": MADE}), 10))
    assert store.has_channel(versioned(channel_body(metadata=metadata), version)) is known


def test_a_channel_made_again_is_another_one_whatever_its_version() -> None:
    store = Store()
    store.put_channel(versioned(channel_body(metadata={"creationTimestamp": MADE}), 10))
    assert not store.has_channel(versioned(channel_body(metadata=AGAIN), 2))
    assert store.put_channel(versioned(channel_body(metadata=AGAIN), 2))


def test_what_is_told_late_of_an_earlier_channel_is_not_taken_for_the_one_made_again() -> None:
    """Each uid's events are handled in a task of its own: an earlier channel's may come last."""
    store = Store()
    earlier = channel_body(metadata={"creationTimestamp": MADE})
    store.put_channel(versioned(earlier, 1))
    store.put_channel(versioned(channel_body(metadata=AGAIN), 4))
    assert not store.put_channel(versioned(earlier, 2))
    store.lose_channel(versioned(earlier, 3))
    assert store.channel_version(KEY, "another") == "4"


def test_an_answer_that_a_channel_is_gone_takes_away_no_other_one_of_its_name() -> None:
    store = Store()
    store.put_channel(versioned(channel_body(metadata=AGAIN), 4))
    store.remove_channel(KEY, UID)
    assert store.knows(KEY)


def test_what_is_told_late_of_an_earlier_job_is_not_taken_for_the_one_made_again() -> None:
    store = Store()
    again = a_job("one", version=5)
    again["metadata"] = {**cast("Body", again["metadata"]), "uid": "another"}
    store.put_job(again)
    assert store.put_job(a_job("one", version=4)) is None
    assert [job.uid for job in store.jobs(KEY, UID)] == ["another"]


def test_the_answer_to_a_write_of_our_own_wakes_only_if_others_changed_something() -> None:
    store = Store()
    store.put_channel(versioned(channel_body(), 1))
    mine = versioned(channel_body(status={"conditions": [{"type": "Ready", "status": "True"}]}), 2)
    assert not store.put_channel(mine, written=True)
    theirs = versioned(channel_body(status={"conditions": [{"type": "Ready", "status": "False"}]}, requested="A"), 3)
    assert store.put_channel(theirs, written=True)


def test_a_channel_is_found_by_what_it_names() -> None:
    store = Store()
    store.put_channel(channel_body())
    assert store.channels_naming("acme", binder="purchases") == [KEY]
    assert store.channels_naming("acme", recipient="marie") == [KEY]
    assert store.channels_naming("acme", binder="other") == []
    assert store.channels_naming("elsewhere", binder="purchases") == []
    store.remove_channel(KEY, UID)
    assert store.channels_naming("acme", binder="purchases") == []


def test_a_childs_status_wakes_nobody_and_its_drift_does() -> None:
    store = Store()
    assert store.put_child(CRON_JOB, child(1, spec={"a": 1})) == KEY
    assert store.put_child(CRON_JOB, child(2, spec={"a": 1}, status={"active": []})) is None
    assert store.put_child(CRON_JOB, child(3, spec={"a": 2})) == KEY


def test_a_child_is_kept_without_managed_fields_and_says_what_it_is() -> None:
    store = Store()
    store.put_child(CRON_JOB, child(1))
    found = store.child(CRON_JOB, "acme", "acme-onedrive-collect") or {}
    assert found["kind"] == "CronJob"
    assert "managedFields" not in cast("Body", found["metadata"])


def test_a_fresh_list_takes_away_what_it_lacks() -> None:
    store = Store()
    store.put_child(CRON_JOB, child(1))
    store.put_child(ROLE, child(1))
    assert store.keep_only(CRON_JOB, None, ()) == [KEY]
    assert store.child(CRON_JOB, "acme", "acme-onedrive-collect") is None
    assert store.child(ROLE, "acme", "acme-onedrive-collect") is not None
    assert store.keep_only(ROLE, "elsewhere", ()) == []


def test_unfinished_jobs_of_ours_are_counted() -> None:
    store = Store()
    store.put_job(a_job("one"))
    store.put_job(a_job("two", channel="other"))
    assert store.unfinished_on_demand == 2
    store.put_job(a_job("one", finished=True, version=2))
    assert store.unfinished_on_demand == 1
    store.remove_job(a_job("two", channel="other"))
    assert store.unfinished_on_demand == 0
    store.put_job(a_job("three"))
    assert [job.name for job in store.keep_only_jobs(None, {a_job("one")["metadata"]["uid"]})] == ["three"]
    assert store.unfinished_on_demand == 0
    assert JOB.path("acme") == "/apis/batch/v1/namespaces/acme/jobs"


def test_a_job_that_only_counts_pods_wakes_nobody() -> None:
    store = Store()
    assert store.put_job(a_job("one")) is not None
    assert store.put_job(a_job("one", version=2)) is None


def test_slots_go_to_who_waited_first() -> None:
    slots = Slots(2)
    a, b, c = (Key("acme", name) for name in "abc")
    assert slots.free_for(a, taken=1) == 1
    slots.reserve(a)
    assert slots.free_for(a, taken=1) == 1
    assert slots.free_for(b, taken=1) == 0
    slots.wait(b)
    slots.wait(c)
    slots.release(a)
    assert slots.free_for(b, taken=1) == 1
    assert slots.free_for(c, taken=1) == 0
    assert slots.next(taken=1) == [b]
    slots.leave(b)
    assert slots.next(taken=0) == [c]
    assert slots.next(taken=2) == []


def test_what_a_watch_has_lost_is_not_brought_back_by_a_late_answer() -> None:
    store = Store()
    gone = a_job("one", version=2)
    store.remove_job(gone)
    assert store.put_job(a_job("one", version=1)) is None
    assert (store.jobs(KEY, UID), store.unfinished_on_demand) == ((), 0)
    # Only its labels were gone.
    assert store.put_job(a_job("one", version=3)) is not None


def test_the_end_of_an_earlier_channel_is_not_the_end_of_the_one_made_again() -> None:
    store = Store()
    store.put_channel(versioned(channel_body(), 1))
    again = versioned(channel_body(metadata={"uid": "11111111-98c5-4e1a-9f0b-0d7a4a1c2b3d"}), 3)
    store.put_channel(again)
    store.lose_channel(versioned(channel_body(), 2))
    assert store.channel(KEY) is not None
    store.put_channel(versioned(channel_body(), 1))
    assert (store.channel(KEY) or {})["metadata"] == again["metadata"] | {"annotations": {}}


def test_a_channel_takes_one_slot_however_many_jobs_are_said_to_be_its() -> None:
    store = Store()
    for number in range(20):
        store.put_job(a_job(f"forged-{number}"))
    assert store.unfinished_on_demand == 1


@pytest.mark.parametrize(
    "owner",
    [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "acme-onedrive"},
        {"apiVersion": "unknown.example/v1", "kind": "CollectionChannel", "name": "acme-onedrive"},
        {"name": "another"},
    ],
)
def test_a_job_whose_owner_is_made_up_takes_no_slot(owner: Body) -> None:
    store = Store()
    store.put_job(a_job("forged", owner={**OWNER, **owner}))
    assert store.unfinished_on_demand == 0


def test_what_is_kept_of_an_object_is_what_it_said_whatever_the_first_of_its_kind_did() -> None:
    store = Store()
    store.put_child(ROLE, child(1, rules=[]))
    other = child(2, rules=[{"verbs": ["get"]}] * 3, metadata={**cast("Body", child(2)["metadata"]), "name": "other"})
    store.put_child(ROLE, other)
    for name, version, rules in (("acme-onedrive-collect", "1", 0), ("other", "2", 3)):
        kept = store.child(ROLE, "acme", name)
        assert kept is not None
        assert (kept["kind"], cast("Body", kept["metadata"])["resourceVersion"]) == ("Role", version)
        assert len(cast("list[object]", kept["rules"])) == rules


def test_a_child_that_is_being_written_wakes_nobody_unless_it_is_another_by_the_answer() -> None:
    store, place = Store(), (ROLE, "acme", "acme-onedrive-collect")
    with store.writing(*place) as answered:
        assert store.put_child(ROLE, child(2, rules=[])) is None
        assert not answered(child(2, rules=[]))
    with store.writing(*place) as answered:
        assert store.put_child(ROLE, child(4, rules=[])) is None
        assert store.put_child(ROLE, child(5, rules=["theirs"])) is None
        assert answered(child(4, rules=[]))
    assert store.put_child(ROLE, child(6, rules=[])) == KEY
    with store.writing(*place) as answered:
        assert store.remove_child(ROLE, child(7)) == KEY
        assert answered(child(6, rules=[]))


def test_a_child_that_turns_out_to_be_gone_is_forgotten_and_not_the_next_one_of_its_name() -> None:
    store, place = Store(), (ROLE, "acme", "acme-onedrive-collect")
    again = child(5)
    again["metadata"] = {**cast("Body", again["metadata"]), "uid": "another"}
    store.put_child(ROLE, again)
    assert store.forget_child(*place, uid="one") is None
    assert store.child(*place) is not None
    assert store.forget_child(*place, uid="another") == KEY
    assert store.child(*place) is None
