"""Behind a proxy that names people: who is believed, and that rights are theirs, not the service's."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from bannette.console import ConsoleSettings, console_settings_of
from bannette.errors import PersonNeeded
from tests.connect.office import wait_until
from tests.console.desk import NAME, browser_at, serving, signed_in

pytestmark = pytest.mark.apiserver

SETTINGS = ConsoleSettings("x-forwarded-user", "x-forwarded-groups")


@pytest.fixture(scope="module")
def proxied(api, keys) -> Iterator[int]:
    with serving(api, keys, SETTINGS) as port:
        yield port


@pytest.fixture
def behind(cluster, proxied):
    def browser(**headers):
        made = browser_at(cluster, proxied)
        made.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return made

    return browser


def test_a_person_needs_no_sign_in_and_has_their_own_rights(company, behind):
    page = behind(X_Forwarded_User="viewer").open(company.url())
    assert (page.status, page.heading) == (200, NAME)
    assert company.url(page="/run") not in page.parsed.links
    assert "Sign out" not in page.text
    runner = behind(X_Forwarded_User="runner")
    confirm = runner.open(company.url(page="/run"))
    assert confirm.status == 200
    assert "Asked for." in runner.send(confirm, number=-1).text
    assert behind(X_Forwarded_User="viewer").open(company.url(page="/run")).status == 403
    for name in ("nobody", "stranger"):
        answer = behind(X_Forwarded_User=name).open(company.url())
        assert (answer.status, answer.heading) == (403, "You may not do that")
        assert f"{name} may not get" in answer.text


@pytest.mark.parametrize("written", ["/%63onsole", "/consol%65", "/%2563onsole", "//console", "/./console"])
def test_nobody_is_named_at_an_address_that_the_proxy_may_not_know_for_the_consoles(company, behind, written):
    """An Ingress that asks for a sign-in under /console alone may let it pass in other letters, with any header."""
    address = f"https://connect.bannette.example{written}{company.url().removeprefix('/console')}"
    answer = behind(X_Forwarded_User="viewer").request("GET", address)
    assert answer.status in (303, 404)
    assert NAME not in answer.body


def test_groups_have_rights_too(company, cluster, behind):
    cluster.server.kubectl(
        "-n",
        company.namespace,
        "create",
        "rolebinding",
        "auditors",
        "--clusterrole=bannette-viewer",
        "--group=auditors",
    )

    def answered(groups: str) -> int:
        return behind(X_Forwarded_User="eve", X_Forwarded_Groups=groups).open(company.url()).status

    wait_until(lambda: answered("auditors") == 200, "the right of the group counts")
    assert [answered(groups) for groups in ("others, auditors", "others")] == [200, 403]


def test_creating_takes_the_right_to_configure_though_the_service_has_it(company, behind):
    for name, status in (("configurator", 200), ("runner", 403), ("viewer", 403)):
        assert behind(X_Forwarded_User=name).open(f"/console/new?namespace={company.namespace}").status == status
    browser = behind(X_Forwarded_User="configurator")
    form = browser.open(f"/console/new?namespace={company.namespace}").parsed.forms[-1].fields
    browser.headers = {"X-Forwarded-User": "runner"}
    own = browser.open(company.url(page="/run")).parsed.forms[-1].fields["form"]
    sent = {**form, "form": own, "name": "forged", "login_hint": "a@b.example"}
    answer = browser.request("POST", "https://connect.bannette.example/console/new", sent)
    assert answer.status == 403
    assert "forged" not in company.names("collectionchannels")


def test_disconnecting_takes_the_right_to_configure_though_the_service_has_it(company, behind):
    browser = behind(X_Forwarded_User="runner")
    own = browser.open(company.url(page="/run")).parsed.forms[-1].fields
    answer = browser.request("POST", f"https://connect.bannette.example{company.url(page='/disconnect')}", own)
    assert answer.status == 403
    annotations = company.get("collectionchannels", NAME)["metadata"].get("annotations", {})
    assert "bannette.io/disconnect" not in annotations


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_User": "system:admin"},
        {"X_Forwarded_User": "system:serviceaccount:default:bannette-connect"},
        {"X_Forwarded_User": ""},
        {"X_Forwarded_User": "a\tb"},
        {"X_Forwarded_User": "x" * 300},
        {"X_Forwarded_User": "\xff\xfe"},
        {"X_Forwarded_User": "eve", "X_Forwarded_Groups": ",".join(f"g{number}" for number in range(600))},
    ],
)
def test_nobody_is_let_in_whom_no_proxy_of_people_names(company, behind, headers):
    answer = behind(**headers).open(company.url())
    assert (answer.status, answer.heading) == (400, "The proxy names nobody that can be let in")


def test_the_groups_of_kubernetes_itself_are_nobodys(company, behind):
    headers = {"X_Forwarded_User": "eve", "X_Forwarded_Groups": "system:masters,system:serviceaccounts"}
    assert behind(**headers).open(company.url()).status == 403


def test_a_header_that_comes_twice_is_not_believed(company, behind, proxied):
    connection = http.client.HTTPConnection("127.0.0.1", proxied, timeout=30)
    connection.putrequest("GET", company.url(), skip_host=True)
    for name, value in [
        ("Host", "connect.bannette.example"),
        ("X-Forwarded-User", "viewer"),
        ("X-Forwarded-User", "configurator"),
    ]:
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_headers_mean_nothing_where_no_proxy_is_configured(company, cluster, port):
    browser = browser_at(cluster, port)
    browser.headers = {"X-Forwarded-User": "configurator", "X-Remote-User": "configurator"}
    assert browser.open(company.url()).heading == "Sign in to the console"


def test_a_token_that_the_proxy_passes_on_is_the_persons(company, cluster, port, behind):
    browser = browser_at(cluster, port)
    browser.headers = {"Authorization": f"Bearer {company.token('viewer')}"}
    page = browser.open(company.url())
    assert page.status == 200
    assert "system:serviceaccount" in page.text
    assert "Sign out" not in page.text
    # It says more than a header: whoever brings a token of nobody isn't the one that the header names.
    mixed = behind(X_Forwarded_User="viewer", Authorization="Bearer no.such.token")
    assert mixed.open(company.url()).heading == "Sign in to the console"


def test_people_sign_in_by_tokens_there_too(company, behind):
    browser = behind()
    assert signed_in(browser, company.token("viewer"), company.url()).heading == NAME


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"BANNETTE_CONSOLE": "yes"}, "BANNETTE_CONSOLE must be true or false"),
        ({"BANNETTE_API_URL": "http://127.0.0.1:8001"}, "can't be true with BANNETTE_API_URL"),
        ({"BANNETTE_CONSOLE_USER_HEADER": "X User"}, "BANNETTE_CONSOLE_USER_HEADER must be the name of a header"),
        ({"BANNETTE_CONSOLE_USER_HEADER": "Cookie"}, "BANNETTE_CONSOLE_USER_HEADER must be the name of a header"),
        ({"BANNETTE_CONSOLE_GROUPS_HEADER": "X-Groups"}, "needs BANNETTE_CONSOLE_USER_HEADER"),
        (
            {"BANNETTE_CONSOLE_USER_HEADER": "X-A", "BANNETTE_CONSOLE_GROUPS_HEADER": "x-a"},
            "must be another header",
        ),
    ],
)
def test_settings_that_cannot_be_are_told(environ, told):
    with pytest.raises(PersonNeeded, match=told):
        console_settings_of({"BANNETTE_CONSOLE": "true", **environ})


def test_settings_are_read_and_the_console_is_off_unless_it_is_switched_on():
    environ = {"BANNETTE_CONSOLE_USER_HEADER": "X-Forwarded-User", "BANNETTE_NAMESPACES": "acme, beta,"}
    assert console_settings_of(environ) is None
    assert console_settings_of({**environ, "BANNETTE_CONSOLE": "true"}) == ConsoleSettings(
        "x-forwarded-user", "", ("acme", "beta")
    )
