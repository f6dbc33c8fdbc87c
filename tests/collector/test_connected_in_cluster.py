"""A run in a cluster for an account that its owner connected: the tokens are kept in the channel's Secret."""

from __future__ import annotations

import base64
import threading
from dataclasses import replace

import pytest
import yaml

from bannette.accounts import ConnectionSecret, connection_manifest
from bannette.errors import PersonNeeded, Transient
from bannette.onedrive import Client, DelegatedSignIn, endpoints_for
from bannette.resources import Channel
from tests.collector.connected import refresh_tokens, sign_in_person
from tests.collector.local_channel import wait_until
from tests.collector.test_in_cluster import NAMESPACE, RESOURCES, Pod
from tests.collector.test_in_cluster import server as server  # the fixture

pytestmark = pytest.mark.apiserver

SECRET = "acme-onedrive-onedrive"
DELEGATED = "delegated: {{loginHint: {user}, clientId: {client}}}"


@pytest.fixture
def pod(server, simulator, tmp_path):
    """A channel as the operator leaves it before anybody has signed in: with an empty Secret."""
    before, application, after = RESOURCES.partition("application: ")
    assert application
    text = before + DELEGATED + after[after.index("\n") :]
    server.apply(text.format(namespace=NAMESPACE, user=simulator.user, client=simulator.client_id))
    simulator.control.create("/Invoices/a.txt", "alpha")
    made = Pod(server, simulator, tmp_path)
    metadata = {"name": SECRET, "namespace": NAMESPACE, "labels": {"kept": "yes"}}
    empty = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    text = yaml.safe_dump({**empty, "data": {"other": "a2VlcCBtZQ=="}})
    server.kubectl("create", "-f", "-", input=text)
    yield made
    server.kubectl("delete", "secret", SECRET, "-n", NAMESPACE, "--ignore-not-found")
    server.kubectl("delete", "collectionchannels,binders,recipients", "--all", "-n", NAMESPACE)


def connect(pod, connection):
    """Do what ``bannette connect --manifest`` says to do."""
    channel = Channel.parse(pod.api.get("collectionchannels", "acme-onedrive"))
    text = yaml.safe_dump(connection_manifest(channel, connection))
    pod.server.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=text)


def kept(pod):
    found = ConnectionSecret(pod.api, channel="acme-onedrive").load()
    assert found is not None
    return found


def sign_in(pod, simulator):
    store = ConnectionSecret(pod.api, channel="acme-onedrive")
    connection = store.load()
    assert connection is not None
    endpoints = endpoints_for("Global", simulator.environment)
    return DelegatedSignIn(endpoints, Client(simulator.client_id), store, connection)


def test_without_a_sign_in_the_run_says_what_to_do(pod, simulator):
    simulator.control.reset_counters()
    ended = pod.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "NotConnected")
    assert "bannette connect -f FILE --manifest" in str(ended.entry["message"])
    assert pod.shown()["lastRun"]["reason"] == "NotConnected"
    assert simulator.control.counters()["total"] == 0


@pytest.mark.behaviour(6)
def test_a_run_collects_and_keeps_the_renewed_token_in_the_secret(pod, simulator):
    first = sign_in_person(simulator, stale=True)
    connect(pod, first)
    ended = pod.collect()
    assert ended.counts("result", "collected") == ("Succeeded", 1)
    now = kept(pod)
    assert not refresh_tokens(now.tokens) & refresh_tokens(first.tokens)
    assert (now.id, now.account, now.connected_at) == (first.id, first.account, first.connected_at)
    body = pod.api.get("secrets", SECRET)
    assert body["data"]["other"] == base64.b64encode(b"keep me").decode()
    assert body["metadata"]["labels"]["kept"] == "yes"


@pytest.mark.behaviour(7)
def test_a_lost_connection_is_in_the_status_with_its_reason(pod, simulator):
    connect(pod, sign_in_person(simulator, stale=True))
    simulator.control.add_faults("password changed")
    ended = pod.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "PasswordChanged")
    assert pod.shown()["lastRun"]["reason"] == "PasswordChanged"
    assert pod.shown()["checkpoint"]["seenItems"] == 0


@pytest.mark.behaviour(8)
def test_two_pods_that_renew_at_once_both_work_and_the_newer_token_stays(pod, simulator):
    first = sign_in_person(simulator, stale=True)
    connect(pod, first)
    simulator.control.add_faults({"like": "sign-in slow", "delay": 3600.0, "times": 2})
    simulator.control.reset_counters()
    signing = [sign_in(pod, simulator) for _ in range(2)]
    tokens: list[str] = []
    threads = [threading.Thread(target=lambda one=one: tokens.append(one.token())) for one in signing]
    for thread in threads:
        thread.start()
    wait_until(lambda: simulator.control.count("token") == 2, "both to have asked")
    simulator.control.remove_faults("sign-in slow")
    for thread in threads:
        thread.join()
    assert len(set(tokens)) == 2
    assert not refresh_tokens(kept(pod).tokens) & refresh_tokens(first.tokens)
    assert pod.collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(8)
def test_a_late_pod_takes_the_newer_token_over_and_an_early_one_is_overwritten(pod, simulator):
    connect(pod, sign_in_person(simulator))
    early, late = (ConnectionSecret(pod.api, channel="acme-onedrive") for _ in range(2))
    first, same = early.load(), late.load()
    assert first is not None
    assert first == same
    older = first.tokens.replace('"last_modification_time": "', '"last_modification_time": "1')
    newer = first.tokens.replace('"last_modification_time": "', '"last_modification_time": "2')
    assert early.save(first, newer).tokens == newer
    # Another version of the Secret than it read: a conflict, and then the newer token.
    assert late.save(first, older).tokens == newer
    assert kept(pod).tokens == newer
    assert late.save(first, newer.replace('"2', '"3')).tokens == kept(pod).tokens


def test_an_annotation_that_somebody_sets_meanwhile_is_no_reason_to_lose_a_token(pod, simulator):
    connect(pod, sign_in_person(simulator, stale=True))
    signing = sign_in(pod, simulator)
    pod.server.kubectl("annotate", "secret", SECRET, "-n", NAMESPACE, "note=1")
    before = refresh_tokens(kept(pod).tokens)
    assert signing.token()
    assert not refresh_tokens(kept(pod).tokens) & before
    assert pod.api.get("secrets", SECRET)["metadata"]["annotations"]["note"] == "1"


@pytest.mark.parametrize("how", ["tokens removed", "Secret removed", "connected anew"])
def test_a_run_brings_no_connection_back_that_was_removed_or_replaced(pod, simulator, how):
    connect(pod, sign_in_person(simulator, stale=True))
    signing = sign_in(pod, simulator)
    if how == "connected anew":
        second = sign_in_person(simulator)
        connect(pod, second)
        with pytest.raises(Transient) as replaced:
            signing.token()
        assert replaced.value.reason == "ConnectionReplaced"
        assert kept(pod) == second
        return
    if how == "Secret removed":
        pod.server.kubectl("delete", "secret", SECRET, "-n", NAMESPACE)
    else:
        pod.server.kubectl("annotate", "secret", SECRET, "-n", NAMESPACE, "bannette.io/connection-id-")
    with pytest.raises(PersonNeeded) as gone:
        signing.token()
    assert gone.value.reason == "NotConnected"
    assert ConnectionSecret(pod.api, channel="acme-onedrive").load() is None


def test_a_damaged_secret_says_to_connect_again(pod, simulator):
    connect(pod, replace(sign_in_person(simulator), tokens="no JSON"))
    ended = pod.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "ConnectionUnreadable")
    pod.server.kubectl("patch", "secret", SECRET, "-n", NAMESPACE, "-p", '{"data": {"token-cache": "/w=="}}')
    assert pod.collect().entry["reason"] == "ConnectionUnreadable"
