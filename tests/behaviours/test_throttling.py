"""When the service says "not now", fails, or runs low: obeyed to the letter, and nothing is lost or asked for twice."""

from __future__ import annotations

import time

import pytest

from tests.collector.local_channel import finished, wait_until

COUNT = 8


@pytest.fixture
def drive(simulator):
    """An account with eight documents that are listed in pages of three."""
    simulator.control.settings(page_size=3)
    for number in range(COUNT):
        simulator.control.create(f"/Invoices/{number}.txt", f"document {number}")
    simulator.control.reset_counters()
    return simulator.control


@pytest.fixture
def channel(channel):
    """Watches the whole drive, by its feed; tests that say so watch a folder, by a listing first."""
    channel.write(onedrive={"folder": "/"})
    return channel


def assert_all_collected(channel):
    assert {record.name: channel.original(record).decode() for record in channel.records()} == {
        f"{number}.txt": f"document {number}" for number in range(COUNT)
    }


def assert_well_behaved(drive):
    counters = drive.counters()
    assert counters["duringRetryAfter"] == 0
    assert counters["withoutUserAgent"] == 0
    assert counters["authorizationAtDownload"] == 0
    assert counters["mostDownloadsAtOnce"] <= 16


# What Graph and the content host ask for: a Retry-After, and the seconds for which it has to be quiet.
ASKED = {
    "a second": ("1", 1.0),
    "a date": ("{soon}", 1.0),
    "zero": ("0", 0.0),
    "nothing": (None, 0.0),
    "nonsense": ("-5", 0.0),
}


@pytest.mark.behaviour(66)
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("fault", ["throttled", "download throttled"], ids=["Graph", "the content host"])
def test_all_wait_for_as_long_as_one_was_asked_to(channel, collect, hasty, drive, fault, asked):
    header, seconds = ASKED[asked]
    row = {"like": fault, "skip": 3, "headers": {"Retry-After": header} if header else {}}
    drive.add_faults({**row, "kinds": ["delta", "children"], "skip": 1} if fault == "throttled" else row)
    start = time.monotonic()
    ended = collect()
    assert ended.counts("result", "collected") == ("Succeeded", COUNT)
    assert time.monotonic() - start >= seconds
    assert_all_collected(channel)
    assert drive.counters()["statuses"]["429"] == 1
    assert drive.count("download") == COUNT + (fault == "download throttled")
    assert channel.report(ended)["usage"]["throttled"] == 1
    assert_well_behaved(drive)


@pytest.mark.behaviour(66)
@pytest.mark.parametrize(
    ("kind", "status"),
    [("delta", 503), ("children", 509), ("item", 503), ("content", 509), ("download", 503), ("download", 509)],
)
def test_every_way_to_say_not_now_is_understood_everywhere(channel, collect, drive, kind, status):
    if kind == "children":
        channel.write(onedrive={"folder": "/Invoices"})
    if kind == "content":
        drive.add_faults("no download url")
    if kind == "item":
        drive.add_faults({"like": "connection cut", "cut_at": 3, "item": "*/0.txt"})
    drive.add_faults({"like": "throttled", "kinds": [kind], "status": status, "skip": int(kind == "download")})
    assert collect().counts("result", "collected") == ("Succeeded", COUNT)
    assert_all_collected(channel)
    assert_well_behaved(drive)


@pytest.mark.behaviour(66)
def test_many_pauses_in_a_row_cost_no_document_and_no_call(channel, collect, drive):
    every = {"probability": 0.2, "seed": 5, "times": 4}
    drive.add_faults({"like": "download throttled", **every}, {"like": "throttled", **every})
    assert collect().counts("result", "collected") == ("Succeeded", COUNT)
    assert_all_collected(channel)
    assert_well_behaved(drive)


@pytest.mark.behaviour(66)
@pytest.mark.parametrize("fault", ["throttled for hours", "download throttled"], ids=["Graph", "the content host"])
def test_a_pause_beyond_the_runs_time_ends_it_with_what_was_collected(channel, collect, drive, monkeypatch, fault):
    monkeypatch.setattr("bannette.collector.run._LONGEST", 600.0)
    row = {"like": fault, "times": None, "headers": {"Retry-After": "10000"}}
    kinds = ["delta", "children"] if fault != "download throttled" else ["download"]
    drive.add_faults({**row, "kinds": kinds, "skip": 2 if len(kinds) == 2 else 5})
    ended = collect()
    assert ended.code == 3
    assert ended.counts("result", "reason", "deferred", "rejected") == ("Failed", "Throttled", 0, 0)
    collected = ended.entry["collected"]
    assert len(channel.records()) == collected < COUNT
    assert drive.counters()["duringRetryAfter"] == 0
    if fault == "download throttled":
        assert collected == 5
    drive.remove_faults()
    drive.reset_counters()
    assert collect().counts("result", "collected") == ("Succeeded", COUNT - collected)
    assert_all_collected(channel)
    assert drive.count("download") == COUNT - collected


@pytest.mark.behaviour(66)
def test_the_command_waits_and_ends_when_it_is_told_to(channel, drive):
    drive.add_faults({"like": "download throttled", "times": None, "skip": 3, "headers": {"Retry-After": "10000"}})
    process = channel.start()
    wait_until(lambda: drive.counters()["statuses"].get("429"), "the content host to throttle")
    asked = drive.counters()["total"]
    process.terminate()
    ended = finished(process, within=60)
    assert (ended.code, ended.entry["reason"], ended.entry["deferred"]) == (3, "Interrupted", 0)
    assert drive.counters()["duringRetryAfter"] == 0
    assert drive.counters()["total"] - asked <= 16
    drive.remove_faults()
    channel.collect()
    assert_all_collected(channel)


@pytest.mark.behaviour(67)
def test_a_page_of_a_listing_that_is_throttled_is_asked_for_again(channel, collect, drive):
    channel.write(onedrive={"folder": "/Invoices"})
    drive.add_faults("walk throttled")
    assert collect().counts("result", "collected") == ("Succeeded", COUNT)
    assert_all_collected(channel)
    pages = [request for request in drive.requests() if request["kind"] == "children"]
    assert [page["status"] for page in pages] == [200, 429, 200, 200]
    assert pages[1]["target"] == pages[2]["target"]
    assert len({page["target"] for page in pages}) == 3
    assert_well_behaved(drive)


@pytest.mark.behaviour(67)
@pytest.mark.parametrize("page", range(3))
def test_a_folder_that_comes_into_scope_is_listed_whole_though_throttled(channel, collect, drive, page):
    channel.write(onedrive={"folder": "/Paid"})
    drive.folder("/Paid")
    assert collect().counts("collected") == (0,)
    drive.move("/Invoices", "/Paid")
    drive.add_faults({"like": "walk throttled", "skip": page})
    assert collect().counts("result", "collected") == ("Succeeded", COUNT)
    assert_all_collected(channel)
    assert_well_behaved(drive)


FAILURES = ["error 500", "error 502", "error 504", "html page", "truncated json", "graph cut"]


@pytest.mark.behaviour(68)
@pytest.mark.parametrize("fault", FAILURES)
@pytest.mark.parametrize("folder", ["/", "/Invoices"], ids=["by the feed", "by a listing"])
def test_a_burst_of_failures_is_sat_out_and_one_without_end_ends_the_run(channel, collect, hasty, drive, folder, fault):
    channel.write(onedrive={"folder": folder})
    row = {"like": fault, "kinds": ["delta", "children"], "skip": 1}
    drive.add_faults({**row, "times": None})
    ended = collect()
    assert (ended.code, ended.entry["result"]) == (3, "Failed")
    assert ended.entry["reason"] in {"ServiceFailing", "UnexpectedAnswer", "Unreachable"}
    assert ended.entry["deferred"] == 0
    before = ended.entry["collected"]
    assert len(channel.records()) == before < COUNT
    drive.remove_faults()
    drive.reset_counters()
    drive.add_faults({**row, "skip": 0, "times": 3})
    assert collect().counts("result", "collected") == ("Succeeded", COUNT - before)
    assert_all_collected(channel)
    assert drive.count("download") == COUNT - before


@pytest.mark.behaviour(68)
def test_a_wrong_content_type_is_no_failure(channel, collect, drive):
    drive.add_faults({"like": "wrong content type", "times": None})
    assert collect().counts("result", "collected") == ("Succeeded", COUNT)
    assert_all_collected(channel)


@pytest.mark.behaviour(68)
@pytest.mark.parametrize("status", [408, 500, 502, 504])
def test_a_content_host_that_fails_is_asked_again_and_then_left_for_another_run(channel, collect, hasty, drive, status):
    row = {"like": "download unavailable", "status": status, "body": "<h1>Bad</h1>", "headers": {}, "item": "*/0.txt"}
    drive.add_faults({**row, "times": 3})
    assert collect().counts("result", "collected") == ("Succeeded", COUNT)
    drive.edit("/Invoices/0.txt", "document 0, anew")
    drive.create("/Invoices/late/0.txt", "late")
    drive.remove_faults()
    drive.add_faults({**row, "times": None})
    ended = collect()
    assert (ended.code, ended.entry["deferred"]) == (0, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "DownloadFailed"
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)


@pytest.mark.behaviour(66, 68)
def test_a_failure_with_a_retry_after_pauses_everything(channel, collect, hasty, drive):
    drive.add_faults({"like": "error 504, later", "kinds": ["download"], "skip": 3})
    start = time.monotonic()
    assert collect().counts("result", "collected") == ("Succeeded", COUNT)
    assert time.monotonic() - start >= 1
    assert_all_collected(channel)
    assert_well_behaved(drive)


@pytest.mark.behaviour(69)
def test_a_budget_that_runs_low_is_spread_and_no_error(channel, collect, drive):
    drive.add_faults({"like": "budget low", "kinds": ["delta", "children", "download"]})
    start = time.monotonic()
    assert collect().counts("result", "collected") == ("Succeeded", COUNT)
    # 60 requests are left for 5 seconds.
    assert time.monotonic() - start >= 0.08 * COUNT
    assert_all_collected(channel)
    assert set(drive.counters()["statuses"]) <= {"200", "302"}


@pytest.mark.behaviour(70)
def test_what_a_run_asks_for_is_what_its_documents_need(channel, collect, drive):
    ended = collect()
    assert ended.counts("result", "collected") == ("Succeeded", COUNT)
    counters = drive.counters()
    requests = counters["requests"]
    assert requests["download"] == COUNT
    graph = sum(requests[kind] for kind in ("drive", "item", "children", "delta", "content"))
    assert graph == channel.report(ended)["usage"]["requests"] <= 8
    assert counters["resourceUnits"] <= COUNT + 2 * graph
    assert 1 <= counters["mostAtOnce"] <= 18
    assert_well_behaved(drive)
    drive.reset_counters()
    assert collect().counts("result", "reason") == ("Succeeded", "NothingNew")
    assert (drive.counters()["resourceUnits"], drive.count("delta")) == (1, 1)
    assert_well_behaved(drive)
