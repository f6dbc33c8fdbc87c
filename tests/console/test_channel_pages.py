"""The list of channels and the page of one: what is shown, to whom, and what each may do."""

from __future__ import annotations

import re

import pytest

from bannette.console.summaries import State, selected, summary_of
from tests.connect.office import wait_until
from tests.console.desk import NAME, Company, browser_at, signed_in

pytestmark = pytest.mark.apiserver


def entry(number, result="Succeeded", trigger="Scheduled", day=24, **more):
    return {
        "id": f"run-{number}",
        "trigger": trigger,
        "startedAt": f"2026-11-{day}T04:30:00Z",
        "completedAt": f"2026-11-{day}T04:30:41Z",
        "result": result,
        "reason": {"Failed": "FolderNotFound", "Skipped": "AlreadyCollectedToday"}.get(result, "Collected"),
        "message": f"Message {number}.",
        "collected": number,
        **more,
    }


def condition(kind, status, reason, message):
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-11-24T10:00:00Z",
    }


RUNS = [
    entry(5, "Failed", "Manual"),
    entry(4, day=23),
    entry(3, "Skipped", day=22),
    entry(2, trigger="Initial", day=21),
]
LOST = condition("Connected", "False", "ConnectionLost", "Microsoft refuses the tokens: sign in <again>.")


@pytest.fixture(scope="module")
def told(cluster) -> Company:
    """A company whose channel has lost its connection, beside one that is well and one that is suspended."""
    made = Company(cluster)
    made.says({"conditions": [LOST], "history": RUNS, "lastRun": RUNS[0]})
    made.channel("beta", login_hint="beta@acme.example")
    made.says({"conditions": [condition("Ready", "True", "Scheduled", "Every day.")], "lastRun": RUNS[1]}, "beta")
    made.channel("gamma", suspend=True)
    return made


def rows(page):
    return [link.rpartition("/")[2] for link in page.parsed.links if link.startswith("/console/channels/")]


def listed(browser, company, query=""):
    page = browser.open(f"/console/channels?namespace={company.namespace}{query}")
    assert page.status == 200, page.text
    return rows(page)


def test_channels_that_need_a_person_come_first_and_all_are_found(told, browser):
    signed_in(browser, told.token("viewer"))
    wait_until(lambda: len(listed(browser, told)) == 3, "all channels are listed")
    wait_until(lambda: listed(browser, told)[0] == NAME, "the channel's state is seen")
    assert listed(browser, told) == [NAME, "beta", "gamma"]
    assert listed(browser, told, "&state=person") == [NAME]
    assert listed(browser, told, "&state=suspended") == ["gamma"]
    assert listed(browser, told, "&state=nonsense") == [NAME, "beta", "gamma"]
    assert listed(browser, told, "&q=BETA+factures") == ["beta"]
    assert listed(browser, told, "&q=beta+nothing") == []
    page = browser.open(f"/console/channels?namespace={told.namespace}")
    assert "sign in &lt;again&gt;" in page.body


def test_only_what_somebody_may_list_is_listed(told, cluster, port):
    other = Company(cluster)
    browser = browser_at(cluster, port)
    page = signed_in(browser, other.token("viewer"))
    wait_until(lambda: rows(browser.open("/console/channels")) == [NAME], "their own channel is listed, and no other")
    assert told.namespace not in page.body
    foreign = browser.open(f"/console/channels?namespace={told.namespace}")
    assert (foreign.status, foreign.heading) == (403, "You may not do that")
    assert browser.open(told.url()).status == 403
    nobody = browser_at(cluster, port)
    assert "There is no channel here that you may see." in signed_in(nobody, other.token("nobody")).text


def test_a_channels_page_says_what_is_wrong_and_what_it_is(told, browser):
    signed_in(browser, told.token("viewer"))
    page = browser.open(told.url())
    assert page.status == 200
    for said in ("compta@acme.example", "/Factures", "marie", "purchases", "05:30", "needs a person", "Failed"):
        assert said in page.text
    assert "sign in &lt;again&gt;" in page.body
    assert "<again>" not in page.body


def test_no_two_facts_of_a_channel_have_one_name(told, cluster, port):
    reads = ("--clusterrole=bannette-inbox", f"--serviceaccount={told.namespace}:viewer")
    cluster.server.kubectl("-n", told.namespace, "create", "rolebinding", "reads", *reads)
    told.wait_for_right(told.account("viewer"), "get", "binders", subresource="inbox")
    for language in ("en", "fr"):
        browser = browser_at(cluster, port, language=language)
        signed_in(browser, told.token("viewer"))
        page = browser.open(told.url())
        assert f"/console/inboxes/{told.namespace}/purchases" in page.parsed.links
        names = re.findall(r"<dt>(.*?)</dt>", page.body)
        assert len(names) >= 8
        assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("person", "may"),
    [("viewer", set()), ("runner", {"/run"}), ("configurator", {"/run", "/connect"})],
)
def test_buttons_are_for_what_somebody_may_do_and_the_rest_is_refused(told, browser, person, may):
    signed_in(browser, told.token(person))
    links = browser.open(told.url()).parsed.links
    assert {page for page in ("/run", "/connect") if told.url(page=page) in links} == may
    page = browser.open(told.url(page="/run"))
    assert page.status == (200 if "/run" in may else 403)
    assert ("/console/new" in " ".join(browser.open("/console/channels").parsed.links)) is (person == "configurator")
    new = browser.open(f"/console/new?namespace={told.namespace}")
    assert new.status == (200 if person == "configurator" else 403)


def test_whoever_may_see_nothing_gets_a_plain_page(told, browser):
    signed_in(browser, told.token("nobody"))
    for page in ("", "/history", "/run", "/connect", "/run/progress?request=x"):
        answer = browser.open(told.url(page=page))
        assert (answer.status, answer.heading) == (403, "You may not do that"), page


@pytest.mark.parametrize(
    ("query", "runs"),
    [
        ("", [5, 4, 3, 2]),
        ("?result=Failed", [5]),
        ("?trigger=Initial", [2]),
        ("?from=2026-11-22&to=2026-11-23", [4, 3]),
        ("?result=Succeeded&trigger=Scheduled&from=2026-11-23", [4]),
        ("?result=&trigger=&from=&to=", [5, 4, 3, 2]),
        ("?result=x&trigger=y&from=z&to=2026-02-31", [5, 4, 3, 2]),
        ("?result=Failed&trigger=Initial", []),
    ],
)
def test_the_history_is_filtered(told, browser, query, runs):
    signed_in(browser, told.token("viewer"))
    page = browser.open(told.url(page=f"/history{query}"))
    body = page.body.partition("<tbody>")[2]
    cells = [part.partition("<")[0] for part in body.split('data-label="New" class="number">')[1:]]
    assert [int(cell) for cell in cells] == runs


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_run_on_the_first_or_the_last_day_that_there_is_breaks_no_page(cluster, browser, at):
    made = Company(cluster)
    far = entry(7, startedAt=at, completedAt=at)
    made.says({"history": [far], "lastRun": far, "conditions": [LOST | {"lastTransitionTime": at}]})
    signed_in(browser, made.token("viewer"))
    year = f" {int(at[:4])}, "
    wait_until(lambda: year in browser.open(f"/console/channels?namespace={made.namespace}").text, "it is listed")
    for page in ("", "/history", "/history?from=2026-11-01"):
        answer = browser.open(made.url(page=page))
        assert answer.status == 200, page


@pytest.mark.parametrize("name", ["nothing", "UPPER", "a.b", "..", "%2e%2e%2fsecrets", "a%00b", "x" * 300, "%c3%a9"])
def test_what_is_not_there_is_not_found(told, browser, name):
    signed_in(browser, told.token("viewer"))
    page = browser.open(told.url(name))
    assert page.status == 404
    assert page.heading in ("That isn’t there", "There is no such page")


def test_a_channel_with_a_damaged_status_is_shown(told, browser):
    told.channel("delta")
    told.says({"conditions": [condition("<b>", "True", "x", "<script>alert(1)</script>")]}, "delta")
    signed_in(browser, told.token("viewer"))
    page = browser.open(told.url("delta"))
    assert page.status == 200
    assert "<script>alert" not in page.body
    assert "&lt;b&gt;" in page.body
    told.delete("collectionchannels", "delta")


def test_every_page_says_what_browsers_must_not_do(told, browser):
    signed_in(browser, told.token("configurator"))
    for page in ("/console/channels", told.url(), told.url(page="/run"), "/console/nothing", "/console/sign-in"):
        answer = browser.request("GET", f"https://connect.bannette.example{page}")
        for directive in ("script-src 'self'", "default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
            assert directive in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


def body_of(number, **spec):
    return {
        "metadata": {"namespace": f"tenant-{number % 7}", "name": f"channel-{number}"},
        "spec": {"onedrive": {"account": {"delegated": {"loginHint": f"p{number}@acme.example"}}}, **spec},
        "status": {"conditions": [LOST]} if number % 3 == 0 else {},
    }


def test_lists_hold_what_is_sought_in_the_order_of_urgency():
    channels = [summary_of(body_of(number, suspend=number % 4 == 0)) for number in range(100)]
    shown = selected(channels, words="", state="")
    order = [State.PERSON, State.WAITING, State.SUSPENDED]
    assert [one.state for one in shown] == sorted((one.state for one in channels), key=order.index)
    assert [one.name for one in selected(channels, words="P17@ tenant-3", state="")] == ["channel-17"]
    assert {one.state for one in selected(channels, words="", state="person")} == {State.PERSON}


@pytest.mark.parametrize("body", [{}, {"spec": None}, {"spec": {"onedrive": [], "schedule": 5}}])
def test_a_list_takes_whatever_the_cluster_holds(body):
    summary = summary_of({"metadata": {"namespace": "a", "name": "b"}, **body})
    assert (summary.name, summary.folder, summary.zone) == ("b", "/", "UTC")
