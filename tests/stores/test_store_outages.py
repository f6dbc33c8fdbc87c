"""What a run comes to when its bucket fails: a clear error, nothing half-visible, and a next run that completes."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from bannette.binder.buckets import TIMEOUT_VARIABLE
from tests.stores.bucket_channel import BucketChannel
from tests.stores.faulty_proxy import Answer, Fault
from tests.stores.services import S3_SECRET, s3_gateway, s3_location

pytestmark = [pytest.mark.stores, pytest.mark.timeout(1200)]
CONTENTS = {f"{number}.txt": f"document {number}" for number in range(6)}
DOWN, PERSON = 3, 2


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Let a run give a store up after so many seconds: a whole one answers within them on a busy machine, too."""

    def seconds(number):
        monkeypatch.setenv(TIMEOUT_VARIABLE, str(number))

    seconds(60)
    return seconds


@pytest.fixture
def channel(tmp_path, simulator, gateway, proxy):
    """A channel whose binder is reached through the proxy, with some documents to collect."""
    made = BucketChannel(tmp_path, simulator, s3_location(gateway))
    made.reach(endpoint=proxy.address)
    for name, content in CONTENTS.items():
        simulator.control.create(f"/Invoices/{name}", content)
    return made


def assert_consistent(channel):
    """Whatever is visible is whole: each record has its files, and the inbox shows nothing else."""
    store = channel.store()
    records = channel.records()
    for record in records:
        assert channel.original(record) == CONTENTS[record.name].encode()
        assert all(store.head(key) is not None for key in record.files.values())
    if store.head("binder.json") is None:
        assert records == []
    else:
        assert channel.inbox() == [record.name for record in records]


def assert_next_run_completes(channel, proxy):
    before = len(channel.records())
    proxy.fault = lambda request: None
    ended = channel.collect()
    assert (ended.code, ended.entry["result"]) == (0, "Succeeded"), ended.stdout
    assert ended.entry["collected"] == len(CONTENTS) - before
    channel.holds_exactly(CONTENTS)
    assert channel.collect().counts("reason", "collected") == ("NothingNew", 0)


def test_a_store_that_is_down_ends_the_run_by_a_transient_error(channel, proxy):
    channel.reach(endpoint="http://127.0.0.1:9")
    ended = channel.command_ends()
    assert ended.code == DOWN
    assert ended.counts("result", "reason", "collected") == ("Failed", "StoreUnavailable", 0)
    assert "no connection" in ended.entry["message"]
    assert "127.0.0.1" not in ended.entry["message"]
    assert channel.status()["lastRun"] == ended.entry
    channel.reach(endpoint=proxy.address)
    assert_next_run_completes(channel, proxy)


SLOW_DOWN = Answer(503, "SlowDown")
FAILURES = [(SLOW_DOWN, 1), (SLOW_DOWN, 12), (SLOW_DOWN, 38), (Fault.DROP, 25), (Fault.STALL, 0), (Fault.STALL, 20)]


@pytest.mark.parametrize(("fault", "after"), FAILURES, ids=["503", "503", "503", "dropped", "stalled", "stalled"])
def test_a_store_that_fails_after_some_requests(channel, proxy, patience, fault, after):
    proxy.fault = lambda request: fault if request.number > after else None
    patience(3)
    began = time.monotonic()
    ended = channel.collect()
    assert ended.code == DOWN
    assert ended.counts("result", "reason") == ("Failed", "StoreUnavailable")
    assert "\n" not in ended.entry["message"]
    assert time.monotonic() - began < 120
    patience(60)
    proxy.fault = lambda request: None
    assert channel.revisions() == []
    assert_consistent(channel)
    assert_next_run_completes(channel, proxy)


def once_for_each_object(fault):
    """A fault that meets the first request that creates an object: what it did is there, and the client tries again."""
    met = set()

    def decide(request):
        if request.method != "PUT" or request.key in met:
            return None
        met.add(request.key)
        return fault

    return decide


@pytest.mark.parametrize("fault", [Fault.DROP_ANSWER, Fault.FAIL_AFTER, Fault.DROP, SLOW_DOWN])
def test_no_answer_to_any_put_loses_or_doubles_nothing(channel, proxy, fault):
    """Repeating a put that was done meets its own object, which says that it exists: for every kind of object."""
    channel.simulator.control.create("/Invoices/repeated.txt", "document 3")
    proxy.fault = once_for_each_object(fault)
    ended = channel.collect()
    assert ended.code == 0, ended.stdout
    assert ended.counts("result", "collected", "duplicates", "alreadySeen") == ("Succeeded", 6, 1, 0)
    records = channel.records()
    assert len(records) == 7
    assert len(channel.inbox()) == 6
    assert len(list(channel.store().keys("documents"))) == 6
    assert list(channel.store().keys(".probe")) == []
    assert len(channel.revisions()) == 1
    put = {request.key.removeprefix(f"{channel.location.prefix}/").split("/")[0] for request in proxy.requests}
    assert {"binder.json", ".probe", "records", "contents", "documents", "inbox", "state", "runs"} <= put
    assert channel.collect().counts("reason", "collected") == ("NothingNew", 0)
    assert len(channel.records()) == 7


@pytest.mark.parametrize("kind", ["records", "contents", "documents", "inbox", "state", "runs"])
def test_a_store_that_takes_everything_but_never_confirms_one_kind(channel, proxy, kind):
    """The run ends by an error though the objects are there: the next one meets what this one wrote."""
    prefix = f"{channel.location.prefix}/{kind}"
    proxy.fault = lambda request: (
        Fault.FAIL_AFTER if request.method == "PUT" and request.key.startswith(prefix) else None
    )
    ended = channel.collect()
    if kind == "runs":
        # The documents are collected; only the report of the run is in doubt.
        assert_consistent(channel)
        channel.holds_exactly(CONTENTS)
        return
    assert (ended.code, ended.entry["reason"]) == (DOWN, "StoreUnavailable")
    proxy.fault = lambda request: None
    assert_consistent(channel)
    ended = channel.collect()
    assert (ended.code, ended.entry["result"]) == (0, "Succeeded")
    channel.holds_exactly(CONTENTS)
    assert channel.collect().counts("reason", "collected") == ("NothingNew", 0)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault.UNCONDITIONAL, "NoConditionalPut"), (Answer(501, "NotImplemented"), "NoConditionalPut")],
)
def test_a_store_without_put_if_absent_is_refused_before_anything_is_collected(channel, proxy, fault, reason):
    proxy.fault = lambda request: fault if request.creates else None
    ended = channel.command_ends()
    assert ended.code == PERSON
    assert ended.counts("result", "reason", "collected") == ("Failed", reason, 0)
    assert "collected twice" in ended.entry["message"]
    assert list(channel.store().keys("")) == []
    assert channel.simulator.control.counters()["total"] == 0
    assert_next_run_completes(channel, proxy)


def test_wrong_credentials_need_a_person_and_are_not_shown(channel, proxy):
    channel.reach(secret_access_key="guessed-by-somebody")
    ended = channel.command_ends()
    assert (ended.code, ended.entry["reason"]) == (PERSON, "StoreAccessDenied")
    assert "guessed" not in ended.stdout + ended.stderr
    channel.reach(endpoint=proxy.address)
    assert_next_run_completes(channel, proxy)
    assert S3_SECRET not in json.dumps(channel.status())


def test_rights_that_are_withdrawn_in_the_middle_of_a_run_need_a_person(channel, proxy):
    proxy.fault = lambda request: Answer(403, "AccessDenied") if request.number > 15 else None
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (PERSON, "StoreAccessDenied")
    proxy.fault = lambda request: None
    assert channel.revisions() == []
    assert_consistent(channel)
    assert_next_run_completes(channel, proxy)


def test_a_missing_bucket_needs_a_person(channel, proxy):
    channel.reach(bucket="no-such-bucket")
    ended = channel.command_ends()
    assert (ended.code, ended.entry["reason"]) == (PERSON, "StoreNotFound")
    assert "bucket" in ended.entry["message"]
    channel.reach(endpoint=proxy.address)
    assert_next_run_completes(channel, proxy)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    # Whatever still holds a file of it lets go of it later.
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_service_whose_disk_is_full_is_said_to_be_full(tmp_path, simulator, small_disk):
    with s3_gateway(small_disk) as address:
        channel = BucketChannel(tmp_path, simulator, s3_location(address))
        for number in range(6):
            simulator.control.create(f"/Invoices/{number}.bin", generate=(number + 1, 500_000))
        ended = channel.collect()
        assert (ended.code, ended.entry["reason"]) == (DOWN, "StoreFull")
        assert "free space" in ended.entry["message"]
        collected = len(channel.records())
        assert 0 < collected < 6
        assert len(channel.inbox()) == collected
        subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
        assert channel.collect().counts("result", "collected") == ("Succeeded", 6 - collected)
        assert len(channel.inbox()) == 6
