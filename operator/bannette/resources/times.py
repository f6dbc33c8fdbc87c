"""Times as Kubernetes writes them: RFC 3339 in UTC, to the second."""

from __future__ import annotations

from datetime import UTC, datetime


def format_time(time: datetime) -> str:
    """Return *time*, which must be aware, as for example ``2026-11-24T05:30:00Z``."""
    if time.tzinfo is None:
        raise ValueError("a time without a time zone")
    return f"{time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def parse_time(text: str) -> datetime:
    """Return the time that *text* says, in UTC.

    Raises:
        ValueError: it says none, or has no time zone.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without a time zone")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time that is out of range in UTC") from None


def formatted(time: datetime | None) -> str | None:
    """Return *time* as ``format_time`` does; None of none."""
    return None if time is None else format_time(time)
