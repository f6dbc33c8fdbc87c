"""When runs start: what Kubernetes' cron library does with the channel's cron expression."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bannette.resources import Channel, InvalidResource, Schedule, default_time, parse_time
from tests.resources.samples import CHANNEL, REMOVED, variant

# The last column is what robfig/cron/v3.0.1, the library of Kubernetes' CronJobs, gives for "M H * * *" in the zone.
RUNS = [
    ("05:30", "Europe/Paris", "2026-11-24T04:29:59Z", "2026-11-24T04:30:00Z"),
    ("05:30", "Europe/Paris", "2026-11-24T04:30:00Z", "2026-11-25T04:30:00Z"),
    ("05:30", "Europe/Paris", "2027-03-28T00:00:00Z", "2027-03-28T03:30:00Z"),
    ("05:30", "Asia/Kathmandu", "2027-03-14T23:45:00Z", "2027-03-15T23:45:00Z"),
    # Spring: 02:30 doesn't exist on that day, 03:00 does.
    ("02:30", "Europe/Paris", "2027-03-27T12:00:00Z", "2027-03-29T00:30:00Z"),
    ("03:00", "Europe/Paris", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"),
    ("02:30", "America/New_York", "2027-03-14T05:00:00Z", "2027-03-15T06:30:00Z"),
    ("00:15", "America/Havana", "2027-03-13T12:00:00Z", "2027-03-15T04:15:00Z"),
    ("01:15", "America/Havana", "2027-03-13T12:00:00Z", "2027-03-14T05:15:00Z"),
    ("00:30", "America/Santiago", "2027-09-04T12:00:00Z", "2027-09-06T03:30:00Z"),
    ("02:15", "Australia/Lord_Howe", "2027-10-02T00:00:00Z", "2027-10-03T15:15:00Z"),
    ("02:45", "Australia/Lord_Howe", "2027-10-02T00:00:00Z", "2027-10-02T15:45:00Z"),
    # Autumn: the first of the two 02:30.
    ("02:30", "Europe/Paris", "2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z"),
]


@pytest.mark.parametrize(("at", "zone", "after", "run"), RUNS)
def test_the_next_run_is_when_the_cronjob_starts_it(at: str, zone: str, after: str, run: str) -> None:
    assert Schedule(at, zone).next_run(parse_time(after)) == parse_time(run)


def test_a_time_that_comes_twice_on_a_day_counts_once() -> None:
    first = parse_time("2027-10-31T00:30:00Z")
    assert Schedule("02:30", "Europe/Paris").next_run(first) == parse_time("2027-11-01T01:30:00Z")


def test_a_day_that_a_zone_left_out_has_no_run() -> None:
    """Samoa crossed the date line: there was no 30 December 2011."""
    schedule = Schedule("05:30", "Pacific/Apia")
    assert schedule.next_run(parse_time("2011-12-29T16:00:00Z")) == parse_time("2011-12-30T15:30:00Z")


@pytest.mark.parametrize(("at", "cron"), [("05:30", "30 5 * * *"), ("00:00", "0 0 * * *"), ("23:09", "9 23 * * *")])
def test_cron_is_the_time_of_day(at: str, cron: str) -> None:
    assert Schedule(at).cron == cron


@pytest.mark.parametrize(
    ("zone", "day"), [("Europe/Paris", 25), ("UTC", 24), ("America/New_York", 24), ("Pacific/Auckland", 25)]
)
def test_the_day_of_a_run_is_the_day_in_the_zone(zone: str, day: int) -> None:
    assert Schedule("05:30", zone).local_day(parse_time("2026-11-24T23:30:00Z")) == date(2026, 11, day)


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=42)


@given(NAMES, NAMES)
def test_the_default_time_is_in_the_early_morning(namespace: str, name: str) -> None:
    assert "04:00" <= default_time(namespace, name) <= "07:59"


def test_the_default_time_never_changes() -> None:
    assert default_time("acme", "acme-onedrive") == "04:56"
    assert default_time("acme", "acme-onedrive-2") == "04:01"


def test_default_times_spread() -> None:
    times = {default_time("acme", f"channel-{number}") for number in range(1000)}
    assert len(times) > 200


def test_no_zone_skips_the_early_morning() -> None:
    """The default times need it: a skipped time has no run on that day."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(366 * 3)]
    mornings = [(datetime.combine(day, time(3)), datetime.combine(day, time(9))) for day in days]
    for name in available_timezones():
        zone = ZoneInfo(name)
        for before, after in mornings:
            if zone.utcoffset(before) == zone.utcoffset(after):
                continue
            for minute in range(4 * 60, 8 * 60):
                local = before.replace(hour=minute // 60, minute=minute % 60, tzinfo=zone)
                assert local.astimezone(UTC).astimezone(zone).time() == local.time(), (name, local)


def test_a_channel_without_a_time_has_its_default_time() -> None:
    channel = Channel.parse(variant(CHANNEL, {"spec.schedule": REMOVED}))
    assert channel.schedule == Schedule(default_time("acme", "acme-onedrive"), "UTC")


@pytest.mark.parametrize("zone", ["Europe", "../Paris", "/etc/localtime", "Europe/Paris\n", "GMT+2"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidResource, match="IANA"):
        Channel.parse(variant(CHANNEL, {"spec.schedule.timeZone": zone}))


def first_of(started_at: str, **changes: str) -> dict[str, str]:
    entry = {"id": "1", "trigger": "Initial", "result": "Succeeded", "reason": "Collected", "message": ""}
    return entry | {"startedAt": started_at, "completedAt": started_at} | changes


@pytest.mark.parametrize(
    ("entry", "first_begins", "run"),
    [
        (None, False, "2026-11-24T04:30:00Z"),
        (None, True, "2026-11-25T04:30:00Z"),
        (first_of("2026-11-23T23:10:00Z"), False, "2026-11-25T04:30:00Z"),
        (first_of("2026-11-23T23:10:00Z", result="PartiallySucceeded"), False, "2026-11-25T04:30:00Z"),
        # It isn't that day in Paris.
        (first_of("2026-11-23T22:50:00Z"), False, "2026-11-24T04:30:00Z"),
        (first_of("2026-11-23T23:10:00Z", result="Failed"), False, "2026-11-24T04:30:00Z"),
        (first_of("2026-11-23T23:10:00Z", trigger="Manual"), False, "2026-11-24T04:30:00Z"),
        (first_of("9999-12-31T23:59:59Z"), False, "2026-11-24T04:30:00Z"),
    ],
)
@pytest.mark.parametrize("place", ["history", "lastRun"])
def test_the_first_collection_counts_as_the_run_of_its_day(
    place: str, entry: dict[str, str] | None, first_begins: bool, run: str
) -> None:
    status = {} if entry is None else {"lastRun": entry} if place == "lastRun" else {"history": [entry]}
    channel = Channel.parse(CHANNEL | {"status": status})
    assert channel.next_collection(parse_time("2026-11-23T23:30:00Z"), first_begins=first_begins) == parse_time(run)
