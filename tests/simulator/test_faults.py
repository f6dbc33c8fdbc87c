from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from simulator import catalogue
from simulator.faults import Fault

DELTA = "/v1.0/me/drive/root/delta"


@pytest.fixture
def item(simulator) -> dict:
    simulator.control.folder("/Factures")
    return simulator.control.create("/Factures/a.pdf", b"x" * 5000)


def content_url(graph) -> str:
    return graph.send("/v1.0/me/drive/root:/Factures/a.pdf:/content").headers["Location"]


def test_every_named_fault_survives_json() -> None:
    assert len(catalogue.FAULTS) > 80
    for fault in catalogue.FAULTS.values():
        assert Fault.parse(fault.to_dict() | {"times": fault.times}) == fault


STATUSES = [(fault.name, fault.status) for fault in catalogue.FAULTS.values() if fault.status and fault.status >= 400]


@pytest.mark.parametrize(("name", "status"), STATUSES)
def test_a_named_fault_gives_its_status(simulator, graph, item, name: str, status: int) -> None:
    fault = catalogue.named(name)
    _, link = graph.walk()
    location = content_url(graph)
    simulator.control.add_faults({"like": name, "skip": 0})
    urls = {
        "token": f"/{simulator.tenant_id}/oauth2/v2.0/token",
        "discovery": f"/{simulator.tenant_id}/v2.0/.well-known/openid-configuration",
        "drive": "/v1.0/me/drive",
        "item": "/v1.0/me/drive/root:/Factures/a.pdf",
        "children": "/v1.0/me/drive/root:/Factures:/children",
        "delta": link,
        "content": "/v1.0/me/drive/root:/Factures/a.pdf:/content",
        "download": location,
    }
    kind = fault.kinds[-1].value
    response = graph.send(urls[kind], token=kind != "download", method="POST" if kind == "token" else "GET")
    assert response.status_code == status
    assert set(fault.headers) <= set(response.headers)
    assert "{" not in response.headers.get("Location", "") + response.headers.get("Retry-After", "")


def test_a_fault_meets_as_many_requests_as_it_says_after_those_it_skips(simulator, graph) -> None:
    simulator.control.add_faults({"like": "error 500", "skip": 1, "times": 2})
    assert [graph.send(DELTA).status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    assert [(fault["seen"], fault["hits"]) for fault in simulator.control.faults()] == [(5, 2)]
    simulator.control.remove_faults()
    assert simulator.control.faults() == []


def test_an_answer_that_a_fault_delays_comes_when_the_fault_is_removed(simulator, graph, wait_for) -> None:
    simulator.control.add_faults({"name": "held", "kinds": ["drive"], "delay": 3600.0, "times": None})
    with ThreadPoolExecutor(2) as pool:
        for end in (simulator.control.remove_faults, lambda: simulator.control.remove_faults("held")):
            simulator.control.reset_counters()
            answer = pool.submit(graph.send, "/v1.0/me/drive")
            wait_for(lambda: simulator.control.count("drive") == 1, "the request to arrive")
            simulator.control.remove_faults("another")
            assert not answer.done()
            end()
            assert answer.result(timeout=60).status_code == 200
            simulator.control.add_faults({"name": "held", "kinds": ["drive"], "delay": 3600.0})


def test_a_probability_is_drawn_from_its_seed(simulator, graph) -> None:
    outcomes = []
    for _ in range(2):
        simulator.control.add_faults({"like": "error 502", "times": None, "probability": 0.5, "seed": 4})
        outcomes.append([graph.send(DELTA).status_code for _ in range(20)])
        simulator.control.remove_faults("error 502")
    assert outcomes[0] == outcomes[1]
    assert 3 < outcomes[0].count(502) < 17


def test_a_file_is_edited_once_a_request_is_answered(simulator, graph, item) -> None:
    simulator.control.add_faults({"like": "edited after a download", "edit": [1, 700]})
    first, second = (graph.download(content_url(graph)).content for _ in range(2))
    assert (first, len(second)) == (b"x" * 5000, 700)
    assert simulator.control.item("/Factures/a.pdf")["eTag"] != item["eTag"]
    simulator.control.add_faults({"like": "edited before a download", "edit": [2, 800]})
    assert len(graph.download(content_url(graph)).content) == 800


def test_a_fault_meets_only_the_item_that_it_names(simulator, graph, item) -> None:
    simulator.control.create("/Factures/b.pdf")
    simulator.control.add_faults({"like": "item locked", "item": "*/a.pdf"})
    assert graph.send("/v1.0/me/drive/root:/Factures/a.pdf:/content").status_code == 423
    assert graph.send("/v1.0/me/drive/root:/Factures/b.pdf:/content").status_code == 302
    simulator.control.remove_faults()
    simulator.control.add_faults({"like": "item locked", "item": str(item["id"])})
    assert graph.send("/v1.0/me/drive/root:/Factures/a.pdf:/content").status_code == 423


def test_resync_meets_a_cursor_and_not_a_first_walk_or_latest(simulator, graph, item) -> None:
    _, link = graph.walk()
    simulator.control.add_faults({"like": "resync", "times": None})
    assert [graph.send(url).status_code for url in (DELTA, f"{DELTA}?token=latest", link)] == [200, 200, 410]
    fresh = graph.send(link).headers["Location"]
    assert graph.get(fresh)["value"]
    simulator.control.remove_faults()
    simulator.control.settings(link_style="function")
    _, link = graph.walk()
    simulator.control.add_faults("resync")
    assert graph.send(link).status_code == 410


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("no download url", lambda row: "@microsoft.graph.downloadUrl" not in row),
        ("no hash", lambda row: "hashes" not in row["file"]),
        ("empty hashes", lambda row: row["file"]["hashes"] == {} and row["file"]["mimeType"]),
        ("wrong hash", lambda row: row["file"]["hashes"]["quickXorHash"].startswith("AAAA")),
        ("wrong size", lambda row: row["size"] == 17),
        ("zero bytes", lambda row: row["size"] == 0),
        ("no parent", lambda row: "parentReference" not in row),
        ("content pending", lambda row: row.get("pendingOperations") == {"pendingContentUpdate": {}}),
        ("malware facet", lambda row: "malware" in row),
    ],
)
def test_items_are_shown_changed(simulator, graph, item, name: str, check) -> None:
    simulator.control.add_faults({"like": name, "item": "*.pdf"})
    item_url = "/v1.0/me/drive/root:/Factures/a.pdf"
    assert check(graph.get(item_url))
    assert check(graph.walk()[0][-1])
    assert check(graph.get("/v1.0/me/drive/root:/Factures:/children")["value"][0])
    simulator.control.remove_faults()
    assert not check(graph.get(item_url))


def test_a_hash_can_be_wrong_once(simulator, graph, item) -> None:
    simulator.control.add_faults({"like": "wrong hash once", "item": "*.pdf"})
    hashes = [graph.get("/v1.0/me/drive/root:/Factures/a.pdf")["file"]["hashes"] for _ in range(3)]
    assert hashes[0] != hashes[1] == hashes[2]


def test_an_empty_page_leads_on_and_nothing_is_lost(simulator, graph, item) -> None:
    simulator.control.add_faults("empty page")
    page = graph.get(f"{DELTA}?$top=1")
    assert page["value"] == []
    simulator.control.remove_faults()
    assert len(graph.walk(page["@odata.nextLink"])[0]) == 3


def test_pages_show_items_twice_reversed_or_without_parents(simulator, graph, item) -> None:
    seen = {}
    for name in ("same item twice", "children before parents", "parents never sent"):
        simulator.control.add_faults(name)
        seen[name] = [row["name"] for row in graph.get(DELTA)["value"]]
        simulator.control.remove_faults()
    assert seen == {
        "same item twice": ["root", "Factures", "a.pdf"] * 2,
        "children before parents": ["a.pdf", "Factures", "root"],
        "parents never sent": ["a.pdf"],
    }


def test_links_repeat_never_end_lead_elsewhere_or_are_missing(simulator, graph) -> None:
    expected = {
        "endless link": f"{simulator.origin}{DELTA}?x=1",
        "never-ending link": f"{simulator.origin}{DELTA}?x=1&again",
        "foreign link": "https://graph.attacker.example/v1.0/me/drive/root/delta?token=1",
        "plain link": "http://graph.microsoft.com/v1.0/me/drive/root/delta?token=1",
        "no link": None,
    }
    for name, link in expected.items():
        simulator.control.add_faults(name)
        page = graph.get(f"{DELTA}?x=1")
        assert page.get("@odata.nextLink") == link
        assert "@odata.deltaLink" not in page
        simulator.control.remove_faults()


def test_a_connection_is_cut_at_a_byte_and_can_be_resumed(simulator, graph, item) -> None:
    url = content_url(graph)
    simulator.control.add_faults({"like": "connection cut", "cut_at": 1234})
    parts: list[bytes] = []
    with graph.send(url, token=False, stream=True) as response:
        assert response.headers["Content-Length"] == "5000"
        with pytest.raises(requests.RequestException):
            parts.extend(response.iter_content(100))
    received = b"".join(parts)
    assert 0 < len(received) <= 1234
    rest = graph.download(url, Range=f"bytes={len(received)}-")
    assert received + rest.content == b"x" * 5000


def test_a_connection_is_closed_without_an_answer(simulator, graph) -> None:
    simulator.control.add_faults("graph cut")
    with pytest.raises(requests.ConnectionError):
        graph.send("/v1.0/me/drive")
    assert graph.send("/v1.0/me/drive").status_code == 200


def test_downloads_are_served_in_odd_ways(simulator, graph, item) -> None:
    url = content_url(graph)

    def under(name: str, **headers: str) -> requests.Response:
        simulator.control.add_faults(name)
        response = graph.download(url, **headers)
        simulator.control.remove_faults()
        return response

    ignored = under("range ignored", Range="bytes=10-")
    assert (ignored.status_code, len(ignored.content)) == (200, 5000)
    wrong = under("wrong content range", Range="bytes=10-")
    assert (wrong.status_code, wrong.headers["Content-Range"]) == (206, "bytes 0-9/10")
    chunked = under("chunked")
    assert "Content-Length" not in chunked.headers
    assert chunked.content == b"x" * 5000
    zipped = under("gzip")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.content == b"x" * 5000
    assert under("html instead").text.startswith("<html>")
    assert len({under("different bytes each time").content for _ in range(20)}) > 1
    redirected = under("download redirected")
    assert redirected.headers["Location"] == url


def test_content_can_redirect_elsewhere(simulator, graph, item) -> None:
    simulator.control.add_faults("redirect inside")
    assert content_url(graph) == "https://169.254.169.254/latest/meta-data"


def test_headers_alone_are_added_to_the_right_answer(simulator, graph) -> None:
    simulator.control.add_faults("budget low")
    response = graph.send("/v1.0/me/drive")
    assert (response.status_code, response.headers["RateLimit-Remaining"]) == (200, "60")


def test_a_fault_that_does_not_exist_is_refused_with_the_ones_that_do(simulator) -> None:
    for row in ("nothing", {"like": "nothing"}, {"speed": 1}, {"kinds": ["mail"]}):
        with pytest.raises(Exception, match=r"Error"):
            simulator.control.add_faults(row)
