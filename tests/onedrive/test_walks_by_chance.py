"""Folders and files that come, go, move and change names by chance: a walk shows what is in scope, nothing else."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive import CursorLost
from simulator.client import ControlError

FOLDERS = ["/W", "/W/I", "/W/I/a", "/W/I/a/b", "/W/I/c", "/P", "/P/d", "/P/d/e", "/P/f"]
NAMES = ["I", "a", "b", "x", "W"]
FEEDS = ["children before parents", "parents never sent", "same item twice"]
STEPS = 12


class Chance:
    """Changes a drive."""

    def __init__(self, control, seed):
        self.control = control
        self.random = random.Random(seed)
        self.deleted = []
        self.number = 0

    def change(self):
        """Do one thing; where it isn't possible, nothing."""
        act = self.random.choices(
            [self.create, self.move, self.move_folder, self.rename, self.delete, self.restore, self.make],
            weights=[4, 3, 3, 3, 1, 1, 1],
        )[0]
        with suppress(ControlError, IndexError):
            act()

    def pick(self, kind):
        return self.random.choice([item for item in self.control.tree("/") if item["kind"] == kind])

    def create(self):
        self.number += 1
        self.control.create(f"{self.pick('folder')['path']}/{self.number}.txt", f"document {self.number}")

    def move(self):
        self.control.move(self.pick("file")["id"], self.pick("folder")["path"])

    def move_folder(self):
        self.control.move(self.pick("folder")["id"], self.random.choice(["/", self.pick("folder")["path"]]))

    def rename(self):
        self.number += 1
        kind = self.random.choice(["file", "folder"])
        name = self.random.choice(NAMES) if kind == "folder" else f"{self.number}.txt"
        self.control.rename(self.pick(kind)["id"], name)

    def delete(self):
        item = self.pick(self.random.choice(["file", "folder"]))
        self.control.delete(item["id"])
        self.deleted.append(item["id"])

    def restore(self):
        self.control.restore(self.deleted.pop())

    def make(self):
        self.control.folder(self.random.choice(FOLDERS))

    def trouble(self):
        """Let the next walk meet something."""
        for name in FEEDS:
            if self.random.random() < 0.25:
                self.control.add_faults({"like": name, "kinds": ["delta"]})
        if self.random.random() < 0.1:
            row = {"like": "error 500", "kinds": ["children", "delta", "item"], "times": 10}
            self.control.add_faults({**row, "skip": self.random.randint(0, 6)})
        if self.random.random() < 0.05:
            self.control.expire_cursors()


def walk(account, folder, position):
    try:
        return account.walk(folder, position)
    except CursorLost:
        return account.walk(folder, position.restarted())


def check(account, folder, walked, shown):
    """What the walk shows is in scope, and whatever is in scope was shown now or before."""
    control, position = account.control, walked.position
    top = position.folder_id or "/"
    below = control.tree(top)
    key = position.drive.item_key
    files = {key(item["id"]) for item in below if item["kind"] == "file"}
    now = {key(item) for item in walked.items}
    shown |= now
    assert files <= shown
    assert now <= files
    if folder != "/":
        assert not control.item(top)["deleted"]
        here = control.item(folder) if folder in {item["path"] for item in control.tree("/")} else None
        assert here is None or here["kind"] != "folder" or key(here["id"]) == key(top)
        assert {key(item["id"]) for item in below if item["kind"] == "folder"} <= set(position.folders)


@pytest.mark.parametrize("folder", ["/W/I", "/"])
@pytest.mark.parametrize("flavour", ["account", "personal"])
@pytest.mark.parametrize("seed", range(8))
def test_walks_show_what_is_in_scope_and_nothing_else(request, flavour, folder, seed):
    account = request.getfixturevalue(flavour)
    control = account.control
    chance = Chance(control, seed)
    control.settings(page_size=chance.random.choice([1, 2, 3, 200]), delta=chance.random.random() > 0.1)
    for path in FOLDERS:
        control.folder(path)
    position, shown = None, set()
    for _ in range(STEPS):
        for _ in range(chance.random.randint(1, 5)):
            chance.change()
        control.settings(drive_case=chance.random.choice(["mixed", "lower", "upper", "short"]))
        chance.trouble()
        try:
            walked = walk(account, folder, position)
        except (PersonNeeded, Transient):
            # The folder isn't there, or the service fails: the position stays.
            continue
        finally:
            control.remove_faults()
        position = walked.position
        check(account, folder, walked, shown)
