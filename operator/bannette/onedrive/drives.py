"""Which drive a channel collects from, and single items of it."""

from __future__ import annotations

from urllib.parse import quote

from bannette.errors import ItemDeferred, Transient
from bannette.onedrive.errors import ItemGone, Refused
from bannette.onedrive.graph import Graph, Kind
from bannette.onedrive.identity import Drive, kind_of
from bannette.onedrive.items import SELECT, Item, parse_item, text_of
from bannette.onedrive.positions import Position
from bannette.onedrive.refusals import about_drive, about_item


def open_drive(
    graph: Graph,
    *,
    user: str | None = None,
    drive_id: str | None = None,
    signed_in: str = "",
    position: Position | None = None,
) -> Drive:
    """Return the drive *drive_id*, else that of *user*, else that of whoever is signed in.

    With the *position* of a walk that began with the same settings, nothing is asked.

    Args:
        signed_in: who that is: a position of somebody else's drive is none.

    Raises:
        PersonNeeded: DriveNotFound, DriveLocked or AccessDenied.
        Transient: the service is unavailable.
    """
    if drive_id is not None:
        source, path = f"drive:{drive_id}", f"/drives/{segment(drive_id)}"
    elif user is not None:
        source, path = f"user:{user.casefold()}", f"/users/{segment(user)}/drive"
    else:
        source, path = f"me:{signed_in.casefold()}", "/me/drive"
    if position is not None and position.drive.source == source:
        return position.drive
    try:
        body = graph.get(f"{path}?$select=id,driveType", kind=Kind.DRIVE)
    except Refused as refusal:
        raise about_drive(refusal) from refusal
    found = text_of(body, "id")
    if found is None:
        raise Transient("Microsoft Graph described a drive without an id.", reason="UnexpectedAnswer")
    return Drive(found, kind_of(text_of(body, "driveType"), found), source)


def get_item(graph: Graph, drive: Drive, item_id: str) -> Item | None:
    """Return the item as it is now; None if it is no longer in the drive.

    Raises:
        ItemDeferred, ItemRejected: Graph refuses to show it.
        Transient: the service is unavailable.
    """
    try:
        item = parse_item(graph.get(f"{item_path(drive, item_id)}?{SELECT}", kind=Kind.ITEM))
    except Refused as refusal:
        meaning = about_item(refusal)
        if isinstance(meaning, ItemGone):
            return None
        raise meaning from refusal
    if item is None:
        raise ItemDeferred("Microsoft Graph described the item without an id.", reason="UnexpectedAnswer")
    return None if item.deleted else item


def drive_path(drive: Drive) -> str:
    """Return the path of *drive* in Graph."""
    return f"/drives/{segment(drive.id)}"


def item_path(drive: Drive, item_id: str) -> str:
    """Return the path of an item in Graph."""
    return f"{drive_path(drive)}/items/{segment(item_id)}"


def segment(text: str) -> str:
    """Percent-encode *text* as one segment of a path."""
    return quote(text, safe="!@")
