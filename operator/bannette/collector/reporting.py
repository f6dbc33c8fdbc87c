"""What a run says about itself: the history entry, the run report in the binder, the termination log."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from bannette import logs
from bannette.binder import PendingItem
from bannette.collector.courier import Told
from bannette.collector.ledger import Counts, Standing, reasons
from bannette.collector.order import Order
from bannette.errors import BannetteError, ExitCode, PersonNeeded
from bannette.onedrive import Usage
from bannette.resources import Channel, HistoryEntry, RunResult, format_time

logger = logging.getLogger(__name__)

REPORT_SCHEMA: Final = "bannette.io/run/v1"
TERMINATION_LOG: Final = "/dev/termination-log"
# The kubelet keeps no more of a termination message.
_MOST_BYTES: Final = 4096
_UNEXPECTED: Final = 1


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a run ended, for history and exit code."""

    result: RunResult
    reason: str
    message: str
    exit_code: int


def verdict_of_success(counts: Counts, standing: Standing, notes: Sequence[str]) -> Verdict:
    """Return the verdict of a run that came to the end of the feed."""
    if standing.deferred:
        reason = "ItemsDeferred"
    elif counts.newly_rejected:
        reason = "ItemsRejected"
    else:
        reason = "Collected" if counts.collected or counts.duplicates else "NothingNew"
    partial = standing.deferred or counts.newly_rejected
    return Verdict(
        result=RunResult.PARTIALLY_SUCCEEDED if partial else RunResult.SUCCEEDED,
        reason=reason,
        message=" ".join([_summary(counts, standing), *notes]),
        exit_code=ExitCode.DONE,
    )


def verdict_of_error(error: BaseException, notes: Sequence[str] = ()) -> Verdict:
    """Return the verdict of a run that *error* ended."""
    if not isinstance(error, BannetteError):
        # Its text may quote a document; the log has where it happened.
        message = f"Unexpected {type(error).__name__}: this is a bug; the run's log says where it happened."
        return Verdict(result=RunResult.FAILED, reason="UnexpectedError", message=message, exit_code=_UNEXPECTED)
    message = " ".join([logs.redact(str(error)), *notes])
    code = ExitCode.PERSON_NEEDED if isinstance(error, PersonNeeded) else ExitCode.TRANSIENT
    return Verdict(result=RunResult.FAILED, reason=error.reason, message=message, exit_code=code)


def history_entry(
    order: Order,
    verdict: Verdict,
    counts: Counts,
    standing: Standing | None,
    usage: Usage,
    *,
    completed_at: datetime,
    generation: int | None,
    earlier: HistoryEntry | None = None,
) -> HistoryEntry:
    """Return the run's entry.

    Args:
        generation: of the channel as the run read it; None if it couldn't, or the channel is none of a cluster.
        earlier: what a pod of the same Job, which this one replaces, said of the run: the run is both.
    """
    entry = HistoryEntry(
        id=order.id,
        trigger=order.trigger,
        request=order.request,
        job=order.job,
        started_at=order.started_at,
        completed_at=completed_at,
        result=verdict.result,
        reason=verdict.reason,
        message=verdict.message,
        collected=counts.collected,
        already_seen=counts.already_seen,
        duplicates=counts.duplicates,
        deferred=len(standing.deferred) if standing else 0,
        rejected=len(standing.rejected) if standing else 0,
        bytes=counts.bytes,
        pages=counts.pages,
        requests=usage.requests,
        throttled=usage.throttled,
        generation=generation,
    )
    if earlier is None:
        return entry
    return replace(
        entry,
        started_at=earlier.started_at,
        collected=earlier.collected + entry.collected,
        duplicates=earlier.duplicates + entry.duplicates,
        bytes=earlier.bytes + entry.bytes,
        pages=earlier.pages + entry.pages,
        requests=earlier.requests + entry.requests,
        throttled=earlier.throttled + entry.throttled,
    )


def run_report(
    entry: HistoryEntry,
    channel: Channel,
    *,
    counts: Counts,
    standing: Standing | None,
    notes: Sequence[str],
    usage: Usage,
    told: Told | None,
) -> dict[str, object]:
    """Return the report that stays in the binder. It holds items by id and reason, never a document's text."""
    return {
        "schema": REPORT_SCHEMA,
        **entry.to_dict(),
        "channel": {"namespace": channel.namespace, "name": channel.name, "uid": channel.uid},
        "changedSinceCollected": counts.changed,
        "dropped": counts.dropped,
        "notes": list(notes),
        "usage": {"requests": usage.requests, "throttled": usage.throttled, "byKind": dict(usage.by_kind)},
        "events": told and told.to_dict(),
        "deferredItems": [_item(item) for item in standing.deferred] if standing else [],
        "rejectedItems": [_item(item) for item in standing.rejected] if standing else [],
    }


def write_termination_log(entry: HistoryEntry, environ: Mapping[str, str], *, in_pod: bool) -> None:
    """Leave the entry where the kubelet finds it, should the status never be patched."""
    path = environ.get("BANNETTE_TERMINATION_LOG") or (TERMINATION_LOG if in_pod else "")
    if not path:
        return
    try:
        Path(path).write_bytes(entry_line(entry))
    except OSError as error:
        logs.event(logger, "run.no_termination_log", level=logging.WARNING, error=error.strerror)


def entry_line(entry: HistoryEntry) -> bytes:
    """Return *entry* as one line of JSON of at most 4,096 bytes."""
    message = entry.message
    while len(line := _line(entry)) > _MOST_BYTES and message:
        message = message[: len(message) * 3 // 4]
        entry = replace(entry, message=f"{message}…")
    return line if len(line) <= _MOST_BYTES else _line(replace(entry, request=None, job=None))


def _line(entry: HistoryEntry) -> bytes:
    return json.dumps(entry.to_dict(), ensure_ascii=False, separators=(",", ":")).encode()


def _item(item: PendingItem) -> dict[str, object]:
    return {"item": item.item_id, "reason": item.reason, "since": format_time(item.since)}


def _summary(counts: Counts, standing: Standing) -> str:
    parts = [f"{counts.collected} collected"] if counts.collected else []
    if counts.duplicates:
        parts.append(f"{counts.duplicates} repeated what the binder has")
    if counts.dropped:
        parts.append(f"{counts.dropped} gone before they could be collected")
    if standing.deferred:
        parts.append(f"{len(standing.deferred)} deferred ({_by_reason(standing.deferred)})")
    if standing.rejected and (counts.newly_rejected or parts):
        parts.append(f"{len(standing.rejected)} rejected ({_by_reason(standing.rejected)})")
    return (", ".join(parts) or "Nothing new") + "."


def _by_reason(items: tuple[PendingItem, ...]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons(items).items()))
