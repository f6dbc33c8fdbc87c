"""Items and drives as Graph's JSON."""

from __future__ import annotations

import mimetypes
import time
from functools import lru_cache
from urllib.parse import quote

from simulator import quickxor
from simulator.downloads import signed_url
from simulator.drive import Drive, Item, Kind
from simulator.identifiers import Flavour
from simulator.world import World

Json = dict[str, object]
_MEDIA_TYPES: dict[str, str] = {}
_URL_NAMES = {"content.downloadUrl", "@microsoft.graph.downloadUrl"}
_ALWAYS = {"@odata.context", "@odata.etag"}


def select_of(query: str | None) -> frozenset[str] | None:
    """Read a ``$select``."""
    return frozenset(name.strip() for name in query.split(",")) if query else None


class Rendering:
    """How items look in one answer.

    Args:
        select: the properties asked for, None for all. The download URL is an annotation: it comes without a select,
            or when it is asked for by one of two spellings.
        feed: as delta shows them: no paths, and no cTag in work drives.
    """

    def __init__(self, world: World, drive: Drive, *, select: frozenset[str] | None = None, feed: bool = False) -> None:
        self._world = world
        self._drive = drive
        self._select = select
        self._feed = feed
        self._personal = drive.flavour is Flavour.PERSONAL
        self._drive_id = spelled(world, drive)
        self._with_url = select is None or bool(select & _URL_NAMES)
        self._parent_id: tuple[Item | None, str] = (None, "")

    def item(self, item: Item) -> Json:
        body = self._deleted(item) if item.deleted else self._existing(item)
        if self._select is not None:
            wanted = self._select
            body = {
                key: value
                for key, value in body.items()
                if key in wanted or key in _ALWAYS or key == "@microsoft.graph.downloadUrl" or key in {"id", "deleted"}
            }
        return body

    def _id(self, number: int) -> str:
        item_id = self._drive.ids.of(number)
        if self._personal and self._world.settings.drive_case in {"lower", "short"}:
            return f"{self._drive_id}!{item_id.partition('!')[2]}"
        return item_id

    def _deleted(self, item: Item) -> Json:
        body: Json = {"id": self._id(item.number), "deleted": {"state": "deleted"}}
        if self._personal:
            body["name"] = item.name
        else:
            body["size"] = 0
            body["lastModifiedDateTime"] = "0001-01-01T00:00:00Z"
        if item.parent is not None:
            body["parentReference"] = self._parent(item.parent)
        body["folder" if item.kind is Kind.FOLDER else "file"] = {}
        return body

    def _existing(self, item: Item) -> Json:
        drive = self._drive
        number = item.number
        item_id = self._id(number)
        created, modified = _time(item.created), _time(item.modified)
        body: Json = {
            "id": item_id,
            "name": item.name,
            "size": item.size,
            "eTag": drive.ids.tag(number, item.version),
            "createdDateTime": created,
            "lastModifiedDateTime": modified,
            "fileSystemInfo": {"createdDateTime": created, "lastModifiedDateTime": modified},
            "webUrl": f"{self._world.public_url}/web/{item_id}",
        }
        if self._personal or (item.kind is Kind.FILE and not self._feed):
            body["cTag"] = f'"c:{{{drive.ids.guid(number)}}},{item.content_version}"'
        if item.parent is None:
            body["root"] = {}
            body["parentReference"] = {"driveType": drive.flavour.value, "driveId": self._drive_id}
        else:
            body["parentReference"] = self._parent(item.parent)
        if item.kind is Kind.FOLDER:
            body["folder"] = {"childCount": len(item.children or ())}
        elif item.kind is Kind.FILE:
            hashes: Json = {}
            if item.content is not None and item.size:
                hashes["quickXorHash"] = quickxor.encode(item.content.quick_xor())
            body["file"] = {"mimeType": media_type(item.name), "hashes": hashes}
            if self._with_url:
                body["@microsoft.graph.downloadUrl"] = signed_url(self._world, drive, item)
        if item.facets:
            body.update(item.facets)
        return body

    def _parent(self, parent: Item) -> Json:
        known, parent_id = self._parent_id
        if known is not parent:
            parent_id = self._id(parent.number)
            self._parent_id = (parent, parent_id)
        body: Json = {"driveType": self._drive.flavour.value, "driveId": self._drive_id, "id": parent_id}
        if not self._feed:
            path = parent.path.rstrip("/")
            body["path"] = f"/drives/{self._drive_id}/root:{quote(path)}"
            body["name"] = parent.name
        return body


def drive_json(world: World, drive: Drive) -> Json:
    return {
        "id": spelled(world, drive),
        "driveType": drive.flavour.value,
        "name": "OneDrive",
        "webUrl": f"{world.public_url}/web",
        "owner": {"user": {"displayName": "Owner"}},
        "quota": {
            "total": 1 << 40,
            "used": 1 << 30,
            "remaining": (1 << 40) - (1 << 30),
            "deleted": 0,
            "state": "normal",
        },
    }


def spelled(world: World, drive: Drive) -> str:
    """Return the drive's id as it is spelled now: those of personal drives are spelled in several ways."""
    if drive.flavour is not Flavour.PERSONAL:
        return drive.id
    match world.settings.drive_case:
        case "upper":
            return drive.id.upper()
        case "short":
            return drive.id.removeprefix("0")
        case _:
            return drive.id


def media_type(name: str) -> str:
    extension = name.rpartition(".")[2].lower()
    if extension not in _MEDIA_TYPES:
        _MEDIA_TYPES[extension] = mimetypes.guess_type(f"x.{extension}")[0] or "application/octet-stream"
    return _MEDIA_TYPES[extension]


@lru_cache(maxsize=256)
def _time(at: float) -> str:
    """RFC 3339 with as many digits of a second as there are, as Graph writes it."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    fraction = f"{at % 1:.3f}"[1:].rstrip("0").rstrip(".") if at % 1 < 0.9995 else ""
    return f"{whole}{fraction}Z"
