"""Where content is fetched from: signed URLs that run out, redirects, and who may see what."""

from __future__ import annotations

import socket

import pytest

DOCUMENTS = {"/Invoices/a.pdf": b"alpha" * 400, "/Invoices/b.pdf": b"bravo" * 400, "/Invoices/c.pdf": b"charlie" * 400}


@pytest.fixture
def drive(simulator):
    """An account with three documents in the watched folder."""
    for path, content in DOCUMENTS.items():
        simulator.control.create(path, content)
    simulator.control.reset_counters()
    return simulator.control


@pytest.fixture
def trap():
    """A port of this machine at which nobody shall call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener.getsockname()[1]
        with pytest.raises(BlockingIOError):
            listener.accept()


def assert_all_collected(channel):
    got = {f"{record.folder}/{record.name}": channel.original(record) for record in channel.records()}
    assert got == DOCUMENTS
    assert all(record.verified for record in channel.records())


def assert_collected_next_time(channel, drive):
    drive.remove_faults()
    assert channel.collect().counts("result", "deferred") == ("Succeeded", 0)
    assert_all_collected(channel)
    assert drive.counters()["authorizationAtDownload"] == 0


@pytest.mark.behaviour(50)
@pytest.mark.parametrize("everywhere", [False, True], ids=["of the item", "of all"])
def test_without_a_url_in_the_feed_the_content_is_asked_for(channel, collect, drive, everywhere):
    drive.add_faults({"like": "no download url"} if everywhere else {"like": "no download url", "item": "*/a.pdf"})
    assert collect().counts("result", "collected") == ("Succeeded", 3)
    assert_all_collected(channel)
    assert (drive.count("content"), drive.count("download")) == (3 if everywhere else 1, 3)


EXPIRED = ["url expired", "url expired 403", "url expired 404", "url expired 410"]


@pytest.mark.behaviour(51)
@pytest.mark.parametrize("fault", EXPIRED)
def test_a_url_that_has_run_out_is_replaced_once(channel, collect, drive, fault):
    drive.add_faults({"like": fault, "item": "*/a.pdf"})
    assert collect().counts("result", "collected") == ("Succeeded", 3)
    assert_all_collected(channel)
    assert (drive.count("content"), drive.count("download")) == (1, 4)


@pytest.mark.behaviour(51)
def test_urls_that_all_ran_out_during_the_walk_are_replaced(channel, collect, drive):
    drive.settings(url_seconds=0)
    ended = collect()
    assert ended.counts("collected", "deferred") == (0, 3)
    assert (drive.count("content"), drive.count("download")) == (3, 6)
    drive.settings(url_seconds=3600)
    assert_collected_next_time(channel, drive)


@pytest.mark.behaviour(51)
@pytest.mark.parametrize("fault", EXPIRED)
def test_a_url_that_is_refused_for_ever_puts_its_document_off(channel, collect, drive, fault):
    drive.add_faults({"like": fault, "times": None, "item": "*/a.pdf"})
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 2, 1)
    assert (drive.count("content"), drive.count("download")) == (1, 4)
    (put_off,) = channel.report(ended)["deferredItems"]
    assert put_off["reason"] in {"AccessDenied", "DownloadRefused"}
    assert_collected_next_time(channel, drive)


@pytest.mark.behaviour(52)
def test_a_chain_of_redirects_is_followed_without_the_token(channel, collect, drive):
    drive.add_faults({"like": "download redirected", "times": 5, "item": "*/a.pdf"})
    assert collect().counts("result", "collected") == ("Succeeded", 3)
    assert_all_collected(channel)
    assert drive.counters()["authorizationAtDownload"] == 0


@pytest.mark.behaviour(52)
def test_redirects_without_end_put_the_document_off(channel, collect, drive):
    drive.add_faults({"like": "download redirected", "times": None, "item": "*/a.pdf"})
    ended = collect()
    assert ended.counts("collected", "deferred") == (2, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "TooManyRedirects"
    assert drive.count("download") == 6 + 2
    assert_collected_next_time(channel, drive)


PLACES = {
    "another host": "https://files.attacker.example/document?sig=1",
    "a host that ends like an allowed one": "https://acme-my.sharepoint.com.attacker.example/document",
    "http": "http://acme-my.sharepoint.com/document?sig=1",
    "http on this machine": "http://127.0.0.1:{trap}/document",
    "this machine": "https://127.0.0.1:{trap}/document",
    "this machine by name": "https://localhost:{trap}/document",
    "this machine, IPv6": "https://[::1]:{trap}/document",
    "the cloud's metadata": "https://169.254.169.254/latest/meta-data",
    "a private network": "https://10.0.0.1/document",
    "a password": "https://somebody:secret@acme-my.sharepoint.com/document",
    "a file": "file:///etc/passwd",
    "nowhere": "https://",
    "this machine, disguised": "https://127.0.0.1\\.sharepoint.com/document",
}


@pytest.mark.behaviour(52)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("by", ["content", "download"])
def test_a_redirect_to_anywhere_else_is_refused(channel, collect, drive, trap, by, place):
    location = PLACES[place].replace("{trap}", str(trap))
    if by == "content":
        drive.add_faults(
            {"like": "no download url", "item": "*/a.pdf"},
            {"like": "redirect to http", "item": "*/a.pdf", "location": location},
        )
    else:
        row = {"like": "download redirected", "times": None, "item": "*/a.pdf", "headers": {"Location": location}}
        drive.add_faults(row)
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 2, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "DownloadHostRefused"
    assert_collected_next_time(channel, drive)


@pytest.mark.behaviour(52)
@pytest.mark.parametrize("name", ["a" * 64, ".", "nobody-is-here-" + "a" * 40])
def test_a_redirect_to_a_host_that_can_not_be_puts_the_document_off(channel, collect, hasty, drive, name):
    location = f"https://{name}.sharepoint.com/document"
    row = {"like": "download redirected", "times": None, "item": "*/a.pdf", "headers": {"Location": location}}
    drive.add_faults(row)
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 2, 1)
    assert_collected_next_time(channel, drive)


@pytest.mark.behaviour(52)
def test_a_url_in_the_feed_to_anywhere_else_is_not_followed(channel, collect, drive, trap):
    url = f"https://127.0.0.1:{trap}/document?sig=1"
    drive.add_faults(
        {"name": "foreign", "kinds": ["delta", "children"], "times": None, "set": {"@microsoft.graph.downloadUrl": url}}
    )
    assert collect().counts("result", "collected") == ("Succeeded", 3)
    assert_all_collected(channel)
    assert drive.count("content") == 3


@pytest.mark.behaviour(53)
@pytest.mark.parametrize("fault", [None, "no download url", "download redirected"])
def test_a_signed_url_is_sent_byte_for_byte(channel, collect, drive, fault):
    drive.settings(odd_escapes=True)
    if fault is not None:
        drive.add_faults(fault)
    assert collect().counts("result", "collected") == ("Succeeded", 3)
    assert_all_collected(channel)
    assert "401" not in drive.counters()["statuses"]


@pytest.mark.behaviour(54)
@pytest.mark.parametrize("fault", [None, "no download url", "url expired", "connection cut", "download redirected"])
def test_content_hosts_see_no_authorization(channel, drive, tmp_path, fault):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    if fault is not None:
        drive.add_faults(fault)
    ended = channel.command_ends(environment={"NETRC": str(netrc)})
    assert ended.counts("result", "collected") == ("Succeeded", 3)
    assert_all_collected(channel)
    counters = drive.counters()
    assert (counters["authorizationAtDownload"], counters["withoutUserAgent"]) == (0, 0)
