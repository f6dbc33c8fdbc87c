"""OneDrive through Microsoft sign-in and Microsoft Graph: what changed, and the bytes."""

from bannette.onedrive.endpoints import Endpoints, endpoints_for
from bannette.onedrive.errors import CursorLost, ItemGone, Refused, Unavailable
from bannette.onedrive.identity import Drive, DriveKind, document_id
from bannette.onedrive.items import Item, ItemKind, parse_item, triage
from bannette.onedrive.positions import WHOLE_DRIVE, FolderLink, Page, Position

__all__ = [
    "WHOLE_DRIVE",
    "CursorLost",
    "Drive",
    "DriveKind",
    "Endpoints",
    "FolderLink",
    "Item",
    "ItemGone",
    "ItemKind",
    "Page",
    "Position",
    "Refused",
    "Unavailable",
    "document_id",
    "endpoints_for",
    "parse_item",
    "triage",
]
