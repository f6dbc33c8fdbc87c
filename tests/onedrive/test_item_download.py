"""Downloads of one item, against the simulator's content host."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import time
import traceback
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from bannette.errors import ItemDeferred, ItemRejected, Transient
from bannette.onedrive import ItemGone, Patience, SystemClock, download, get_item

CONTENT = random.Random(7).randbytes(300_000)


@pytest.fixture
def item(new_item):
    return new_item("/Invoices/a.pdf", CONTENT)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "original"


def received(done, target):
    """Check that what is reported is what is in the file, and return it."""
    data = target.read_bytes()
    assert (done.size, done.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    return data


def test_the_url_of_the_feed_saves_a_request(account, item, target):
    account.control.reset_counters()
    done = download(account.graph, account.drive, item, target)
    assert received(done, target) == CONTENT
    assert done.verified
    counters = account.control.counters()
    assert (account.control.count("content"), account.control.count("item")) == (0, 0)
    assert (counters["withoutUserAgent"], counters["authorizationAtDownload"]) == (0, 0)


def test_without_a_url_content_is_asked_for(account, new_item, target):
    account.control.add_faults("no download url")
    done = account.download(new_item("/a.pdf", CONTENT), target)
    assert received(done, target) == CONTENT
    assert account.control.count("content") == 1


def test_the_url_is_sent_byte_for_byte(account, new_item, target):
    account.control.settings(odd_escapes=True)
    done = account.download(new_item("/a.pdf", CONTENT), target)
    assert received(done, target) == CONTENT
    assert account.control.count("content") == 0


def test_netrc_adds_nothing(account, item, target, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    account.control.reset_counters()
    assert account.download(item, target).verified
    assert account.control.counters()["authorizationAtDownload"] == 0


@pytest.mark.parametrize("fault", ["url expired", "url expired 403", "url expired 404", "url expired 410"])
def test_an_expired_url_is_replaced_once(account, item, target, fault):
    account.control.add_faults(fault)
    assert received(account.download(item, target), target) == CONTENT
    account.control.add_faults({"like": fault, "times": None})
    with pytest.raises(ItemDeferred):
        account.download(item, target)


def test_a_url_that_ran_out_before_the_download_is_replaced(account, item, target):
    account.control.expire_urls()
    assert account.download(item, target).verified


REDIRECTS = ["redirect to another host", "redirect to http", "redirect inside", "redirect endless"]


@pytest.mark.parametrize("fault", REDIRECTS)
def test_content_is_fetched_from_known_hosts_only(account, item, target, fault):
    account.control.add_faults(fault)
    with pytest.raises((ItemDeferred, Transient)) as caught:
        account.download(dataclasses.replace(item, download_url=None), target)
    assert isinstance(caught.value, ItemDeferred)


def test_a_url_in_the_feed_to_an_unknown_host_is_not_followed(account, item, target):
    foreign = dataclasses.replace(item, download_url="https://attacker.example/a?sig=1")
    assert received(account.download(foreign, target), target) == CONTENT


def test_a_redirect_of_the_content_host_is_followed(account, item, target):
    account.control.add_faults("download redirected")
    assert received(account.download(item, target), target) == CONTENT


def test_redirects_without_end_are_given_up(account, item, target):
    account.control.add_faults({"like": "download redirected", "times": None})
    with pytest.raises(ItemDeferred) as caught:
        account.download(item, target)
    assert caught.value.reason == "TooManyRedirects"


def test_a_download_that_breaks_off_is_resumed(account, item, target):
    account.control.add_faults("connection cut")
    account.control.reset_counters()
    assert received(account.download(item, target), target) == CONTENT
    assert account.control.counters()["bytesSent"] == len(CONTENT)


def test_a_download_that_always_breaks_off_is_deferred(account, item, target):
    account.control.add_faults("connection cut always")
    with pytest.raises(ItemDeferred) as caught:
        account.download(item, target)
    assert caught.value.reason == "DownloadBroken"


@pytest.mark.parametrize("second", ["range ignored", "wrong content range", "range not satisfiable"])
def test_a_host_that_does_not_resume_never_joins_what_does_not_fit(account, item, target, second):
    account.control.add_faults("connection cut", {"like": second, "skip": 1, "times": 1})
    assert received(account.download(item, target), target) == CONTENT


def test_content_replaced_while_a_download_is_broken_off_is_never_joined(account, item, target):
    other = random.Random(8).randbytes(len(CONTENT))
    account.control.add_faults("connection cut")
    edited = False

    class Editing(type(account.clock)):
        def sleep(self, seconds):
            nonlocal edited
            if not edited:
                edited = True
                account.control.edit("/Invoices/a.pdf", other)
            super().sleep(seconds)

    account.clock = Editing()
    graph = account.new_graph()
    done = download(graph, account.drive, item, target)
    assert edited
    assert received(done, target) == other
    assert done.verified
    assert done.item.etag != item.etag


def test_content_replaced_before_the_download_is_the_document(account, item, target):
    account.control.edit("/Invoices/a.pdf", b"other")
    done = account.download(item, target)
    assert received(done, target) == b"other"
    assert done.verified
    assert done.item.etag != item.etag


def test_without_an_etag_nothing_is_resumed(account, new_item, target):
    account.control.add_faults("no etag")
    item = new_item("/a.pdf", CONTENT)
    account.control.add_faults("connection cut")
    account.control.reset_counters()
    assert received(account.download(item, target), target) == CONTENT
    assert account.control.counters()["bytesSent"] == len(CONTENT) + 1000


def test_a_body_that_stands_still_is_asked_for_again(account, item, target):
    account.control.add_faults({"like": "stalled", "delay": 30.0})
    graph = account.new_graph(patience=Patience(connect=60, read=1.0))
    assert received(download(graph, account.drive, item, target), target) == CONTENT


def test_a_body_that_drips_is_given_up(account, item, target, monkeypatch):
    monkeypatch.setattr("bannette.onedrive.transfer._SLOW_SECONDS", 0.3)
    monkeypatch.setattr("bannette.onedrive.transfer._SLOW_BYTES", 100_000)
    account.control.add_faults("slow")
    assert received(account.download(item, target), target) == CONTENT


@pytest.mark.parametrize("fault", ["chunked", "gzip"])
def test_the_real_bytes_count_however_they_travel(account, item, target, fault):
    account.control.add_faults(fault)
    done = account.download(item, target)
    assert received(done, target) == CONTENT
    assert done.verified


@pytest.mark.parametrize("fault", ["chunked", "gzip"])
def test_a_broken_body_is_completed_however_it_travels(account, item, target, fault):
    account.control.add_faults({"like": "connection cut", fault: True, "cut_at": 100_000})
    assert received(account.download(item, target), target) == CONTENT


@pytest.mark.parametrize("fault", ["no hash", "empty hashes"])
def test_without_a_hash_the_size_verifies(account, new_item, target, fault):
    account.control.add_faults(fault)
    done = account.download(new_item("/a.pdf", CONTENT), target)
    assert done.verified
    assert account.control.count("download") == 1


def test_a_hash_that_is_wrong_once_is_read_again(account, new_item, target):
    account.control.add_faults({"like": "wrong hash once", "kinds": ["delta"], "item": "*a.pdf"})
    done = account.download(new_item("/a.pdf", CONTENT), target)
    assert done.verified
    assert (account.control.count("download"), account.control.count("item")) == (1, 1)


@pytest.mark.parametrize("fault", ["wrong hash", "wrong size"])
def test_metadata_that_stay_wrong_make_it_unverified(account, new_item, target, fault):
    account.control.add_faults(fault)
    done = account.download(new_item("/a.heic", CONTENT), target)
    assert received(done, target) == CONTENT
    assert not done.verified
    assert account.control.count("download") == 2


def test_different_bytes_each_time_are_deferred(account, item, target):
    account.control.add_faults("different bytes each time")
    with pytest.raises(ItemDeferred) as caught:
        account.download(item, target)
    assert caught.value.reason == "ContentUnstable"


def test_a_web_page_in_place_of_a_document_is_deferred(account, item, target):
    account.control.add_faults("html instead")
    with pytest.raises(ItemDeferred) as caught:
        account.download(item, target)
    assert caught.value.reason == "PageInstead"


def test_a_web_page_that_is_the_document_is_delivered(account, new_item, target):
    page = b"<html><body>Invoice</body></html>"
    assert received(account.download(new_item("/invoice.html", page), target), target) == page


def test_malware_is_rejected_wherever_it_shows(account, item, target):
    account.control.add_faults("malware")
    for found in (item, dataclasses.replace(item, download_url=None)):
        with pytest.raises(ItemRejected) as caught:
            account.download(found, target)
        assert caught.value.reason == "Malware"
    account.control.remove_faults()
    account.control.facets("/Invoices/a.pdf", {"malware": {"description": "EICAR"}})
    with pytest.raises(ItemRejected):
        account.download(item, target)


def test_an_item_that_is_gone_is_gone(account, item, target):
    account.control.delete("/Invoices/a.pdf")
    for found in (item, dataclasses.replace(item, download_url=None)):
        with pytest.raises(ItemGone):
            account.download(found, target)
    assert get_item(account.graph, account.drive, item.id) is None


@pytest.mark.parametrize(("fault", "reason"), [("item refused", "AccessDenied"), ("item locked", "Locked")])
def test_one_item_that_is_closed_is_deferred(account, item, target, fault, reason):
    account.control.add_faults(fault)
    for found in (item, dataclasses.replace(item, download_url=None)):
        with pytest.raises(ItemDeferred) as caught:
            account.download(found, target)
        assert caught.value.reason == reason


@pytest.mark.parametrize("fault", ["download throttled", "download unavailable", "connection refused"])
def test_a_host_that_says_not_now_is_asked_again(account, item, target, fault):
    account.control.add_faults(fault)
    assert received(account.download(item, target), target) == CONTENT


def test_a_host_that_keeps_failing_defers_the_item(account, item, target):
    account.control.add_faults({"like": "download unavailable", "status": 500, "times": None})
    with pytest.raises(ItemDeferred) as caught:
        account.download(item, target)
    assert caught.value.reason == "DownloadFailed"


def test_a_host_that_throttles_beyond_the_deadline_ends_the_run(account, item, target):
    account.control.add_faults({"like": "download throttled", "times": None, "headers": {"Retry-After": "10000"}})
    graph = account.new_graph(deadline=account.clock.monotonic() + 60)
    with pytest.raises(Transient) as caught:
        download(graph, account.drive, item, target)
    assert caught.value.retry_after == pytest.approx(10000, abs=5)


def test_content_that_graph_sends_itself_is_taken(account, item, target):
    account.control.add_faults(
        {"name": "direct", "kinds": ["content"], "status": 200, "body": "body", "headers": {}, "times": None}
    )
    account.control.edit("/Invoices/a.pdf", b"body")
    done = account.download(dataclasses.replace(item, download_url=None), target)
    assert received(done, target) == b"body"


def test_sixteen_downloads_pause_as_one(account, tmp_path):
    control = account.control
    for number in range(80):
        control.create(f"/{number}.pdf", b"x" * 1000)
    items = list(account.walk().items.values())
    account.clock = SystemClock()
    graph, drive = account.new_graph(), account.drive
    control.add_faults(
        {"name": "takes its time", "kinds": ["download"], "times": None, "delay": 0.5},
        {"like": "download throttled", "skip": 20, "headers": {"Retry-After": "2"}},
    )
    control.reset_counters()
    # What an earlier test left standing still.
    others = control.counters()["mostDownloadsAtOnce"]
    start = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda item: download(graph, drive, item, tmp_path / item.id), items))
    assert all(one.verified for one in done)
    counters = control.counters()
    assert 8 <= counters["mostDownloadsAtOnce"] <= 16 + others
    assert counters["duringRetryAfter"] == 0
    assert control.count("download") - counters["statuses"]["429"] == 80
    assert time.monotonic() - start >= 2
    graph.close()


LEAKY = ["connection refused", "url expired", "item locked", "redirect to http", "html instead", "graph cut"]


@pytest.mark.parametrize("fault", LEAKY)
def test_no_error_names_the_document_or_its_url(account, new_item, target, fault):
    found = new_item("/Invoices/Canary Marie.pdf", CONTENT)
    account.control.add_faults({"like": fault, "times": None})
    for item in (found, dataclasses.replace(found, download_url=None)):
        try:
            account.download(item, target)
        except (ItemDeferred, Transient):
            text = traceback.format_exc()
            assert not any(word in text for word in ("tempauth", "sig=", "Canary", "EwB"))
    assert "Canary" not in repr(found)
    assert "tempauth" not in repr(found)


def test_a_large_file_takes_no_more_memory_than_a_small_one(account, new_item, target):
    item = new_item("/large.tif", generate=(1, 60_000_000))
    account.drive  # noqa: B018 - signed in before it is measured
    tracemalloc.start()
    done = account.download(item, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (done.size, done.verified) == (60_000_000, True)
    # The simulator runs in this process too.
    assert peak < 25_000_000
