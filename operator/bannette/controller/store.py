"""What the watches have seen, in memory: channels and children packed, Jobs as views.

An object is kept as compressed JSON without managedFields. Its version is kept beside it: what an object says is the
same as before when all but that is.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import orjson

from bannette.controller.api import Manifest
from bannette.controller.figures import ChannelFigures, channel_figures, seconds
from bannette.controller.names import CHANNEL, CHANNEL_LABEL, OWNED, Key, Kind
from bannette.controller.packing import Packing
from bannette.controller.runs import Job, parse_job
from bannette.resources import REQUESTED_AT

_KEPT_METADATA = (
    "name",
    "namespace",
    "uid",
    "generation",
    "labels",
    "annotations",
    "ownerReferences",
    "deletionTimestamp",
)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_PROGRESS: Final = ("activeRun", "checkpoint")
# No answer takes longer: a request ends after a minute.
_REMEMBERED_SECONDS: Final = 120.0


class Place(NamedTuple):
    """A child's address."""

    kind: Kind
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class _Child:
    uid: str
    version: str
    digest: bytes
    packed: bytes
    channel: str


@dataclass(frozen=True, slots=True)
class _ChannelEntry:
    """A channel.

    Attributes:
        theirs, ours: digests of what decisions rest on: of what others write, and of what the operator itself does.
    """

    uid: str
    version: str
    theirs: bytes
    ours: bytes
    packed: bytes
    recipient: str
    binder: str
    figures: ChannelFigures
    since: float

    def is_as_new_as(self, metadata: Mapping[str, object]) -> bool:
        """Tell whether *metadata* is of this version, or an earlier one, or of an earlier channel of that name."""
        if _is_newer(metadata, self.version):
            return False
        if self.uid == metadata["uid"]:
            return True
        # After a restore of etcd versions begin anew: a channel that was made later is another one in any case.
        return (seconds(metadata.get("creationTimestamp")) or 0.0) <= self.figures.created


class _Gone:
    """The objects that a watch has lost of late: an answer about them that comes after that tells of the past."""

    def __init__(self) -> None:
        self._gone: dict[str, tuple[float, str]] = {}

    def add(self, metadata: Mapping[str, object]) -> None:
        now = time.monotonic()
        # They are in the order in which they went.
        while self._gone and (oldest := next(iter(self._gone))) and now - self._gone[oldest][0] > _REMEMBERED_SECONDS:
            del self._gone[oldest]
        uid = str(metadata.get("uid"))
        self._gone.pop(uid, None)
        self._gone[uid] = (now, str(metadata.get("resourceVersion", "0")))

    def has(self, metadata: Mapping[str, object]) -> bool:
        """Tell whether that was before it went; an object that got back the labels that it had lost is there again."""
        found = self._gone.get(str(metadata.get("uid")))
        return found is not None and not _is_newer(metadata, found[1])


class Store:
    """The channels, children and Jobs that exist, as far as the watches have told."""

    def __init__(self) -> None:
        self._gone = _Gone()
        self._channels: dict[Key, _ChannelEntry] = {}
        self._names: dict[str, set[str]] = {}
        self._unfinished: dict[str, Key] = {}
        self._children: dict[Place, _Child] = {}
        self._counts: Counter[tuple[Kind, str]] = Counter()
        self._packings: dict[Kind, Packing] = defaultdict(Packing)
        self._awaited: set[Place] = set()
        self._jobs: dict[Key, dict[str, Job]] = {}

    def put_channel(self, body: Manifest, *, written: bool = False) -> bool:
        """Remember a channel; tell whether anything changed that a decision rests on.

        Args:
            written: it is the answer to a write of our own; what the operator itself writes is no change then.
        """
        metadata = cast("dict[str, Any]", body["metadata"])
        key = Key(sys.intern(metadata["namespace"]), sys.intern(metadata["name"]))
        spec = cast("dict[str, Any]", body.get("spec") or {})
        old = self._channels.get(key)
        if self._gone.has(metadata) or (old is not None and old.is_as_new_as(metadata)):
            return False
        theirs, ours = _decisive(body)
        new = _ChannelEntry(
            uid=metadata["uid"],
            version=metadata.get("resourceVersion", "0"),
            theirs=theirs,
            ours=ours,
            packed=self._packings[CHANNEL].pack(orjson.dumps(_trimmed(body, without=()))),
            recipient=sys.intern(str((spec.get("recipient") or {}).get("name"))),
            binder=sys.intern(str((spec.get("destination") or {}).get("binder"))),
            figures=channel_figures(body),
            since=old.since if old is not None and old.uid == metadata["uid"] else time.monotonic(),
        )
        self._names.setdefault(key.namespace, set()).add(key.name)
        self._channels[key] = new
        return old is None or old.theirs != theirs or (not written and old.ours != ours)

    def has_channel(self, body: Manifest) -> bool:
        """Tell whether this version of a channel is known, or a later one."""
        metadata = cast("dict[str, str]", body["metadata"])
        entry = self._channels.get(Key(metadata["namespace"], metadata["name"]))
        return entry is not None and entry.is_as_new_as(metadata)

    def lose_channel(self, body: Manifest) -> None:
        """Forget the channel that a watch says is gone; not another one of its name."""
        metadata = cast("dict[str, Any]", body["metadata"])
        key = Key(metadata["namespace"], metadata["name"])
        self._gone.add(metadata)
        self.remove_channel(key, metadata["uid"])

    def remove_channel(self, key: Key, uid: str) -> None:
        """Forget the channel with that uid; not another one of its name, which a watch may have brought by now."""
        if self.channel_version(key, uid) is None:
            return
        del self._channels[key]
        names = self._names.get(key.namespace, set())
        names.discard(key.name)
        if not names:
            self._names.pop(key.namespace, None)

    def channel(self, key: Key) -> Manifest | None:
        entry = self._channels.get(key)
        return self._unpacked(CHANNEL, entry) if entry is not None else None

    def knows(self, key: Key) -> bool:
        """Tell whether there is such a channel, as far as is known."""
        return key in self._channels

    def channel_version(self, key: Key, uid: str) -> str | None:
        """Return the version of the channel with that uid; None if there is none, or another one of that name."""
        entry = self._channels.get(key)
        return entry.version if entry is not None and entry.uid == uid else None

    def channel_uids(self) -> list[tuple[Key, str]]:
        return [(key, entry.uid) for key, entry in self._channels.items()]

    def seen_since(self, key: Key) -> float:
        """Return when the channel was first seen, by the monotonic clock; now, if it isn't there."""
        entry = self._channels.get(key)
        return entry.since if entry is not None else time.monotonic()

    def lacking(self, kind: Kind, namespace: str) -> int:
        """Return how many more channels than children of this kind a namespace has."""
        return len(self._names.get(namespace, ())) - self._counts[kind, namespace]

    def figures(self) -> Iterator[tuple[Key, ChannelFigures]]:
        """Yield every channel in numbers."""
        for key, entry in self._channels.items():
            yield key, entry.figures

    def channels_naming(self, namespace: str, *, recipient: str | None = None, binder: str | None = None) -> list[Key]:
        """Return the namespace's channels that refer to this recipient, or binder."""
        keys = [Key(namespace, name) for name in self._names.get(namespace, ())]
        return [
            key for key in keys if self._channels[key].recipient == recipient or self._channels[key].binder == binder
        ]

    @contextmanager
    def writing(self, kind: Kind, namespace: str, name: str) -> Iterator[Callable[[Manifest], bool]]:
        """Write a child meanwhile: what a watch brings of it wakes nobody, for it is most likely what was written.

        Yields what is to be called with the answer, and tells whether the child is another than that by now.
        """
        place = Place(kind, namespace, name)

        def answered(body: Manifest) -> bool:
            self.put_child(kind, body)
            known, version = self._children.get(place), cast("dict[str, str]", body["metadata"])["resourceVersion"]
            return known is None or (known.version != version and known.digest != _digest(_child_text(kind, body)))

        self._awaited.add(place)
        try:
            yield answered
        finally:
            self._awaited.discard(place)

    def put_child(self, kind: Kind, body: Manifest) -> Key | None:
        """Remember a child; return its channel if anything changed but its status."""
        place, metadata = _place(kind, body), cast("dict[str, Any]", body["metadata"])
        old = self._children.get(place)
        if self._gone.has(metadata) or (old is not None and not _is_newer(metadata, old.version)):
            return None
        text = _child_text(kind, body)
        new = _Child(
            uid=metadata.get("uid", ""),
            version=metadata.get("resourceVersion", "0"),
            digest=_digest(text),
            packed=self._packings[kind].pack(text),
            channel=sys.intern((metadata.get("labels") or {}).get(CHANNEL_LABEL, "")),
        )
        if old is None:
            self._counts[kind, place.namespace] += 1
        self._children[place] = new
        if place in self._awaited or (old is not None and old.digest == new.digest):
            return None
        return Key(place.namespace, new.channel)

    def remove_child(self, kind: Kind, body: Manifest) -> Key | None:
        metadata = cast("dict[str, Any]", body["metadata"])
        self._gone.add(metadata)
        return self.forget_child(*_place(kind, body), uid=metadata.get("uid", ""))

    def forget_child(self, kind: Kind, namespace: str, name: str, *, uid: str) -> Key | None:
        """Forget the child with that uid, and return its channel; not another one of its name."""
        place = Place(kind, namespace, name)
        known = self._children.get(place)
        return self._remove(place) if known is not None and known.uid == uid else None

    def _remove(self, place: Place) -> Key:
        self._counts[place.kind, place.namespace] -= 1
        return Key(place.namespace, self._children.pop(place).channel)

    def child(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        known = self._children.get(Place(kind, namespace, name))
        return self._unpacked(kind, known) if known is not None else None

    def _unpacked(self, kind: Kind, known: _Child | _ChannelEntry) -> Manifest:
        body = self._packings[kind].unpack(known.packed)
        cast("dict[str, str]", body["metadata"])["resourceVersion"] = known.version
        return body

    def put_job(self, body: Mapping[str, object]) -> Job | None:
        """Remember a Job; return it if anything changed that a decision rests on."""
        job = parse_job(body)
        if self._gone.has(cast("Manifest", body["metadata"])):
            return None
        known = self._jobs.setdefault(job.key, {})
        old = known.get(job.name)
        if (
            old is not None
            and not _is_newer(cast("Manifest", body["metadata"]), old.resource_version)
            and (old.uid == job.uid or job.created_at <= old.created_at)
        ):
            return None
        known[job.name] = job
        if old is not None and old.uid != job.uid:
            self._unfinished.pop(old.uid, None)
        if job.on_demand and not job.finished:
            self._unfinished[job.uid] = job.key
        else:
            self._unfinished.pop(job.uid, None)
        return job if old is None or _without_job_version(old) != _without_job_version(job) else None

    def remove_job(self, body: Mapping[str, object]) -> Job | None:
        job = parse_job(body)
        self._gone.add(cast("Manifest", body["metadata"]))
        known = self._jobs.get(job.key, {})
        removed = known.get(job.name)
        if removed is None or removed.uid != job.uid:
            return None
        del known[job.name]
        self._unfinished.pop(job.uid, None)
        if not known:
            del self._jobs[job.key]
        return removed

    def jobs(self, key: Key, uid: str) -> tuple[Job, ...]:
        """Return the Jobs of the channel with that uid."""
        return tuple(job for job in self._jobs.get(key, {}).values() if job.channel_uid == uid)

    @property
    def unfinished_on_demand(self) -> int:
        """How many of the operator's own Jobs are unfinished, over all channels.

        It makes one for a channel at a time: more of them are somebody else's, and take no slots of other channels.
        """
        return len(set(self._unfinished.values()))

    def keep_only(self, kind: Kind, namespace: str | None, uids: Container[str]) -> list[Key]:
        """Forget what a fresh list of this kind doesn't have, and return the channels that lost something."""
        gone = [
            place
            for place, known in self._children.items()
            if place.kind == kind and namespace in (None, place.namespace) and known.uid not in uids
        ]
        return [self._remove(place) for place in gone]

    def keep_only_jobs(self, namespace: str | None, uids: Container[str]) -> list[Job]:
        """Forget the Jobs that a fresh list doesn't have, and return them."""
        gone = [
            job
            for known in self._jobs.values()
            for job in known.values()
            if namespace in (None, job.namespace) and job.uid not in uids
        ]
        for job in gone:
            del self._jobs[job.key][job.name]
            self._unfinished.pop(job.uid, None)
            if not self._jobs[job.key]:
                del self._jobs[job.key]
        return gone


def _child_text(kind: Kind, body: Manifest) -> bytes:
    # The items of a list don't say what they are.
    named: Manifest = {"apiVersion": kind.api_version, "kind": kind.kind}
    return orjson.dumps(named | _trimmed(body, without=("status",)))


def _place(kind: Kind, body: Manifest) -> Place:
    metadata = cast("dict[str, Any]", body["metadata"])
    # Of ten thousand channels' children many have the same namespace, and three of four the same name.
    return Place(kind, sys.intern(metadata["namespace"]), sys.intern(metadata["name"]))


def _trimmed(body: Manifest, *, without: tuple[str, ...]) -> Manifest:
    metadata = cast("dict[str, Any]", body["metadata"])
    kept = {name: metadata[name] for name in _KEPT_METADATA if name in metadata}
    if _LAST_APPLIED in (kept.get("annotations") or {}):
        kept["annotations"] = {name: text for name, text in kept["annotations"].items() if name != _LAST_APPLIED}
    return {name: value for name, value in body.items() if name not in without} | {"metadata": kept}


def _without_job_version(job: Job) -> tuple[object, ...]:
    return (job.uid, job.channel_uid, job.owners, job.state, job.failure, job.started_at, job.deleting)


def _decisive(body: Manifest) -> tuple[bytes, bytes]:
    """Return digests of what of a channel decisions rest on: of what others write, and of what the operator does.

    The counters and the heartbeat of a run that is going on are no part of it.
    """
    metadata = cast("dict[str, Any]", body["metadata"])
    status = cast("dict[str, Any]", body.get("status") or {})
    theirs = {name: value for name, value in status.items() if name not in OWNED and name not in _PROGRESS}
    said = (
        metadata["uid"],
        metadata.get("generation"),
        "deletionTimestamp" in metadata,
        (metadata.get("annotations") or {}).get(REQUESTED_AT),
        (status.get("activeRun") or {}).get("id"),
        theirs,
    )
    return _digest(orjson.dumps(said)), _digest(orjson.dumps([status.get(name) for name in OWNED]))


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()


def _is_newer(metadata: Mapping[str, object], than: str) -> bool:
    version = str(metadata.get("resourceVersion", "0"))
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than
