"""A driveItem as Bannette needs it, and what its metadata alone decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote

from bannette.errors import ItemDeferred, ItemRejected

#: ``content.downloadUrl`` is how the annotation ``@microsoft.graph.downloadUrl`` survives a selection.
SELECT = (
    "$select=id,name,size,eTag,file,folder,package,deleted,root,malware,remoteItem,parentReference,createdDateTime,"
    "lastModifiedDateTime,fileSystemInfo,pendingOperations,content.downloadUrl"
)
_EMPTY_GRACE = timedelta(days=7)


class ItemKind(StrEnum):
    """What an item is."""

    FILE = "File"
    FOLDER = "Folder"
    PACKAGE = "Package"
    SHORTCUT = "Shortcut"
    ROOT = "Root"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a drive, as one answer describes it.

    Attributes:
        parent_id: None for the root, and where Graph leaves it out.
        folder: path of the folder that holds it, ``/`` for the root; None where Graph leaves it out, as in feeds.
        size: bytes by the metadata, which may be wrong; None when absent.
        quick_xor: base64; None when OneDrive has computed none.
        modified_at: by the server's clock, so that the age of an upload shows.
        download_url: signed and short-lived; a secret.
        pending: its content is still arriving.
    """

    id: str
    drive_id: str | None
    parent_id: str | None
    name: str = field(repr=False)
    size: int | None
    etag: str | None
    kind: ItemKind
    deleted: bool = False
    quick_xor: str | None = None
    media_type: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    download_url: str | None = field(default=None, repr=False)
    malware: bool = False
    pending: bool = False
    child_count: int | None = None
    folder: str | None = field(default=None, repr=False)


def parse_item(body: Mapping[str, object]) -> Item | None:
    """Return the item that *body* describes, whatever it leaves out; None if it has no id."""
    item_id = text_of(body, "id")
    if item_id is None:
        return None
    parent = _facet(body, "parentReference") or {}
    file = _facet(body, "file") or {}
    hashes = _facet(file, "hashes") or {}
    times = _facet(body, "fileSystemInfo") or {}
    return Item(
        id=item_id,
        drive_id=text_of(parent, "driveId"),
        parent_id=text_of(parent, "id"),
        name=text_of(body, "name") or "",
        size=_size(body.get("size")),
        etag=text_of(body, "eTag"),
        kind=_kind(body),
        deleted=_facet(body, "deleted") is not None,
        quick_xor=text_of(hashes, "quickXorHash"),
        media_type=text_of(file, "mimeType"),
        created_at=_time(body.get("createdDateTime")) or _time(times.get("createdDateTime")),
        modified_at=_time(body.get("lastModifiedDateTime")) or _time(times.get("lastModifiedDateTime")),
        download_url=text_of(body, "@microsoft.graph.downloadUrl") or text_of(body, "@content.downloadUrl"),
        malware=_facet(body, "malware") is not None,
        pending=_facet(_facet(body, "pendingOperations") or {}, "pendingContentUpdate") is not None,
        child_count=_size((_facet(body, "folder") or {}).get("childCount")),
        folder=_path(text_of(parent, "path")),
    )


def triage(item: Item, *, now: datetime) -> None:
    """Return if *item* may be downloaded.

    Raises:
        ItemDeferred: not yet: its content is still arriving.
        ItemRejected: never as it is: nothing to download, or nothing that may be.
    """
    match item.kind:
        case ItemKind.PACKAGE:
            raise ItemRejected("The item is a OneNote notebook, which has no file to collect.", reason="OneNote")
        case ItemKind.SHORTCUT:
            raise ItemRejected(
                "The item is a shortcut into another drive: give that drive a channel of its own.", reason="Shortcut"
            )
        case ItemKind.FILE:
            pass
        case _:
            raise ItemRejected("The item is neither a file nor a folder.", reason="NotAFile")
    if item.malware:
        raise ItemRejected("OneDrive says that the item is infected.", reason="Malware")
    if item.pending:
        raise ItemDeferred("The content of the item is still arriving.", reason="ContentPending")
    if item.size == 0:
        modified = item.modified_at or item.created_at
        if modified is not None and now - modified < _EMPTY_GRACE:
            raise ItemDeferred("The item has 0 bytes; an upload may still be running.", reason="Empty")
        raise ItemRejected("The item has had 0 bytes for a week.", reason="Empty")


def _kind(body: Mapping[str, object]) -> ItemKind:
    # A shortcut to a folder also has the folder facet, a notebook may have it too: the telling facet comes first.
    for facet, kind in (
        ("root", ItemKind.ROOT),
        ("remoteItem", ItemKind.SHORTCUT),
        ("package", ItemKind.PACKAGE),
        ("folder", ItemKind.FOLDER),
        ("file", ItemKind.FILE),
    ):
        if _facet(body, facet) is not None:
            return kind
    return ItemKind.OTHER


def _facet(body: Mapping[str, object], name: str) -> Mapping[str, object] | None:
    value = body.get(name)
    return value if isinstance(value, Mapping) else None


def text_of(body: Mapping[str, object], name: str) -> str | None:
    """Return the text that a member of *body* is, fit to be written anywhere; None if it is none."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        return None
    # Half a surrogate pair is legal in JSON, and in nothing that a name is written to.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _path(path: str | None) -> str | None:
    """Return the path of names in ``/drives/…/root:/a%20b``."""
    _, colon, names = (path or "").partition(":")
    return (unquote(names) or "/") if colon else None


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    # The first and last days of the calendar don't exist in every time zone.
    except (ValueError, OverflowError):
        return None
