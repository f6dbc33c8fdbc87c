"""The language that a page is shown in."""

from __future__ import annotations

import pytest

from bannette.web.rendering import preferred_language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("fr-CA,fr;q=0.9", "fr"),
        ("de,en;q=0.5,fr;q=0.4", "en"),
        ("", "en"),
        ("*", "en"),
        ("de, fr", "fr"),
        (";;,,", "en"),
    ],
)
def test_a_browsers_language_counts_where_no_recipient_is_known(accepted, language):
    assert preferred_language(accepted) == language
