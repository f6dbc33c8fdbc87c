from __future__ import annotations

from pathlib import Path

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.kube import ClusterApi, Conflict
from tests.kube.conftest import Answer, ScriptedServer


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def api(server: ScriptedServer, waits: list[float]) -> ClusterApi:
    return ClusterApi(server.url, namespace="acme", token="one", sleep=waits.append)


def test_a_get_names_the_object_by_its_path(api: ClusterApi, server: ScriptedServer) -> None:
    server.answers = [Answer(body={"kind": "CollectionChannel"})]
    assert api.get("collectionchannels", "acme-onedrive") == {"kind": "CollectionChannel"}
    [request] = server.requests
    assert request.path == "/apis/bannette.io/v1alpha1/namespaces/acme/collectionchannels/acme-onedrive"
    assert request.headers["Authorization"] == "Bearer one"


def test_a_status_patch_is_a_merge_patch_with_its_precondition(api: ClusterApi, server: ScriptedServer) -> None:
    server.answers = [Answer()]
    api.patch_status("binders", "purchases", {"status": {"documents": 3}}, resource_version="17")
    [request] = server.requests
    assert (request.method, request.path.rsplit("/", 1)[-1]) == ("PATCH", "status")
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert request.body == {"status": {"documents": 3}, "metadata": {"resourceVersion": "17"}}


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (404, PersonNeeded, "NotFound"),
        (403, PersonNeeded, "Forbidden"),
        (401, PersonNeeded, "Forbidden"),
        (409, Conflict, "Conflict"),
        (422, PersonNeeded, "Refused"),
    ],
)
def test_an_answer_that_repeating_cannot_help_is_raised_at_once(
    api: ClusterApi, server: ScriptedServer, waits: list[float], status: int, error: type[Exception], reason: str
) -> None:
    server.answers = [Answer(status)]
    with pytest.raises(error) as caught:
        api.get("recipients", "marie")
    assert getattr(caught.value, "reason", None) == reason
    assert waits == []


def test_retry_after_is_obeyed(api: ClusterApi, server: ScriptedServer, waits: list[float]) -> None:
    server.answers = [Answer(429, headers={"Retry-After": "7"}), Answer(503), Answer(body={"ok": True})]
    assert api.get("recipients", "marie") == {"ok": True}
    assert waits[0] == 7
    assert 0 < waits[1] < 2


def test_a_server_that_asks_for_more_time_than_somebody_has_is_left_alone(server: ScriptedServer) -> None:
    waits: list[float] = []
    api = ClusterApi(server.url, namespace="acme", token="one", sleep=waits.append, longest_wait=5)
    server.answers = [Answer(429, headers={"Retry-After": "5"}), Answer(429, headers={"Retry-After": "6"})]
    with pytest.raises(Transient) as caught:
        api.get("recipients", "marie")
    assert (caught.value.retry_after, waits) == (6, [5])


def test_a_server_that_stays_broken_is_transient(api: ClusterApi, server: ScriptedServer, waits: list[float]) -> None:
    server.answers = [Answer(500)] * 5
    with pytest.raises(Transient):
        api.get("recipients", "marie")
    assert len(waits) == 4


def test_an_unreachable_server_is_transient(waits: list[float]) -> None:
    api = ClusterApi("http://127.0.0.1:9", namespace="acme", token="one", sleep=waits.append)
    with pytest.raises(Transient) as caught:
        api.get("recipients", "marie")
    assert caught.value.reason == "ApiUnavailable"


def test_a_rotated_token_is_used_from_the_next_call(server: ScriptedServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    api = ClusterApi(server.url, namespace="acme", token_file=token)
    server.answers = [Answer(), Answer()]
    api.get("recipients", "marie")
    fresh = tmp_path / "fresh"
    fresh.write_text("new\n")
    fresh.replace(token)
    api.get("recipients", "marie")
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer old", "Bearer new"]


def test_a_token_that_cannot_be_read_for_a_while_is_waited_for(server: ScriptedServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    waited: list[float] = []

    def come_back(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            token.write_text("back\n")

    api = ClusterApi(server.url, namespace="acme", token_file=token, sleep=come_back)
    server.answers = [Answer()]
    api.get("recipients", "marie")
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer back"]
    token.unlink()
    with pytest.raises(Transient, match="token can't be read") as caught:
        ClusterApi(server.url, namespace="acme", token_file=token, attempts=1).get("recipients", "marie")
    assert caught.value.reason == "ApiUnavailable"


def test_outside_a_pod_the_error_says_what_to_run_instead(tmp_path: Path) -> None:
    with pytest.raises(PersonNeeded, match="bannette collect -f FILE") as caught:
        ClusterApi.in_cluster(environ={}, account=tmp_path)
    assert caught.value.reason == "NotInCluster"


def test_variables_meant_for_the_outside_do_not_reach_the_cluster(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.crt")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.answers = [Answer()]
    ClusterApi(server.url, namespace="acme", token="one").get("recipients", "marie")
    assert len(server.requests) == 1
