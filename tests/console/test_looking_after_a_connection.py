"""Checking a channel's connection at the console, and disconnecting its account."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.connect.office import PUBLIC
from tests.console.desk import NAME, Company, signed_in
from tests.console.test_asking_for_a_run import long_ago
from tests.console.test_channel_pages import condition

pytestmark = pytest.mark.apiserver

CONNECTED = {
    "conditions": [condition("Connected", "True", "SignedIn", "compta@acme.example has signed in.")],
    "connection": {"account": "compta@acme.example", "connectedAt": "2026-11-20T10:00:00Z"},
}


@pytest.fixture
def connected(cluster) -> Company:
    made = Company(cluster)
    made.says(CONNECTED)
    return made


def annotations(company):
    return company.get("collectionchannels", NAME)["metadata"].get("annotations", {})


def pressed(browser, company, action):
    """Press the button of a channel's page that asks for *action*."""
    page = browser.open(company.url())
    return browser.send(page, number=[form.action for form in page.parsed.forms].index(company.url(page=action)))


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("Connected", "The account can be read."),
        ("Lost", "The connection is lost"),
        ("Refused", "what the channel names can’t be read"),
        ("NotChecked", "It couldn’t be told now."),
    ],
)
def test_a_check_is_asked_for_and_its_outcome_shown(connected, browser, outcome, told):
    signed_in(browser, connected.token("runner"))
    page = pressed(browser, connected, "/check")
    assert "Microsoft is asked" in page.text
    (request,) = parse_qs(urlsplit(page.url).query)["request"]
    assert annotations(connected)["bannette.io/check-connection"] == request
    check = {"request": request, "startedAt": "2026-11-24T10:00:00Z", "outcome": outcome, "message": "Said <so>."}
    connected.says({"pages": {"check": check}})
    assert "data-refresh" in browser.open(page.url).body
    connected.says({"connection": {"lastHandledCheck": request, "checkedAt": "2026-11-24T10:00:03Z"}})
    done = browser.open(page.url)
    assert told in done.text
    assert ("Said &lt;so&gt;." in done.body) is (outcome != "Connected")
    assert "data-refresh" not in done.body
    assert "Last checked 24 Nov 2026, 11:00" in browser.open(connected.url()).text


@pytest.mark.parametrize("action", ["check", "disconnect"])
def test_what_nobody_acts_on_is_said_to_be_late(connected, browser, action):
    signed_in(browser, connected.token("configurator"))
    if action == "check":
        page = pressed(browser, connected, "/check")
    else:
        page = browser.send(browser.open(connected.url(page="/disconnect")), number=-1)
    assert "this takes a few seconds" in page.text
    late = browser.open(long_ago(page.url))
    assert "see whether the operator is at work" in late.text
    assert "data-refresh" in late.body


def test_a_later_check_takes_the_place_of_an_earlier_one(connected, browser):
    signed_in(browser, connected.token("runner"))
    first = pressed(browser, connected, "/check")
    pressed(browser, connected, "/check")
    assert "A later request took the place of this one." in browser.open(first.url).text


def test_an_account_is_disconnected_after_a_confirmation(connected, browser):
    signed_in(browser, connected.token("configurator"))
    confirm = browser.open(next(link for link in browser.open(connected.url()).parsed.links if "/disconnect" in link))
    assert confirm.heading == "Disconnect compta@acme.example?"
    assert annotations(connected) == {}
    page = browser.send(confirm, number=-1)
    (request,) = parse_qs(urlsplit(page.url).query)["request"]
    assert annotations(connected) == {"bannette.io/disconnect": request}
    assert "are being removed" in page.text
    connected.says({"connection": {"lastHandledDisconnect": request}})
    done = browser.open(page.url)
    assert "The account is disconnected" in done.text
    assert "data-refresh" not in done.body


def test_an_account_that_was_disconnected_is_not_shown_as_connected(connected, browser):
    signed_in(browser, connected.token("configurator"))
    page = browser.open(connected.url())
    assert "Connected 20 Nov 2026, 11:00" in page.text
    assert connected.url(page="/disconnect") in page.parsed.links
    connected.says({"conditions": [condition("Connected", "False", "NotSignedIn", "compta@acme.example isn't …")]})
    page = browser.open(connected.url())
    assert "Connected 20 Nov" not in page.text
    assert connected.url(page="/disconnect") not in page.parsed.links


@pytest.mark.parametrize(("person", "check", "disconnect"), [("viewer", 403, 403), ("runner", 303, 403)])
def test_who_may_check_and_who_may_disconnect(connected, browser, person, check, disconnect):
    signed_in(browser, connected.token(person))
    page = browser.open(connected.url())
    form = page.parsed.forms[0].fields
    assert connected.url(page="/disconnect") not in page.parsed.links
    for action, status in (("/check", check), ("/disconnect", disconnect)):
        assert browser.request("POST", f"{PUBLIC}{connected.url(page=action)}", form).status == status
        assert (f'action="{connected.url(page=action)}"' in page.body) is (status == 303)
    assert "bannette.io/disconnect" not in annotations(connected)


def test_there_is_nothing_to_disconnect_where_an_application_signs_in(cluster, browser):
    company = Company(cluster, channel=False)
    account = {
        "tenantId": "acme.example",
        "user": "a@acme.example",
        "clientId": "x",
        "credentialsSecret": {"name": "s"},
    }
    company.channel(onedrive={"account": {"application": account}})
    signed_in(browser, company.token("configurator"))
    page = browser.open(company.url())
    assert page.status == 200
    assert not [link for link in page.parsed.links if link.endswith(("/disconnect", "/connect"))]
    for action in ("/disconnect", "/connect"):
        assert browser.open(company.url(page=action)).status == 404
