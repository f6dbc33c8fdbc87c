"""What a feed means for a watched folder, as a table: the drive is root/Work/Invoices, Invoices is watched."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bannette.onedrive import Drive, DriveKind, FolderLink, Item, ItemKind, Position
from bannette.onedrive.scope import Changes, Lookups, is_suspect, settle, unknown_parents

DRIVE = Drive("d", DriveKind.BUSINESS)
CHAIN = (FolderLink("work", "work", "root", "Work"), FolderLink("inv", "inv", "work", "Invoices"))
POSITION = Position(
    "https://graph/delta",
    DRIVE,
    "/Work/Invoices",
    CHAIN,
    folders={"inv": "work", "2025": "inv", "q1": "2025"},
    names={"inv": "Invoices", "2025": "2025", "q1": "Q1"},
)


def item(
    key: str, parent: str | None, kind: ItemKind = ItemKind.FILE, *, name: str = "", deleted: bool = False
) -> Item:
    return Item(key, "d", parent, name or key, 1, f"e-{key}", kind, deleted=deleted)


def folder(key: str, parent: str, name: str = "") -> Item:
    return item(key, parent, ItemKind.FOLDER, name=name)


def gone(key: str) -> Item:
    return item(key, None, deleted=True)


ROOT = item("root", None, ItemKind.ROOT)


@dataclass
class Case:
    name: str
    feed: list[Item]
    items: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    entered: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    asked: dict[str, FolderLink | None] = field(default_factory=dict)


CASES = [
    Case("nothing", []),
    Case("parents that didn't change", [ROOT, folder("work", "root", "Work"), folder("inv", "work", "Invoices")]),
    Case("a file in the folder", [item("f", "inv")], items=["f"]),
    Case("a file deep in the folder", [item("f", "q1")], items=["f"]),
    Case("a file beside it", [ROOT, item("f", "root")], gone=["f"]),
    Case("a file above it", [item("f", "work")], gone=["f"]),
    Case("the last state wins", [item("f", "inv"), gone("f")], gone=["f"]),
    Case("a restored file", [gone("f"), item("f", "inv")], items=["f"]),
    Case("a file moved out on a later page", [item("f", "inv"), item("f", "work")], gone=["f"]),
    Case("a new folder", [folder("new", "inv"), item("f", "new")], items=["f"], entered=["new"]),
    Case("children first", [item("f", "b"), folder("b", "a"), folder("a", "inv")], items=["f"], entered=["a", "b"]),
    Case("a folder renamed inside", [folder("2025", "inv", "2025 (old)")]),
    Case("a folder moved inside", [folder("q1", "inv")]),
    Case("a folder moved out takes its subtree", [folder("2025", "work")], left=["2025", "q1"]),
    Case("a subfolder saved from one that moved out", [folder("2025", "work"), folder("q1", "inv")], left=["2025"]),
    Case("a folder deleted takes its subtree", [gone("2025")], gone=["2025"], left=["2025", "q1"]),
    Case("a subfolder saved from a deleted folder", [gone("2025"), folder("q1", "inv")], gone=["2025"], left=["2025"]),
    Case("out and back within one feed", [folder("2025", "work"), folder("2025", "inv")]),
    Case("a folder moved in", [folder("far", "inv"), item("f", "far")], items=["f"], entered=["far"]),
    Case("a folder elsewhere", [folder("far", "work"), item("f", "far")], gone=["f"]),
    Case(
        "a parent never sent, in scope",
        [item("f", "x")],
        items=["f"],
        entered=["x"],
        asked={"x": FolderLink("x", "x", "inv", "X")},
    ),
    Case(
        "a chain of parents never sent",
        [item("f", "x")],
        gone=["f"],
        asked={"x": FolderLink("x", "x", "y", "X"), "y": FolderLink("y", "y", "root", "Y")},
    ),
    Case("a parent that is gone", [item("f", "x")], gone=["f"], asked={"x": None}),
    Case("a section in a notebook", [item("nb", "inv", ItemKind.PACKAGE), item("s", "nb")], items=["nb"], gone=["s"]),
    Case("a shortcut", [item("s", "inv", ItemKind.SHORTCUT)], items=["s"]),
    Case("a cycle", [folder("a", "b"), folder("b", "a"), item("f", "a")], gone=["f"]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_feed_settles_the_scope(case):
    feed, lookups = Changes(DRIVE), Lookups()
    feed.add(case.feed)
    while missing := unknown_parents(POSITION, feed, lookups):
        for key in missing:
            lookups.found[key] = case.asked[key]
    assert set(lookups.found) == set(case.asked)
    scope = settle(POSITION, feed, lookups)
    assert [found.id for found in scope.items] == case.items
    assert sorted(scope.gone) == sorted(case.gone)
    assert sorted(link.key for link in scope.entered) == sorted(case.entered)
    assert set(scope.folders) == (set(POSITION.folders) - set(case.left)) | set(case.entered)
    assert set(scope.names) == set(scope.folders)


SUSPECT = [
    ("unchanged parents", [ROOT, folder("work", "root", "Work"), folder("inv", "work", "Invoices")], False),
    ("renamed", [folder("inv", "work", "Old invoices")], True),
    ("moved", [folder("inv", "root", "Invoices")], True),
    ("deleted", [gone("inv")], True),
    ("a folder above renamed", [folder("work", "root", "Works")], True),
    ("a folder above deleted", [gone("work")], True),
    ("made again without its deletion", [folder("inv2", "work", "INVOICES")], True),
    ("a namesake elsewhere", [folder("inv2", "2025", "Invoices")], False),
    ("files", [item("f", "inv", name="Invoices")], False),
]


@pytest.mark.parametrize(("feed", "expected"), [row[1:] for row in SUSPECT], ids=[row[0] for row in SUSPECT])
def test_only_what_may_change_the_watched_folder_has_its_path_resolved_again(feed, expected):
    changes = Changes(DRIVE)
    changes.add(feed)
    assert is_suspect(POSITION, changes) is expected


def test_a_followed_folder_gives_way_to_one_that_takes_its_path():
    followed = Position("c", DRIVE, "/Work/Invoices", (FolderLink("inv", "inv", "root", "Archive"),), {"inv": "root"})
    changes = Changes(DRIVE)
    changes.add([folder("new", "2025", "invoices")])
    assert is_suspect(followed, changes)


def test_personal_ids_compare_without_case_and_drive():
    drive = Drive("0abc", DriveKind.PERSONAL)
    chain = (FolderLink("0ABC!s1", "s1", "root", "Invoices"),)
    position = Position("c", drive, "/Invoices", chain, {"s1": "root"}, {"s1": "Invoices"})
    changes = Changes(drive)
    changes.add([item("ABC!SF", "abc!S1")])
    assert [found.id for found in settle(position, changes, Lookups()).items] == ["ABC!SF"]
    assert position.covers(item("0abc!sg", "0ABC!S1"))
    assert not position.covers(item("0abc!sg", "0ABC!S2"))


def test_paths_come_from_the_names_of_the_folders_above():
    assert POSITION.path_of(item("f", "q1")) == "/Work/Invoices/2025/Q1"
    assert POSITION.path_of(item("f", "inv")) == "/Work/Invoices"
    assert POSITION.path_of(item("f", "elsewhere")) is None


def test_a_position_survives_json():
    assert Position.from_dict(POSITION.to_dict()) == POSITION


@pytest.mark.parametrize(
    "body", [{}, {"cursor": 1, "drive": {}, "folder": "/"}, {**POSITION.to_dict(), "chain": [[1]]}]
)
def test_what_is_no_position_makes_the_walk_start_over(body):
    assert Position.from_dict(body) is None
