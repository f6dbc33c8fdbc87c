"""Misbehaviour as data: which requests a fault meets, and what becomes of their answers.

A fault is a row of values; nothing in the simulator knows one by name. ``simulator.catalogue`` holds the named ones.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from simulator.drive import Item
from simulator.hostile import Hostile


class Request(StrEnum):
    """What a request asks for; counters and faults know requests by this."""

    DISCOVERY = "discovery"
    INSTANCE = "instance"
    AUTHORIZE = "authorize"
    TOKEN = "token"  # noqa: S105 - the name of a kind of request
    DEVICE_CODE = "devicecode"
    DRIVE = "drive"
    ITEM = "item"
    CHILDREN = "children"
    DELTA = "delta"
    CONTENT = "content"
    DOWNLOAD = "download"
    OTHER = "other"


class Pages(StrEnum):
    """What a fault does to the items of a page of delta or children; the link stays."""

    EMPTY = "empty"
    TWICE = "twice"
    """Every item a second time, at the end."""
    REVERSED = "reversed"
    """Children before parents."""
    WITHOUT_PARENTS = "withoutParents"
    """Without the folders that are there for what they hold, not because they changed."""
    MADE_UP = "madeUp"
    """Files and folders that don't exist, others each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One misbehaviour.

    In ``headers``, ``body``, ``location`` and ``link``, ``{origin}`` stands for the simulator's origin, ``{url}`` for
    the URL of the request (``{download}``: of one for a download), ``{root}`` for the drive's root, ``{fresh}`` for its
    delta feed from the start, ``{soon}`` for the HTTP date in 2 seconds, ``{new}`` for an id that no item has, and in
    ``link`` ``{link}`` for the page's own link.

    Attributes:
        kinds: the kinds of request that it meets.
        item: a glob on the item's path or id; for delta and children with ``set`` or ``remove``: of the items inside.
        target: a glob on the raw path and query.
        skip: let so many requests that match pass first.
        times: meet so many requests (items, with ``set`` or ``remove``); None: all of them.
        probability: meet a request with this probability, drawn from ``seed``.
        status: answer with this status instead; with ``code`` as Graph's or the sign-in's error, else with ``body``.
        headers: of that answer; without a status they are added to the right answer.
        abort: close the connection without an answer.
        delay: seconds before the answer, which comes at once when the fault is removed.
        set, remove: changes to the JSON of each item, by dotted path.
        pages: what becomes of the items of a page.
        link: a nextLink in place of the page's links; "none" leaves them out.
        location: where the redirect of /content leads instead.
        cut_at: end the connection after so many bytes of the body.
        stall: seconds for which it stands still before that end.
        bytes_per_second: send the body no faster.
        ignore_range: answer 200 with the whole body.
        content_range: a Content-Range header instead of the right one.
        chunked: send no Content-Length. gzip: send it compressed, as a proxy would.
        garble: change the first byte to another one each time.
        replace: a body instead of the bytes.
        hostile: an answer that no honest service gives.
        edit: seed and size of the content that the file has from then on, once the request is answered.
    """

    name: str
    kinds: tuple[Request, ...] = ()
    item: str | None = None
    target: str | None = None
    skip: int = 0
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    status: int | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    abort: bool = False
    delay: float = 0.0
    set: Mapping[str, object] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    pages: Pages | None = None
    link: str | None = None
    location: str | None = None
    cut_at: int | None = None
    stall: float = 0.0
    bytes_per_second: int | None = None
    ignore_range: bool = False
    content_range: str | None = None
    chunked: bool = False
    gzip: bool = False
    garble: bool = False
    replace: str | None = None
    edit: tuple[int, int] | None = None
    hostile: Hostile | None = None

    @classmethod
    def parse(cls, row: Mapping[str, object], *, start: Fault | None = None) -> Fault:
        """Read a fault from JSON, changing *start* where it is given."""
        known = {entry.name for entry in dataclasses.fields(cls)}
        unknown = set(row) - known
        if unknown:
            raise ValueError(f"A fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}.")
        values = dict(row)
        kinds = values.get("kinds")
        if isinstance(kinds, (list, tuple)):
            values["kinds"] = tuple(Request(str(kind)) for kind in kinds)
        remove = values.get("remove")
        if isinstance(remove, (list, tuple)):
            values["remove"] = tuple(str(path) for path in remove)
        edit = values.get("edit")
        if isinstance(edit, (list, tuple)):
            values["edit"] = (int(edit[0]), int(edit[1]))
        pages = values.get("pages")
        if pages is not None:
            values["pages"] = Pages(str(pages))
        hostile = values.get("hostile")
        if hostile is not None:
            values["hostile"] = Hostile(str(hostile))
        values.setdefault("name", start.name if start else "unnamed")
        return dataclasses.replace(start or cls(name=""), **values)  # type: ignore[arg-type]  # checked by name above

    def to_dict(self) -> dict[str, object]:
        return {key: value for key, value in dataclasses.asdict(self).items() if value not in (None, {}, (), False)}

    @property
    def changes_items(self) -> bool:
        return bool(self.set or self.remove)


class ActiveFault:
    """A fault with the count of what it met."""

    __slots__ = ("fault", "hits", "over", "seen")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.over = asyncio.Event()
        self.seen = 0
        self.hits = 0

    def meets(self) -> bool:
        """Say whether this occasion, one that matches, is met; and count it."""
        fault = self.fault
        self.seen += 1
        if self.seen <= fault.skip or (fault.times is not None and self.hits >= fault.times):
            return False
        if fault.probability < 1 and random.Random(f"{fault.seed}:{self.seen}").random() >= fault.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults that are in force."""

    def __init__(self) -> None:
        self.active: list[ActiveFault] = []

    def add(self, faults: Iterable[Fault]) -> None:
        self.active.extend(ActiveFault(fault) for fault in faults)

    def remove(self, name: str | None = None) -> None:
        """End the faults of this name; all without a name. Answers that they delay come now."""
        ended = [active for active in self.active if name is None or active.fault.name == name]
        self.active = [active for active in self.active if active not in ended]
        for active in ended:
            active.over.set()

    async def delayed(self, fault: Fault) -> None:
        """Return after the delay of *fault*, or when it is removed."""
        over = next((active.over for active in self.active if active.fault is fault), None)
        if over is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(fault.delay):
                    await over.wait()

    def of_request(self, kind: Request, *, target: str, item: tuple[str, ...]) -> list[Fault]:
        """Return the faults that meet this request. *item*: the path and id of the item that it is about."""
        return [
            active.fault
            for active in self.active
            if not active.fault.changes_items and _matches(active.fault, kind, target, item) and active.meets()
        ]

    def of_items(self, kind: Request, *, target: str) -> ItemChanges | None:
        """Return the changes to make to items in the answer of such a request, None if there are none."""
        found = [
            active
            for active in self.active
            if active.fault.changes_items
            and kind in active.fault.kinds
            and (active.fault.target is None or fnmatchcase(target, active.fault.target))
        ]
        return ItemChanges(found) if found else None


class ItemChanges:
    """Changes to the JSON of items."""

    def __init__(self, active: list[ActiveFault]) -> None:
        self._active = active

    def apply(self, body: dict[str, object], item: Item) -> None:
        for active in self._active:
            fault = active.fault
            if (fault.item is None or _names(fault.item, (item.path, str(body.get("id", ""))))) and active.meets():
                for path in fault.remove:
                    holder, key = _reach(body, path)
                    holder.pop(key, None)
                for path, value in fault.set.items():
                    holder, key = _reach(body, path)
                    holder[key] = value


def _reach(body: dict[str, object], path: str) -> tuple[dict[str, object], str]:
    """Return the object that holds the last part of a dotted path, and that part. Annotations keep their dots."""
    if path.startswith("@"):
        return body, path
    *above, key = path.split(".")
    for part in above:
        inner = body.get(part)
        # Shared between answers: never changed in place.
        inner = dict(inner) if isinstance(inner, dict) else {}
        body[part] = inner
        body = inner
    return body, key


def _matches(fault: Fault, kind: Request, target: str, item: tuple[str, ...]) -> bool:
    if kind not in fault.kinds:
        return False
    if fault.target is not None and not fnmatchcase(target, fault.target):
        return False
    return fault.item is None or _names(fault.item, item)


def _names(glob: str, item: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for name in item)


def merged(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield those that do something before an answer is made, the slowest first."""
    yield from sorted(faults, key=lambda fault: -fault.delay)
