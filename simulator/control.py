"""The control API: what a test, or a person with curl, does to a simulator that runs.

``POST /control/<verb>`` with a JSON object; ``GET`` for those that only read. An item is named by ``path`` or ``id``,
its drive by ``drive`` (default: the first user's). The answer is JSON; 400 says what was wrong.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields

from aiohttp import web

from simulator import catalogue
from simulator.accounts import Application, Platform, find_person
from simulator.answers import as_json
from simulator.content import Content, Generated, InMemory
from simulator.drive import Drive, Item, Kind
from simulator.faults import Fault
from simulator.identifiers import Flavour
from simulator.rendering import spelled
from simulator.world import LinkStyle, Settings, World

Body = Mapping[str, object]
Json = dict[str, object]


class Control:
    """Answers the control API."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._verbs: dict[str, Callable[[Body], object]] = {
            "create": self._create,
            "folder": self._folder,
            "edit": self._edit,
            "touch": self._touch,
            "facets": self._facets,
            "rename": self._rename,
            "move": self._move,
            "copy": self._copy,
            "delete": self._delete,
            "restore": self._restore,
            "reupload": self._reupload,
            "item": lambda body: self._described(*self._named(body)),
            "tree": self._tree,
            "hold-feed": self._hold_feed,
            "release-feed": self._release_feed,
            "expire-cursors": self._expire_cursors,
            "expire-tokens": self._expire_tokens,
            "expire-urls": self._expire_urls,
            "revoke-refresh-tokens": self._revoke,
            "issued": lambda _: sorted(self._world.sign_in.issued),
            "advance": self._advance,
            "sign-in": self._sign_in,
            "answer-devices": self._answer_devices,
            "person": self._person,
            "drive": self._add_drive,
            "application": self._application,
            "settings": self._settings,
            "help": lambda _: sorted(self._verbs),
            "faults": lambda _: self._list_faults(),
            "add-faults": self._add_faults,
            "remove-faults": self._remove_faults,
            "catalogue": lambda _: {name: fault.to_dict() for name, fault in catalogue.FAULTS.items()},
            "mails": lambda _: list(self._world.mails),
            "counters": lambda _: self._world.counters.to_dict(),
            "requests": lambda _: list(self._world.counters.recent),
            "reset-counters": lambda _: self._world.counters.reset(),
            "reset": lambda _: self._world.reset(),
        }

    async def handle(self, request: web.BaseRequest, path: str) -> web.Response:
        verb = self._verbs.get(path.removeprefix("/control/"))
        if verb is None:
            return as_json({"error": f"No such verb; there are {', '.join(self._verbs)}."}, status=404)
        try:
            raw = await request.read()
            body = json.loads(raw) if raw else {}
            if not isinstance(body, dict):
                raise ValueError("The body must be a JSON object.")
            return as_json(verb(body))
        except (ValueError, LookupError, TypeError) as error:
            return as_json({"error": f"{type(error).__name__}: {error}"}, status=400)

    def _drive(self, body: Body) -> Drive:
        name = body.get("drive")
        drive = self._world.drive(str(name) if name is not None else None)
        if drive is None:
            raise LookupError(f"No drive {name}.")
        return drive

    def _named(self, body: Body) -> tuple[Drive, Item]:
        drive = self._drive(body)
        item = drive.find(str(body["id"])) if "id" in body else drive.at(str(body.get("path", "/")))
        if item is None:
            raise LookupError(f"No item {body.get('id') or body.get('path')}.")
        return drive, item

    def _described(self, drive: Drive, item: Item) -> Json:
        return {
            "id": drive.ids.of(item.number),
            "drive": spelled(self._world, drive),
            "path": item.path,
            "name": item.name,
            "kind": item.kind.name.lower(),
            "size": item.size,
            "eTag": drive.ids.tag(item.number, item.version),
            "deleted": item.deleted,
        }

    def _content(self, body: Body, *, default: bytes | None = None) -> Content:
        if "generate" in body:
            seed, size = body["generate"] if isinstance(body["generate"], list) else (0, body["generate"])
            return Generated(int(seed), int(str(size)))
        if "base64" in body:
            return InMemory(base64.b64decode(str(body["base64"])))
        if "text" in body:
            return InMemory(str(body["text"]).encode())
        if default is None:
            raise ValueError("Say what it holds: text, base64, or generate: SIZE or [SEED, SIZE].")
        return InMemory(default)

    def _create(self, body: Body) -> Json:
        drive = self._drive(body)
        at = self._at(body)
        folder, _, name = str(body["path"]).rstrip("/").rpartition("/")
        facets = body.get("facets")
        kind = Kind.OTHER if isinstance(facets, dict) and {"package", "remoteItem"} & set(facets) else Kind.FILE
        content = self._content(body, default=str(body["path"]).encode()) if kind is Kind.FILE else None
        item = drive.add(drive.folder(folder, at=at), name, kind, at=at, content=content)
        if isinstance(facets, dict):
            item.facets = dict(facets)
        return self._described(drive, item)

    def _at(self, body: Body) -> float:
        return float(str(body.get("at", self._world.now())))

    def _folder(self, body: Body) -> Json:
        drive = self._drive(body)
        return self._described(drive, drive.folder(str(body["path"]), at=self._at(body)))

    def _edit(self, body: Body) -> Json:
        drive, item = self._named(body)
        drive.edit(item, self._content(body), at=self._at(body))
        return self._described(drive, item)

    def _touch(self, body: Body) -> Json:
        drive, item = self._named(body)
        drive.touch(item)
        return self._described(drive, item)

    def _facets(self, body: Body) -> Json:
        """Set or, with null, remove facets of an item: malware, pendingOperations, shared…"""
        drive, item = self._named(body)
        facets = body["facets"]
        if not isinstance(facets, dict):
            raise ValueError("facets must be an object.")
        merged = {**(item.facets or {}), **facets}
        item.facets = {name: value for name, value in merged.items() if value is not None} or None
        drive.touch(item)
        return self._described(drive, item)

    def _rename(self, body: Body) -> Json:
        drive, item = self._named(body)
        drive.place(item, name=str(body["name"]))
        return self._described(drive, item)

    def _move(self, body: Body) -> Json:
        drive, item = self._named(body)
        name = body.get("name")
        folder = drive.folder(str(body["to"]), at=self._at(body))
        drive.place(item, parent=folder, name=str(name) if name is not None else None)
        return self._described(drive, item)

    def _copy(self, body: Body) -> Json:
        drive, item = self._named(body)
        folder, _, name = str(body["to"]).rpartition("/")
        target = drive.folder(folder, at=self._at(body))
        copied = self._copied(drive, item, target, name or item.name)
        return self._described(drive, copied)

    def _copied(self, drive: Drive, item: Item, folder: Item, name: str) -> Item:
        at = self._world.now()
        copied = drive.add(folder, name, item.kind, at=at, content=item.content)
        copied.facets = dict(item.facets) if item.facets else None
        for child in list((item.children or {}).values()):
            self._copied(drive, child, copied, child.name)
        return copied

    def _delete(self, body: Body) -> Json:
        drive, item = self._named(body)
        drive.delete(item)
        return self._described(drive, item)

    def _restore(self, body: Body) -> Json:
        drive, item = self._named(body)
        drive.restore(item)
        return self._described(drive, item)

    def _reupload(self, body: Body) -> Json:
        """Delete a file and upload one of the same name: a new id, the same bytes unless others are given."""
        drive, item = self._named(body)
        if item.parent is None or item.content is None:
            raise ValueError("Only a file can be uploaded again.")
        given = {"generate", "base64", "text"} & set(body)
        content = self._content(body) if given else item.content
        drive.delete(item)
        return self._described(drive, drive.add(item.parent, item.name, Kind.FILE, at=self._at(body), content=content))

    def _tree(self, body: Body) -> list[Json]:
        drive, item = self._named(body)
        return [self._described(drive, below) for below in item.descendants()]

    def _hold_feed(self, body: Body) -> None:
        """From now on the feed shows no change, until it is released."""
        drive = self._drive(body)
        drive.held_at = drive.sequence

    def _release_feed(self, body: Body) -> None:
        self._drive(body).held_at = None

    def _expire_cursors(self, body: Body) -> None:
        self._world.feeds[self._drive(body).id].expire()

    def _expire_tokens(self, body: Body) -> None:
        self._world.sign_in.expire_access_tokens()

    def _expire_urls(self, body: Body) -> None:
        self._world.expire_urls()

    def _revoke(self, body: Body) -> None:
        self._world.sign_in.revoke_refresh_tokens()

    def _advance(self, body: Body) -> float:
        """Set the clock forward by ``seconds``."""
        self._world.clock_offset += float(str(body["seconds"]))
        return self._world.now()

    def _sign_in(self, body: Body) -> Json:
        """Give the tokens that a person's sign-in at the browser would give."""
        client_id, upn = str(body.get("clientId", self._world.client_id)), str(body.get("user", self._world.user))
        person = find_person(self._world.people, upn)
        if person is None:
            raise LookupError(f"No person {upn}.")
        scope = str(body.get("scope", "https://graph.microsoft.com/Files.Read offline_access openid profile"))
        return self._world.sign_in.issue(self._world.applications[client_id], person, scope)

    def _answer_devices(self, body: Body) -> int:
        upn = str(body.get("user", self._world.user))
        person = None if body.get("decline") else find_person(self._world.people, upn)
        return self._world.sign_in.answer_devices(person)

    def _person(self, body: Body) -> Json:
        upn = str(body["upn"])
        if body.get("drive") is False:
            self._world.add_person_without_drive(upn)
            return {"upn": upn}
        drive = self._world.add_person(upn, flavour=Flavour(str(body.get("flavour", self._world.flavour))))
        return {"upn": upn, "drive": drive.id}

    def _add_drive(self, body: Body) -> Json:
        drive = self._world.add_drive(str(body["id"]), Flavour(str(body.get("flavour", Flavour.LIBRARY))))
        return {"drive": drive.id}

    def _application(self, body: Body) -> Json:
        """Register an application, or add credentials and redirect URIs to one."""
        client_id = str(body.get("clientId", self._world.client_id))
        application = self._world.applications.setdefault(client_id, Application(client_id))
        for secret in _strings(body, "secrets"):
            application.secrets.add(secret)
        for secret in _strings(body, "removeSecrets"):
            application.secrets.discard(secret)
        for pem in _strings(body, "certificates"):
            application.add_certificate(pem)
        uris = body.get("redirectUris", {})
        if not isinstance(uris, dict):
            raise ValueError("redirectUris must be an object of URI: platform.")
        application.redirect_uris.update({uri: Platform(str(platform)) for uri, platform in uris.items()})
        return {"clientId": client_id}

    def _settings(self, body: Body) -> Json:
        settings = self._world.settings
        known = {entry.name for entry in fields(Settings)}
        for name, value in body.items():
            if name not in known:
                raise ValueError(f"No setting {name!r}; there are {', '.join(sorted(known))}.")
            setattr(
                settings, name, LinkStyle(str(value)) if name == "link_style" else type(getattr(settings, name))(value)
            )
        return asdict(settings)

    def _list_faults(self) -> list[Json]:
        return [
            {**active.fault.to_dict(), "seen": active.seen, "hits": active.hits} for active in self._world.faults.active
        ]

    def _add_faults(self, body: Body) -> list[Json]:
        rows = body.get("faults", [])
        if not isinstance(rows, list):
            raise ValueError(
                "faults must be a list of names, or of objects; an object's 'like' names the one it changes."
            )
        self._world.faults.add([_fault(row) for row in rows])
        return self._list_faults()

    def _remove_faults(self, body: Body) -> None:
        name = body.get("name")
        self._world.faults.remove(str(name) if name is not None else None)


def _fault(row: object) -> Fault:
    if isinstance(row, str):
        return catalogue.named(row)
    if not isinstance(row, dict):
        raise ValueError("A fault is a name or an object.")
    values = dict(row)
    like = values.pop("like", None)
    return Fault.parse(values, start=catalogue.named(str(like)) if like is not None else None)


def _strings(body: Body, name: str) -> list[str]:
    values = body.get(name, [])
    if not isinstance(values, list):
        raise ValueError(f"{name} must be a list.")
    return [str(value) for value in values]
