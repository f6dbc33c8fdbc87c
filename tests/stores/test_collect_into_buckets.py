"""Whole runs of the real command into each kind of store, and what people see of them."""

from __future__ import annotations

import json
import subprocess

import pytest

from bannette.binder.object_store import LARGE
from tests.collector.local_channel import BANNETTE
from tests.notify.test_cloud_events import http_sink
from tests.stores.bucket_channel import BucketChannel

pytestmark = [pytest.mark.stores, pytest.mark.timeout(1200)]


@pytest.fixture
def channel(tmp_path, simulator, bucket):
    return BucketChannel(tmp_path, simulator, bucket)


def command(channel, *arguments):
    done = subprocess.run(
        [BANNETTE, *arguments, "-f", channel.file, "-o", "json"],
        env=channel.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_whole_run_collects_and_the_next_finds_nothing_new(channel, simulator):
    contents = {f"{number}.txt": f"document {number}" for number in range(12)}
    for name, content in contents.items():
        simulator.control.create(f"/Invoices/{name}", content)
    simulator.control.create("/Invoices/large.bin", generate=LARGE + 10)
    simulator.control.create("/Invoices/repeated.txt", "document 3")
    ended = channel.command_ends()
    assert ended.code == 0, ended.stderr
    # Which of the two is the first is the order of the downloads.
    assert ended.counts("result", "collected", "duplicates") == ("Succeeded", 13, 1)
    assert len(channel.records()) == 14
    assert len(channel.inbox()) == 13
    ended = channel.command_ends()
    assert ended.counts("result", "reason", "collected") == ("Succeeded", "NothingNew", 0)

    listed = command(channel, "inbox", "list")
    assert len(listed) == 13
    shown = command(channel, "inbox", "show", listed[0]["id"])
    assert shown["id"] == listed[0]["id"]
    command(channel, "inbox", "done", listed[0]["id"])
    assert len(channel.inbox()) == 12
    # Both may have begun in the same second, by which they are ordered.
    assert sorted(run["collected"] for run in command(channel, "history")) == [0, 13]
    shown = subprocess.run(
        [BANNETTE, "inbox", "show", listed[1]["id"], "-f", channel.file], capture_output=True, text=True, check=True
    )
    scheme = "s3://binders/" if "s3" in channel.file.read_text() else f"{channel.location.endpoint}/binders/"
    assert f"{scheme}{channel.location.prefix}/documents/" in shown.stdout


@pytest.mark.parametrize("trouble", ["no secret", "no key"])
def test_missing_credentials_are_named(channel, collect, trouble):
    text = channel.file.read_text()
    head, _, secret = text.rpartition("---")
    channel.file.write_text(head if trouble == "no secret" else f"{head}---{secret.replace('Key', 'Kee')}")
    ended = collect()
    assert ended.code == 2
    reason = "SecretNotFound" if trouble == "no secret" else "StoreCredentialsMissing"
    assert ended.entry["reason"] == reason
    assert 'Secret "store" of namespace "acme"' in ended.entry["message"]


def test_a_sink_is_told_of_documents_in_a_bucket_and_of_what_it_missed(channel, simulator):
    for number in range(3):
        simulator.control.create(f"/Invoices/{number}.txt", f"document {number}")
    with http_sink(404) as sink:
        channel.write(binder={"events": {"url": sink.url}})
        ended = channel.command_ends()
        assert ended.counts("result", "collected") == ("Succeeded", 3)
        assert ended.entry["message"].startswith(
            "3 collected. 3 documents are still to be told of (EventSinkRefuses): "
        )
        sink.heard.clear()
        simulator.control.create("/Invoices/3.txt", "document 3")
        assert channel.command_ends().counts("result", "collected") == ("Succeeded", 1)
        names = [json.loads(body)["data"]["name"] for _, _, body in sink.heard]
    assert sorted(names) == [f"{number}.txt" for number in range(4)]
    assert list(channel.store().keys("outbox")) == []
