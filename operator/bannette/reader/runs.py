"""The reports of a binder's runs, in a file of this machine that is made anew by each process."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from bannette import logs
from bannette.binder import Meta, NotFound, Store, Unreadable
from bannette.binder.fields import Fields
from bannette.binder.layout import REPORTS
from bannette.reader.questions import AboutRuns

logger = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE runs (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    channel TEXT NOT NULL,
    result TEXT NOT NULL,
    trigger TEXT NOT NULL,
    started TEXT NOT NULL,
    members TEXT NOT NULL
);
CREATE INDEX by_name ON runs (name);
CREATE INDEX by_channel ON runs (channel, name);
"""
# What of a report is told: the entry of the history, but none of the items that it lists.
_TOLD: Final = (
    "id",
    "trigger",
    "job",
    "startedAt",
    "completedAt",
    "result",
    "reason",
    "message",
    "collected",
    "alreadySeen",
    "duplicates",
    "deferred",
    "rejected",
    "bytes",
    "pages",
)
_AT_ONCE: Final = 8
_BATCH: Final = 256


@dataclass(frozen=True)
class RunPage:
    """One page of runs, the newest first; *cursor*: where the next one begins, if there is one."""

    runs: list[dict[str, object]]
    cursor: str | None


class RunIndex:
    """Safe to use from several threads; to be closed."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        path.unlink(missing_ok=True)
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def update(self) -> None:
        """Take in what was reported since the last time.

        Raises: PersonNeeded, Transient: as the store's operations do.
        """
        there = {meta.key: _version(meta) for meta in self._store.list(REPORTS)}
        with self._lock:
            known = dict(self._file.execute("SELECT key, version FROM runs"))
            gone = [(key,) for key in known if key not in there]
            self._file.executemany("DELETE FROM runs WHERE key = ?", gone)
        new = [key for key, version in there.items() if known.get(key) != version]
        # The newest first, whatever the channel.
        new.sort(key=_name, reverse=True)
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            rest = iter(new)
            while batch := list(islice(rest, _BATCH)):
                rows = [row for row in readers.map(lambda key: self._row(key, there[key]), batch) if row]
                with self._lock:
                    self._file.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def page(self, about: AboutRuns) -> RunPage:
        found = [
            (f"{name} = ?", value)
            for name, value in (("channel", about.channel), ("result", about.result), ("trigger", about.trigger))
            if value is not None
        ]
        # Names begin with when the run was made, to the second.
        found += [("name >= ?", _second(about.since))] if about.since else []
        found += [("name < ?", _second(about.until))] if about.until else []
        found += [("name < ?", about.below)] if about.below else []
        conditions = " AND ".join(["1", *(condition for condition, _ in found)])
        with self._lock, closing(self._file.cursor()) as cursor:
            rows = cursor.execute(
                f"SELECT members, name FROM runs WHERE {conditions} ORDER BY name DESC LIMIT ?",  # noqa: S608 - constants
                (*(value for _, value in found), about.limit + 1),
            ).fetchall()
        more = len(rows) > about.limit
        return RunPage(
            [json.loads(members) for members, _ in rows[: about.limit]], rows[about.limit - 1][1] if more else None
        )

    def channels(self) -> list[str]:
        with self._lock, closing(self._file.cursor()) as cursor:
            return [row[0] for row in cursor.execute("SELECT DISTINCT channel FROM runs")]

    def _row(self, key: str, version: str) -> tuple[str, ...] | None:
        """Return what is kept of a report; None if it is gone, or damaged: it must not hide the others."""
        try:
            fields = Fields.of_json(self._store.get(key), "A run report")
            channel = key.split("/")[2]
            told = {name: fields.members[name] for name in _TOLD if name in fields.members}
            return (
                key,
                _name(key),
                version,
                channel,
                fields.text("result"),
                fields.text("trigger"),
                fields.text("startedAt"),
                _sound_json({**told, "channel": channel}),
            )
        except NotFound:
            return None
        except (Unreadable, IndexError, ValueError):
            logs.event(logger, "binder.unreadable", level=logging.ERROR, key=key)
            return None


def _sound_json(members: Mapping[str, object]) -> str:
    """Raises: ValueError: it has what no answer can have: numbers that are none, halves of characters."""
    text = json.dumps(members, ensure_ascii=False, allow_nan=False)
    text.encode()
    return text


def _version(meta: Meta) -> str:
    return f"{meta.size} {meta.modified_at.timestamp()}"


def _name(key: str) -> str:
    """Return what the report at *key* is ordered by: when its run was made, then what tells it from others."""
    folder, _, name = key.rpartition("/")
    return f"{name.removesuffix('.json')}/{folder.removeprefix(f'{REPORTS}/')}"


def _second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
