"""How a run ends and what it says about it: exit codes, history, reports, and runs that are told to stop."""

from __future__ import annotations

import fcntl
import json
import shutil
import signal
from datetime import UTC, datetime, timedelta

import pytest

from bannette.collector.discovery import Discovery
from bannette.resources import HistoryEntry, Trigger
from tests.collector.local_channel import finished, wait_until

LATE = datetime(2026, 11, 24, 22, 45, tzinfo=UTC)
# No day ends between two runs that are due then.
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def drive(simulator):
    return simulator.control


# Exit codes


@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        ("secret expired", 2, "ClientSecretExpired"),
        ("no drive", 2, "DriveNotFound"),
        ("drive locked", 2, "DriveLocked"),
        ("drive refused", 2, "AccessDenied"),
        ("sign-in unavailable", 3, "SignInUnavailable"),
        ({"like": "throttled for hours", "headers": {"Retry-After": "86400"}}, 3, "Throttled"),
    ],
)
def test_what_onedrive_refuses_ends_the_run_with_a_reason(channel, collect, drive, fault, code, reason):
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults(fault)
    ended = collect()
    assert (ended.code, ended.entry["result"]) == (code, "Failed")
    assert ended.entry["reason"] == reason
    assert ended.entry["message"]
    assert channel.report(ended)["reason"] == reason
    assert channel.status()["lastRun"]["reason"] == reason
    assert "activeRun" not in channel.status()


@pytest.mark.behaviour(19)
def test_a_missing_folder_is_said_and_collected_from_when_it_is_made(channel, collect, drive):
    ended = collect()
    assert ended.code == 2
    assert ended.counts("result", "reason") == ("Failed", "FolderNotFound")
    drive.create("/Invoices/a.txt", "alpha")
    assert collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.parametrize("kind", ["Binder", "Recipient", "Secret"])
def test_a_missing_prerequisite_is_named(channel, collect, drive, kind):
    channel.write(leave_out=(kind,))
    ended = collect()
    assert ended.code == 2
    assert ended.counts("result", "reason") == ("Failed", f"{kind}NotFound")
    assert drive.counters()["total"] == 0
    assert channel.status()["lastRun"]["reason"] == f"{kind}NotFound"


@pytest.mark.parametrize(
    ("path", "reason"), [("", "InvalidResource"), ("a\0b", "InvalidResource"), ("~nobody-here/x", "BinderNotFound")]
)
def test_a_binders_folder_that_can_not_be_is_said(channel, collect, drive, path, reason):
    channel.write(binder={"storage": {"path": path}})
    ended = collect()
    assert ended.code == 2
    assert ended.counts("result", "reason") == ("Failed", reason)
    assert not (channel.folder / "binder.json").exists()


def test_a_secret_without_a_value_is_said_to_be_missing(channel, collect, drive):
    channel.write(secret={"clientSecret": None})
    ended = collect()
    assert (ended.code, ended.entry["reason"]) == (2, "CredentialsMissing")
    assert drive.counters()["total"] == 0


def test_a_language_that_is_not_installed_is_said_before_anything_is_collected(channel, collect, drive):
    channel.write(spec={"ocr": {"languages": ["fra", "xxx"]}})
    ended = collect()
    assert ended.code == 2
    assert ended.counts("result", "reason") == ("Failed", "LanguageNotInstalled")
    assert drive.counters()["total"] == 0


def test_a_foreign_binder_is_not_written_to_until_a_person_adopts_it(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    foreign = json.dumps({"format": "bannette.io/binder/v1", "uid": "another", "namespace": "x", "company": "X"})
    channel.binder_folder.mkdir()
    (channel.binder_folder / "binder.json").write_text(foreign)
    ended = collect()
    assert ended.code == 2
    assert ended.counts("result", "reason") == ("Failed", "BinderReplaced")
    assert [path.name for path in channel.binder_folder.iterdir()] == ["binder.json"]
    assert channel.status()["lastRun"]["reason"] == "BinderReplaced"
    channel.write(annotations={"bannette.io/adopt": "another"})
    assert collect().counts("result", "collected") == ("Succeeded", 1)


def test_an_emptied_binder_is_noticed(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    shutil.rmtree(channel.binder_folder)
    ended = collect()
    assert (ended.code, ended.entry["reason"]) == (2, "BinderReplaced")


@pytest.mark.behaviour(66)
def test_an_error_half_way_keeps_what_is_collected_and_the_cursor_before_the_rest(channel, collect, drive):
    channel.write(onedrive={"folder": "/"})
    drive.settings(page_size=5)
    for number in range(30):
        drive.create(f"/{number}.txt", f"document {number}")
    pause = {"Retry-After": "86400"}
    drive.add_faults({"like": "throttled for hours", "kinds": ["delta"], "skip": 3, "headers": pause})
    ended = collect()
    assert (ended.code, ended.entry["result"]) == (3, "Failed")
    collected = ended.entry["collected"]
    assert 0 < collected < 30
    drive.remove_faults()
    drive.reset_counters()
    ended = collect()
    assert ended.counts("result", "collected") == ("Succeeded", 30 - collected)
    assert drive.count("download") == 30 - collected
    assert len(channel.records()) == 30


# What a run leaves behind


def test_every_run_is_in_the_history_and_in_the_binder(channel, collect, drive):
    channel.write(spec={"historyLimit": 2})
    drive.create("/Invoices/a.txt", "alpha")
    ended = [collect() for _ in range(3)]
    status = channel.status()
    assert {entry["id"] for entry in status["history"]} <= {run.entry["id"] for run in ended}
    assert len(status["history"]) == 2
    assert status["lastRun"]["id"] == ended[-1].entry["id"]
    assert status["checkpoint"]["seenItems"] == 1
    assert "activeRun" not in status
    assert {report["id"] for report in channel.reports()} == {run.entry["id"] for run in ended}
    binder = channel.status("Binder")
    assert (binder["documents"], binder["bytes"]) == (1, 5)


def test_a_report_says_what_the_run_used_and_noted(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.expire_cursors()
    report = channel.report(collect())
    assert report["schema"] == "bannette.io/run/v1"
    assert report["channel"]["name"] == "acme-onedrive"
    assert report["usage"]["requests"] >= 2
    assert any("walked from the start" in note for note in report["notes"])


def test_the_entry_reaches_the_termination_log(channel, drive, tmp_path):
    drive.create("/Invoices/a.txt", "alpha")
    log = tmp_path / "termination-log"
    ended = channel.command_ends(environment={"BANNETTE_TERMINATION_LOG": str(log)})
    assert ended.code == 0
    assert HistoryEntry.parse(json.loads(log.read_bytes())) == HistoryEntry.parse(ended.entry)
    assert ended.entry == channel.status()["lastRun"]


def test_the_termination_log_is_written_though_the_status_can_not_be(channel, drive, tmp_path):
    drive.create("/Invoices/a.txt", "alpha")
    channel.collect()
    # A folder in the way of the file that is to replace the status.
    (channel.state / "status.tmp").mkdir()
    log = tmp_path / "termination-log"
    ended = channel.command_ends(environment={"BANNETTE_TERMINATION_LOG": str(log)})
    assert (ended.code, ended.entry["reason"]) == (2, "StateUnwritable")
    assert json.loads(log.read_bytes())["id"] == ended.entry["id"]


# Once a day


def test_a_scheduled_run_is_skipped_when_the_day_had_one(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    assert collect(Trigger.SCHEDULED, due_at=NOON).counts("result", "collected") == ("Succeeded", 1)
    drive.create("/Invoices/b.txt", "bravo")
    drive.reset_counters()
    ended = collect(Trigger.SCHEDULED, due_at=NOON)
    assert ended.code == 0
    assert ended.counts("result", "reason", "collected") == ("Skipped", "AlreadyCollectedToday", 0)
    assert drive.counters()["total"] == 0
    assert channel.report(ended)["result"] == "Skipped"
    assert collect(Trigger.MANUAL).counts("result", "collected") == ("Succeeded", 1)


def test_a_first_collection_counts_for_its_day_and_a_manual_one_does_not(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect(Trigger.MANUAL)
    assert collect(Trigger.INITIAL, due_at=NOON).entry["result"] == "Succeeded"
    assert collect(Trigger.SCHEDULED, due_at=NOON).entry["reason"] == "AlreadyCollectedToday"


def test_the_day_is_that_of_the_scheduled_minute_in_the_channels_zone(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    assert collect(Trigger.SCHEDULED, due_at=LATE).entry["result"] == "Succeeded"
    # A quarter to twelve in Paris, then a quarter past.
    assert collect(Trigger.SCHEDULED, due_at=LATE + timedelta(minutes=10)).entry["result"] == "Skipped"
    assert collect(Trigger.SCHEDULED, due_at=LATE + timedelta(minutes=30)).entry["result"] == "Succeeded"


def test_a_failed_run_does_not_count_for_its_day(channel, collect, drive):
    assert collect(Trigger.SCHEDULED).entry["result"] == "Failed"
    drive.create("/Invoices/a.txt", "alpha")
    assert collect(Trigger.SCHEDULED).counts("result", "collected") == ("Succeeded", 1)


# Two runs at once, and a run that is told to end


def test_a_second_run_waits_for_the_first(channel, drive):
    drive.create("/Invoices/a.txt", "alpha")
    channel.state.mkdir()
    with (channel.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = channel.start()
        line = process.stderr.readline()
        assert "run.waiting" in line
        assert drive.counters()["total"] == 0
    ended = finished(process)
    assert ended.counts("result", "collected") == ("Succeeded", 1)


def test_a_run_that_is_told_to_end_before_its_turn_leaves_the_status_alone(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    before = channel.status()
    with (channel.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = channel.start()
        assert "run.waiting" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        ended = finished(process, within=60)
    assert (ended.code, ended.entry["reason"]) == (3, "Interrupted")
    assert channel.status() == before


def test_the_status_of_another_channel_is_left_alone(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    before = (channel.state / "status.yaml").read_bytes()
    text = channel.file.read_text(encoding="utf-8")
    channel.file.write_text(text.replace("acme-onedrive", "other-onedrive"), encoding="utf-8")
    ended = collect()
    assert (ended.code, ended.entry["reason"]) == (2, "StateOfAnotherChannel")
    assert (channel.state / "status.yaml").read_bytes() == before


@pytest.mark.parametrize("size", [2_000_000, 80_000_000], ids=["whole", "by parts"])
def test_a_run_that_is_told_to_end_does_so_within_seconds_and_loses_nothing(channel, drive, size):
    drive.create("/Invoices/a.txt", "alpha")
    drive.create("/Invoices/slow.txt", generate=size)
    drive.add_faults({"like": "slow", "item": "/Invoices/slow.txt", "times": None})
    process = channel.start()
    wait_until(lambda: channel.binder_folder.is_dir() and channel.names() == ["a.txt"], "the first document")
    wait_until(lambda: drive.count("download") >= 2, "the second download")
    process.send_signal(signal.SIGTERM)
    ended = finished(process, within=60)
    assert ended.code == 3
    assert ended.counts("result", "reason", "collected") == ("Failed", "Interrupted", 1)
    assert len(list((channel.binder_folder / "documents").rglob("original.*"))) == 1
    assert channel.status()["lastRun"]["reason"] == "Interrupted"
    assert "activeRun" not in channel.status()
    drive.remove_faults()
    assert channel.collect().counts("result", "collected") == ("Succeeded", 1)
    assert channel.names() == ["a.txt", "slow.txt"]


@pytest.mark.behaviour(66)
def test_a_run_that_is_told_to_end_while_it_waits_for_onedrive_does_so(channel, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "throttled", "times": None, "headers": {"Retry-After": "600"}})
    process = channel.start()
    wait_until(lambda: drive.counters()["statuses"].get("429"), "the request to wait")
    process.send_signal(signal.SIGTERM)
    ended = finished(process, within=60)
    assert (ended.code, ended.entry["reason"]) == (3, "Interrupted")


def overtake(channel, monkeypatch):
    """Let another run save its state as soon as this one begins to walk."""
    run = Discovery.run

    def overtaken(self, hand_over):
        latest = max((channel.binder_folder / "state").rglob("*.json"), key=lambda path: int(path.stem))
        latest.with_stem(str(int(latest.stem) + 1)).write_bytes(latest.read_bytes())
        run(self, hand_over)

    monkeypatch.setattr(Discovery, "run", overtaken)


def test_another_run_that_went_further_ends_this_one_without_loss(channel, collect, drive, monkeypatch):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.create("/Invoices/b.txt", "bravo")
    overtake(channel, monkeypatch)
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "reason", "collected") == ("Succeeded", "StateAdvanced", 1)
    monkeypatch.undo()
    assert collect().counts("result", "collected") == ("Succeeded", 0)
    assert channel.names() == ["a.txt", "b.txt"]


def test_a_run_that_failed_says_so_though_another_went_further(channel, collect, drive, monkeypatch):
    channel.write(onedrive={"folder": "/"})
    drive.settings(page_size=5)
    drive.create("/a.txt", "alpha")
    collect()
    for number in range(20):
        drive.create(f"/{number}.txt", f"document {number}")
    overtake(channel, monkeypatch)
    drive.expire_cursors()
    pause = {"Retry-After": "86400"}
    drive.add_faults({"like": "throttled for hours", "kinds": ["delta"], "skip": 3, "headers": pause})
    ended = collect()
    assert (ended.code, ended.entry["result"], ended.entry["reason"]) == (3, "Failed", "Throttled")
