"""What the tests in a browser would not let pass."""

from __future__ import annotations

import pytest

from tests.connect.office import PUBLIC

pytestmark = pytest.mark.apiserver

GOOD = '<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>{}</main></html>'
BAD = {
    "a picture without words": ('<img src="data:," width="9" height="9">', "image-alt"),
    "grey on white": ('<p style="color: #bbb">Hardly to be read</p>', "color-contrast"),
    "a field without a name": ("<form><input></form>", "label"),
    "wider than a phone": ('<p style="width: 700px">Wide</p>', "wider than the window"),
    "two headings": ("<h1>Another</h1>", "one heading"),
    "an error in a script": ("<script>nothing.here()</script>", "nothing is not defined"),
    "something from elsewhere": ('<img alt="" src="https://elsewhere.example/x.png">', "https://elsewhere.example"),
    "a part that is missing": ('<link rel="stylesheet" href="/missing.css">', "missing.css"),
}


@pytest.fixture(autouse=True)
def nobody_wants_pictures_of_them(monkeypatch, tmp_path):
    monkeypatch.setattr("tests.browser.person.PICTURES", tmp_path)


@pytest.mark.parametrize("case", BAD)
def test_a_bad_page_does_not_pass(new_person, case):
    inside, told = BAD[case]
    with pytest.raises(AssertionError, match=told):
        visit(new_person, GOOD.format(inside))


def test_what_the_pages_policy_forbids_does_not_pass(new_person):
    with pytest.raises(AssertionError, match="Content Security Policy"):
        visit(new_person, GOOD.format("<script>1</script>"), policy="default-src 'none'")


def test_a_good_page_passes(new_person):
    visit(new_person, GOOD.format("<p>Words</p>"))


def visit(new_person, body, *, policy=None):
    person = new_person()
    headers = {"Content-Security-Policy": policy} if policy else {}

    def answer(route):
        if route.request.url == f"{PUBLIC}/page":
            route.fulfill(status=200, headers=headers, content_type="text/html; charset=utf-8", body=body)
        else:
            route.fulfill(status=404, body="")

    person.page.route("**/*", answer)
    person.open(f"{PUBLIC}/page")
    person.page.wait_for_load_state("networkidle")
    person.look("looking")
