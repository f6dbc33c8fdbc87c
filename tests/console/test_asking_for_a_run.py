"""Asking for a run at the console, and watching it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest

from bannette.resources.requests import on_demand_job_name
from tests.console.desk import NAME, Company, signed_in
from tests.console.test_channel_pages import condition, entry

pytestmark = pytest.mark.apiserver


@pytest.fixture
def asking(cluster) -> Company:
    return Company(cluster)


def test_a_run_is_confirmed_asked_for_and_watched_to_its_end(asking, browser):
    signed_in(browser, asking.token("runner"))
    confirm = browser.open(asking.url(page="/run"))
    assert confirm.heading == f"Collect {NAME} now?"
    assert "bannette.io/requestedAt" not in asking.get("collectionchannels", NAME)["metadata"].get("annotations", {})
    page = browser.send(confirm, number=-1)
    (request,) = parse_qs(urlsplit(page.url).query)["request"]
    channel = asking.get("collectionchannels", NAME)
    assert channel["metadata"]["annotations"]["bannette.io/requestedAt"] == request
    assert "Asked for." in page.text
    assert 'data-refresh="3"' in page.body

    job = on_demand_job_name(NAME, channel["metadata"]["uid"], request=request)
    held = condition("Ready", "True", "NotConnected", f"The request of {request} is held until then.")
    asking.says({"conditions": [held]})
    assert "Held." in browser.open(page.url).text
    asking.says({"conditions": [condition("Ready", "True", "Scheduled", "ok")], "lastHandledRequestedAt": request})
    active = {"id": "1", "trigger": "Manual", "job": job, "discovered": 12, "collected": 7}
    times = {"startedAt": "2026-11-24T10:00:00Z", "heartbeat": "2026-11-24T10:00:10Z"}
    asking.says({"activeRun": {**active, **times}})
    going = browser.open(page.url)
    assert "Acknowledged and begun." in going.text
    assert "12" in going.text
    ended = entry(9, trigger="Manual", request=request, job=job)
    asking.says({"activeRun": None, "lastRun": ended, "history": [ended]})
    done = browser.open(page.url)
    assert "Ended." in done.text
    assert "Message 9." in done.text
    assert "data-refresh" not in done.body


def test_a_request_that_nobody_acts_on_is_said_to_be_late(asking, browser):
    signed_in(browser, asking.token("runner"))
    page = browser.send(browser.open(asking.url(page="/run")), number=-1)
    assert "that takes a few seconds" in page.text
    page = browser.open(long_ago(page.url))
    assert "see whether the operator is at work" in page.text
    assert "data-refresh" in page.body
    (request,) = parse_qs(urlsplit(page.url).query)["request"]
    asking.says({"lastHandledRequestedAt": request})
    assert "Acknowledged and begun. Documents are being collected." in browser.open(page.url).text


def long_ago(address):
    """Return the address of a page that tells of a request, as if that had been sent a while ago."""
    parts = urlsplit(address)
    sent = (datetime.now(UTC) - timedelta(minutes=2)).isoformat(timespec="seconds")
    query = {name: value for name, (value,) in parse_qs(parts.query).items()} | {"sent": sent}
    return urlunsplit(parts._replace(query=urlencode(query)))


def test_a_later_request_is_said_to_have_taken_the_place_of_an_earlier_one(asking, browser):
    signed_in(browser, asking.token("runner"))
    first = browser.send(browser.open(asking.url(page="/run")), number=-1)
    browser.send(browser.open(asking.url(page="/run")), number=-1)
    page = browser.open(first.url)
    assert "A later request took the place of this one" in page.text
    assert "data-refresh" not in page.body


def test_whoever_may_only_look_asks_for_nothing(asking, browser):
    signed_in(browser, asking.token("viewer"))
    form = browser.open(asking.url()).parsed.forms[0].fields
    answer = browser.request("POST", f"https://connect.bannette.example{asking.url(page='/run')}", form)
    assert (answer.status, answer.heading) == (403, "You may not do that")
    assert "annotations" not in asking.get("collectionchannels", NAME)["metadata"]


@pytest.mark.parametrize("request_", ["", "x" * 200, "%00", "<b>x</b>"])
def test_a_request_that_was_never_made_is_told_plainly(asking, browser, request_):
    signed_in(browser, asking.token("viewer"))
    page = browser.open(asking.url(page=f"/run/progress?request={request_}"))
    assert page.status in (200, 400)
    assert "<b>x" not in page.body
