"""What there is to collect: the changes of a drive, or of one folder of it, since a position.

Whole drive: the delta feed, streamed. Watched folder: the cursor first, then a listing of the folder, so that a small
folder never costs a walk of the drive; from then on the feed. Without delta: a listing each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bannette.errors import ItemDeferred, ItemRejected, PersonNeeded
from bannette.onedrive.drives import drive_path, get_item
from bannette.onedrive.errors import CursorLost
from bannette.onedrive.feed import EndlessFeed, NoDelta, read_delta
from bannette.onedrive.folders import Chain, Listed, crawl, find_by_id, find_by_path, root_of
from bannette.onedrive.graph import Graph
from bannette.onedrive.identity import Drive
from bannette.onedrive.items import SELECT, Item, ItemKind
from bannette.onedrive.positions import WHOLE_DRIVE, Page, Position
from bannette.onedrive.scope import (
    LIMIT,
    Changes,
    Lookups,
    Scope,
    folder_link,
    is_followed,
    is_suspect,
    segments,
    settle,
    unknown_parents,
)
from bannette.onedrive.trail import Trail

_WINDOW = 5_000
_LOOKUPS = 200
_LOST = "OneDrive lost its place in a walk that had just begun: it was begun again; nothing is collected twice."
_LISTED = "OneDrive keeps losing its place in the drive: the folders were listed one by one."


def changes(graph: Graph, drive: Drive, *, folder: str, position: Position | None = None) -> Iterator[Page]:
    """Yield what is new in *folder* (``/``: the whole drive) since *position*, page by page.

    Without a position, with that of another drive or folder, or one without a cursor, the walk starts with what is
    there. Each page's items are the last state within that page, and in a walk from a position within the whole feed
    unless it is very long. Memory doesn't grow with the drive, only with the folders of a watched folder.

    Raises:
        CursorLost: as its description says; never for a walk that started afresh.
        PersonNeeded: FolderNotFound, DriveNotFound, AccessDenied, DriveLocked, sign-in.
        Transient: the service is unavailable; ``retry_after`` in seconds when it said so.

    Source: Microsoft Graph, driveItem: delta.
    """
    wanted = "/" + "/".join(segments(folder))
    notes: tuple[str, ...] = ()
    if position is not None and (position.drive.key != drive.key or position.folder != wanted):
        notes = ("The drive or the folder of the channel was changed: it is walked from the start.",)
        position = None
    walk: _Whole | _Watched = _Whole(graph, drive) if wanted == WHOLE_DRIVE else _Watched(graph, drive, wanted)
    pages = walk.onward(position) if position is not None and position.cursor is not None else _afresh(walk, position)
    for page in pages:
        yield replace(page, notes=notes + page.notes)
        notes = ()


def _afresh(walk: _Whole | _Watched, before: Position | None) -> Iterator[Page]:
    for attempt, note in ((walk.afresh, None), (walk.afresh, _LOST), (walk.listed, _LISTED)):
        notes = () if note is None else (note,)
        try:
            for page in attempt(before):
                yield replace(page, notes=notes + page.notes)
                notes = ()
        except CursorLost:
            continue
        return


class _ListInstead(Exception):
    """What is in scope can't be told from the feed, or the listing costs less."""


class _Whole:
    """Walks a whole drive."""

    def __init__(self, graph: Graph, drive: Drive) -> None:
        self._graph = graph
        self._drive = drive

    def afresh(self, before: Position | None) -> Iterator[Page]:
        """Yield what there is."""
        try:
            yield from self._follow(f"{drive_path(self._drive)}/root/delta?{SELECT}", fresh=True, first=True)
        except NoDelta:
            yield from self.listed(before)

    def onward(self, position: Position) -> Iterator[Page]:
        """Yield what changed since *position*."""
        try:
            yield from self._follow(position.cursor or "", fresh=False, first=position.first)
        except EndlessFeed as error:
            # Of the links in the middle of a first walk none is worth keeping.
            if position.first:
                raise CursorLost("Microsoft Graph goes round in circles from where the first walk came to.") from error
            raise

    def _follow(self, link: str, *, fresh: bool, first: bool) -> Iterator[Page]:
        trail = Trail(self._drive)
        window = Changes(self._drive)
        for page in read_delta(self._graph, link, fresh=fresh):
            window.add(page.items)
            trail.add(page.items)
            # A first walk is settled page by page: most of its items come once, and it must be able to go on later.
            if first or page.last or len(window) >= _WINDOW:
                items = tuple(window.files.values())
                yield Page(
                    items=items,
                    paths=trail.paths_of(items),
                    gone=tuple(window.deleted.values()),
                    position=Position(page.link, self._drive, first=first and not page.last),
                    complete=fresh and page.last,
                )
                window = Changes(self._drive)

    def listed(self, before: Position | None) -> Iterator[Page]:
        """Yield what there is, without the feed."""
        root = root_of(self._graph, self._drive)
        trail = Trail(self._drive)
        trail.add_root(root)
        known = {root.key}
        for listed in crawl(self._graph, self._drive, root, known=known):
            known.update(link.key for link in listed.folders)
            trail.add_links(listed.folders)
            yield Page(items=listed.items, paths=trail.paths_of(listed.items))
        yield Page(position=Position(None, self._drive), complete=True)


class _Watched:
    """Walks one folder of a drive."""

    def __init__(self, graph: Graph, drive: Drive, folder: str) -> None:
        self._graph = graph
        self._drive = drive
        self._folder = folder

    def afresh(self, before: Position | None) -> Iterator[Page]:
        """Yield what there is; *before* says which folder is to be followed when none has the path."""
        try:
            cursor = self._latest()
        except NoDelta:
            cursor = None
        yield from self._listed(self._located(before), cursor)

    def listed(self, before: Position | None) -> Iterator[Page]:
        """Yield what there is, without the feed."""
        yield from self._listed(self._located(before), None)

    def onward(self, position: Position) -> Iterator[Page]:
        """Yield what changed since *position*."""
        feed: Changes | None = Changes(self._drive)
        cursor = ""
        for page in read_delta(self._graph, position.cursor or "", fresh=False):
            cursor = page.link
            if feed is not None:
                feed.add(page.items)
                feed = feed if len(feed) <= LIMIT else None
        if feed is None:
            yield from self._listed(self._located(position), cursor)
            return
        if is_suspect(position, feed):
            chain = self._located(position)
            if chain[-1].key != position.chain[-1].key:
                note = f'Another folder is at "{self._folder}" now: it is collected from the start.'
                yield from self._listed(chain, cursor, notes=(note,))
                return
            position = replace(position, chain=chain)
        lookups = self._looked_up(position, feed)
        if lookups is None:
            yield from self._listed(self._located(position), cursor)
            return
        yield from self._settled(replace(position, cursor=cursor), settle(position, feed, lookups))

    def _latest(self) -> str:
        link = f"{drive_path(self._drive)}/root/delta?token=latest&{SELECT}"
        for page in read_delta(self._graph, link, fresh=True):
            link = page.link
        return link

    def _located(self, before: Position | None) -> Chain:
        chain = find_by_path(self._graph, self._drive, self._folder)
        if chain is None and before is not None and before.folder_id is not None:
            chain = find_by_id(self._graph, self._drive, before.folder_id)
        if chain is None:
            raise PersonNeeded(
                f'Folder "{self._folder}" doesn\'t exist in the drive: create it, or correct spec.onedrive.folder.',
                reason="FolderNotFound",
            )
        return chain

    def _looked_up(self, position: Position, feed: Changes) -> Lookups | None:
        """Ask for the parents that the feed leaves out; None if they are too many, or one isn't told."""
        orphans = feed.orphans()
        lookups = Lookups()
        if len(orphans) > _LOOKUPS:
            return None
        try:
            self._look_up(position, feed, orphans, lookups)
        except (ItemDeferred, ItemRejected, _ListInstead):
            return None
        return lookups

    def _look_up(self, position: Position, feed: Changes, orphans: list[Item], lookups: Lookups) -> None:
        for orphan in orphans:
            item = get_item(self._graph, self._drive, orphan.id)
            if item is not None and item.parent_id is None and item.kind is not ItemKind.ROOT:
                raise _ListInstead
            feed.add([item if item is not None else replace(orphan, deleted=True)])
        while missing := unknown_parents(position, feed, lookups):
            if len(lookups.found) + len(missing) > _LOOKUPS:
                raise _ListInstead
            for key in missing:
                folder = get_item(self._graph, self._drive, feed.spelled.get(key, key))
                if folder is not None and folder.parent_id is not None:
                    feed.spelled[self._drive.item_key(folder.parent_id)] = folder.parent_id
                is_folder = folder is not None and folder.kind is ItemKind.FOLDER
                lookups.found[key] = folder_link(self._drive, folder) if folder is not None and is_folder else None

    def _settled(self, position: Position, scope: Scope) -> Iterator[Page]:
        """Yield the feed's items in scope, then what is in the folders that entered it."""
        listing = _Listing(position, scope.folders, scope.names)
        page = listing.page(scope.items, gone=scope.gone)
        given = {(item.id, item.etag) for item in scope.items}
        visited = set(position.folders)
        for start in scope.entered:
            if start.key not in visited:
                visited.add(start.key)
                for listed in crawl(self._graph, self._drive, start, known=visited):
                    yield page
                    visited.update(link.key for link in listed.folders)
                    listing.take(listed)
                    page = listing.page(tuple(item for item in listed.items if (item.id, item.etag) not in given))
        yield listing.last(page, complete=False)

    def _listed(self, chain: Chain, cursor: str | None, *, notes: tuple[str, ...] = ()) -> Iterator[Page]:
        """Yield all that is in the watched folder; the feed goes on from *cursor*, which is older than the listing."""
        watched = chain[-1]
        listing = _Listing(Position(cursor, self._drive, self._folder, chain), {}, {})
        visited = {watched.key}
        page = Page(notes=notes)
        for listed in crawl(self._graph, self._drive, watched, known=visited):
            if page.items or page.notes:
                yield page
            visited.update(link.key for link in listed.folders)
            listing.take(listed)
            page = listing.page(listed.items)
        yield listing.last(page, complete=True)


class _Listing:
    """The folders in scope as they become known, and the pages made with them."""

    def __init__(self, position: Position, folders: Mapping[str, str], names: Mapping[str, str]) -> None:
        watched = position.chain[-1]
        self._folders = {**folders, watched.key: watched.parent}
        self._names = {**names, watched.key: watched.name}
        self._position = replace(position, folders=self._folders, names=self._names)

    def take(self, listed: Listed) -> None:
        self._folders.update((link.key, link.parent) for link in listed.folders)
        self._names.update((link.key, link.name) for link in listed.folders)
        # Should it come back, it enters the scope anew, and is listed then.
        if listed.vanished:
            self._folders.pop(listed.folder.key, None)

    def page(self, items: tuple[Item, ...], *, gone: tuple[str, ...] = ()) -> Page:
        paths: dict[str, str] = {}
        for item in items:
            if item.parent_id is not None and item.parent_id not in paths:
                path = self._position.path_of(item)
                if path is not None:
                    paths[item.parent_id] = path
        return Page(items=items, paths=paths, gone=gone)

    def last(self, page: Page, *, complete: bool) -> Page:
        notes = page.notes
        if is_followed(self._position):
            note = (
                f'No folder is at "{self._position.folder}" any more; the one that was is followed where it is now: '
                "set spec.onedrive.folder to its new path."
            )
            notes = (*notes, note)
        return replace(page, position=self._position, notes=notes, complete=complete)
