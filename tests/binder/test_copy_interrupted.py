"""A copy that was interrupted is used by nobody, and finished by the same command."""

from __future__ import annotations

import random
import signal
import subprocess
from contextlib import suppress

import child
import pytest
from binder_documents import CuttingStore, PowerCut, files_below, open_binder
from copies import check_copied, contents, copy, fill
from copies import full as full  # the fixtures
from copies import there as there

from bannette.binder import Binder, StorePath, open_store
from bannette.binder.verification import Terms, Verification
from bannette.errors import PersonNeeded


def test_nobody_opens_a_copy_that_is_not_complete(full, store, there, tmp_path):
    there.mkdir()
    destination = CuttingStore(there)
    destination.arm(40)
    with pytest.raises(PowerCut):
        copy(store, destination, tmp_path / "s")
    destination.arm(None)
    for use in (lambda: open_binder(destination), lambda: Binder.existing(destination)):
        with pytest.raises(PersonNeeded) as raised:
            use()
        assert raised.value.reason == "BinderCopyUnfinished"
    with pytest.raises(PersonNeeded) as raised:
        Verification(destination, Terms()).run()
    assert raised.value.reason == "BinderCopyUnfinished"
    assert copy(store, destination, tmp_path / "s").finished
    check_copied(full, there)


def test_whatever_a_copy_has_so_far_nothing_is_listed_before_its_files_are_there(full, store, there, tmp_path):
    """After any number of steps: states tell no more than records do, and entries no more than files."""
    for step in range(20, 260, 20):
        folder = there / str(step)
        folder.mkdir(parents=True)
        destination = CuttingStore(folder)
        destination.arm(step)
        with suppress(PowerCut):
            copy(store, destination, tmp_path / "s")
        names = files_below(folder)
        if any(name.startswith("inbox/") for name in names):
            assert {name for name in names if name.startswith(("documents/", "records/", "contents/"))} == {
                name for name in files_below(full) if name.startswith(("documents/", "records/", "contents/"))
            }
        if any(name.startswith("documents/") for name in names):
            assert {name for name in names if name.startswith("records/")} == {
                name for name in files_below(full) if name.startswith("records/")
            }
        destination.arm(None)
        copy(store, destination, tmp_path / "s")
        check_copied(full, folder)


@pytest.mark.parametrize("step", range(1, 260, 13))
def test_a_copy_that_was_killed_at_any_step_is_finished_by_the_same_command(full, there, tmp_path, step):
    code = """
from bannette.binder.copying import Copy
destination = Path(arguments[0]); destination.mkdir(exist_ok=True)
store = CuttingStore(destination, kill=True)
store.arm(int(arguments[1]))
scratch = destination / ".staging"; scratch.mkdir(exist_ok=True)
Copy(open_store(StorePath(folder)), store, scratch=scratch).run()
"""
    process = child.start(code, full, str(there), str(step))
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    copied = copy(open_store(StorePath(full)), open_store(StorePath(there)), tmp_path / "s")
    assert copied.finished
    assert contents(there) == contents(full)
    assert not Verification(open_store(StorePath(there)), Terms(content=True)).run().damage


@pytest.mark.kill
def test_a_copy_killed_again_and_again_at_any_moment_is_finished_in_the_end(folder, store, there, tmp_path):
    fill(store, tmp_path / "downloads", documents=300)
    code = """
from bannette.binder.copying import Copy
print("ready", flush=True)
destination = Path(arguments[0])
scratch = destination / ".staging"; scratch.mkdir(parents=True, exist_ok=True)
Copy(open_store(StorePath(folder)), open_store(StorePath(destination)), scratch=scratch).run()
"""
    moment = random.Random(20261125)
    kills = 0
    while True:
        process = child.start(code, folder, str(there))
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        try:
            _, errors = process.communicate(timeout=moment.uniform(0.02, 0.08 * (2 + kills)))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0, errors
        break
    assert kills > 3
    assert contents(there) == contents(folder)
    assert not Verification(open_store(StorePath(there)), Terms(content=True)).run().damage


def test_everything_is_durable_before_the_copy_is_a_binder(full, store, there, tmp_path):
    there.mkdir()
    destination = CuttingStore(there)
    destination.arm(None)
    copy(store, destination, tmp_path / "s")
    finished = max(n for n, step in enumerate(destination.steps) if step == "put binder.json")
    written = {step.partition(" ")[2] for step in destination.steps if step.startswith(("put_new ", "put "))}
    assert {key for key in written if not key.startswith(".probe/")} <= {
        "binder.json",
        f"attempts/{'ab' * 16}",
        "runs/acme/acme-onedrive/20261124T053000Z-run-1.json",
    }
    assert "make_durable" in destination.steps[finished:]
