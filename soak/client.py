"""A client who never stops working in their OneDrive, and who knows what lay in it."""

from __future__ import annotations

import hashlib
import random
import threading
from collections import defaultdict, deque

from simulator.client import ControlClient, ControlError

WATCHED = "/Clients/Invoices"
_FOLDERS = (WATCHED, f"{WATCHED}/2026", f"{WATCHED}/2026/November", f"{WATCHED}/Old", "/Private")
_SIZES = (300, 300, 3_000, 20_000)
#: One in so many of a hundredth of all changes makes OneDrive forget its cursors.
_CURSORS_LAST = 20
#: Repeated are the bytes of one of the last so many uploads.
_REMEMBERED = 200
#: So many of a hundred uploads repeat bytes that are there already.
_REPEATED = 20


class Client:
    """Changes the simulated drive, in a thread of its own between ``begin`` and ``stop``.

    Args:
        rate: changes a second, roughly; two thirds of them are new files.

    Attributes:
        held: id of each item -> hashes of all bytes that it has held.
    """

    def __init__(self, control: ControlClient, chance: random.Random, *, rate: float) -> None:
        self.held: dict[str, set[str]] = defaultdict(set)
        self._control = control
        self._chance = chance
        self._pause = 1 / rate
        #: id of each item that isn't deleted -> hash of its bytes.
        self._contents: dict[str, str] = {}
        self._items: list[str] = []
        self._names = 0
        self._pool: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        control.folder(WATCHED)

    def work(self, changes: int) -> None:
        """Make so many changes now."""
        for _ in range(changes):
            self._change()

    def begin(self) -> None:
        self._ended.clear()
        self._thread = threading.Thread(target=self._go_on, name="client", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return when no change is under way.

        Raises: whatever ended the thread early.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure

    def in_scope(self) -> set[str]:
        """Ids of the files that lie in the watched folder now."""
        return {str(item["id"]) for item in self._control.tree(WATCHED) if item["kind"] == "file"}

    def _go_on(self) -> None:
        try:
            while not self._ended.wait(self._pause):
                self._change()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error

    def _change(self) -> None:
        what = self._chance.randrange(100)
        item = self._chance.choice(self._items) if self._items else ""
        try:
            if what < 66 or item not in self._contents:
                self._create()
            elif what < 72:
                self._control.rename(item, self._name())
            elif what < 78:
                self._control.move(item, self._chance.choice(_FOLDERS))
            elif what < 84:
                self._edit(item)
            elif what < 89:
                copied = self._control.copy(item, f"{self._chance.choice(_FOLDERS)}/{self._name()}")
                self._note(copied, self._contents[item])
            elif what < 93:
                self._note(self._control.reupload(item), self._contents.pop(item))
            elif what < 97:
                self._control.delete(item)
                del self._contents[item]
            elif what < 99:
                self._move_folder()
            elif self._chance.randrange(_CURSORS_LAST) == 0:
                # Seldom: a walk from the start that never comes to its end would be all that runs do.
                self._control.expire_cursors()
        except ControlError:
            # A name is taken.
            return

    def _create(self) -> None:
        repeats = self._pool and self._chance.randrange(100) < _REPEATED
        content = self._chance.choice(self._pool) if repeats else self._new_content()
        made = self._control.create(f"{self._chance.choice(_FOLDERS)}/{self._name()}", content)
        self._note(made, hashlib.sha256(content).hexdigest())

    def _edit(self, item: str) -> None:
        content = self._new_content()
        self._note(self._control.edit(item, content), hashlib.sha256(content).hexdigest())

    def _move_folder(self) -> None:
        """A folder with all that is in it leaves the watched folder, or comes back."""
        try:
            self._control.move(f"{WATCHED}/2026", "/Private")
        except ControlError:
            self._control.move("/Private/2026", WATCHED)

    def _note(self, item: dict[str, object], digest: str) -> None:
        key = str(item["id"])
        if key not in self._contents:
            self._items.append(key)
        self._contents[key] = digest
        self.held[key].add(digest)

    def _new_content(self) -> bytes:
        size = self._chance.randrange(self._chance.choice(_SIZES))
        content = f"document {self._chance.random()}\n".encode() + self._chance.randbytes(size)
        self._pool.append(content)
        return content

    def _name(self) -> str:
        self._names += 1
        return f"{self._names}.bin"
