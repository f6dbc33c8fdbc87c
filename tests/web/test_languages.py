"""The language that a page is shown in, and its times."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bannette.web.rendering import date_in, preferred_language, short_date_in


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


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)], ids=str)
@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Asia/Tokyo"])
def test_the_first_and_the_last_day_that_there_are_can_be_shown_anywhere(at, zone):
    for shown in (date_in("fr", at, zone), short_date_in("en", at, zone)):
        assert f" {at.year}" in shown
