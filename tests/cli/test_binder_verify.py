"""``bannette binder verify`` by the real command, on a binder that the real command collected into."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from simulator.testing import Simulator
from tests.collector.local_channel import BANNETTE, LocalChannel, finished


@pytest.fixture
def collected(channel, simulator):
    """A channel with three documents in its binder, one of them a duplicate."""
    for name, content in (("Facture été.txt", "Total : 12,40 €"), ("b.txt", "bravo"), ("c.txt", "bravo")):
        simulator.control.create(f"/Invoices/{name}", content)
    assert channel.collect().counts("collected", "duplicates") == (2, 1)
    return channel


def verify(channel, *arguments):
    command = [BANNETTE, "binder", "verify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=channel.environment)


def report(channel, *arguments):
    done = verify(channel, "-f", str(channel.file), "-o", "json", *arguments)
    return done.returncode, json.loads(done.stdout)


def test_help_teaches_by_examples_and_tells_the_exit_codes(channel):
    for command in ((), ("verify",)):
        done = subprocess.run([BANNETTE, "binder", *command, "--help"], capture_output=True, text=True, timeout=60)
        assert "examples:" in done.stdout
        assert "4  damage was found" in done.stdout


@pytest.mark.parametrize("way", ["file", "binder"])
def test_a_binder_that_was_collected_into_is_whole(collected, way):
    named = ("-f", str(collected.file)) if way == "file" else ("--binder", str(collected.binder_folder))
    done = verify(collected, *named, "--content")
    assert done.returncode == 0, done.stderr
    assert "The binder is whole." in done.stdout
    assert "Records:  3\n" in done.stdout
    code, found = report(collected)
    assert (code, found["whole"], found["records"], found["waiting"], found["damage"]) == (0, True, 3, 2, {})


@pytest.mark.parametrize("spelling", ["upper", "lower", "short"])
def test_records_of_a_personal_drive_are_those_of_their_items_in_any_spelling(tmp_path, spelling):
    with Simulator(flavour="personal") as personal:
        channel = LocalChannel(tmp_path, personal)
        personal.control.settings(drive_case=spelling)
        personal.control.create("/Invoices/a.txt", "alpha")
        assert channel.collect().counts("collected") == (1,)
        code, found = report(channel)
    assert (code, found["records"]) == (0, 1)


def test_damage_ends_with_4_and_names_documents_by_id(collected):
    record = next(record for record in collected.records() if record.name == "Facture été.txt")
    (collected.binder_folder / record.files["original"]).unlink()
    done = verify(collected, "-f", str(collected.file))
    assert done.returncode == 4
    assert "FileMissing" in done.stdout
    assert record.id in done.stdout
    assert "Facture" not in done.stdout + done.stderr
    code, found = report(collected)
    assert code == 4
    assert found["damage"] == {"FileMissing": {"count": 1, "bytes": 0, "ids": [record.id]}}


def test_what_can_be_mended_is_mended(collected):
    (entry, _) = sorted((collected.binder_folder / "inbox").iterdir())
    entry.unlink()
    assert len(collected.inbox()) == 1
    assert report(collected)[0] == 4
    code, found = report(collected, "--repair")
    assert (code, found["repaired"]["InboxEntryMissing"]["count"]) == (0, 1)
    assert len(collected.inbox()) == 2
    assert report(collected)[1]["repaired"] == {}


def test_leftovers_are_reported_and_swept_only_when_asked(collected):
    left = collected.binder_folder / f"documents/ab/ab{'0' * 30}/{'0' * 16}/original.pdf"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"%PDF")
    os.utime(left, (0, 0))
    code, found = report(collected)
    assert (code, found["leftovers"]["Files"]["count"], found["swept"]) == (0, 1, None)
    assert left.exists()
    code, found = report(collected, "--sweep")
    assert (code, found["swept"]["Files"]["count"]) == (0, 1)
    assert not left.exists()
    assert len(collected.inbox()) == 2


def test_nothing_is_swept_while_records_are_in_doubt(collected):
    """The files may be all that is left of the document."""
    record = collected.records()[0]
    (collected.binder_folder / record.key).unlink()
    (collected.binder_folder / f"processed/{record.id}.json").parent.mkdir(exist_ok=True)
    (collected.binder_folder / f"processed/{record.id}.json").write_text("{}")
    original = collected.binder_folder / record.files["original"]
    os.utime(original, (0, 0))
    done = verify(collected, "-f", str(collected.file), "--sweep")
    assert done.returncode == 4
    assert "Nothing was swept" in done.stdout
    assert original.exists()


def test_runs_beside_sweeps_lose_nothing_of_what_a_killed_run_had_begun(channel, simulator):
    """Files, entries and claims of 80 documents are there and old; their records and the channel's state are not."""
    for n in range(80):
        simulator.control.create(f"/Invoices/{n}.txt", f"content of {n}")
    channel.collect()
    for folder in ("records", "state"):
        shutil.rmtree(channel.binder_folder / folder)
    for entry in (channel.binder_folder / "inbox").iterdir():
        entry.rename(entry.with_name(f"20250101{entry.name[8:]}"))
    for path in channel.binder_folder.rglob("*"):
        if path.is_file():
            os.utime(path, (0, 0))
    run = channel.start()
    swept = 0
    while run.poll() is None:
        code, found = report(channel, "--sweep")
        assert code == 0
        swept += sum(tally["count"] for tally in found["swept"].values())
    ended = finished(run)
    assert ended.counts("result", "collected") == ("Succeeded", 80), ended.stderr
    assert swept > 0
    assert len(channel.inbox()) == 80
    code, found = report(channel, "--content", "--sweep")
    assert (code, found["waiting"], found["files"]) == (0, 80, 80)
    assert report(channel, "--content")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--older-than", "1h", "--sweep"),
        ("--older-than", "soon"),
        ("--files-since", "2016"),
        (),
        ("--binder", "/no/such/folder"),
        ("--binder", "/"),
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_2(channel, arguments):
    done = verify(channel, *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout
