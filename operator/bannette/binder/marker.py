"""binder.json: whose binder this is, written at first use, and checked before anything else is."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass

from bannette.binder.fields import Fields, json_bytes
from bannette.binder.layout import MARKER, PROBE
from bannette.binder.store import Store
from bannette.binder.store_errors import AlreadyExists, NotFound
from bannette.errors import PersonNeeded

FORMAT = "bannette.io/binder/v1"
# What a binder has until everything was copied into it. Who doesn't know it refuses the binder too.
COPY_FORMAT = "bannette.io/binder-copy/v1"


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Whose binder it is; *unfinished*: it is being copied from elsewhere, and nobody may use it yet."""

    uid: str
    namespace: str
    company: str
    unfinished: bool = False

    def to_json(self) -> bytes:
        form = COPY_FORMAT if self.unfinished else FORMAT
        return json_bytes({"format": form, "uid": self.uid, "namespace": self.namespace, "company": self.company})


def read_marker(store: Store) -> Marker | None:
    """Raises: PersonNeeded: BinderUnreadable: damaged, or of a later format; BinderCopyUnfinished."""
    marker = find_marker(store)
    if marker is not None and marker.unfinished:
        raise PersonNeeded(
            "The binder is the copy of another one, and isn't complete yet: finish it with the same "
            "`bannette binder copy` as before.",
            reason="BinderCopyUnfinished",
        )
    return marker


def find_marker(store: Store) -> Marker | None:
    """Return the marker, of an unfinished copy too.

    Raises: Unreadable (a PersonNeeded): the file is damaged, or of a later format.
    """
    try:
        fields = Fields.of_json(store.get(MARKER), MARKER)
    except NotFound:
        return None
    form = fields.text("format")
    if form not in (FORMAT, COPY_FORMAT):
        raise PersonNeeded(
            f"The binder has the format {form}, this version of Bannette knows {FORMAT}: upgrade it.",
            reason="BinderUnreadable",
        )
    return Marker(
        uid=fields.text("uid"),
        namespace=fields.text("namespace"),
        company=fields.text("company"),
        unfinished=form == COPY_FORMAT,
    )


def claim_binder(store: Store, ours: Marker, *, expected: bool, adopt: str | None) -> None:
    """Make sure that the binder is *ours*, and mark it at first use.

    Args:
        expected: the channel has collected into it before, so it can't be unmarked.
        adopt: the uid that binder.json names, or that of *ours* for one without it, if a person allowed it.

    Raises:
        PersonNeeded: BinderReplaced, NoConditionalPut, NoHardLinks.
    """
    found = read_marker(store)
    if found is None:
        if expected and adopt != ours.uid:
            raise PersonNeeded(
                "The binder has no binder.json although documents were collected into it before: is the right volume, "
                "folder or bucket mounted? To go on with this one, annotate the Binder with "
                f"bannette.io/adopt={ours.uid}, and remove the annotation after the next run.",
                reason="BinderReplaced",
            )
        check_conditional_put(store)
        try:
            store.put_new_durable(MARKER, ours.to_json())
        except AlreadyExists:
            found = read_marker(store)
    if found is None or found.uid == ours.uid:
        return
    if adopt != found.uid:
        raise PersonNeeded(
            f"The binder belongs to another Binder resource (uid {found.uid} of namespace {found.namespace!r}, company "
            f"{found.company!r}; this one has uid {ours.uid}): is the right volume, folder or bucket mounted? "
            f"If it was moved or made again on purpose, annotate the Binder with bannette.io/adopt={found.uid}.",
            reason="BinderReplaced",
        )
    check_conditional_put(store)
    # From now on it is ours: a resource that still uses it under the old uid is told so.
    store.put(MARKER, ours.to_json())
    store.make_durable([MARKER])


def check_conditional_put(store: Store) -> None:
    """Put a probe key twice: only the first may succeed.

    Raises:
        PersonNeeded: NoConditionalPut, NoHardLinks, StoreReadOnly.
    """
    key = f"{PROBE}/{uuid.uuid4().hex}"
    # Nobody else has the key: if it exists, the answer to the first was lost, and its repeat met what it had put.
    with suppress(AlreadyExists):
        store.put_new(key, b"first")
    try:
        store.put_new(key, b"second")
    except AlreadyExists:
        return
    finally:
        store.delete(key)
    raise PersonNeeded(
        "The binder's store ignores put-if-absent, so a document could be collected twice: use a store that honours "
        "If-None-Match (for S3: AWS, MinIO, Ceph and others in their present versions), or a volume.",
        reason="NoConditionalPut",
    )
