"""Binders in buckets of real services are verified, swept and copied, there and back."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from bannette.binder import Store, StorePath, open_store
from bannette.binder.buckets import TIMEOUT_VARIABLE
from bannette.binder.copying import Copied, Copy
from bannette.binder.findings import Damage
from bannette.binder.sweep import Sweep
from bannette.binder.verification import Terms, Verification
from bannette.errors import PersonNeeded, Transient
from tests.binder.binder_documents import make_document, open_binder, report_of_a_run
from tests.stores.faulty_proxy import Fault, Request
from tests.stores.services import BUCKET, S3_KEY, S3_SECRET, s3_location, wait_for

pytestmark = [pytest.mark.stores, pytest.mark.timeout(1200)]

BANNETTE = str(Path(sys.executable).with_name("bannette"))
LARGE = 9 * 1024 * 1024


def copy(source: Store, destination: Store, scratch: Path) -> Copied:
    return Copy(source, destination, scratch=scratch).run()


def fill(store: Store, scratch: Path, *, documents: int) -> None:
    binder = open_binder(store)
    for n in range(documents):
        binder.commit(make_document(scratch, f"item-{n}", b"%%PDF %d" % n))
    binder.commit(make_document(scratch, "large", random.Random(1).randbytes(LARGE)))
    binder.commit(make_document(scratch, "withheld", b"%PDF 0"))
    binder.mark_done(next(iter(binder.inbox())).record.id)
    binder.save_report("acme", "acme-onedrive", report_of_a_run(collected=documents + 2))


def objects(store: Store) -> dict[str, bytes]:
    return {key: store.get(key) for key in store.keys("") if not key.startswith(".")}


@pytest.fixture
def full(tmp_path: Path) -> Store:
    store = open_store(StorePath(tmp_path / "binder"))
    fill(store, tmp_path / "downloads", documents=20)
    return store


def test_a_binder_is_copied_into_a_bucket_and_back(full, bucket, tmp_path, scratch):
    there = open_store(bucket)
    copied = copy(full, there, scratch)
    assert (copied.finished, copied.total, copied.files) == (True, 22, 42)
    assert objects(there) == objects(full)
    again = copy(full, there, scratch)
    assert (again.finished, again.records, again.files) == (True, 0, 0)
    back = open_store(StorePath(tmp_path / "back"))
    assert copy(there, back, scratch).finished
    assert objects(back) == objects(full)
    assert not list(scratch.iterdir())


def test_the_same_bucket_is_no_destination(full, bucket, scratch):
    copy(full, open_store(bucket), scratch)
    with pytest.raises(PersonNeeded) as raised:
        copy(open_store(bucket), open_store(bucket), scratch)
    assert raised.value.reason == "SameBinder"


def test_a_bucket_is_verified_and_swept(bucket, tmp_path):
    store = open_store(bucket)
    fill(store, tmp_path / "downloads", documents=3)
    findings = Verification(store, Terms(content=True)).run()
    assert not findings.damage
    assert (findings.records, findings.files, findings.waiting, findings.recent) == (5, 8, 3, 0)
    record = next(iter(open_binder(store).inbox())).record
    store.delete(record.files["text"])
    store.delete(record.inbox_key)
    store.put(f"documents/ab/{'ab' * 16}/{'0' * 16}/original.pdf", b"left")
    verification = Verification(store, Terms(repair=True))
    findings = verification.run()
    assert {kind: tally.ids for kind, tally in findings.damage.items()} == {Damage.FILE_MISSING: [record.id]}
    assert findings.repaired[Damage.INBOX_ENTRY_MISSING].ids == [record.id]
    assert findings.recent == 1
    verification.leftovers.add_document("ab" * 16)
    before = objects(store)
    sweep = Sweep(store, older_than=timedelta(hours=12))
    sweep.run(verification.leftovers)
    assert not sweep.swept
    assert objects(store) == before
    assert {key for key in store.keys("") if key.startswith(".")} == set()


@pytest.mark.parametrize("folder", ["records", "contents", "documents", "inbox"])
def test_a_store_that_fails_in_the_middle_of_a_copy_leaves_what_the_next_one_completes(
    full, proxy, gateway, scratch, monkeypatch, folder
):
    """No answer comes from the third object of a folder on: what was put may be there or not."""
    location = s3_location(gateway)
    puts: list[str] = []

    def fault(request: Request) -> Fault | None:
        if request.method == "PUT" and f"/{folder}/" in request.key:
            puts.append(request.key)
        return Fault.DROP_ANSWER if len(puts) > 2 else None

    proxy.fault = fault
    with monkeypatch.context() as patch:
        patch.setenv(TIMEOUT_VARIABLE, "2")
        failing = open_store(replace(location, endpoint=proxy.address))
    with pytest.raises(Transient):
        copy(full, failing, scratch)
    there = open_store(location)
    with pytest.raises(PersonNeeded) as raised:
        Verification(there, Terms()).run()
    assert raised.value.reason == "BinderCopyUnfinished"
    assert copy(full, there, scratch).finished
    assert objects(there) == objects(full)


@pytest.mark.kill
def test_a_copy_into_a_bucket_by_the_real_command_is_killed_again_and_again_and_finished_in_the_end(
    full, gateway, proxy, tmp_path
):
    location = s3_location(gateway)
    storage = {
        "bucket": BUCKET,
        "prefix": location.prefix,
        "endpoint": proxy.address,
        "region": "us-east-1",
        "credentialsSecret": {"name": "bucket"},
    }
    documents = [
        {
            "kind": "Binder",
            "metadata": {"name": "purchases", "namespace": "acme"},
            "spec": {"company": "Acme", "storage": {"s3": storage}},
        },
        {
            "kind": "Secret",
            "metadata": {"name": "bucket", "namespace": "acme"},
            "stringData": {"accessKeyId": S3_KEY, "secretAccessKey": S3_SECRET},
        },
    ]
    file = tmp_path / "bucket.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    command = [BANNETTE, "binder", "copy", "--from", str(tmp_path / "binder"), "--to", str(file)]
    bucket = open_store(location)
    for most in (2, 25, 25):
        # It gets no further than there, however late it is killed.
        puts = itertools.count()
        stalled = threading.Event()

        def fault(
            request: Request, most: int = most, puts: Iterator[int] = puts, stalled: threading.Event = stalled
        ) -> Fault | None:
            if request.method != "PUT" or next(puts) < most:
                return None
            stalled.set()
            return Fault.STALL

        proxy.fault = fault
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(stalled.is_set, f"{most} objects")
        process.kill()
        process.communicate()
    file.write_text(file.read_text().replace(proxy.address, gateway))
    with pytest.raises(PersonNeeded) as raised:
        Verification(bucket, Terms()).run()
    assert raised.value.reason == "BinderCopyUnfinished"
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert objects(open_store(location)) == objects(full)
    done = subprocess.run(
        [BANNETTE, "binder", "verify", "-f", str(file), "--content"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
