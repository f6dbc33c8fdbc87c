"""``bannette binder copy`` by the real command: a channel goes on at the copy as if nothing had happened."""

from __future__ import annotations

import json
import random
import subprocess

import pytest
import yaml

from tests.collector.local_channel import BANNETTE, finished

OLD_UID, NEW_UID = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def collected(channel, simulator):
    """A channel with three documents in its binder, one of them a duplicate, and one processed."""
    for name, content in (("Facture été.txt", "Total : 12,40 €"), ("b.txt", "bravo"), ("c.txt", "bravo")):
        simulator.control.create(f"/Invoices/{name}", content)
    assert channel.collect().counts("collected", "duplicates") == (2, 1)
    channel.binder().mark_done(next(record.id for record in channel.records() if record.name == "Facture été.txt"))
    return channel


@pytest.fixture
def moved(channel):
    """The file of the same channel, with its binder in another folder."""

    def write(*, uid=None, old_uid=None, adopt=None):
        documents = list(yaml.safe_load_all(channel.file.read_text()))
        for document in documents:
            if document["kind"] == "Binder":
                if old_uid:
                    document["metadata"]["uid"] = old_uid
                    channel.file.write_text(yaml.safe_dump_all(documents))
                document["spec"]["storage"] = {"path": "copy"}
                if uid:
                    document["metadata"]["uid"] = uid
                document["metadata"]["annotations"] = {"bannette.io/adopt": adopt} if adopt else {}
        file = channel.folder / "moved.yaml"
        file.write_text(yaml.safe_dump_all(documents))
        return file

    return write


def start(channel, *arguments):
    command = [BANNETTE, "binder", "copy", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=channel.environment)


def copy(channel, *arguments):
    return finished(start(channel, *arguments))


def collect(channel, file):
    command = [BANNETTE, "collect", "-f", str(file), "--state", str(channel.state)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=channel.environment
    )
    return finished(process)


def inbox(channel, file):
    command = [BANNETTE, "inbox", "list", "-f", str(file), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=channel.environment)
    return sorted(entry["name"] for entry in json.loads(done.stdout))


def test_help_teaches_by_examples_and_how_a_channel_is_moved(channel):
    done = subprocess.run([BANNETTE, "binder", "copy", "--help"], capture_output=True, text=True, timeout=60)
    assert "examples:" in done.stdout
    assert "to move a channel" in done.stdout
    assert "4  files of the source" in done.stdout


def test_a_channel_goes_on_at_the_copy_and_collects_nothing_twice(collected, moved, simulator):
    file = moved()
    done = copy(collected, "--from", collected.file, "--to", file, "-o", "json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout) == {
        "finished": True,
        "copied": {"records": 3, "files": 2, "bytes": len("Total : 12,40 €".encode()) + len("bravo")},
        "records": 3,
        "removed": 0,
        "damage": {},
    }
    assert inbox(collected, file) == collected.inbox()
    requests = len(simulator.control.requests())
    quiet = collect(collected, file)
    assert quiet.counts("result", "collected", "duplicates", "alreadySeen") == ("Succeeded", 0, 0, 0)
    assert len(simulator.control.requests()) - requests <= 3, "it went on from the cursor"
    simulator.control.create("/Invoices/new.txt", "new")
    simulator.control.create("/Invoices/again.txt", "bravo")
    assert collect(collected, file).counts("collected", "duplicates") == (1, 1)
    assert "new.txt" in inbox(collected, file)
    assert "new.txt" not in collected.names()


def test_a_second_pass_copies_what_came_since_and_none_is_made_over_a_copy_in_use(collected, moved, simulator):
    file = moved()
    assert copy(collected, "--from", collected.binder_folder, "--to", collected.folder / "copy").code == 0
    simulator.control.create("/Invoices/later.txt", "later")
    assert collected.collect().counts("collected") == (1,)
    done = copy(collected, "--from", collected.file, "--to", file)
    assert "1 records, 1 files" in done.stdout
    assert collect(collected, file).counts("collected", "alreadySeen") == (0, 0)
    used = copy(collected, "--from", collected.file, "--to", file)
    assert used.code == 2
    assert "was used since it was copied" in used.stderr


def test_a_binder_that_was_made_again_adopts_the_copy(collected, moved, simulator):
    """As in a cluster: the storage of a Binder can't be changed, so it is deleted and made again, with another uid."""
    marker = collected.binder_folder / "binder.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "uid": OLD_UID}))
    file = moved(old_uid=OLD_UID, uid=NEW_UID)
    assert copy(collected, "--from", collected.file, "--to", file).code == 0
    refused = collect(collected, file)
    assert (refused.code, refused.entry["reason"]) == (2, "BinderReplaced")
    assert OLD_UID in refused.entry["message"]
    simulator.control.create("/Invoices/new.txt", "new")
    adopted = moved(old_uid=OLD_UID, uid=NEW_UID, adopt=OLD_UID)
    assert collect(collected, adopted).counts("result", "collected", "alreadySeen") == ("Succeeded", 1, 0)
    assert json.loads((collected.folder / "copy/binder.json").read_text())["uid"] == NEW_UID
    assert collect(collected, moved(old_uid=OLD_UID, uid=NEW_UID)).counts("result", "collected") == ("Succeeded", 0)


def test_no_run_collects_into_a_copy_that_is_not_finished(collected, moved, simulator):
    record = next(record for record in collected.records() if record.name in ("b.txt", "c.txt"))
    (collected.binder_folder / record.files["original"]).write_bytes(b"BRAVO")
    file = moved()
    done = copy(collected, "--from", collected.file, "--to", file)
    assert done.code == 4
    assert "FileChanged" in done.stdout
    assert record.name not in done.stdout + done.stderr
    refused = collect(collected, file)
    assert (refused.code, refused.entry["reason"]) == (2, "BinderCopyUnfinished")
    assert copy(collected, "--from", collected.file, "--to", file, "--leave-damaged").code == 0
    assert collect(collected, file).counts("result", "collected") == ("Succeeded", 0)


@pytest.mark.kill
def test_a_copy_whose_process_is_killed_at_random_moments_is_finished_by_repeating_it(channel, moved, simulator):
    for n in range(120):
        simulator.control.create(f"/Invoices/{n}.txt", f"content of {n}")
    channel.collect()
    file = moved()
    moment = random.Random(7)
    kills = 0
    while True:
        process = start(channel, "--from", channel.file, "--to", file)
        try:
            _, errors = process.communicate(timeout=moment.uniform(0.3, 0.5 + 0.2 * kills))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0, errors
        break
    assert kills > 0
    assert collect(channel, file).counts("result", "collected", "alreadySeen") == ("Succeeded", 0, 0)
    assert len(inbox(channel, file)) == 120


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--from", "{binder}"),
        ("--from", "{binder}", "--to", "{binder}"),
        ("--from", "{binder}", "--to", "{binder}/inside"),
        ("--from", "{folder}/none", "--to", "{folder}/copy"),
        ("--from", "{folder}/none.yaml", "--to", "{folder}/copy"),
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_2(channel, collected, arguments):
    filled = [part.format(binder=collected.binder_folder, folder=collected.folder) for part in arguments]
    done = copy(channel, *filled)
    assert done.code == 2
    assert len(done.stderr.splitlines()) == 1
    assert not (collected.folder / "copy/binder.json").exists()
