from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from simulator.client import ControlError
from simulator.counters import Counters
from simulator.faults import Request
from simulator.testing import Simulator


def paths(simulator) -> list[str]:
    return sorted(str(item["path"]) for item in simulator.control.tree())


def test_content_is_changed_as_a_person_would(simulator) -> None:
    control = simulator.control
    control.create("/a/one.pdf", "1")
    control.create("/a/two.pdf", generate=10)
    control.rename("/a/one.pdf", "first.pdf")
    control.move("/a/two.pdf", "/b/c", name="second.pdf")
    control.copy("/a", "/d")
    control.delete("/a/first.pdf")
    assert paths(simulator) == ["/a", "/b", "/b/c", "/b/c/second.pdf", "/d", "/d/first.pdf"]


def test_ids_stay_over_rename_move_and_edit_and_not_over_copy(simulator) -> None:
    control = simulator.control
    first = control.create("/a.pdf")["id"]
    control.rename("/a.pdf", "b.pdf")
    control.move("/b.pdf", "/x")
    control.edit("/x/b.pdf", "new")
    assert control.item("/x/b.pdf")["id"] == first
    assert control.copy("/x/b.pdf", "/y/b.pdf")["id"] != first


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("rename", {"path": "/a.pdf", "name": "B.PDF"}),
        ("create", {"path": "/A.pdf"}),
        ("move", {"path": "/folder", "to": "/folder/inner"}),
        ("delete", {"path": "/"}),
        ("delete", {"path": "/nothing"}),
        ("restore", {"path": "/a.pdf"}),
        ("edit", {"path": "/a.pdf"}),
        ("settings", {"colour": "red"}),
        ("tree", {"drive": "b!unknown"}),
        ("dance", {}),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(simulator, verb: str, body: dict) -> None:
    simulator.control.create("/a.pdf")
    simulator.control.create("/b.pdf")
    simulator.control.folder("/folder")
    before = paths(simulator)
    with pytest.raises(ControlError):
        simulator.control.call(verb, body)
    if verb != "move":
        assert paths(simulator) == before


def test_reset_brings_back_the_content_of_the_start(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("hello")
    with Simulator(tmp_path) as simulator:
        simulator.control.delete("/in")
        simulator.control.add_faults("throttled")
        simulator.control.reset()
        assert paths(simulator) == ["/in", "/in/a.txt"]
        assert simulator.control.faults() == []


def test_samples_and_generated_files_fill_a_drive() -> None:
    with Simulator("samples") as simulator:
        assert any(path.startswith("/Factures/") and path.endswith(".pdf") for path in paths(simulator))
    with Simulator("generate:5x2kB/2") as simulator:
        files = [item for item in simulator.control.tree() if item["kind"] == "file"]
        assert [item["size"] for item in files] == [2000] * 5
        assert len({str(item["path"]).rpartition("/")[0] for item in files}) == 3


def test_the_client_connects_again_when_the_server_closed_an_idle_connection(simulator) -> None:
    simulator.control.folder("/a")
    simulator.control._connection.sock.shutdown(socket.SHUT_RDWR)
    simulator.control.folder("/b")
    assert paths(simulator) == ["/a", "/b"]


def test_requests_are_counted_by_kind(simulator, graph) -> None:
    simulator.control.create("/a.pdf")
    simulator.control.reset_counters()
    items, link = graph.walk()
    graph.get(link)
    graph.get("/v1.0/me/drive/root/children")
    graph.download(items[1]["@microsoft.graph.downloadUrl"])
    graph.send("/v1.0/me/drive/root", headers={"User-Agent": None})
    counters = simulator.control.counters()
    assert {kind: count for kind, count in counters["requests"].items() if count} == {
        "delta": 2,
        "children": 1,
        "download": 1,
        "item": 1,
    }
    assert counters["resourceUnits"] == 2 + 1 + 2 + 1 + 1
    assert counters["bytesSent"] == len("/a.pdf")
    assert [request["kind"] for request in simulator.control.requests()] == [
        "delta",
        "delta",
        "children",
        "download",
        "item",
    ]
    assert simulator.control.count("delta") == 2


def test_requests_without_user_agent_are_counted(simulator, graph) -> None:
    simulator.control.reset_counters()
    graph.session.headers.clear()
    graph.send("/v1.0/me/drive", headers={"User-Agent": ""})
    assert simulator.control.counters()["withoutUserAgent"] == 1


def test_requests_during_a_retry_after_are_counted(simulator, graph, wait_for) -> None:
    simulator.control.add_faults({"like": "throttled", "headers": {"Retry-After": "30"}})
    simulator.control.reset_counters()
    assert graph.send("/v1.0/me/drive").status_code == 429

    def counted() -> bool:
        graph.send("/v1.0/me/drive")
        return simulator.control.counters()["duringRetryAfter"] > 0

    wait_for(counted, "a request during the Retry-After to be counted")


def test_a_pause_holds_until_the_last_of_its_ends() -> None:
    counters = Counters()

    def arrive(at: float) -> int:
        counters.arrived(Request.DRIVE, at=at, user_agent="x", with_token=False)
        return counters.during_retry_after

    counters.answered(Request.DRIVE, at=0, status=429, retry_after="30")
    counters.answered(Request.DOWNLOAD, at=1, status=429, retry_after="1")
    assert [arrive(at) for at in (0.1, 3, 29, 31)] == [0, 1, 2, 2]
    counters.answered(Request.DRIVE, at=40, status=429, retry_after=format_datetime(datetime.now(UTC), usegmt=True))
    counters.answered(Request.DRIVE, at=40, status=429, retry_after="soon")
    assert arrive(41) == 2
    counters.answered(Request.DRIVE, at=50, status=504, retry_after="Fri, 01 Jan 2100 00:00:00 GMT")
    assert arrive(60) == 3


def test_a_request_that_had_to_connect_may_have_been_on_its_way_for_longer() -> None:
    counters = Counters()
    counters.answered(Request.DRIVE, at=0, status=429, retry_after="30")

    def arrive(at: float) -> int:
        counters.arrived(Request.DRIVE, at=at, user_agent="x", with_token=False, connects=True)
        return counters.during_retry_after

    assert [arrive(at) for at in (2, 20)] == [0, 1]


def test_requests_that_wait_during_a_reset_count_before_it_only(simulator, graph, wait_for) -> None:
    simulator.control.reset_counters()
    simulator.control.add_faults({"name": "held", "kinds": ["drive"], "delay": 3600.0})
    waiting = threading.Thread(target=graph.send, args=("/v1.0/me/drive",))
    waiting.start()
    wait_for(lambda: simulator.control.counters()["mostAtOnce"] == 1, "the request to arrive")
    simulator.control.reset()
    assert simulator.control.counters()["mostAtOnce"] == 0
    waiting.join()
    assert graph.send("/v1.0/me/drive").status_code == 401
    assert simulator.control.counters()["mostAtOnce"] == 1


def test_concurrency_is_counted(simulator, graph, wait_for) -> None:
    simulator.control.create("/a.pdf")
    simulator.control.reset_counters()
    simulator.control.add_faults({"name": "held", "kinds": ["drive"], "delay": 3600.0, "times": None})
    threads = [threading.Thread(target=graph.send, args=("/v1.0/me/drive",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: simulator.control.count("drive") == 3, "three requests to arrive")
    simulator.control.remove_faults("held")
    for thread in threads:
        thread.join()
    assert graph.send("/v1.0/me/drive").status_code == 200
    assert simulator.control.counters()["mostAtOnce"] == 3


def test_the_help_lists_every_verb(simulator) -> None:
    verbs = simulator.control.call("help")
    assert {"create", "add-faults", "counters"} <= set(verbs)
