"""The pictures of the README are what the pages look like, made by one command."""

from __future__ import annotations

import pytest

from tests.browser import pictures

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(900)]


def test_one_command_makes_all_pictures_and_they_are_small(monkeypatch, tmp_path):
    kept = {path.name for path in pictures.IMAGES.iterdir()}
    monkeypatch.setattr(pictures, "IMAGES", tmp_path)
    pictures.main()
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert all(path.stat().st_size < 60_000 for path in tmp_path.iterdir())
