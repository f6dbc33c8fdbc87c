"""Links and forms that aren't what they should be: a plain page each, nothing kept, nothing told."""

from __future__ import annotations

import base64

import pytest

from bannette.connect import Keys
from bannette.kube import ClusterApi
from tests.connect.office import NAME, PUBLIC, SECRET, browser_of, serving

pytestmark = pytest.mark.apiserver


def tampered(link):
    """Return *link* for another day, with the signature of this one."""
    page, _, token = link.partition("?t=")
    payload, _, mac = token.partition(".")
    said = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    longer = base64.urlsafe_b64encode(said.replace(b'"expires":', b'"expires":9')).decode().rstrip("=")
    return f"{page}?t={longer}.{mac}"


def forged(link):
    """Return *link* as somebody would sign it who has another key."""
    page, _, _ = link.partition("?t=")
    token = Keys({"2026-11-01": b"x" * 32}).seal("link", {"channel": "u", "expires": 9999999999})
    return f"{page}?t={token}"


def cut(link):
    return link[:-5]


@pytest.mark.parametrize("spoil", [tampered, forged, cut])
def test_a_link_that_was_not_signed_here_opens_nothing(office, browser, spoil):
    office.open()
    page = browser.open(spoil(office.link()))
    assert (page.status, page.heading) == (403, "This link isn’t valid")
    assert "Acme" not in page.body
    assert office.simulator.user not in page.body


def test_a_link_that_was_not_signed_here_is_not_worth_a_request(office):
    """Whoever guesses names of namespaces learns nothing, and costs the API server nothing."""
    office.open()
    link = forged(office.link())
    with serving(office, api=office.api("https://127.0.0.1:1")) as port:
        assert browser_of(office, port).open(link).status == 403


def test_an_expired_link_says_so(office, browser):
    office.open()
    page = browser.open(office.link(days=-0.001))
    assert (page.status, page.heading) == (410, "This link has expired")


@pytest.mark.parametrize("how", ["another channel's", "the channel is gone", "no such namespace", "no name at all"])
def test_a_link_that_leads_to_no_channel_of_its_own_says_the_same(office, browser, how):
    office.open()
    link = office.link(uid="00000000-0000-0000-0000-000000000000" if how == "another channel's" else None)
    if how == "the channel is gone":
        office.delete("collectionchannels", NAME)
    if how == "no such namespace":
        link = link.replace("/c/acme/", "/c/other/")
    if how == "no name at all":
        link = link.replace("/c/acme/", "/c/%2e%2e/")
    page = browser.open(link)
    assert (page.status, page.heading) == (404, "This link leads nowhere any more")
    assert "Acme" not in page.body
    assert not any("t=" in link for link in page.parsed.links), "a button that leads to the same page"


def test_keys_change_with_an_overlap(office, browser):
    office.open()
    before = office.link()
    office.add_key("2026-12-01")
    after = office.link()
    assert browser.open(before).status == browser.open(after).status == 200
    (office.keys / "2026-11-01").unlink()
    assert browser.open(before).heading == "This link isn’t valid"
    assert browser.open(after).status == 200


def test_an_application_account_has_nothing_to_connect(office, browser):
    office.open()
    office.delete("collectionchannels", NAME)
    office.create_channel(
        {
            "application": {
                "tenantId": office.simulator.tenant_id,
                "user": office.simulator.user,
                "clientId": "x",
                "credentialsSecret": {"name": "x"},
            }
        }
    )
    assert (page := browser.open(office.link())).status == 409
    assert page.heading == "Nothing is to be connected"


def test_without_its_secret_a_channel_is_not_ready_yet(office, browser):
    office.open()
    link = office.link()
    office.delete("secrets", SECRET)
    page = browser.open(link)
    assert (page.status, page.heading) == (503, "Not ready yet")
    assert int(page.headers["Retry-After"]) > 0
    # That of an earlier channel of this name, which the garbage collector is about to remove.
    office.create_secret(SECRET, owner="11111111-0000-0000-0000-000000000000")
    assert browser.open(link).heading == "Not ready yet"


def test_without_binder_and_recipient_the_page_is_there_all_the_same(office, browser):
    office.open(locale="fr")
    office.delete("binders", "purchases")
    office.delete("recipients", "marie")
    page = browser.open(office.link())
    assert (page.status, page.headers["Content-Language"]) == (200, "en")
    assert "acme asks to collect" in page.heading


def test_while_the_api_server_is_away_pages_say_when_to_come_back(office):
    office.open()
    link = office.link()
    with serving(office, api=office.api("https://127.0.0.1:1")) as port:
        page = browser_of(office, port, language="fr").open(link)
    assert (page.status, page.heading) == (503, "Indisponible pour le moment")
    assert int(page.headers["Retry-After"]) > 0


def test_an_error_that_nobody_foresaw_has_its_page_and_tells_nothing(office, capfd):
    office.open()
    link = office.link()

    def broken(_):
        raise RuntimeError("canary")

    away = ClusterApi("https://127.0.0.1:1", namespace="default", attempts=2, sleep=broken)
    with serving(office, api=away) as port:
        page = browser_of(office, port).open(link)
    assert (page.status, page.heading) == (500, "Something went wrong")
    assert page.policy("default-src") == ["'none'"]
    assert "canary" not in page.body
    assert "canary" not in "".join(capfd.readouterr())


# Forms


@pytest.mark.parametrize(
    "how", ["no cookie", "another browser's", "no field", "another channel's", "from another site"]
)
def test_only_the_pages_own_form_of_this_browser_begins_anything(office, browser, how):
    office.open(locale="en")
    link = office.link()
    page = browser.open(link)
    form, headers = page.parsed.forms[0].fields, {}
    if how == "no cookie":
        browser.cookies.clear()
    if how == "another browser's":
        browser.cookies["__Host-visitor"] = "x" * 32
    if how == "no field":
        del form["form"]
    if how == "another channel's":
        # A form is made for a channel's uid: that of a link of another channel doesn't fit.
        form["t"] = office.link(uid="00000000-0000-0000-0000-000000000000").partition("?t=")[2]
    if how == "from another site":
        headers = {"Sec-Fetch-Site": "cross-site"}
    answer = browser.request("POST", f"{PUBLIC}/c/acme/{NAME}/visit", form, headers)
    assert (answer.status, answer.heading) == (403, "Please try once more")
    assert office.pending == {}


def test_a_foreign_form_disconnects_nobody(office, browser):
    office.open()
    browser.send(browser.open(office.link()))
    token = office.link().partition("?t=")[2]
    answer = browser.request("POST", f"{PUBLIC}/c/acme/{NAME}/disconnect", {"t": token})
    assert answer.status == 403
    assert office.connection is not None


def test_bodies_that_are_no_form_of_ours_are_refused(office, browser):
    office.open()
    url = f"{PUBLIC}/c/acme/{NAME}/visit"
    assert browser.request("POST", url, {"t": "x" * 9000}).status == 413
    assert browser.request("POST", url, {str(number): "x" for number in range(30)}).status == 400
    assert browser.request("POST", url, {}, {"Content-Type": "application/json"}).status == 400


def test_no_address_leads_elsewhere(office, browser):
    office.open()
    token = office.link().partition("?t=")[2]
    for address in (
        f"/c/acme/{NAME}//evil.example?t={token}",
        f"//evil.example/c/acme/{NAME}?t={token}",
        f"/c/acme/{NAME}?t={token}&lang=//evil.example&next=https://evil.example",
        "/callback?state=x&redirect_uri=https://evil.example",
    ):
        answer = browser.request("GET", PUBLIC + address)
        assert answer.headers["Location"] is None
        assert not any("evil" in link for link in answer.parsed.links)


def test_no_address_leads_to_plain_http(office, browser):
    """What ends https before the service hands everything on by http, and a redirect would repeat that."""
    office.open(locale="en")
    token = office.link().partition("?t=")[2]
    for method, path in (
        ("GET", f"/callback/?code={token}"),
        ("POST", f"/c/acme/{NAME}/visit/"),
        ("GET", "/.well-known/bannette-address/"),
        ("GET", f"/c/acme/{NAME}/disconnect/?t={token}"),
    ):
        answer = browser.request(method, PUBLIC + path)
        assert (answer.status, answer.headers["Location"]) == (404, None), path
    shown = browser.open(f"{PUBLIC}/c/acme/{NAME}/?t={token}")
    assert (shown.status, shown.heading) == (200, "Acme &amp; Fils asks to collect documents from your OneDrive")
    assert browser.send(shown).heading == "Your OneDrive is connected"
    assert browser.open(f"{PUBLIC}/c/acme/{NAME}/").heading == "The link is in your mail"


def test_another_host_is_not_served(office, browser):
    office.open()
    link = office.link()
    assert browser.request("GET", link, headers={"Host": "evil.example"}).status == 421
    assert browser.request("GET", f"{PUBLIC}/healthz", headers={"Host": "10.0.0.1:8080"}).status == 200
    assert browser.request("GET", f"{PUBLIC}/readyz", headers={"Host": "10.0.0.1:8080"}).status == 200


def test_without_keys_the_service_is_not_ready(office, browser):
    (office.keys / "2026-11-01").unlink()
    assert browser.request("GET", f"{PUBLIC}/readyz").status == 503
    assert browser.request("GET", f"{PUBLIC}/healthz").status == 200
