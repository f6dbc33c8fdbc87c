"""A document whose reading takes more memory than there is ends the whole process: twice, and not for ever."""

from __future__ import annotations

import io
import signal

import pytest
from PIL import Image

from bannette.binder import OcrOutcome
from bannette.errors import ExitCode
from tests.collector.memory_group import memory_group
from tests.collector.test_reading import pdf

pytestmark = [pytest.mark.kill, pytest.mark.timeout(900)]

# Less than a reading may take: the collector isn't told of this limit, as it isn't of what others use of a node.
MEMORY = 300 * 1024 * 1024
BEHIND = 12


def poison() -> bytes:
    """A picture of half a megabyte that the limit of 180 megapixels lets in, and that takes half a gigabyte to read."""
    buffer = io.BytesIO()
    Image.new("RGB", (13_000, 13_000), "white").save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def test_a_poison_document_arrives_unread_after_two_attempts_and_those_behind_it_arrive(channel, simulator):
    channel.write(spec={"ocr": {"enabled": True, "languages": ["eng"]}})
    drive = simulator.control
    content = poison()
    drive.create("/Invoices/poison.png", content)
    for number in range(BEHIND):
        drive.create(f"/Invoices/{number}.pdf", pdf(f"Invoice 47{number}"))
    with memory_group(MEMORY) as group:
        ends = []
        while not ends or ends[-1].code == -signal.SIGKILL or "(Cannot allocate memory)" in ends[-1].stderr:
            assert len(ends) < 8, "it goes on for ever"
            ends.append(group.run(channel.command(), environment=channel.environment))
    codes = [ended.code for ended in ends]
    assert codes[-1] == 0, ends[-1].stderr
    # Now and then the kernel refuses a write of the binder first: that run ends by itself, and its attempt is ended.
    assert [code for code in codes if code != ExitCode.TRANSIENT] == [-signal.SIGKILL, -signal.SIGKILL, 0]
    records = {record.name: record for record in channel.records()}
    assert len(records) == BEHIND + 1
    assert (records["poison.png"].ocr.outcome, records["poison.png"].ocr.reason) == (OcrOutcome.FAILED, "Crashed")
    assert channel.original(records["poison.png"]) == content
    assert channel.inbox() == sorted(records)
    # Nobody can tell it from one that was being read beside it both times.
    read = [record for record in records.values() if record.ocr.outcome is OcrOutcome.TEXT]
    assert len(read) >= BEHIND - 1
    assert not list((channel.binder_folder / "attempts").iterdir())
