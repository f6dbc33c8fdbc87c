"""Whatever is sent to the service, it answers, and never by an error of its own."""

from __future__ import annotations

import http.client

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.testing import Simulator
from tests.connect.office import NAME, PUBLIC, Office, browser_of, serving

pytestmark = pytest.mark.apiserver

HOST = PUBLIC.removeprefix("https://")
INJECTED = "fr\r\nX-Injected: 1\r\n\r\n<h1>Injected"
# All of it is sent in escapes.
ODD = st.one_of(st.text(st.characters(codec="latin-1"), max_size=40), st.just(INJECTED))
# What HTTP allows there (RFC 9110, 5.5). The rest isn't for pages to answer: the server refuses it and resets the
# connection when a body follows.
HEADER = st.text(st.characters(codec="latin-1", exclude_characters=[*map(chr, range(32)), "\x7f"]), max_size=40)
PATHS = st.one_of(
    st.sampled_from(
        [
            f"/c/acme/{NAME}",
            f"/c/acme/{NAME}/visit",
            f"/c/acme/{NAME}/mail",
            f"/c/acme/{NAME}/disconnect",
            "/callback",
            "/c/a/b",
        ]
    ),
    st.one_of(st.binary(max_size=60), st.just(INJECTED.encode())).map(
        lambda raw: "/" + "".join(f"%{byte:02x}" for byte in raw)
    ),
)
NAMES = st.one_of(st.sampled_from(["t", "lang", "form", "state", "code", "error", "admin_consent"]), ODD)


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    with Simulator() as simulator:
        office = Office(server, simulator, tmp_path_factory.mktemp("office"))
        office.open()
        with serving(office) as port:
            browser = browser_of(office, port)
            page = browser.open(office.link())
            browser.stop_at(page, simulator.origin)
            yield port, page.parsed.forms[0].fields, dict(browser.cookies)
        office.close()


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("latin-1"))


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_no_request_makes_the_service_fail(place, data):
    port, form, cookies = place
    values = st.one_of(ODD, st.sampled_from([*form.values(), *cookies.values(), "fr", "x" * 3000]))
    cookie = st.one_of(HEADER, st.sampled_from([*cookies.values(), "x" * 3000]))
    fields = data.draw(st.lists(st.tuples(NAMES, values), max_size=6))
    text = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in fields)
    method = data.draw(st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "X"]))
    path = data.draw(PATHS)
    headers = {"Host": HOST}
    if data.draw(st.booleans()):
        pairs = data.draw(st.lists(st.tuples(st.sampled_from([*cookies, "a"]), cookie), max_size=3))
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in pairs)
    headers["Accept-Language"] = data.draw(HEADER)
    body = data.draw(st.one_of(st.just(text.encode()), st.binary(max_size=200))) if method == "POST" else None
    if body is not None:
        headers["Content-Type"] = data.draw(st.sampled_from(["application/x-www-form-urlencoded", "text/plain", ""]))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, f"{path}?{text}" if text else path, body, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
    finally:
        connection.close()
    assert answer.status < 500, (method, path, fields)
    assert "Traceback" not in page
    assert answer.headers["X-Injected"] is None
    assert "<h1>Injected" not in page
