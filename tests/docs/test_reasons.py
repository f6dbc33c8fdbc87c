"""The page of troubleshooting has every reason that the code can give, and no other."""

from __future__ import annotations

import re

from bannette.resources import SIGN_IN_LOST
from tests.docs.fenced import SOURCE
from tests.docs.reasons import exit_codes_of_the_code, reasons_of_the_code

PAGE = (SOURCE / "docs/troubleshooting.md").read_text(encoding="utf-8")
_CELL = re.compile(r"`([A-Z][A-Za-z]+)`")
_ROWS = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]


def reasons_of_the_page() -> set[str]:
    """Return the words in the first cells of the page's tables."""
    return {word for cells in _ROWS for word in _CELL.findall(cells[1])}


def test_every_reason_of_the_code_is_explained() -> None:
    known = reasons_of_the_page()
    assert {reason: sorted(by) for reason, by in reasons_of_the_code().items() if reason not in known} == {}


def test_no_reason_is_explained_that_the_code_does_not_give() -> None:
    assert sorted(reasons_of_the_page() - reasons_of_the_code().keys()) == []


def test_exit_codes_of_the_page_are_those_of_the_code() -> None:
    told = {cells[1].strip("` "): int(cells[2]) for cells in _ROWS if re.fullmatch(r" [23] ", cells[2])}
    known = exit_codes_of_the_code()
    assert len(told) > 20
    assert {reason: code for reason, code in told.items() if code not in known.get(reason, {code})} == {}
    assert "ServiceFailing" in known, "errors of errors aren't read"


def test_what_makes_an_account_not_connected_is_explained_as_a_matter_of_sign_in() -> None:
    section = PAGE.partition("### Sign-in\n")[2].partition("\n### ")[0]
    elsewhere = {"CredentialsMissing", "NotConnected"}
    assert SIGN_IN_LOST - set(_CELL.findall(section)) == elsewhere


def test_a_reason_of_each_kind_is_read_from_the_code() -> None:
    """Were one way of giving a reason no longer found, the comparison would be of less."""
    of_each = {
        "an error": "FolderNotFound",
        "an error's default": "CursorLost",
        "a table of sign-ins": "ConsentWithdrawn",
        "a table of a pod's ends": "ImageInspectError",
        "a table of outages": "DownloadFailed",
        "one of two": "SeveralMissing",
        "a condition": "SignedIn",
        "a prerequisite": "PasswordsMissing",
        "a verdict on a run": "NothingNew",
        "an outcome of a Job": "OOMKilled",
        "an Event": "FirstRunStarted",
        "an Event with a result": "RunPartiallySucceeded",
        "a kind in a file": "RecipientNotFound",
    }
    known = reasons_of_the_code()
    assert {how: reason for how, reason in of_each.items() if reason not in known} == {}
