from __future__ import annotations

import pytest
import requests

from simulator.testing import Simulator

BODY = bytes(range(256)) * 40


@pytest.fixture
def url(simulator, graph) -> str:
    simulator.control.create("/é a.pdf", BODY)
    return graph.walk()[0][1]["@microsoft.graph.downloadUrl"]


def test_content_redirects_to_the_same_kind_of_url(simulator, graph, url: str) -> None:
    response = graph.send("/v1.0/me/drive/root:/%C3%A9%20a.pdf:/content")
    assert response.status_code == 302
    downloaded = graph.download(response.headers["Location"])
    assert downloaded.content == BODY
    assert int(downloaded.headers["Content-Length"]) == len(BODY)


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, len(BODY)),
        ("bytes=-10", len(BODY) - 10, len(BODY)),
        ("bytes=5-999999", 5, len(BODY)),
    ],
)
def test_a_range_gives_its_bytes(graph, url: str, header: str, start: int, stop: int) -> None:
    response = graph.download(url, Range=header)
    assert response.status_code == 206
    assert response.content == BODY[start:stop]
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(BODY)}"


def test_a_range_behind_the_end_cannot_be_satisfied(graph, url: str) -> None:
    response = graph.download(url, Range=f"bytes={len(BODY)}-")
    assert (response.status_code, response.headers["Content-Range"]) == (416, f"bytes */{len(BODY)}")


@pytest.mark.parametrize("header", ["bytes=", "bytes=9-3", "lines=1-2", "bytes=0-1,5-6"])
def test_a_range_that_makes_no_sense_is_ignored(graph, url: str, header: str) -> None:
    assert graph.download(url, Range=header).content == BODY


def test_the_signature_covers_the_query_byte_for_byte(simulator, graph, url: str) -> None:
    simulator.control.settings(odd_escapes=True)
    url = graph.walk()[0][1]["@microsoft.graph.downloadUrl"]
    path, _, query = url.partition("?")
    reordered = "&".join([*query.split("&")[1::-1], *query.split("&")[2:]])
    for changed in (
        url.replace("%7E", "~"),
        url.replace("%2b", "%2B"),
        f"{path}?{reordered}",
        url[:-1] + "z",
        url + "&x=1",
    ):
        assert changed != url
        assert graph.download(changed).status_code == 401
    assert graph.download(url).status_code == 200


def test_an_authorization_header_is_refused_and_counted(simulator, graph, url: str) -> None:
    assert graph.send(url).status_code == 401
    assert simulator.control.counters()["authorizationAtDownload"] == 1


def test_urls_expire(simulator, graph, url: str) -> None:
    simulator.control.advance(3601)
    assert graph.download(url).status_code == 401
    simulator.control.settings(expired_status=410)
    assert graph.download(url).status_code == 410


def test_urls_end_when_a_test_says_so(simulator, graph, url: str) -> None:
    simulator.control.expire_urls()
    assert graph.download(url).status_code == 401


def test_a_deleted_file_is_gone_and_an_edited_one_is_served_as_it_is_now(simulator, graph, url: str) -> None:
    simulator.control.edit("/é a.pdf", "new")
    assert graph.download(url).content == b"new"
    simulator.control.delete("/é a.pdf")
    assert graph.download(url).status_code == 404


def test_large_contents_are_streamed_whole(simulator, graph) -> None:
    simulator.control.create("/big.bin", generate=(3, 5_000_000))
    item = graph.get("/v1.0/me/drive/root:/big.bin")
    response = graph.download(item["@microsoft.graph.downloadUrl"])
    assert len(response.content) == item["size"] == 5_000_000
    assert graph.download(item["@microsoft.graph.downloadUrl"], Range="bytes=1-4").content == response.content[1:5]


def test_an_answer_that_stands_still_ends_with_its_asker(simulator, wait_for) -> None:
    simulator.control.add_faults({"name": "still", "kinds": ["drive"], "delay": 3600})
    with pytest.raises(requests.Timeout):
        requests.get(f"{simulator.origin}/v1.0/me/drive", timeout=0.3, verify=str(simulator.ca_file))

    def gone() -> bool:
        simulator.control.reset_counters()
        return simulator.control.counters()["mostAtOnce"] == 0

    wait_for(gone, "the answer to end")


def test_malware_is_not_served(simulator, graph, url: str) -> None:
    simulator.control.facets("/é a.pdf", {"malware": {"description": "EICAR"}})
    for response in (graph.send("/v1.0/me/drive/root:/%C3%A9%20a.pdf:/content"), graph.download(url)):
        assert response.status_code == 403
        assert "X-Virus-Infected" in response.headers
        assert response.json()["error"]["code"] == "malwareDetected"


def test_downloads_can_have_an_origin_of_their_own() -> None:
    with Simulator(separate_download_port=True) as simulator:
        simulator.control.create("/a.pdf")
        assert simulator.download_origin != simulator.origin
        assert simulator.environment["BANNETTE_DOWNLOAD_HOSTS"] in simulator.download_origin
