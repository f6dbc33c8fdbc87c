"""Keys that sign links are changed while replicas serve, which see the new one at different times."""

from __future__ import annotations

import shutil

import pytest

from bannette.connect.settings import KeyFolder
from bannette.web.sealing import Keys
from tests.connect.office import browser_of, serving

NEW = "2026-12-01"


@pytest.mark.apiserver
def test_an_account_is_connected_though_a_replica_has_not_heard_of_the_new_key(office, tmp_path):
    office.open(locale="en")
    link = office.link()
    behind = tmp_path / "behind"
    shutil.copytree(office.keys, behind)
    with serving(office) as ahead, serving(office, keys=behind) as late:
        assert [browser_of(office, port).open("/readyz").status for port in (ahead, late)] == [200, 200]
        office.add_key(NEW)
        for order in ((ahead, late), (late, ahead)):
            browser = browser_of(office, *order)
            done = browser.send(browser.open(link))
            assert done.heading == "Your OneDrive is connected"
            confirm = browser.open(next(one for one in done.parsed.links if "/disconnect" in one))
            assert browser.send(confirm).heading == "Your OneDrive is disconnected"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "2026-11-01").write_text("a" * 32)
    return tmp_path


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_new_key_opens_at_once_and_signs_five_minutes_later(folder):
    clock = Clock()
    keys = KeyFolder(folder, now=clock)
    assert keys().newest == "2026-11-01"
    (folder / NEW).write_text("b" * 32)
    assert keys().open("link", Keys({NEW: b"b" * 32}).seal("link", {"channel": "u"})) is not None
    clock.seconds += 299
    assert keys().newest == "2026-11-01"
    clock.seconds += 2
    assert keys().newest == NEW


def test_keys_that_are_there_at_the_start_sign_at_once(folder):
    (folder / NEW).write_text("b" * 32)
    assert KeyFolder(folder, now=Clock())().newest == NEW


def test_a_key_that_takes_the_place_of_all_signs_at_once(folder):
    keys = KeyFolder(folder, now=Clock())
    keys()
    (folder / NEW).write_text("b" * 32)
    (folder / "2026-11-01").unlink()
    assert keys().newest == NEW
