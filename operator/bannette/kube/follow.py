"""What exists of one kind, and what becomes of it: a list in chunks, then a watch, over and over."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bannette import logs
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.kube.api import ClusterApi, Expired
from bannette.kube.pauses import pause_after

logger = logging.getLogger(__name__)

_LIMIT: Final = 500
_WATCH_SECONDS: Final = (240, 360)
# The API server sends a bookmark every minute, so a connection that says nothing for longer is dead.
_SILENCE: Final = 150.0
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 60.0


class What(StrEnum):
    """What is told of an object; LISTED is of none: from now on all that exist were told of."""

    PRESENT = "Present"
    GONE = "Gone"
    LISTED = "Listed"


@dataclass(frozen=True)
class Change:
    """An object as it is now, or as it last was."""

    what: What
    body: Mapping[str, object]


def follow(api: ClusterApi, plural: str, *, stopped: threading.Event, limit: int = _LIMIT) -> Iterator[Change]:
    """Yield all objects of *plural* in the namespace of *api* (empty: in all), and each change of one, until *stopped*.

    An object may be told of again though it is the same. What fails is told in the log and tried again without end. It
    notices *stopped* when the API server next says something, which is within a minute or two.
    """
    version, known, failures = "", set[tuple[str, str]](), 0
    while not stopped.is_set():
        try:
            if version and failures and _went_back(api, plural, version):
                version = ""
            if not version:
                for change in _listed(api, plural, known, limit):
                    if change.what is What.LISTED:
                        version = _metadata(change.body, "resourceVersion")
                    yield change
            seconds = random.randint(*_WATCH_SECONDS)  # noqa: S311 - jitter
            with api.watch(plural, version=version, seconds=seconds, silence=_SILENCE) as events:
                for event in events:
                    failures = 0
                    body = event["object"]
                    if not isinstance(body, Mapping):
                        continue
                    version = _metadata(body, "resourceVersion") or version
                    if event["type"] != "BOOKMARK":
                        yield _changed(event["type"] == "DELETED", body, known)
                    if stopped.is_set():
                        return
            # Watches end now and then; one that ends at once isn't repeated at once.
            stopped.wait(_FIRST_WAIT)
        except BannetteError as error:
            failures += 1
            if isinstance(error, Expired):
                version = ""
                # The first one is no failure; an API server that says nothing else isn't made to list without end.
                if failures == 1:
                    continue
            # What a person must grant or install is told of at once; what passes by itself, once it lasts.
            if isinstance(error, PersonNeeded) or failures > 1:
                logs.event(
                    logger,
                    "watch.failed",
                    level=logging.WARNING,
                    plural=plural,
                    reason=error.reason,
                    message=str(error),
                )
            wait = pause_after(failures, first=_FIRST_WAIT, longest=_LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
            asked = (error.retry_after or 0.0) if isinstance(error, Transient) else 0.0
            # Whoever asks for an hour may be well again in a minute, and what changes meanwhile isn't heard of.
            stopped.wait(min(max(wait, asked), _LONGEST_WAIT))


def _went_back(api: ClusterApi, plural: str, version: str) -> bool:
    """Tell whether *version* is yet to come, since the cluster was restored: until then a watch from it is silent."""
    now = _metadata(api.page(plural, limit=1), "resourceVersion")
    return now.isdecimal() and version.isdecimal() and int(now) < int(version)


def _listed(api: ClusterApi, plural: str, known: set[tuple[str, str]], limit: int) -> Iterator[Change]:
    """Yield what exists, then what of *known* doesn't any more."""
    found, after = set[tuple[str, str]](), ""
    while True:
        page = api.page(plural, limit=limit, after=after)
        items = page.get("items")
        for body in items if isinstance(items, list) else ():
            found.add(_key(body))
            yield Change(What.PRESENT, body)
        after = _metadata(page, "continue")
        if not after:
            break
    for namespace, name in known - found:
        yield Change(What.GONE, {"metadata": {"namespace": namespace, "name": name}})
    known.clear()
    known |= found
    yield Change(What.LISTED, page)


def _changed(gone: bool, body: Mapping[str, object], known: set[tuple[str, str]]) -> Change:
    if gone:
        known.discard(_key(body))
        return Change(What.GONE, body)
    known.add(_key(body))
    return Change(What.PRESENT, body)


def _key(body: Mapping[str, object]) -> tuple[str, str]:
    return _metadata(body, "namespace"), _metadata(body, "name")


def _metadata(body: Mapping[str, object], name: str) -> str:
    metadata = body.get("metadata")
    return str(metadata.get(name) or "") if isinstance(metadata, Mapping) else ""
