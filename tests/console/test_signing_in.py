"""Signing in by a token: what is kept where, how it ends, and who is let in."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bannette.console.sessions import LONGEST, new_session, session_in
from bannette.web.sealing import Keys
from tests.connect.office import wait_until
from tests.console.desk import browser_at, serving, signed_in
from tests.controller.cluster import eventually

pytestmark = pytest.mark.apiserver

DOCS = Path(__file__).parents[2] / "docs" / "console.md"
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
KEYS = Keys({"1": b"a" * 32, "2": b"b" * 32})


def jwt(**claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{payload}.c2ln"


def test_whoever_has_a_token_sees_their_channels_and_signs_out(company, browser):
    asked = browser.open("/console/")
    assert (asked.status, asked.heading) == (200, "Sign in to the console")
    page = browser.send(asked, token=company.token("viewer"))
    assert (page.status, page.heading) == (200, "Channels")
    assert "system:serviceaccount" in page.text
    wait_until(lambda: "acme-onedrive" in browser.open("/console/channels").text, "the channel is listed")
    assert "__Host-console" in browser.cookies
    out = browser.send(page, number=[form.action for form in page.parsed.forms].index("/console/sign-out"))
    assert out.heading == "Sign in to the console"
    assert "__Host-console" not in browser.cookies
    assert browser.open(company.url()).heading == "Sign in to the console"


def test_a_token_that_was_made_as_the_page_says_lets_in(company, browser, cluster):
    token = ""
    for command in (line for line in DOCS.read_text().splitlines() if line.startswith("kubectl create ")):
        words = command.replace("NAMESPACE", company.namespace).replace("NAME", "nina").split()
        token = cluster.server.kubectl(*words[1:])
    signed_in(browser, token)
    wait_until(lambda: browser.open(company.url()).heading == "acme-onedrive", "the right is there")
    with_expiry = new_session("nina", token.strip(), now=datetime.now(UTC))
    assert timedelta(hours=7) < with_expiry.expires - datetime.now(UTC) <= LONGEST


def test_a_page_that_was_asked_for_is_shown_after_the_sign_in(company, browser):
    asked = browser.open(company.url(page="/history?result=Failed"))
    page = browser.send(asked, token=f"  Bearer {company.token('viewer')}\n")
    assert page.url.endswith("/history?result=Failed")
    assert page.heading == "History"


@pytest.mark.parametrize("token", ["", "no token", "x" * 20000, jwt(sub="system:masters"), "é", "a\r\nX: y"])
def test_what_is_no_token_of_the_cluster_lets_nobody_in(browser, token):
    page = browser.send(browser.open("/console/"), token=token)
    assert page.status == 403
    assert page.heading == "Sign in to the console"
    assert "__Host-console" not in browser.cookies


def test_the_token_is_in_no_page_no_address_no_log_and_no_readable_cookie(company, browser, caplog):
    caplog.set_level(logging.DEBUG)
    token = company.token("configurator")
    signed_in(browser, token)
    for page in (company.url(), company.url(page="/run"), f"/console/new?namespace={company.namespace}"):
        assert browser.open(page).status == 200
    payload = token.split(".")[1]
    for page in browser.seen:
        assert payload not in page.body
        assert payload not in page.url
        assert payload not in (page.headers["Location"] or "")
    assert "console.sign-in" in caplog.text
    assert payload not in caplog.text
    kept = "".join(browser.cookies.values())
    assert payload not in kept
    assert payload.encode() not in base64.urlsafe_b64decode(kept.split(".")[-1] + "==")


def test_a_token_that_the_cluster_no_longer_takes_ends_the_session_politely(company, browser, cluster):
    cluster.server.kubectl("-n", company.namespace, "create", "serviceaccount", "leaver")
    token = cluster.service_account_token(company.namespace, "leaver")
    signed_in(browser, token)
    cluster.server.kubectl("-n", company.namespace, "delete", "serviceaccount", "leaver")

    def signed_out():
        page = browser.open(company.url())
        return page if page.heading == "Sign in to the console" else None

    page = eventually(signed_out, "the token isn't taken any more", seconds=90, every=0.5)
    assert "You were signed out" in page.text
    assert "__Host-console" not in browser.cookies


def test_sessions_survive_replicas_and_new_keys_and_end_politely_with_theirs(company, cluster, api, keys, tmp_path):
    folder = tmp_path / "keys"
    shutil.copytree(keys, folder)
    with serving(api, folder) as first, serving(api, folder) as second:
        browser = browser_at(cluster, first, second)
        signed_in(browser, company.token("viewer"))
        for _ in range(4):
            assert browser.open(company.url()).status == 200
        (folder / "2026-12-01").write_text(secrets.token_hex(32))
        assert browser.open(company.url()).heading == "acme-onedrive"
        for old in folder.glob("2026-11-*"):
            old.unlink()
        page = browser.open(company.url())
    assert page.heading == "Sign in to the console"
    assert "You were signed out" in page.text


def test_a_session_ends_when_its_token_does_and_after_eight_hours_at_most():
    soon, late = NOW + timedelta(hours=1), NOW + timedelta(days=30)
    for token, ends in [
        (jwt(exp=soon.timestamp()), soon),
        (jwt(exp=late.timestamp()), NOW + LONGEST),
        ("opaque", NOW + LONGEST),
        (jwt(exp="never"), NOW + LONGEST),
        ("a.%%%.c", NOW + LONGEST),
    ]:
        session = new_session("marie", token, now=NOW)
        assert session.expires == ends
        cookies = session.cookies(KEYS)
        assert session_in(cookies, KEYS, now=ends - timedelta(seconds=1)) == session
        assert session_in(cookies, KEYS, now=ends) is None


def test_a_long_token_takes_several_cookies_and_a_changed_one_opens_nothing():
    token = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789-_") for _ in range(9000))
    session = new_session("marie", token, now=NOW)
    cookies = session.cookies(KEYS)
    assert len(cookies) == 3
    assert all(len(part) < 4000 for part in cookies.values())
    assert session_in(cookies, KEYS, now=NOW) == session
    assert session_in({**cookies, "__Host-console-1": ""}, KEYS, now=NOW) is None
    assert session_in({**cookies, "__Host-console": "x" + cookies["__Host-console"]}, KEYS, now=NOW) is None
    assert session_in(cookies, Keys({"1": b"a" * 32}), now=NOW) is None


@pytest.mark.parametrize(
    "following",
    ["https://evil.example/", "//evil.example", "/console\\evil", "/c/acme/x", "/consolex", "/console/\r\nX: y", "é"],
)
def test_no_address_leads_away_from_the_console(company, browser, following):
    asked = browser.open("/console/sign-in")
    page = browser.send(asked, token=company.token("viewer"), next=following)
    assert page.url.endswith("/console/channels")
    away = browser.request("GET", "https://connect.bannette.example/console/language?to=fr&next=https://evil.example/")
    assert away.headers["Location"] == "/console/channels"


def test_both_languages_and_the_choice_of_one_is_kept(company, cluster, port):
    browser = browser_at(cluster, port, language="fr-FR")
    page = signed_in(browser, company.token("viewer"))
    assert (page.heading, page.headers["Content-Language"]) == ("Canaux", "fr")
    english = browser.open(next(link for link in page.parsed.links if "/console/language" in link))
    assert english.heading == "Channels"
    assert browser.open(company.url(page="/history")).heading == "History"


def test_a_form_of_another_page_another_browser_or_another_person_does_nothing(company, cluster, port, browser):
    url = f"https://connect.bannette.example{company.url(page='/run')}"
    signed_in(browser, company.token("runner"))
    own = browser.open(company.url(page="/run")).parsed.forms[-1].fields
    other = browser_at(cluster, port)
    signed_in(other, company.token("viewer"))
    foreign = other.open(company.url()).parsed.forms[0].fields
    for fields, headers in [
        ({}, {}),
        ({"form": "x"}, {}),
        ({"form": foreign["form"]}, {}),
        (own, {"Sec-Fetch-Site": "cross-site"}),
        (own, {"Sec-Fetch-Site": "same-site"}),
    ]:
        answer = browser.request("POST", url, fields, headers)
        assert answer.status == 403
        assert answer.heading == "Please do that once more"
    channel = company.get("collectionchannels", "acme-onedrive")
    assert "bannette.io/requestedAt" not in channel["metadata"].get("annotations", {})
