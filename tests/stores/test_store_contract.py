"""What every kind of object store promises, by the services themselves."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import trustme

from bannette.binder import AlreadyExists, AzureLocation, NotFound, open_store
from bannette.binder.buckets import TIMEOUT_VARIABLE
from bannette.binder.layout import STAGING
from bannette.binder.object_store import LARGE
from bannette.errors import PersonNeeded, Transient
from tests.stores.services import AZURE_KEY, S3_KEY, S3_SECRET, s3_gateway, s3_location

pytestmark = [pytest.mark.stores, pytest.mark.timeout(1200)]


@pytest.fixture
def store(bucket):
    return open_store(bucket)


@pytest.mark.parametrize("size", [0, 10, 100_000, LARGE, LARGE + 6_000_000])
def test_an_object_is_put_once_and_read_back(store, tmp_path, size):
    source = tmp_path / "source"
    content = os.urandom(size)
    source.write_bytes(content)
    store.put_new("a/b", source)
    source.write_bytes(b"other")
    with pytest.raises(AlreadyExists):
        store.put_new("a/b", source)
    with pytest.raises(AlreadyExists):
        store.put_new("a/b", b"other")
    source.write_bytes(content)
    with pytest.raises(AlreadyExists):
        store.put_new("a/b", source)
    assert store.get("a/b") == content
    assert b"".join(store.pieces("a/b")) == content
    if size > 10:
        assert b"".join(store.pieces("a/b", start=7, end=size - 1)) == content[7:-1]
        assert b"".join(store.pieces("a/b", start=size - 3)) == content[-3:]
    assert store.head("a/b").size == size
    # What large files went through is gone, also that of those who came second.
    assert list(store.keys("")) == ["a/b"]
    assert list(store.list(STAGING)) == []


def test_an_object_is_put_durably_once(store):
    store.put_new_durable("a", b"1")
    with pytest.raises(AlreadyExists):
        store.put_new_durable("a", b"2")
    store.make_durable(["a"])
    assert store.get("a") == b"1"


def test_an_object_is_replaced_and_deleted(store, tmp_path):
    (tmp_path / "file").write_bytes(b"3")
    store.put("a", b"1")
    store.put("a", b"2")
    assert store.get("a") == b"2"
    store.put("a", tmp_path / "file")
    assert store.get("a") == b"3"
    store.delete("a")
    store.delete("a")
    assert store.head("a") is None


def test_what_is_absent_is_said_to_be(store):
    assert store.head("no/such") is None
    for read in (store.get, lambda key: list(store.pieces(key))):
        with pytest.raises(NotFound):
            read("no/such")
    assert not store.holds("no/such", b"")
    assert list(store.list("no")) == []
    assert list(store.unfinished("")) == []


def test_a_listing_shows_what_is_below_a_folder_and_goes_on_after_a_key(store):
    for key in ("x/a", "x/b", "x/c/d", "xy/z", "w"):
        store.put(key, key.encode())
    assert {found.key: found.size for found in store.list("x")} == {"x/a": 3, "x/b": 3, "x/c/d": 5}
    assert set(store.keys("x")) == {"x/a", "x/b", "x/c/d"}
    assert {found.key for found in store.list("x", offset="x/a")} == {"x/b", "x/c/d"}
    assert {found.key for found in store.list("")} == {"x/a", "x/b", "x/c/d", "xy/z", "w"}


def test_a_listing_of_more_than_a_page_is_whole(store):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: store.put(f"many/{n:04}", b""), range(1100)))
    assert sorted(store.keys("many")) == [f"many/{n:04}" for n in range(1100)]


@pytest.mark.parametrize(
    ("there", "here", "same"),
    [(b"12345", b"12345", True), (b"12345", b"12346", False), (b"1234", b"12345", False), (b"", b"", True)],
)
def test_identical_objects_are_recognised(store, tmp_path, there, here, same):
    store.put("a", there)
    (tmp_path / "file").write_bytes(here)
    assert store.holds("a", here) is same
    assert store.holds("a", tmp_path / "file") is same


@pytest.mark.parametrize("size", [100, LARGE])
def test_of_racing_writers_exactly_one_succeeds(store, tmp_path, size):
    for turn in range(5 if size < LARGE else 1):
        start = Barrier(8)

        def one(n, turn=turn, start=start):
            source = tmp_path / f"{turn}-{n}"
            source.write_bytes(b"%d" % n * size)
            start.wait(timeout=30)
            try:
                store.put_new(f"x/{turn}", source)
            except AlreadyExists:
                return None
            return n

        with ThreadPoolExecutor(8) as pool:
            winners = [n for n in pool.map(one, range(8)) if n is not None]
        assert len(winners) == 1
        assert store.get(f"x/{turn}") == b"%d" % winners[0] * size
    assert list(store.list(STAGING)) == []


def test_a_prefix_is_a_world_of_its_own(bucket):
    other = replace(bucket, prefix=f"{bucket.prefix}-more")
    open_store(bucket).put("a", b"1")
    assert open_store(other).head("a") is None
    assert list(open_store(other).keys("")) == []
    assert list(open_store(replace(bucket, prefix=None)).keys(bucket.prefix)) == [f"{bucket.prefix}/a"]


WRONG = {
    "a wrong secret": (lambda at: replace(at, **_secret(at, b"wrong")), "StoreAccessDenied"),
    "no such bucket": (
        lambda at: replace(at, **{"container" if isinstance(at, AzureLocation) else "bucket": "no-such"}),
        "StoreNotFound",
    ),
}


def _secret(at, secret):
    if isinstance(at, AzureLocation):
        return {"account_key": base64.b64encode(secret).decode()}
    return {"secret_access_key": secret.decode()}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize(
    "act",
    [lambda s: s.get("a"), lambda s: s.put_new("b", b""), lambda s: s.put("b", b""), lambda s: list(s.list(""))],
    ids=["get", "put_new", "put", "list"],
)
def test_a_store_that_cannot_be_used_so_needs_a_person(bucket, what, act):
    change, reason = WRONG[what]
    with pytest.raises(PersonNeeded) as caught:
        act(open_store(change(bucket)))
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)
    for secret in (S3_SECRET, AZURE_KEY, "wrong"):
        assert secret not in str(caught.value)


def test_own_keys_are_not_mixed_with_those_of_the_environment(gateway, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "of-somebody-else")
    store = open_store(s3_location(gateway))
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_without_own_keys_those_of_the_environment_are_used(gateway, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_SECRET)
    store = open_store(s3_location(gateway, access_key_id=None, secret_access_key=None))
    store.put("a", b"1")
    assert store.get("a") == b"1"


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    """A gateway with a certificate of a private authority, and the authority's bundle."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for pem in issued.cert_chain_pems:
        pem.write_to_path(folder / "cert.pem", append=True)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    with s3_gateway(folder / "root", certificate=folder / "cert.pem", key=folder / "key.pem") as address:
        yield address, folder / "ca.pem"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_bundle_of_a_private_authority_is_honoured(private, monkeypatch, variable):
    address, bundle = private
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PersonNeeded) as caught:
        open_store(s3_location(address)).get("a")
    assert caught.value.reason == "StoreUntrusted"
    monkeypatch.setenv(variable, str(bundle))
    store = open_store(s3_location(address))
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_a_bundle_that_cannot_be_read_is_said_to_be(gateway, monkeypatch, tmp_path):
    (tmp_path / "bundle").write_text("no certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "bundle"))
    with pytest.raises(PersonNeeded) as caught:
        open_store(s3_location(gateway))
    assert caught.value.reason == "CaBundleUnreadable"


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan"])
def test_a_timeout_that_is_none_needs_a_person(gateway, monkeypatch, seconds):
    monkeypatch.setenv(TIMEOUT_VARIABLE, seconds)
    with pytest.raises(PersonNeeded) as caught:
        open_store(s3_location(gateway))
    assert caught.value.reason == "StoreMisconfigured"


def test_a_store_that_nobody_serves_is_given_up(monkeypatch):
    monkeypatch.setenv(TIMEOUT_VARIABLE, "3")
    with pytest.raises(Transient) as caught:
        open_store(s3_location("http://127.0.0.1:9")).get("a")
    assert (caught.value.reason, "no connection" in str(caught.value)) == ("StoreUnavailable", True)


def test_a_large_file_is_put_and_read_in_bounded_memory(bucket, tmp_path):
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    code = """
import json, sys
from pathlib import Path
from bannette.binder import AzureLocation, S3Location, open_store
kind, members, source = json.loads(sys.argv[1])
store = open_store({"S3Location": S3Location, "AzureLocation": AzureLocation}[kind](**members))
# Of this program alone; resource.getrusage counts what its parent took, too.
peak = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
store.put_new("warm", b"")
before = peak()
store.put_new("large", Path(source))
put = peak() - before
size = sum(map(len, store.pieces("large")))
assert store.holds("large", Path(source))
print(json.dumps([put, peak() - before, size]))
"""
    members = json.dumps([type(bucket).__name__, bucket.__dict__, str(source)])
    done = subprocess.run([sys.executable, "-c", code, members], capture_output=True, text=True, check=True)
    put, grown, size = json.loads(done.stdout)
    assert size == 200 * 1024 * 1024
    assert put < 150
    assert grown < 150
