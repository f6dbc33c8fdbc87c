"""A company's people at the console, in a real browser."""

from __future__ import annotations

import pytest

from bannette.console.rendering import WORDS as TEXTS
from bannette.resources.requests import on_demand_job_name
from tests.browser.person import WINDOWS, Person
from tests.connect.office import PUBLIC, wait_until
from tests.console.conftest import api as api  # the fixtures
from tests.console.conftest import cluster as cluster
from tests.console.conftest import keys as keys
from tests.console.conftest import port as port
from tests.console.desk import NAME, Company, browser_at, signed_in
from tests.console.test_channel_pages import LOST, RUNS, condition, entry

pytestmark = pytest.mark.apiserver

WORDS = {
    "en": {
        "sign_in": "Sign in", "channels": "Channels", "history": "All runs, and filters", "run": "Collect now",
        "new": "New channel", "save": "Save the channel",
    },
    "fr": {
        "sign_in": "Se connecter", "channels": "Canaux", "history": "Toutes les collectes, avec filtres",
        "run": "Collecter maintenant", "new": "Nouveau canal", "save": "Enregistrer le canal",
    },
}  # fmt: skip


BOTH = pytest.mark.parametrize("locale", ["en", "fr"])


@pytest.fixture(scope="module")
def firm(cluster, port) -> Company:
    """A company with a channel that needs a person, one that is well, and one that is suspended."""
    made = Company(cluster)
    made.says({"conditions": [LOST], "history": RUNS, "lastRun": RUNS[0]})
    made.channel("beta", login_hint="beta@acme.example")
    ready = condition("Ready", "True", "Scheduled", "It is collected every day at 05:30 (Europe/Paris).")
    made.says({"conditions": [ready], "lastRun": RUNS[1], "history": RUNS[1:]}, "beta")
    made.channel("gamma", suspend=True)
    # The list hears of channels a moment later.
    browser = browser_at(cluster, port)
    signed_in(browser, made.token("viewer"))
    wait_until(lambda: made.url("gamma") in browser.open("/console/channels").body, "all channels are listed")
    return made


@pytest.fixture
def console(front, port, new_person):
    """Opens a window at the console's sign-in."""
    front.behind = [port]

    def open_console(firm: Company, role: str, **options: object) -> Person:
        person: Person = new_person(**options)
        person.allowed = frozenset()
        person.open(f"{PUBLIC}/console/")
        person.page.locator("[name=token]").fill(firm.token(role))
        return person

    return open_console


@pytest.mark.parametrize(("locale", "scheme"), [("en", "light"), ("fr", "dark")])
def test_every_page_can_be_read_by_everybody(firm, console, locale, scheme):
    words, suffix = WORDS[locale], f"{locale}.{scheme}"
    person = console(firm, "configurator", locale=locale, color_scheme=scheme)
    person.look(f"console-sign-in.{suffix}")
    person.press(words["sign_in"])
    assert person.heading == words["channels"]
    person.look(f"console-channels.{suffix}")
    person.press(NAME)
    person.look(f"console-channel.{suffix}")
    person.press(words["history"])
    person.look(f"console-history.{suffix}")
    person.open(f"{PUBLIC}{firm.url(page='/run')}")
    person.look(f"console-run.{suffix}")
    person.open(f"{PUBLIC}/console/new?namespace={firm.namespace}")
    person.look(f"console-new.{suffix}")
    person.page.locator("[name=name]").fill("Acme")
    person.press(words["save"])
    person.look(f"console-new-wrong.{suffix}")
    person.open(f"{PUBLIC}/console/nothing")
    person.look(f"console-no-page.{suffix}")
    person.open(f"{PUBLIC}{firm.url(page='/connect')}")
    person.look(f"console-connect.{suffix}")


@pytest.mark.parametrize(("locale", "said"), [("en", ': "'), ("fr", '\N{NO-BREAK SPACE}: "')])
def test_on_a_phone_labels_are_punctuated_as_the_language_has_it(firm, console, locale, said):
    person = console(firm, "viewer", locale=locale)
    person.page.set_viewport_size(WINDOWS["phone"])
    person.press(WORDS[locale]["sign_in"])
    person.open(f"{PUBLIC}{firm.url(page='/history')}")
    label = person.page.locator("td[data-label]").first
    content = label.evaluate("it => getComputedStyle(it, '::before').content")
    assert content.endswith(said), content


@BOTH
def test_a_channel_is_created_by_keyboard_and_leads_on_to_the_sign_in(firm, console, locale):
    texts = TEXTS[locale]
    person = console(firm, "configurator", locale=locale)
    person.press_enter()
    person.tab_to(WORDS[locale]["new"])
    person.press_enter()
    if "namespace=" not in person.page.url:
        person.open(f"{PUBLIC}/console/new?namespace={firm.namespace}")
    for name, value in {"name": "delta", "login_hint": "delta@acme.example", "folder": "/Factures"}.items():
        person.page.locator(f"[name={name}]").focus()
        person.page.keyboard.type(value) if name != "folder" else person.page.locator("[name=folder]").fill(value)
    person.page.locator("[name=time]").focus()
    person.press_enter()
    assert person.heading == texts["connect_heading"].format(account="delta@acme.example")
    person.look(f"console-saved.{locale}.light")
    account = firm.get("collectionchannels", "delta")["spec"]["onedrive"]["account"]
    assert account == {"delegated": {"loginHint": "delta@acme.example"}}
    firm.delete("collectionchannels", "delta")


@BOTH
def test_a_run_is_asked_for_and_its_page_looks_again_by_itself(firm, console, locale):
    texts = TEXTS[locale]
    person = console(firm, "runner", locale=locale)
    person.press(WORDS[locale]["sign_in"])
    person.open(f"{PUBLIC}{firm.url('beta', page='/run')}")
    person.press(texts["run_yes"])
    assert texts["stage_asked"] in person.text
    person.look(f"console-run-asked.{locale}.light")
    channel = firm.get("collectionchannels", "beta")
    request = channel["metadata"]["annotations"]["bannette.io/requestedAt"]
    held = condition("Ready", "False", "NotConnected", f"Nobody has signed in: the request of {request} waits.")
    firm.says({"conditions": [held]}, "beta")
    person.page.get_by_text(texts["stage_held"]).wait_for()
    person.look(f"console-run-held.{locale}.light")
    firm.says({"conditions": channel["status"]["conditions"]}, "beta")
    job = on_demand_job_name("beta", channel["metadata"]["uid"], request=request)
    active = {"id": "1", "trigger": "Manual", "job": job, "discovered": 12, "collected": 7}
    times = {"startedAt": "2026-11-24T10:00:00Z", "heartbeat": "2026-11-24T10:00:10Z"}
    firm.says({"lastHandledRequestedAt": request, "activeRun": {**active, **times}}, "beta")
    person.page.get_by_text(texts["stage_started"]).wait_for()
    person.look(f"console-run-going.{locale}.light")
    ended = entry(9, trigger="Manual", request=request, job=job)
    firm.says({"activeRun": None, "lastRun": ended, "history": [ended]}, "beta")
    person.page.get_by_text(texts["stage_ended"]).wait_for()
    person.look(f"console-run-ended.{locale}.light")


def test_without_scripts_the_console_works(firm, console):
    person = console(firm, "runner", java_script_enabled=False)
    person.press("Sign in")
    person.press("gamma")
    person.press("Collect now")
    person.press("Collect now")
    assert "Asked for." in person.text
    person.press("Look again now")
    person.press("Sign out")
    assert person.heading == "Sign in to the console"
    assert not person.wrong


@BOTH
def test_a_connection_is_checked_and_its_account_disconnected(firm, console, locale):
    texts, name = TEXTS[locale], f"checked-{locale}"
    firm.channel(name, login_hint=f"{name}@acme.example")
    connected = condition("Connected", "True", "SignedIn", f"{name}@acme.example has signed in.")
    connection = {"account": f"{name}@acme.example", "connectedAt": "2026-11-20T10:00:00Z"}
    firm.says({"conditions": [connected], "connection": connection}, name)
    person = console(firm, "configurator", locale=locale)
    person.press(WORDS[locale]["sign_in"])
    person.open(f"{PUBLIC}{firm.url(name)}")
    person.look(f"console-channel-connected.{locale}.light")
    person.press(texts["check_connection"])
    person.look(f"console-check.{locale}.light")
    request = firm.get("collectionchannels", name)["metadata"]["annotations"]["bannette.io/check-connection"]
    said = {"outcome": "Lost", "reason": "PasswordChanged", "message": "Sign in again."}
    check = {"request": request, "startedAt": "2026-11-24T10:00:00Z", **said}
    firm.says({"pages": {"check": check}, "connection": {**connection, "lastHandledCheck": request}}, name)
    person.page.get_by_text(texts["outcome_Lost"]).wait_for()
    person.look(f"console-check-lost.{locale}.light")
    person.press(texts["to_channel"])
    person.press(texts["disconnect"])
    person.look(f"console-disconnect.{locale}.light")
    person.press(texts["disconnect_yes"])
    person.page.get_by_text(texts["task_disconnect_going"]).wait_for()
    person.look(f"console-disconnecting.{locale}.light")
