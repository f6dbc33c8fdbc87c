"""Creating a channel at the console: what is wrong is said at the fields, and saving leads on to the sign-in."""

from __future__ import annotations

import pytest

from tests.console.desk import Company, browser_at, signed_in
from tests.console.test_asking_for_a_run import long_ago

pytestmark = pytest.mark.apiserver

DELEGATED = {"name": "beta-onedrive", "login_hint": "beta@acme.example", "folder": "/Factures", "time": "05:30"}


@pytest.fixture(scope="module")
def firm(cluster) -> Company:
    return Company(cluster)


@pytest.fixture
def form(firm, browser):
    signed_in(browser, firm.token("configurator"))
    page = browser.open(f"/console/new?namespace={firm.namespace}")
    assert page.heading == "New channel"
    return page


def marked(page, field):
    """Return what is said at a field."""
    _, found, rest = page.body.partition(f'<strong class="wrong" id="{field}-wrong">')
    if not found:
        return ""
    text = rest.partition("</strong>")[0]
    return text.replace('<span lang="en">', "").replace("</span>", "")


def test_a_saved_channel_leads_on_to_its_consent_page(firm, browser, form):
    assert "Marie (marie)" in form.text
    assert "Acme &amp; Fils (purchases)" in form.body
    saved = browser.send(form, number=-1, **DELEGATED)
    assert saved.heading == "Connect beta@acme.example"
    assert "beta-onedrive is saved." in saved.text
    assert "is preparing the channel" in saved.text
    late = browser.open(long_ago(saved.url))
    assert "beta-onedrive is saved." in late.text
    assert "see whether the operator is at work" in late.text
    spec = firm.get("collectionchannels", "beta-onedrive")["spec"]
    assert spec["onedrive"]["account"] == {"delegated": {"loginHint": "beta@acme.example"}}
    assert (spec["recipient"], spec["destination"]) == ({"name": "marie"}, {"binder": "purchases"})
    assert spec["schedule"] == {"time": "05:30", "timeZone": "Europe/Paris"}
    firm.says(
        {"conditions": [{"type": "Connected", "status": "False", "reason": "NotSignedIn",
                         "lastTransitionTime": "2026-11-24T10:00:00Z"}]},
        "beta-onedrive",
    )  # fmt: skip
    ready = browser.open(saved.url)
    address = ready.url.partition("?")[0]
    link = browser.request("POST", address, ready.parsed.forms[-1].fields).headers["Location"]
    assert link.startswith(f"https://connect.bannette.example/c/{firm.namespace}/beta-onedrive?t=")
    assert link.endswith("&lang=en")
    # Its Secret is the operator's to make, with the right to it.
    firm.let_service_read_secrets()
    assert browser.open(link).heading == "Not ready yet"
    firm.delete("collectionchannels", "beta-onedrive")


def test_a_channel_of_an_application_and_a_new_recipient(firm, browser, form):
    page = browser.send(
        form,
        number=-1,
        name="app-onedrive",
        account="application",
        tenant="11111111-2222-3333-4444-555555555555",
        user="compta@acme.example",
        client="bannette",
        secret="acme-app",
        recipient="+",
        recipient_name="paul",
        display_name="Paul <Dupont>",
        email="paul@acme.example",
        locale="en",
        time="",
    )
    assert page.heading == "app-onedrive"
    spec = firm.get("collectionchannels", "app-onedrive")["spec"]
    assert spec["onedrive"]["account"]["application"]["credentialsSecret"] == {"name": "acme-app"}
    assert spec["recipient"] == {"name": "paul"}
    assert firm.get("recipients", "paul")["spec"]["displayName"] == "Paul <Dupont>"
    again = browser.open(f"/console/new?namespace={firm.namespace}")
    assert "Paul &lt;Dupont&gt; (paul)" in again.body
    firm.delete("collectionchannels", "app-onedrive")
    firm.delete("recipients", "paul")


@pytest.mark.parametrize(
    ("sent", "field", "told"),
    [
        ({"name": "Acme"}, "name", "Write at most 42 lower-case letters"),
        ({"name": "x" * 60}, "name", "Write at most 42 lower-case letters"),
        ({"name": ""}, "name", "Please fill this in."),
        ({"name": "acme-onedrive"}, "name", "There is one of this name already."),
        ({"login_hint": ""}, "login_hint", "Please fill this in."),
        ({"login_hint": "nobody"}, "login_hint", "Write one e-mail address"),
        ({"folder": "Factures"}, "folder", "Write the path from the top of the OneDrive"),
        ({"time": "5h30"}, "time", "Write hours and minutes, for example 05:30."),
        ({"zone": "Paris"}, "zone", "Write a time zone such as Europe/Paris"),
        ({"binder": ""}, "binder", "Please fill this in."),
        ({"binder": "No Binder"}, "binder", "write the metadata.name"),
        ({"account": "application"}, "tenant", "Please fill this in."),
        ({"account": "application", "tenant": "common", "user": "a@b.example", "client": "x", "secret": "s"},
         "tenant", "Write the directory (tenant) id"),
        ({"recipient": "+", "recipient_name": "zoe", "display_name": "Zoé"}, "email", "Please fill this in."),
        ({"recipient": "+", "recipient_name": "zoe", "email": "x", "display_name": "Z"}, "email", "Write one e-mail"),
        ({"recipient": "+", "recipient_name": "marie", "email": "m@a.example", "display_name": "M"},
         "recipient_name", "There is one of this name already."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(firm, browser, form, sent, field, told):
    sent = {**DELEGATED, **sent}
    before = firm.names("collectionchannels"), firm.names("recipients")
    page = browser.send(form, number=-1, **sent)
    assert page.status == 422
    assert told in marked(page, field), page.text
    assert "Invalid value" not in page.text
    assert 'aria-invalid="true"' in page.body
    assert (firm.names("collectionchannels"), firm.names("recipients")) == before
    # What was written is still there.
    assert page.parsed.forms[-1].fields["folder"] == sent["folder"]


def test_what_is_wrong_is_said_in_the_language_of_the_page_with_the_words_of_the_api_server(firm, browser, form):
    browser.open("/console/language?to=fr&next=/console/new")
    page = browser.send(form, number=-1, **{**DELEGATED, "time": "5h30"})
    assert marked(page, "time") == "Écrivez l’heure et les minutes, par exemple 05:30."
    _, _, after = page.body.partition('id="time-wrong"')
    assert '<span lang="en">write hours and minutes in 24-hour form' in after.partition("<input")[0]
    browser.open("/console/language?to=en&next=/console/new")


def test_names_with_markup_stay_text(firm, browser, form):
    page = browser.send(form, number=-1, **{**DELEGATED, "name": '"><script>alert(1)</script>', "folder": "<b>"})
    assert page.status == 422
    assert "<script>alert" not in page.body
    assert "<b>" not in page.body


def test_a_namespace_that_is_not_there_or_cannot_be_is_told(firm, browser, form):
    for namespace, status in (("no-such-namespace", 403), ("../x", 404), ("", 404)):
        answer = browser.send(form, number=-1, **{**DELEGATED, "namespace": namespace})
        assert answer.status == status, namespace
    assert browser.open("/console/new").heading == "New channel"


@pytest.mark.parametrize("person", ["viewer", "runner", "nobody"])
def test_whoever_may_not_configure_makes_nothing_and_gets_no_link(firm, cluster, port, person):
    browser = browser_at(cluster, port)
    page = signed_in(browser, firm.token(person))
    form = page.parsed.forms[0].fields["form"]
    sent = {**DELEGATED, "form": form, "namespace": firm.namespace, "recipient": "marie", "binder": "purchases"}
    origin = "https://connect.bannette.example"
    answer = browser.request("POST", f"{origin}/console/new", sent)
    assert (answer.status, answer.heading) == (403, "You may not do that")
    assert firm.names("collectionchannels") == ["acme-onedrive"]
    link = browser.request("POST", f"{origin}{firm.url(page='/connect')}", {"form": form})
    assert link.status == 403
    assert "/c/" not in (link.headers["Location"] or "")


def test_the_form_speaks_french(firm, cluster, port):
    browser = browser_at(cluster, port, language="fr")
    signed_in(browser, firm.token("configurator"))
    form = browser.open(f"/console/new?namespace={firm.namespace}")
    assert form.heading == "Nouveau canal"
    assert "À remplir." in browser.send(form, number=-1, name="x", login_hint="").text
