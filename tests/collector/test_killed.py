"""The real command, killed at every step and at random moments: nothing is lost, nothing is collected twice."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import time
from contextlib import contextmanager
from functools import partial

import pytest
from reportlab.pdfgen.canvas import Canvas

from bannette.binder import Binder
from simulator.testing import running
from tests.collector.local_channel import LocalChannel
from tests.notify.test_cloud_events import http_sink

pytestmark = [pytest.mark.kill, pytest.mark.timeout(600)]

# BANNETTE_KILL_MOMENTS makes it longer.
MOMENTS = int(os.environ.get("BANNETTE_KILL_MOMENTS", "20"))
SLICES = 4


def pdf(text: str) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=True)
    canvas.drawString(72, 720, text)
    canvas.save()
    return buffer.getvalue()


def fill(drive, documents):
    """Put *documents*, name to bytes, into the watched folder, and return the item id of each."""
    drive.reset()
    return {name: drive.create(f"/Invoices/{name}", content)["id"] for name, content in documents.items()}


def check(channel, documents, ids):
    """Every item has exactly one record, its original is what OneDrive has, and every content is delivered once."""
    records = {record.item: record for record in channel.records()}
    assert len(channel.records()) == len(documents)
    assert set(records) == set(ids.values())
    for name, item in ids.items():
        assert channel.original(records[item]) == documents[name]
    delivered = [entry.record for entry in channel.binder().inbox()]
    assert len({record.id for record in delivered}) == len(delivered)
    assert sorted(channel.original(record) for record in delivered) == sorted(set(documents.values()))


def finish(channel, documents, ids):
    """Let the next run do the rest."""
    assert channel.collect().code == 0
    check(channel, documents, ids)
    assert channel.collect().counts("result", "collected", "duplicates") == ("Succeeded", 0, 0)
    check(channel, documents, ids)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """In the run that completes: how long a document waits for another with the same bytes that seems under way."""
    monkeypatch.setattr(Binder, "open", partial(Binder.open, patience=0.5))


@pytest.fixture(scope="module")
def steps(killed_at, tmp_path_factory):
    """How many operations on the store one run takes."""
    folder = tmp_path_factory.mktemp("counted")
    with running() as simulator:
        channel = LocalChannel(folder, simulator)
        fill(simulator.control, STEP_DOCUMENTS)
        done = killed_at(channel, None, folder / "log")
    assert done.code == 0, done.stderr
    steps = (folder / "log").read_text().splitlines()
    assert any(step.startswith("put_new_durable records/") for step in steps)
    assert any(step.startswith("put_new_durable state/") for step in steps)
    return len(steps)


STEP_DOCUMENTS = {"a.txt": b"alpha", "b.txt": b"bravo"}


@pytest.mark.parametrize("part", range(SLICES))
def test_a_run_killed_at_any_step_is_completed_by_the_next(killed_at, simulator, tmp_path, steps, part):
    for step in range(part, steps + SLICES, SLICES):
        folder = tmp_path / str(step)
        folder.mkdir()
        channel = LocalChannel(folder, simulator)
        ids = fill(simulator.control, STEP_DOCUMENTS)
        killed = killed_at(channel, step, folder / "log")
        assert killed.code in (0, -signal.SIGKILL), killed.stderr
        finish(channel, STEP_DOCUMENTS, ids)


def test_a_run_killed_while_it_commits_a_duplicate_is_completed_by_the_next(killed_at, simulator, tmp_path):
    documents = {"a.txt": b"alpha", "b.txt": b"alpha"}
    for step in range(12, 26):
        folder = tmp_path / str(step)
        folder.mkdir()
        channel = LocalChannel(folder, simulator)
        ids = fill(simulator.control, documents)
        killed = killed_at(channel, step, folder / "log")
        assert killed.code in (0, -signal.SIGKILL), killed.stderr
        finish(channel, documents, ids)


@contextmanager
def told():
    """A sink that looks, at each event, whether its document is collected; yields it, and the ids that weren't."""
    early = []
    with http_sink() as sink:
        answer = sink.answer

        def look(request):
            body = answer(request)
            if body is None:
                return
            document = json.loads(body)["id"]
            if not (sink.binder / "records" / document[:2] / f"{document}.json").exists():
                early.append(document)

        sink.answer = look
        yield sink, early


@pytest.mark.parametrize("part", range(SLICES))
def test_a_run_killed_at_any_step_leaves_nobody_untold_and_tells_of_nothing_early(
    killed_at, simulator, tmp_path, steps, part
):
    documents = {**STEP_DOCUMENTS, "again.txt": STEP_DOCUMENTS["a.txt"]}
    # What the third document and the telling take comes on top.
    for step in range(part, steps + 40, SLICES):
        folder = tmp_path / str(step)
        folder.mkdir()
        channel = LocalChannel(folder, simulator)
        ids = fill(simulator.control, documents)
        with told() as (sink, early):
            sink.binder = channel.binder_folder
            channel.write(binder={"events": {"url": sink.url}})
            killed = killed_at(channel, step, folder / "log")
            assert killed.code in (0, -signal.SIGKILL), killed.stderr
            finish(channel, documents, ids)
        heard = {json.loads(body)["id"] for _, _, body in sink.heard}
        assert heard == {entry.record.id for entry in channel.binder().inbox()}
        assert early == []
        assert channel.binder().outbox.count() == 0


@pytest.mark.parametrize("part", range(2))
def test_a_run_killed_at_any_moment_is_completed_by_the_next(simulator, tmp_path, part):
    chance = random.Random(part)
    documents = {f"{number}.txt": f"document {number}".encode() for number in range(4)}
    documents |= {"invoice.pdf": pdf("Invoice 4711"), "copy.txt": documents["0.txt"]}
    longest = 2.0
    for moment in range(MOMENTS // 2):
        folder = tmp_path / str(moment)
        folder.mkdir()
        channel = LocalChannel(folder, simulator)
        channel.write(spec={"ocr": {"enabled": True}})
        ids = fill(simulator.control, documents)
        began = time.monotonic()
        process = channel.start()
        try:
            process.wait(chance.uniform(0.2, longest))
            longest = 0.9 * (time.monotonic() - began)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGKILL)
        finish(channel, documents, ids)
