"""What the store promises on a local file system, and what its failures mean."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import child
import pytest
from binder_documents import CuttingStore, files_below, open_binder
from obstore.store import MemoryStore

from bannette.binder import AlreadyExists, NotFound, StorePath, open_store
from bannette.binder.durability import LocalFolders
from bannette.binder.object_store import ObjectStore
from bannette.errors import PersonNeeded, Transient


@pytest.fixture(params=["folder", "copying folder", "objects"])
def any_store(request, tmp_path):
    if request.param == "objects":
        return ObjectStore(MemoryStore(), large=1000)
    return CuttingStore(tmp_path / "any", copies="copying" in request.param)


def test_an_object_is_put_once_and_read_back(any_store, tmp_path):
    for key, size in (("a/small", 10), ("a/large", 5000)):
        source = tmp_path / "source"
        source.write_bytes(b"1" * size)
        any_store.put_new(key, source)
        source.unlink()
        source.write_bytes(b"2" * size)
        with pytest.raises(AlreadyExists):
            any_store.put_new(key, source)
        assert any_store.get(key) == b"1" * size
        assert any_store.head(key).size == size
    assert {found.key for found in any_store.list("")} == {"a/small", "a/large"}


def test_a_durable_object_is_put_once(any_store):
    any_store.put_new_durable("a/b", b"1")
    with pytest.raises(AlreadyExists):
        any_store.put_new_durable("a/b", b"2")
    assert any_store.get("a/b") == b"1"
    assert {found.key for found in any_store.list("")} == {"a/b"}


def test_what_is_absent_is_said_to_be(any_store):
    assert any_store.head("no/such") is None
    with pytest.raises(NotFound):
        any_store.get("no/such")
    any_store.delete("no/such")
    assert list(any_store.list("no")) == []


def test_a_listing_goes_on_after_a_key(any_store):
    for name in "abc":
        any_store.put(f"x/{name}", b"")
    assert {found.key for found in any_store.list("x", offset="x/a")} == {"x/b", "x/c"}


def test_an_object_is_as_old_as_its_put(any_store, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"downloaded long ago")
    os.utime(source, (0, 0))
    any_store.put_new("a", source)
    assert datetime.now(UTC) - any_store.head("a").modified_at < timedelta(minutes=1)


def test_an_object_is_read_in_pieces(any_store):
    content = bytes(range(256)) * 20_000
    any_store.put("a", content)
    assert b"".join(any_store.pieces("a")) == content
    for start, end in ((0, 1), (5, 2_000_003), (1_048_576, None), (5_119_999, None), (3, 9_000_000)):
        assert b"".join(any_store.pieces("a", start=start, end=end)) == content[start:end]
    with pytest.raises(NotFound):
        list(any_store.pieces("no/such"))


def test_what_a_killed_writer_was_writing_is_listed_apart(tmp_path):
    store = open_store(StorePath(tmp_path))
    store.put("a/b", b"1")
    (tmp_path / "a" / "c#12").write_bytes(b"half")
    assert [found.key for found in store.list("a")] == ["a/b"]
    assert [found.key for found in store.unfinished("a")] == ["a/c#12"]


@pytest.mark.parametrize(
    ("there", "here", "same"),
    [(b"12345", b"12345", True), (b"12345", b"12346", False), (b"1234", b"12345", False), (b"", b"", True)],
)
def test_identical_objects_are_recognised(any_store, tmp_path, there, here, same):
    any_store.put("a", there)
    file = tmp_path / "file"
    file.write_bytes(here)
    assert any_store.holds("a", here) is same
    assert any_store.holds("a", file) is same
    assert not any_store.holds("b", here)


@pytest.mark.parametrize("copies", [False, True])
def test_of_racing_writers_exactly_one_succeeds(folder, copies, tmp_path):
    store = CuttingStore(folder, copies=copies)
    for turn in range(20):
        start = Barrier(8)

        def one(n, turn=turn, start=start):
            source = tmp_path / f"{turn}-{n}"
            source.write_bytes(b"%d" % n * 100)
            start.wait(timeout=30)
            try:
                store.put_new(f"x/{turn}", source)
            except AlreadyExists:
                return None
            return n

        with ThreadPoolExecutor(8) as pool:
            winners = [n for n in pool.map(one, range(8)) if n is not None]
        assert len(winners) == 1
        assert store.get(f"x/{turn}") == b"%d" % winners[0] * 100
    assert len(files_below(folder)) == 20


def test_a_large_file_is_put_in_bounded_memory(folder, tmp_path):
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    code = """
store = open_store(StorePath(folder))
store._take_over = lambda key, file: False  # as across file systems
def peak():  # of this program alone; resource.getrusage counts what its parent took, too
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
store.put_new("warm", b"")
before = peak()
store.put_new("large", Path(arguments[0]))
store.make_durable(["large"])
print((peak() - before) // 1024, store.head("large").size)
"""
    grown, size = map(int, child.output_of(child.start(code, folder, str(source))).split())
    assert size == 300 * 1024 * 1024
    assert grown < 120


def test_every_folder_that_may_be_new_is_synced(folder, monkeypatch):
    folder.mkdir()
    (folder / "a/b/c").mkdir(parents=True)
    for name in ("a/b/c/1", "a/b/c/2"):
        (folder / name).touch()
    synced = []
    real = os.fsync

    def noting(descriptor):
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()).removeprefix(str(folder)).lstrip("/"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    folders = LocalFolders(str(folder))
    folders.make_durable(["a/b/c/1"])
    assert synced == ["a/b/c/1", "a/b/c", "a/b", "a", ""]
    synced.clear()
    folders.make_durable(["a/b/c/2"])
    # a/b is known to be there now; a/b/c, which is one document's, isn't remembered.
    assert synced == ["a/b/c/2", "a/b/c", "a/b"]


def test_whoever_may_read_the_inbox_may_read_the_documents(folder, tmp_path):
    """A file that gets a second name in the binder becomes as one that is made there: its mode, group, access list."""
    others = [group for group in ([12345] if os.getuid() == 0 else os.getgroups()) if group != os.getgid()]
    folder.mkdir()
    if others:
        os.chown(folder, -1, others[0])
        folder.chmod(0o2770)
    store = open_store(StorePath(folder))
    common, private = tmp_path / "common", tmp_path / "private"
    common.write_bytes(b"1")
    private.write_bytes(b"2")
    private.chmod(0o600)
    store.put("inbox/1", b"{}")
    expected = (folder / "inbox/1").stat()
    for key, source in (("documents/1", common), ("documents/2", private)):
        store.put_new(key, source)
        found = (folder / key).stat()
        assert (found.st_mode, found.st_gid) == (expected.st_mode, expected.st_gid)
    assert not list((folder / ".staging").iterdir())


def test_a_file_that_can_be_as_if_made_in_the_binder_is_not_copied(folder, tmp_path):
    store = open_store(StorePath(folder))
    for mode in (0o600, 0o644):
        source = tmp_path / f"{mode}"
        source.write_bytes(b"1")
        source.chmod(mode)
        store.put_new(f"documents/{mode}", source)
        assert (folder / f"documents/{mode}").samefile(source)


def test_a_folder_is_made_if_it_is_missing(tmp_path):
    open_store(StorePath(tmp_path / "new/binder")).put("x", b"1")
    assert (tmp_path / "new/binder/x").read_bytes() == b"1"


def test_a_file_where_the_binder_should_be_needs_a_person(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PersonNeeded) as caught:
        open_store(StorePath(tmp_path / "file"))
    assert caught.value.reason == "StoreUnusable"


def test_a_vanished_folder_may_come_back(folder):
    store = open_store(StorePath(folder))
    store.put("a", b"1")
    (folder / "a").unlink()
    with pytest.raises(Transient) as caught:
        store.make_durable(["a"])
    assert caught.value.reason == "StoreUnavailable"


FAILING = """
{before}
store = open_store(StorePath(folder))
try:
    {action}
except BannetteError as error:
    print(type(error).__mro__[-5].__name__, error.reason, "\\n" in str(error))
"""
NO_RIGHTS = "os.setgroups([]) if os.getuid() == 0 else None; os.setgid(65534) if os.getuid() == 0 else None\n"
NO_RIGHTS += "os.setuid(65534) if os.getuid() == 0 else None"


@pytest.fixture
def reached():
    """A binder's folder in one that everybody may look into, as pytest's may not be."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        (Path(place) / "binder").mkdir()
        yield Path(place) / "binder"


@pytest.mark.parametrize("action", ['store.put("a/b", b"1")', 'store.put_new("b", b"1")', 'store.delete("there")'])
def test_a_folder_that_may_not_be_written_needs_a_person(reached, action):
    (reached / "there").write_bytes(b"1")
    reached.chmod(0o555)
    out = child.output_of(child.start(FAILING.format(before=NO_RIGHTS, action=action), reached))
    reached.chmod(0o755)
    assert out == "PersonNeeded StoreReadOnly False"


def test_a_file_that_may_not_be_read_needs_a_person(reached):
    (reached / "there").write_bytes(b"1")
    (reached / "there").chmod(0)
    out = child.output_of(child.start(FAILING.format(before=NO_RIGHTS, action='store.get("there")'), reached))
    assert out == "PersonNeeded StoreAccessDenied False"


def test_a_file_larger_than_the_store_takes_needs_a_person(folder):
    before = "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    out = child.output_of(child.start(FAILING.format(before=before, action='store.put("a", b"1" * 2000)'), folder))
    assert out == "PersonNeeded StoreRefusesSize False"
    assert files_below(folder) == set()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    # Whatever still holds a file of it lets go of it later.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_said_to_be_full_and_the_commit_goes_on_when_there_is_room(small_disk, document):
    (small_disk / "ballast").write_bytes(b"1" * 200_000)
    binder = open_binder(open_store(StorePath(small_disk)))
    new = document(content=os.urandom(100_000))
    with pytest.raises(Transient) as caught:
        binder.commit(new)
    assert caught.value.reason == "StoreFull"
    assert not binder.has(new.id)
    (small_disk / "ballast").unlink()
    record = binder.commit(new).record
    assert (small_disk / record.files["original"]).read_bytes() == new.files["original"].read_bytes()


# Linux' numbers of link and linkat.
LINK_CALLS = {"x86_64": (86, 265), "aarch64": (37, 37)}
NO_LINKS = """
import ctypes, struct
def refuse(calls, code):
    program = [(0x20, 0, 0, 0)]
    for call in calls:
        program += [(0x15, 0, 1, call), (0x06, 0, 0, 0x00050000 | code)]
    program.append((0x06, 0, 0, 0x7FFF0000))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
    libc = ctypes.CDLL(None)
    whole = Program(len(program), ctypes.cast(code, ctypes.c_void_p))
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(whole), 0, 0) == 0
"""


@pytest.mark.skipif(platform.machine() not in LINK_CALLS, reason="system calls of this machine aren't listed here")
@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
@pytest.mark.parametrize(
    "action", ["open_binder(store)", 'store.put_new("a", b"1")', 'store.put_new_durable("a", b"")']
)
def test_a_file_system_without_hard_links_needs_a_person(folder, code, action):
    """The kernel refuses link(2), as FUSE and SMB volumes do."""
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    before = NO_LINKS + f"refuse({LINK_CALLS[platform.machine()]}, {int(code)})"
    out = child.output_of(child.start(FAILING.format(before=before, action=action), folder))
    assert out == "PersonNeeded NoHardLinks False"
    assert files_below(folder) == set()
