"""A Graph that lies: what it answers is bounded, refused and explained, and the token stays where it belongs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading

import pytest

from simulator.catalogue import FAULTS

# Kilobytes beyond what the same run takes with an honest Graph.
MEMORY = 100 * 1024
# Runs a command, and says how it ended and how many kB of memory it took at most. The kernel counts what a process's
# parent ever took as its own, and that of the tests takes much.
MEASURE = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(ended.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries that don't wait for long, in runs that don't last long."""
    monkeypatch.setattr("bannette.onedrive.throttle._FIRST_BACKOFF", 0.01)
    monkeypatch.setattr("bannette.collector.run._LONGEST", 60.0)


def hurry(monkeypatch, fault):
    """Let what drips be given up within seconds. What comes at once but is large has its time on a busy machine."""
    if fault.endswith("drips"):
        monkeypatch.setattr("bannette.onedrive.graph._LONGEST_ANSWER", 1.0)
        monkeypatch.setattr("bannette.onedrive.transfer._SLOW_SECONDS", 0.5)


@pytest.fixture
def drive(simulator):
    return simulator.control


def said(ended, *words):
    """Whether the history says what is wrong, in one line."""
    message = str(ended.entry["message"])
    return all(word in message for word in words) and "\n" not in message


# What is answered, and what the history says of it.
ANSWERS = {
    "json huge": "larger than 8192 kB",
    "json dense": "larger than 8192 kB",
    "json bomb": "larger than 8192 kB",
    "json deep": "unreadable",
    "json drips": "not complete after",
    "json claimed": "larger than 8192 kB",
    "headers without end": "can't be reached",
}


@pytest.mark.parametrize("fault", ANSWERS)
@pytest.mark.parametrize("folder", ["/Invoices", "/"])
@pytest.mark.parametrize("later", [False, True], ids=["at first", "later"])
def test_an_answer_without_bounds_ends_the_run_and_the_next_goes_on(
    channel, collect, drive, fault, folder, later, monkeypatch
):
    channel.write(onedrive={"folder": folder})
    drive.create("/Invoices/a.txt", "alpha")
    if later:
        assert collect().counts("collected") == (1,)
        drive.create("/Invoices/b.txt", "bravo")
    drive.add_faults(fault)
    with monkeypatch.context() as patch:
        hurry(patch, fault)
        ended = collect()
    assert ended.code == 3
    assert said(ended, "Microsoft Graph", ANSWERS[fault])
    drive.remove_faults()
    assert collect().counts("result", "collected") == ("Succeeded", 1)


def test_every_hostile_answer_is_tested_here():
    hostile = {name for name, fault in FAULTS.items() if fault.hostile is not None}
    assert hostile == {*ANSWERS, *BODIES, *HEADER_DRIPS}


def peak(channel):
    """Do a run by the real command and return its exit code and the most memory that it took, in kilobytes."""
    command = [sys.executable, "-c", MEASURE, *channel.command()]
    measured = subprocess.run(command, capture_output=True, text=True, env=channel.environment, check=True)
    code, memory = map(int, measured.stdout.split())
    return code, memory


@pytest.fixture(scope="module")
def ordinary():
    """The memory that a run takes with an honest Graph, once it is known."""
    return []


@pytest.mark.parametrize("fault", ["json huge", "json dense", "json bomb", "json deep"])
def test_no_answer_takes_more_memory_than_a_run_has(channel, drive, fault, ordinary):
    drive.create("/Invoices/a.txt", "alpha")
    if not ordinary:
        code, memory = peak(channel)
        assert code == 0
        ordinary.append(memory)
        drive.create("/Invoices/b.txt", "bravo")
    drive.add_faults({"like": fault, "times": 2})
    code, memory = peak(channel)
    assert code == 0
    print(f"{fault}: {ordinary[0]} kB, then {memory} kB")
    assert memory - ordinary[0] < MEMORY
    assert len(channel.records()) >= 1


# The bodies of documents, and the reason for which they are put off.
BODIES = {"body claimed": "TooLargeForScratch", "body endless": "TooLargeForScratch", "body drips": "DownloadBroken"}


@pytest.mark.parametrize("fault", BODIES)
@pytest.mark.parametrize("scratch", [100_000, 5_000_000_000], ids=["100 kB", "5 GB"])
def test_a_body_without_bounds_is_put_off_and_the_others_arrive(channel, collect, drive, fault, scratch, monkeypatch):
    monkeypatch.setattr("bannette.collector.capacity._MOST_SCRATCH", scratch)
    drive.create("/Invoices/a.txt", "alpha")
    drive.create("/Invoices/bad.txt", "bravo")
    drive.add_faults({"like": fault, "item": "*/bad.txt"})
    with monkeypatch.context() as patch:
        hurry(patch, fault)
        ended = collect()
    assert (ended.code, *ended.counts("collected", "deferred")) == (0, 1, 1)
    reason = channel.saved_state()["deferred"][0]["reason"]
    # What claims 10 GB is refused for that; what claims nothing, when it doesn't come.
    assert reason == BODIES[fault]
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)


HEADER_DRIPS = ("header drips", "body header drips")


@pytest.mark.parametrize("fault", HEADER_DRIPS)
def test_an_answer_that_never_begins_ends_with_the_run(channel, collect, drive, fault, monkeypatch):
    monkeypatch.setattr("bannette.collector.run._LONGEST", 1.0)
    monkeypatch.setattr("bannette.collector.run._OVERDUE", 0.5)
    monkeypatch.setattr("bannette.collector.run._GRACE", 0.5)
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults(fault)
    ended = collect()
    assert (ended.code, ended.entry["reason"]) == (3, "TimeUp")
    drive.remove_faults()
    monkeypatch.setattr("bannette.collector.run._LONGEST", 60.0)
    assert collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.fixture
def listener():
    """Somebody else's server: counts who connects."""

    class Listener:
        def __init__(self) -> None:
            self.connections = 0
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.port = self.socket.getsockname()[1]
            threading.Thread(target=self.listen, daemon=True).start()

        def listen(self) -> None:
            while True:
                try:
                    connection, _ = self.socket.accept()
                except OSError:
                    return
                self.connections += 1
                connection.close()

    started = Listener()
    yield started
    started.socket.close()


# {port}: the listener's; {graph}: where Graph is.
ELSEWHERE = [
    "https://localhost:{port}/v1.0/drives/x/root/delta?token=1",
    "https://127.0.0.1:{port}/v1.0/drives/x/root/delta?token=1",
    "http://localhost:{port}/v1.0/drives/x/root/delta?token=1",
    "https://{graph}@127.0.0.1:{port}/v1.0/x",
    "https://{graph}\\@127.0.0.1:{port}/v1.0/x",
    "https://{graph}%40127.0.0.1:{port}/v1.0/x",
    "https://127.0.0.1:{port}\\@{graph}/v1.0/x",
    "https://127.0.0.1:{port}#@{graph}/v1.0/x",
    "https://127.0.0.1:{port}?@{graph}/v1.0/x",
    "https:\\\\127.0.0.1:{port}\\v1.0",
    "https://[::ffff:127.0.0.1]:{port}/v1.0/x",
    "//127.0.0.1:{port}/v1.0/x",
    "https:/127.0.0.1:{port}/v1.0/x",
    "HTTPS://127.0.0.1:{port}/v1.0/x",
    "file:///etc/passwd",
]


def elsewhere(where, listener, channel):
    graph = channel.simulator.origin.removeprefix("https://")
    return where.replace("{port}", str(listener.port)).replace("{graph}", graph)


@pytest.mark.behaviour(44)
@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize(
    ("kind", "link"),
    [("delta", "@odata.nextLink"), ("delta", "@odata.deltaLink"), ("children", "@odata.nextLink")],
)
def test_a_link_to_elsewhere_is_never_followed_nor_kept(channel, collect, drive, listener, where, link, kind):
    drive.create("/Invoices/a.txt", "alpha")
    body = json.dumps({"value": [], link: elsewhere(where, listener, channel)})
    drive.add_faults({"name": "elsewhere", "kinds": [kind], "status": 200, "times": None, "body": body})
    for _ in range(2):
        ended = collect()
        assert ended.code == 3
        assert ended.entry["reason"] in ("ForeignLink", "UnexpectedAnswer")
        assert said(ended, "Microsoft Graph answered with a link")
    assert listener.connections == 0
    state = list(channel.binder_folder.rglob("state/**/*.json"))
    assert not any(str(listener.port) in path.read_text() for path in state)
    drive.remove_faults()
    assert collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(44)
@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_stored_link_to_elsewhere_is_never_followed(channel, collect, drive, listener, where):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    newest = max((channel.binder_folder / "state").rglob("*.json"), key=lambda path: int(path.stem))
    state = json.loads(newest.read_text())
    state["position"]["walk"]["cursor"] = elsewhere(where, listener, channel)
    newest.write_text(json.dumps(state))
    assert collect().counts("result", "collected", "alreadySeen") == ("Succeeded", 0, 1)
    assert listener.connections == 0


@pytest.mark.behaviour(44, 52)
@pytest.mark.parametrize(("status", "scheme"), [(301, "https"), (302, "http"), (307, "https"), (308, "http")])
@pytest.mark.parametrize("kind", ["drive", "item", "children", "delta"])
def test_a_redirect_of_graph_is_not_followed(channel, collect, drive, listener, status, kind, scheme):
    drive.create("/Invoices/a.txt", "alpha")
    location = f"{scheme}://127.0.0.1:{listener.port}/v1.0/x"
    row = {"name": "redirect", "kinds": [kind], "status": status, "times": None, "headers": {"Location": location}}
    drive.add_faults(row)
    ended = collect()
    assert ended.code in (2, 3)
    assert said(ended, "Microsoft Graph")
    assert listener.connections == 0
    drive.remove_faults()
    assert collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(52)
@pytest.mark.parametrize("where", ELSEWHERE[:13])
def test_content_is_not_fetched_from_elsewhere(channel, collect, drive, listener, where):
    drive.create("/Invoices/a.txt", "alpha")
    url = elsewhere(where, listener, channel)
    drive.add_faults(
        {"like": "no download url", "remove": [], "set": {"@microsoft.graph.downloadUrl": url}},
        {"like": "redirect to another host", "location": url},
    )
    ended = collect()
    assert (ended.code, *ended.counts("collected", "deferred")) == (0, 0, 1)
    # What names no host is a place at Graph's own, where nothing is.
    own = where.startswith(("https:/1", "https:\\"))
    assert (channel.saved_state()["deferred"][0]["reason"] == "DownloadHostRefused") is not own
    assert listener.connections == 0


FACETS = ["file", "file.hashes", "fileSystemInfo", "parentReference", "pendingOperations", "folder", "package", "root"]
FACETS += ["malware", "remoteItem", "deleted", "pendingOperations.pendingContentUpdate"]
TEXTS = ["name", "eTag", "file.mimeType", "file.hashes.quickXorHash", "parentReference.driveId", "parentReference.path"]
TEXTS += ["createdDateTime", "lastModifiedDateTime", "fileSystemInfo.lastModifiedDateTime"]
TEXTS += ["@microsoft.graph.downloadUrl"]
WRONG = [None, 0, -1, 1.5, 10**30, True, False, "", [], [[]], ["x"]]
ODD_TEXTS = [
    "x",
    "\u0000",
    "a\u0000b",
    "\ud800",
    "a\udfff.txt",
    "\r\nX: y",
    "../../../etc/passwd",
    "x" * 100_000,
    "💥" * 999,
]
ODD_TEXTS += ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "NaN"]


@pytest.mark.parametrize("field", [*FACETS, *TEXTS, "size"])
@pytest.mark.parametrize("folder", ["/Invoices", "/"])
def test_members_of_the_wrong_type_harm_nothing_else(channel, collect, drive, field, folder, caplog):
    channel.write(onedrive={"folder": folder})
    drive.create("/Invoices/first.txt", "first")
    assert collect().counts("collected") == (1,)
    values = [*WRONG, *([] if field in FACETS else [*ODD_TEXTS, {}, {"x": 1}])]
    if field == "size":
        # Texts and objects are no sizes; what is too large is put off.
        values += [2**63, 17]
    for number, value in enumerate(values):
        drive.create(f"/Invoices/{number}.txt", f"document {number}")
        row = {"kinds": ["delta", "children", "item"], "item": f"/Invoices/{number}.txt", "times": None}
        drive.add_faults({"name": "wrong", **row, "set": {field: value}})
    drive.create("/Invoices/good.txt", "good")
    ended = collect()
    assert ended.code in (0, 3), ended.entry
    assert "run.crashed" not in caplog.text
    if ended.code == 0:
        assert "good.txt" in channel.names()
    assert (channel.binder_folder / "binder.json").is_file()
    drive.remove_faults()
    assert collect().code == 0
    assert collect().counts("collected", "duplicates") == (0, 0)
    state = channel.saved_state()
    pending = {item["item"] for kind in ("deferred", "rejected") for item in state[kind]}
    collected = {record.item for record in channel.records()}
    assert {item["id"] for item in drive.tree("/Invoices")} == collected | pending
    assert not collected & pending


BODIES_OF_PAGES = [
    [],
    "text",
    None,
    17,
    {},
    {"value": None},
    {"value": {}},
    {"value": "x"},
    {"value": [None], "@odata.deltaLink": "{url}"},
    {"value": [{}], "@odata.deltaLink": "{url}"},
    {"value": [{"id": None, "file": {}}], "@odata.deltaLink": "{url}"},
    {"value": [{"id": ["x"], "file": {}}], "@odata.deltaLink": "{url}"},
    {"value": [], "@odata.nextLink": 17, "@odata.deltaLink": "{url}"},
    {"value": [], "@odata.nextLink": {"href": "{url}"}, "@odata.deltaLink": "{url}"},
    {"value": [], "@odata.nextLink": "{url}\u0000", "@odata.deltaLink": "{url}"},
    {"value": [], "@odata.nextLink": "{url}\ud800", "@odata.deltaLink": "{url}"},
    {"value": [], "@odata.nextLink": "{url}&" + "x" * 100_000, "@odata.deltaLink": "{url}"},
    {"error": {"code": "x"}},
]


@pytest.mark.parametrize("body", BODIES_OF_PAGES, ids=range(len(BODIES_OF_PAGES)))
@pytest.mark.parametrize("folder", ["/Invoices", "/"])
def test_a_page_that_is_none_is_no_end_of_the_list(channel, collect, drive, body, folder, caplog):
    channel.write(onedrive={"folder": folder})
    drive.create("/Invoices/a.txt", "alpha")
    row = {"name": "odd", "kinds": ["delta", "children"], "status": 200, "times": None, "body": json.dumps(body)}
    drive.add_faults(row)
    ended = collect()
    assert ended.code == 3
    assert said(ended, "Microsoft Graph")
    assert "run.crashed" not in caplog.text
    drive.remove_faults()
    assert collect().counts("result", "collected") == ("Succeeded", 1)


ERRORS = ["null", '{"error":[1]}', '{"error":{"code":5,"innerError":"x"}}', "\u0000"]
ERRORS += ['{"error":{"innerError":' * 3000 + "1" + "}}" * 3000, "[" * 50_000, "x" * 1_000_000]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_a_refusal_may_say_anything(channel, collect, drive, status, caplog):
    drive.create("/Invoices/a.txt", "alpha")
    for kind in ("item", "delta"):
        for body in ERRORS:
            drive.add_faults({"name": "odd", "kinds": [kind], "status": status, "times": 3, "body": body})
            ended = collect()
            drive.remove_faults()
            assert ended.code in (0, 2, 3)
            assert "run.crashed" not in caplog.text
    assert collect().code == 0
    assert channel.names() == ["a.txt"]
