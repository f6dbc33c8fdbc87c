"""What others write to as well is written once nobody is faster, or it is said that somebody always is."""

from __future__ import annotations

import time

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.kube import ClusterApi, contended
from tests.kube.conftest import Answer, ScriptedServer

WHAT = 'Recipient "marie" of namespace "acme"'
AWAY = Answer(503)
FOUND = Answer(body={"metadata": {"resourceVersion": "7"}})
FASTER = Answer(409)


@pytest.fixture
def api(server: ScriptedServer) -> ClusterApi:
    return ClusterApi(server.url, namespace="acme", token="one", attempts=1)


def counting(api: ClusterApi, *, patience: float = 0.0) -> object:
    """Write to what was read, again and again."""

    def attempt() -> object:
        metadata = api.get("recipients", "marie")["metadata"]
        version = metadata["resourceVersion"] if isinstance(metadata, dict) else None
        return api.patch_status("recipients", "marie", {"status": {}}, resource_version=version)

    return contended(attempt, what=WHAT, patience=patience)


def test_what_somebody_else_changed_meanwhile_is_read_again(api: ClusterApi, server: ScriptedServer) -> None:
    server.answers = [FOUND, FASTER, Answer(body={"metadata": {"resourceVersion": "8"}}), Answer(body={"done": True})]
    assert counting(api) == {"done": True}
    versions = [asked.body["metadata"] for asked in server.requests if isinstance(asked.body, dict)]
    assert versions == [{"resourceVersion": "7"}, {"resourceVersion": "8"}]


def test_that_somebody_is_faster_each_time_is_said(api: ClusterApi, server: ScriptedServer) -> None:
    server.answers = [FOUND, FASTER] * 30
    with pytest.raises(Transient, match=r'^Recipient "marie" of namespace "acme" changes all the time\.$') as caught:
        counting(api)
    assert caught.value.reason == "ApiUnavailable"
    assert len(server.requests) == 40


def test_a_server_that_is_away_is_waited_for(api: ClusterApi, server: ScriptedServer) -> None:
    server.answers = [AWAY, FOUND, AWAY, FOUND, Answer(body={"done": True})]
    began = time.monotonic()
    assert counting(api, patience=30.0) == {"done": True}
    # Half a second, and twice as long then.
    assert time.monotonic() - began >= 1.5


def test_without_patience_it_is_not(api: ClusterApi, server: ScriptedServer) -> None:
    server.answers = [AWAY, FOUND, Answer(body={"done": True})]
    with pytest.raises(Transient):
        counting(api)
    assert len(server.requests) == 1


def test_a_server_that_asks_for_longer_than_there_is_patience_is_not_asked_again(
    api: ClusterApi, server: ScriptedServer
) -> None:
    server.answers = [Answer(429, headers={"Retry-After": "60"}), FOUND, Answer(body={"done": True})]
    with pytest.raises(Transient) as caught:
        counting(api, patience=20.0)
    assert (caught.value.retry_after, len(server.requests)) == (60.0, 1)


def test_what_repeating_cannot_help_is_raised_at_once(api: ClusterApi, server: ScriptedServer) -> None:
    server.answers = [Answer(404), FOUND, Answer(body={"done": True})]
    with pytest.raises(PersonNeeded):
        counting(api, patience=30.0)

    def replaced() -> None:
        raise Transient("The account was connected anew.", reason="ConnectionReplaced")

    with pytest.raises(Transient, match="connected anew"):
        contended(replaced, what=WHAT, patience=30.0)
