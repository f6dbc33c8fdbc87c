"""What a run comes to when the binder's volume is full, read-only, or loses what it could before."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

CONTENTS = {f"{number}.txt": f"document {number}" for number in range(6)}


@pytest.fixture
def documents(simulator):
    for name, content in CONTENTS.items():
        simulator.control.create(f"/Invoices/{name}", content)


@pytest.fixture
def volume(channel):
    """A file system of its own at the binder's folder; ``volume("remount,…")`` changes it."""
    place = channel.binder_folder
    place.mkdir()

    def mount(options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True, capture_output=True)

    try:
        mount("size=2m")
    except subprocess.CalledProcessError:
        pytest.skip("mounting a file system needs root")
    yield mount
    # Whatever still holds a file of it lets go of it later.
    subprocess.run(["umount", "--lazy", place], check=True)


def assert_whole(channel, contents=None):
    """Each record has its files, and the inbox shows these documents and nothing else."""
    records = channel.records()
    if records:
        assert channel.inbox() == [record.name for record in records]
    for record in records:
        assert all((channel.binder_folder / key).exists() for key in record.files.values())
        assert channel.original(record) == (contents or CONTENTS)[record.name].encode()


def assert_next_run_completes(channel, collect):
    before = len(channel.records())
    ended = collect()
    assert ended.counts("result", "collected") == ("Succeeded", len(CONTENTS) - before), ended.stdout
    assert channel.inbox() == sorted(CONTENTS)
    assert_whole(channel)
    assert collect().counts("reason", "collected") == ("NothingNew", 0)


def at_link(number, act, monkeypatch):
    """Do *act* at the n-th link(2) from now on, and at all after it."""
    link, seen = os.link, []

    def linking(source, target, **options):
        seen.append(target)
        if len(seen) >= number:
            act()
        link(source, target, **options)

    monkeypatch.setattr(os, "link", linking)


@pytest.mark.parametrize(("number", "code"), [(1, errno.EPERM), (4, errno.EOPNOTSUPP), (9, errno.EPERM)])
def test_a_volume_that_loses_its_hard_links_needs_a_person(channel, collect, documents, monkeypatch, number, code):
    def refuse():
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        at_link(number, refuse, patch)
        ended = collect()
    assert ended.code == 2
    assert ended.counts("result", "reason") == ("Failed", "NoHardLinks")
    assert "hard links" in ended.entry["message"]
    assert not list((channel.binder_folder / "state").rglob("*.json"))
    assert_whole(channel)
    assert_next_run_completes(channel, collect)


@pytest.mark.parametrize("number", [4, 16])
def test_a_volume_that_turns_read_only_in_the_middle_needs_a_person(
    channel, collect, documents, volume, monkeypatch, number
):
    with monkeypatch.context() as patch:
        at_link(number, lambda: volume("remount,ro"), patch)
        # A file that is open for writing keeps a file system writable: then at the next one.
        patch.setattr(subprocess, "run", _until_done(subprocess.run))
        ended = collect()
    assert ended.code == 2
    assert ended.counts("result", "reason") == ("Failed", "StoreReadOnly")
    assert not list((channel.binder_folder / "state").rglob("*.json"))
    assert_whole(channel)
    volume("remount,rw")
    assert_next_run_completes(channel, collect)


def _until_done(run):
    def tried(command, **options):
        return run(command, **{**options, "check": False})

    return tried


def test_a_volume_that_is_read_only_needs_a_person_before_anything_is_asked(channel, collect, documents, volume):
    volume("remount,ro")
    ended = channel.command_ends()
    assert ended.code == 2
    assert ended.counts("result", "reason", "collected") == ("Failed", "StoreReadOnly", 0)
    assert channel.simulator.control.counters()["total"] == 0
    volume("remount,rw")
    assert_next_run_completes(channel, collect)


def test_a_volume_that_is_full_is_said_to_be_full_and_the_rest_comes_when_there_is_room(
    channel, collect, simulator, volume
):
    for number in range(6):
        simulator.control.create(f"/Invoices/{number}.bin", generate=(number + 1, 600_000))
    ended = collect()
    assert ended.code == 3
    assert ended.counts("result", "reason") == ("Failed", "StoreFull")
    collected = len(channel.records())
    assert 0 < collected < 6
    assert len(channel.inbox()) == collected
    volume("remount,size=20m")
    assert collect().counts("result", "collected") == ("Succeeded", 6 - collected)
    assert len(channel.inbox()) == 6
