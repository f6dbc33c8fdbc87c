"""The table of behaviours is current, and says of each which test holds it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "behaviours.md"


@pytest.fixture(scope="module")
def generator():
    return runpy.run_path(str(ROOT / "docs" / "generate_behaviours.py"))


def test_the_behaviours_page_is_current(generator):
    """If not: python docs/generate_behaviours.py."""
    assert PAGE.read_text(encoding="utf-8") == generator["render"]()


def test_tests_name_known_behaviours_only(generator):
    known = generator["numbers"]()
    assert len(known) == len(set(known))
    assert [marked for marked in generator["markers"]() if marked.number not in known] == []


def test_every_behaviour_is_held_by_a_test(generator):
    held = {marked.number for marked in generator["markers"]()}
    assert [number for number in generator["numbers"]() if number not in held] == []
