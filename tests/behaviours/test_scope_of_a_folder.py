"""What a watched folder holds, however folders and files come and go: what a run comes to."""

from __future__ import annotations

import pytest

QUIET = ("result", "reason", "collected", "alreadySeen")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries that don't wait for long."""
    monkeypatch.setattr("bannette.onedrive.throttle._FIRST_BACKOFF", 0.01)


@pytest.fixture
def drive(simulator):
    """Pages of 4 items."""
    simulator.control.settings(page_size=4)
    return simulator.control


def requests(drive):
    """How many requests of each kind there were since the last call."""
    counted = drive.counters()["requests"]
    drive.reset_counters()
    return {kind: count for kind, count in counted.items() if count and kind not in ("token", "discovery")}


@pytest.mark.behaviour(19)
@pytest.mark.parametrize("delta", [True, False], ids=["with delta", "without"])
def test_a_missing_folder_is_named_and_collected_from_once_it_is_there(channel, collect, drive, delta):
    drive.settings(delta=delta)
    for _ in range(2):
        ended = collect()
        assert (ended.code, ended.entry["reason"]) == (2, "FolderNotFound")
        assert "/Invoices" in str(ended.entry["message"])
        assert "spec.onedrive.folder" in str(ended.entry["message"])
    drive.create("/Invoices/a.txt", "alpha")
    assert collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(19)
@pytest.mark.parametrize("at", ["/Invoices", "/Invoices/2026"])
def test_a_file_where_the_folder_should_be_is_no_folder(channel, collect, drive, at):
    channel.write(onedrive={"folder": "/Invoices/2026"})
    drive.create(at, "a file")
    for delta in (True, False):
        drive.settings(delta=delta)
        ended = collect()
        assert (ended.code, ended.entry["reason"]) == (2, "FolderNotFound")
    drive.add_faults("paths refused")
    ended = collect()
    assert (ended.code, ended.entry["reason"]) == (2, "FolderNotFound")


LONG = "/".join(["x" * 49] * 8)
FOLDERS = [
    "With space",
    "100% #1",
    "a+b&c=d;e,f",
    "d'Été",
    "d'E\u0301te\u0301",
    "Mixed é and e\u0301",
    "📄 документы 文書",
    "\u202eright to left\u202c",
    "--force",
    "%2e%2e",
    "..almost",
    "~$x",
    LONG,
]


@pytest.mark.behaviour(20)
@pytest.mark.parametrize("folder", FOLDERS, ids=range(len(FOLDERS)))
@pytest.mark.parametrize("paths", [True, False], ids=["by path", "by name"])
def test_a_folder_of_any_name_is_found_and_collected_from(channel, collect, drive, folder, paths):
    if not paths:
        drive.add_faults("paths refused")
    drive.create(f"/{folder}/a.txt", "alpha")
    drive.create("/Other/b.txt", "not watched")
    channel.write(onedrive={"folder": f"/{folder}"})
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    drive.create(f"/{folder}/{folder[:40].strip('/')}/c.txt", "charlie")
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    assert [record.folder for record in channel.records()] == [f"/{folder}", f"/{folder}/{folder[:40].strip('/')}"]


@pytest.mark.behaviour(20)
@pytest.mark.parametrize("paths", [True, False], ids=["by path", "by name"])
def test_of_two_folders_that_differ_in_the_form_of_their_accents_the_named_one_is_watched(
    channel, collect, drive, paths
):
    if not paths:
        drive.add_faults("paths refused")
    drive.create("/Re\u0301gle\u0301/decomposed.txt", "delta")
    drive.create("/Réglé/composed.txt", "charlie")
    channel.write(onedrive={"folder": "/Réglé"})
    assert collect().counts("collected") == (1,)
    assert channel.names() == ["composed.txt"]


MOVES = {
    "renamed": (lambda drive: drive.rename("/Work/Invoices", "Bills"), "/Work/Bills"),
    "moved": (lambda drive: drive.move("/Work/Invoices", "/Archive"), "/Archive/Invoices"),
    "renamed above": (lambda drive: drive.rename("/Work", "Job"), "/Job/Invoices"),
    "moved above": (lambda drive: drive.move("/Work", "/Archive"), "/Archive/Work/Invoices"),
}


@pytest.mark.behaviour(21)
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("delta", [True, False], ids=["with delta", "without"])
def test_a_watched_folder_that_moved_is_followed_and_every_run_says_so(channel, collect, drive, move, delta):
    drive.settings(delta=delta)
    channel.write(onedrive={"folder": "/Work/Invoices"})
    drive.create("/Work/Invoices/2026/a.txt", "alpha")
    drive.create("/Work/Invoices/late.txt", "lima")
    drive.add_faults({"like": "item locked", "item": "*/late.txt"})
    assert collect().counts("collected", "deferred") == (1, 1)
    act, now = MOVES[move]
    act(drive)
    drive.create(f"{now}/2026/b.txt", "bravo")
    drive.remove_faults()
    ended = collect()
    assert ended.counts("result", "collected", "duplicates", "deferred") == ("Succeeded", 2, 0, 0)
    assert "set spec.onedrive.folder to its new path" in str(ended.entry["message"])
    assert channel.names() == ["a.txt", "b.txt", "late.txt"]
    drive.expire_cursors()
    ended = collect()
    assert ended.counts("result", "collected", "alreadySeen") == ("Succeeded", 0, 3)
    assert "set spec.onedrive.folder to its new path" in str(ended.entry["message"])
    channel.write(onedrive={"folder": now})
    ended = collect()
    assert ended.counts("result", "collected") == ("Succeeded", 0)
    assert "its new path" not in str(ended.entry["message"])


@pytest.mark.behaviour(21)
@pytest.mark.parametrize("delta", [True, False], ids=["with delta", "without"])
def test_another_folder_at_the_path_is_the_new_scope(channel, collect, drive, delta):
    drive.settings(delta=delta)
    drive.create("/Invoices/a.txt", "alpha")
    drive.create("/Invoices/infected.txt", "india")
    drive.create("/Invoices/locked.txt", "lima")
    drive.add_faults({"like": "malware", "item": "*/infected.txt"}, {"like": "item locked", "item": "*/locked.txt"})
    assert collect().counts("collected", "deferred", "rejected") == (1, 1, 1)
    drive.rename("/Invoices", "Old")
    drive.create("/Invoices/b.txt", "bravo")
    drive.move("/Old/a.txt", "/Invoices")
    assert collect().counts("collected", "duplicates", "deferred", "rejected") == (1, 0, 0, 0)
    drive.create("/Old/c.txt", "out of scope now")
    drive.create("/Invoices/d.txt", "dora")
    assert collect().counts("collected") == (1,)
    assert channel.names() == ["a.txt", "b.txt", "d.txt"]


@pytest.mark.behaviour(21)
@pytest.mark.parametrize("delta", [True, False], ids=["with delta", "without"])
def test_a_followed_folder_gives_way_to_the_one_that_takes_its_path(channel, collect, drive, delta):
    drive.settings(delta=delta)
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.rename("/Invoices", "Old")
    drive.create("/Old/b.txt", "bravo")
    assert collect().counts("collected") == (1,)
    drive.create("/Invoices/c.txt", "charlie")
    drive.create("/Old/d.txt", "out of scope now")
    assert collect().counts("collected") == (1,)
    drive.create("/Old/e.txt", "out of scope, too")
    assert collect().counts("collected") == (0,)
    assert channel.names() == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.behaviour(21)
@pytest.mark.parametrize("delta", [True, False], ids=["with delta", "without"])
def test_a_deleted_folder_is_said_and_the_one_made_again_or_restored_is_collected(channel, collect, drive, delta):
    drive.settings(delta=delta)
    first = drive.folder("/Invoices")
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.create("/Invoices/never seen.txt", "november")
    drive.delete(first["id"])
    for _ in range(2):
        ended = collect()
        assert (ended.code, ended.entry["reason"], ended.entry["collected"]) == (2, "FolderNotFound", 0)
    drive.restore(first["id"])
    assert collect().counts("result", "collected", "duplicates") == ("Succeeded", 1, 0)
    drive.delete(first["id"])
    drive.create("/Invoices/b.txt", "bravo")
    drive.create("/Invoices/again.txt", "alpha")
    assert collect().counts("result", "collected", "duplicates") == ("Succeeded", 1, 1)
    assert channel.names() == ["a.txt", "again.txt", "b.txt", "never seen.txt"]


@pytest.mark.behaviour(37)
@pytest.mark.parametrize("delta", [True, False], ids=["with delta", "without"])
def test_a_file_moved_in_is_collected_and_one_moved_out_in_time_is_dropped(channel, collect, drive, delta):
    drive.settings(delta=delta)
    drive.create("/Private/in.txt", "india")
    leaving = drive.create("/Invoices/out.txt", "oscar")
    drive.add_faults({"like": "item locked", "item": "*/out.txt"})
    assert collect().counts("collected", "deferred") == (0, 1)
    drive.move("/Private/in.txt", "/Invoices/2026")
    drive.move(leaving["id"], "/Private")
    ended = collect()
    assert ended.counts("result", "collected", "deferred", "rejected") == ("Succeeded", 1, 0, 0)
    assert channel.report(ended)["dropped"] == 1
    assert [(record.name, record.folder) for record in channel.records()] == [("in.txt", "/Invoices/2026")]
    drive.remove_faults()
    drive.move(leaving["id"], "/Invoices")
    assert collect().counts("collected") == (1,)


def tree(drive, top):
    """Put 27 files in three levels below *top*, every folder longer than a page."""
    for level in ("", "/b", "/b/c"):
        for number in range(9):
            drive.create(f"{top}{level}/{number}.txt", f"{level} {number}")


@pytest.mark.behaviour(38)
@pytest.mark.parametrize("how", ["moved", "moved under another name", "in a folder that is moved"])
def test_a_folder_that_enters_the_scope_brings_all_its_files(channel, collect, drive, how):
    drive.folder("/Invoices")
    tree(drive, "/Elsewhere/a")
    assert collect().counts("collected") == (0,)
    match how:
        case "moved":
            drive.move("/Elsewhere/a", "/Invoices")
        case "moved under another name":
            drive.move("/Elsewhere/a", "/Invoices/2026", name="November")
        case _:
            drive.move("/Elsewhere", "/Invoices")
    assert collect().counts("result", "collected") == ("Succeeded", 27)
    assert collect().counts(*QUIET) == ("Succeeded", "NothingNew", 0, 0)
    assert len(channel.records()) == 27


@pytest.mark.behaviour(38)
def test_a_folder_renamed_to_the_watched_path_is_collected(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    tree(drive, "/Elsewhere")
    assert collect().counts("collected") == (1,)
    drive.rename("/Invoices", "Old")
    drive.rename("/Elsewhere", "Invoices")
    assert collect().counts("result", "collected") == ("Succeeded", 27)


@pytest.mark.behaviour(39)
@pytest.mark.parametrize("skip", range(1, 9))
@pytest.mark.parametrize("fault", ["error 500", "children lead astray", "folder not listed"])
def test_a_listing_that_fails_half_way_leaves_the_cursor_and_the_next_run_completes_it(
    channel, collect, drive, skip, fault
):
    drive.folder("/Invoices")
    collect()
    cursor = channel.saved_state()["position"]["walk"]["cursor"]
    tree(drive, "/Elsewhere/a")
    drive.create("/Invoices/new.txt", "november")
    drive.move("/Elsewhere/a", "/Invoices")
    drive.add_faults({"like": fault, "kinds": ["children"], "skip": skip - 1, "times": None})
    ended = collect()
    assert (ended.code, ended.entry["result"]) == (3, "Failed")
    assert channel.saved_state()["position"]["walk"]["cursor"] == cursor
    drive.remove_faults()
    assert collect().code == 0
    assert len(channel.records()) == 28
    assert collect().counts(*QUIET) == ("Succeeded", "NothingNew", 0, 0)


@pytest.mark.behaviour(40)
def test_a_folder_moved_out_and_back_gives_nothing_twice_and_is_seen_again(channel, collect, drive):
    drive.create("/Invoices/2026/Q1/a.txt", "alpha")
    drive.create("/Invoices/2026/Q1/infected.txt", "india")
    drive.create("/Invoices/2026/Q1/locked.txt", "lima")
    drive.add_faults({"like": "malware", "item": "*/infected.txt"}, {"like": "item locked", "item": "*/locked.txt"})
    assert collect().counts("collected", "deferred", "rejected") == (1, 1, 1)
    drive.move("/Invoices/2026", "/Private")
    ended = collect()
    assert ended.counts("result", "collected", "deferred", "rejected") == ("Succeeded", 0, 0, 0)
    drive.create("/Private/2026/Q1/unseen.txt", "uniform")
    assert collect().counts("collected") == (0,)
    drive.remove_faults()
    drive.add_faults({"like": "malware", "item": "*/infected.txt"})
    drive.move("/Private/2026", "/Invoices")
    assert collect().counts("collected", "duplicates", "alreadySeen", "rejected") == (2, 0, 1, 1)
    drive.create("/Invoices/2026/Q1/b.txt", "bravo")
    assert collect().counts("collected", "alreadySeen") == (1, 0)
    assert channel.names() == ["a.txt", "b.txt", "locked.txt", "unseen.txt"]


@pytest.mark.behaviour(40)
def test_a_folder_moved_out_and_back_between_two_runs_costs_nothing(channel, collect, drive):
    drive.create("/Invoices/2026/Q1/a.txt", "alpha")
    collect()
    drive.move("/Invoices/2026", "/Private")
    drive.move("/Private/2026", "/Invoices")
    requests(drive)
    assert collect().counts("result", "collected", "duplicates") == ("Succeeded", 0, 0)
    assert "download" not in requests(drive)
    drive.create("/Invoices/2026/Q1/b.txt", "bravo")
    assert collect().counts("collected") == (1,)


def test_a_folder_that_vanishes_while_it_is_listed_is_passed_over_and_collected_when_it_comes_back(
    channel, collect, drive
):
    for name in ("a", "b", "c"):
        drive.create(f"/Invoices/{name}/{name}.txt", name)
    folder = drive.item("/Invoices/b")
    gone = {"status": 404, "code": "itemNotFound", "times": None, "item": folder["id"]}
    drive.add_faults({"name": "gone", "kinds": ["children", "item"], **gone})
    assert collect().counts("result", "collected") == ("Succeeded", 2)
    drive.remove_faults()
    drive.touch(folder["id"])
    assert collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(35)
@pytest.mark.parametrize("refusal", ["item refused", "item locked"])
def test_a_parent_that_is_not_told_of_and_can_not_be_looked_up_loses_no_file(channel, collect, drive, refusal):
    drive.create("/Invoices/2026/a.txt", "alpha")
    drive.create("/Private/c.txt", "charlie")
    collect()
    drive.create("/Invoices/2026/new/b.txt", "bravo")
    drive.create("/Private/new/d.txt", "dora")
    drive.add_faults("parents never sent", {"like": refusal, "kinds": ["item"], "item": "*/new"})
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    drive.remove_faults()
    assert collect().counts("collected") == (0,)
    assert channel.names() == ["a.txt", "b.txt"]
