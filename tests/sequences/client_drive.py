"""A client's drive in the simulator: what people do in it, and what each of its files holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from simulator.client import ControlClient, ControlError


@dataclass(frozen=True, kw_only=True)
class Held:
    """An item that the drive holds now; *key* is the one form of its id, which Graph spells in several."""

    key: str
    id: str
    path: str
    kind: str
    size: int
    etag: str


def key_of(item_id: str) -> str:
    """The form of an item's id that compares: personal ids begin with the drive's, in either case."""
    return item_id.rpartition("!")[2].lower() if "!" in item_id else item_id


class ClientDrive:
    """The drive of one person.

    Attributes:
        infected: keys of the files that have malware. trash: ids of what was deleted, the last one last.
        changed: is called after each change.
    """

    def __init__(self, control: ControlClient, user: str, *, flavour: str) -> None:
        self.control = control
        self.id = str(control.person(user, flavour=flavour)["drive"])
        self.infected: set[str] = set()
        self.trash: list[str] = []
        self.changed: Callable[[], None] = lambda: None
        self._contents: dict[str, bytes] = {}

    # What people do. What OneDrive refuses, for example a name that is taken, changes nothing.

    def create(self, path: str, content: bytes) -> None:
        self._do("create", lambda made: self._holds(made, content), path=path, text=content.decode())

    def make_folder(self, path: str) -> None:
        self._do("folder", path=path)

    def edit(self, item: Held, content: bytes) -> None:
        self._do("edit", lambda edited: self._holds(edited, content), id=item.id, text=content.decode())

    def touch(self, item: Held) -> None:
        self._do("touch", id=item.id)

    def rename(self, item: Held, name: str) -> None:
        self._do("rename", id=item.id, name=name)

    def move(self, item: Held, to: str, *, name: str | None = None) -> None:
        self._do("move", id=item.id, to=to, name=name)

    def delete(self, item: Held) -> None:
        self._do("delete", self.trash.append, id=item.id)

    def restore(self, pick: int) -> None:
        self._do("restore", id=self.trash.pop(pick % len(self.trash)))

    def upload_again(self, item: Held) -> None:
        """The same bytes under the same name, by a new id."""
        self._do("reupload", lambda made: self._holds(made, self._contents[item.key]), id=item.id)

    def copy(self, item: Held, to: str, name: str) -> None:
        """A copy of a file or of a folder with all that is below it."""
        originals = {other.path.removeprefix(item.path): other for other in [item, *self.items(item.id)]}

        def copied(made: str) -> None:
            path = str(self.control.item(made, drive=self.id)["path"])
            copies = {"": made, **{other.path.removeprefix(path): other.id for other in self.items(made)}}
            for place, original in originals.items():
                if original.kind == "file":
                    self._holds(copies[place], self._contents[original.key])
                    if original.key in self.infected:
                        self.infected.add(key_of(copies[place]))

        self._do("copy", copied, id=item.id, to=f"{to.rstrip('/')}/{name}")

    def infect(self, item: Held) -> None:
        self.infected.add(item.key)
        self._do("facets", id=item.id, facets={"malware": {"description": "EICAR"}})

    def cure(self, item: Held) -> None:
        self.infected.discard(item.key)
        self._do("facets", id=item.id, facets={"malware": None})

    # What there is

    def items(self, folder: str = "/") -> list[Held]:
        """Everything below a folder, which is named by its path or id."""
        return [
            Held(
                key=key_of(str(found["id"])),
                id=str(found["id"]),
                path=str(found["path"]),
                kind=str(found["kind"]),
                size=int(str(found["size"])),
                etag=str(found["eTag"]),
            )
            for found in self.control.tree(folder, drive=self.id)
        ]

    def hash_of(self, key: str) -> str:
        """SHA-256 of what a file holds."""
        return hashlib.sha256(self._contents[key]).hexdigest()

    def _holds(self, item_id: str, content: bytes) -> None:
        self._contents[key_of(item_id)] = content

    def _do(self, verb: str, then: Callable[[str], None] = lambda _: None, **body: object) -> None:
        """Change the drive, and *then* note what came of it for the item with this id."""
        try:
            answer = self.control.call(verb, {**body, "drive": self.id})
        except ControlError:
            return
        assert isinstance(answer, dict)
        then(str(answer["id"]))
        self.changed()
