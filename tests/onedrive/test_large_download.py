"""A large body comes by several ranges at once, and is the document whatever breaks meanwhile."""

from __future__ import annotations

import hashlib
import threading
import tracemalloc

import pytest

from bannette.errors import ItemDeferred, ItemRejected
from bannette.onedrive import download, parts
from simulator.content import Generated

MB = 1024 * 1024
SIZE = 2 * MB + 12_345
CONTENT = Generated(11, SIZE).read(0, SIZE)
PARTS = 9  # of 256 KiB


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(parts, "LARGE", MB)
    monkeypatch.setattr(parts, "PART", MB // 4)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "original"


@pytest.fixture
def item(new_item):
    return new_item("/Invoices/large.pdf", generate=(11, SIZE))


def check(done, target, content=CONTENT):
    assert target.read_bytes() == content
    assert (done.size, done.sha256, done.verified) == (len(content), hashlib.sha256(content).hexdigest(), True)


def no_thread_is_left():
    return not [thread for thread in threading.enumerate() if thread.name.startswith("part ")]


def test_it_comes_by_parts(account, item, target):
    account.control.reset_counters()
    check(account.download(item, target), target)
    assert account.control.count("download") == PARTS
    assert account.control.count("content") == 0
    assert no_thread_is_left()


def test_a_small_one_comes_by_one_request(account, new_item, target):
    item = new_item("/Invoices/small.pdf", generate=(11, 500_000))
    account.control.reset_counters()
    check(account.download(item, target), target, Generated(11, 500_000).read(0, 500_000))
    assert account.control.count("download") == 1


def test_several_parts_are_under_way_at_once(account, item, target):
    account.control.add_faults({"like": "slow", "times": None, "bytes_per_second": 400_000})
    check(account.download(item, target), target)
    assert account.control.counters()["mostDownloadsAtOnce"] >= 3


@pytest.mark.parametrize("skip", [0, 1, 4, PARTS - 1])
@pytest.mark.parametrize(
    "fault",
    [
        "connection cut",
        "connection refused",
        "url expired",
        "url expired 410",
        "wrong content range",
        "range not satisfiable",
        "download throttled",
        "download redirected",
        {"like": "html instead", "times": 1},
        {"like": "chunked", "times": 1},
        {"like": "gzip", "times": 1},
        {"like": "range ignored", "times": 1},
    ],
    ids=str,
)
def test_whatever_part_breaks_the_document_is_whole(account, item, target, fault, skip):
    row = {"like": fault} if isinstance(fault, str) else fault
    account.control.add_faults({**row, "skip": skip})
    check(account.download(item, target), target)
    assert no_thread_is_left()


@pytest.mark.parametrize("seed", range(8))
def test_through_many_faults_by_chance_the_document_is_whole(account, item, target, seed):
    account.control.add_faults(
        {"like": "connection cut", "times": 6, "probability": 0.4, "seed": seed},
        {"like": "wrong content range", "times": 2, "probability": 0.2, "seed": seed + 1},
        {"like": "url expired 403", "times": 1, "probability": 0.2, "seed": seed + 2},
    )
    try:
        check(account.download(item, target), target)
    except ItemDeferred:
        account.control.remove_faults()
        check(account.download(item, target), target)


def test_a_host_that_serves_no_ranges_is_read_from_one_answer(account, item, target):
    account.control.add_faults("range ignored")
    account.control.reset_counters()
    check(account.download(item, target), target)
    assert account.control.count("download") == 1


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) - 1000, len(CONTENT) + MB, 500_000])
@pytest.mark.parametrize("skip", [0, 3, PARTS - 1])
def test_parts_of_two_versions_are_never_joined(account, item, target, tmp_path, skip, size):
    account.control.add_faults({"like": "edited after a download", "skip": skip, "edit": [99, size]})
    done = account.download(item, target)
    later = tmp_path / "later"
    account.download(account.walk().items[item.id], later)
    assert target.read_bytes() in (CONTENT, later.read_bytes())
    assert done.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert done.size == target.stat().st_size


@pytest.mark.parametrize("skip", [0, 3])
def test_without_a_hash_versions_are_told_apart_too(account, new_item, target, tmp_path, skip):
    account.control.add_faults("no hash")
    item = new_item("/Invoices/large.pdf", generate=(11, SIZE))
    account.control.add_faults({"like": "edited after a download", "skip": skip, "edit": [99, len(CONTENT)]})
    account.download(item, target)
    later = tmp_path / "later"
    account.download(account.walk().items[item.id], later)
    assert target.read_bytes() in (CONTENT, later.read_bytes())


def test_one_whose_versions_can_not_be_told_apart_comes_by_one_answer(account, new_item, target):
    """Without a hash and without an eTag nobody can say of what version a part is."""
    account.control.add_faults("no hash", "no etag")
    item = new_item("/Invoices/large.pdf", generate=(11, SIZE))
    assert (item.quick_xor, item.etag) == (None, None)
    account.control.reset_counters()
    check(account.download(item, target), target)
    assert account.control.count("download") == 1


def test_an_infected_one_is_rejected_whichever_part_says_so(account, item, target):
    account.control.add_faults({"like": "malware", "kinds": ["download"], "skip": 4})
    with pytest.raises(ItemRejected):
        account.download(item, target)
    assert no_thread_is_left()


def test_one_that_breaks_off_for_ever_is_put_off(account, item, target):
    account.control.add_faults({"like": "connection cut always"})
    with pytest.raises(ItemDeferred) as caught:
        account.download(item, target)
    assert caught.value.reason == "DownloadBroken"


def test_what_came_before_a_break_is_not_fetched_again(account, item, target):
    account.control.add_faults({"like": "connection cut", "skip": PARTS - 1})
    account.control.reset_counters()
    check(account.download(item, target), target)
    assert account.control.counters()["bytesSent"] < len(CONTENT) * 1.6


def test_one_that_is_larger_than_the_room_is_put_off_before_its_bytes_come(account, item, target):
    account.control.reset_counters()
    with pytest.raises(ItemDeferred) as caught:
        download(account.graph, account.drive, item, target, room=lambda size: size < MB)
    assert caught.value.reason == "TooLargeForScratch"
    assert target.stat().st_size < MB


def test_memory_does_not_grow_with_the_file(account, new_item, target, monkeypatch):
    monkeypatch.setattr(parts, "PART", 16 * MB)
    item = new_item("/Invoices/large.bin", generate=200 * MB)
    tracemalloc.start()
    try:
        done = account.download(item, target)
        # The simulator runs in this process, and holds a few pieces of its own.
        assert tracemalloc.get_traced_memory()[1] < 24 * MB
    finally:
        tracemalloc.stop()
    assert (done.size, done.verified) == (200 * MB, True)
