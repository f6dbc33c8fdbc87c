"""Finds what is to be collected: the changes since the cursor, then the items that were put off before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bannette import onedrive
from bannette.binder import Binder
from bannette.collector.documents import Candidate, Walked
from bannette.collector.handover import Halt
from bannette.collector.ledger import Ledger
from bannette.collector.scope import Start, wants
from bannette.errors import ItemDeferred, ItemRejected, Transient
from bannette.onedrive import CursorLost, Drive, Graph, Item, Page, Position
from bannette.resources import ApplicationAccount, OneDriveSource

# So many rejected items are looked up when folders left the scope; the others stay visible a while longer.
_LOOKED_UP = 500
_LOST = "OneDrive no longer knew the cursor: the folder is walked from the start; nothing is collected twice."


class Discovery:
    """The walk of one run.

    Attributes:
        notes: what a person should know about the walk, one sentence each.
    """

    def __init__(
        self, graph: Graph, source: OneDriveSource, *, binder: Binder, ledger: Ledger, start: Start, halt: Halt
    ) -> None:
        self._graph = graph
        self._source = source
        self._binder = binder
        self._ledger = ledger
        self._start = start
        self._halt = halt
        self.notes: list[str] = [start.note] if start.note else []
        # The rejected items that the walk hasn't shown, by key.
        self._unmet: dict[str, str] = {}

    def run(self, hand_over: Callable[[Candidate], bool]) -> None:
        """Hand over every candidate, until the feed's end or until nothing new may begin.

        Raises: PersonNeeded, Transient.
        """
        start = self._start
        drive = self._open(start)
        try:
            self._walk(drive, self._fitting(start, drive), hand_over)
        except CursorLost:
            self.notes.append(_LOST)
            again = Start(position=start.position.restarted() if start.position else None)
            self._ledger.restart(again.position)
            drive = self._open(Start())
            try:
                self._walk(drive, self._fitting(again, drive), hand_over)
            except CursorLost as error:
                raise Transient(
                    "OneDrive lost the cursor of a walk that had just begun: the next run starts over.",
                    reason="CursorLost",
                ) from error

    def _open(self, start: Start) -> Drive:
        account, drive_id = self._source.account, self._source.drive
        if isinstance(account, ApplicationAccount):
            return onedrive.open_drive(self._graph, user=account.user, drive_id=drive_id, position=start.position)
        return onedrive.open_drive(
            self._graph, signed_in=account.login_hint, drive_id=drive_id, position=start.position
        )

    def _fitting(self, start: Start, drive: Drive) -> Start:
        if start.position is None or start.position.drive.key == drive.key:
            return start
        self._ledger.restart(None)
        self.notes.append("The account's drive is another one than in the last run: it is walked from the start.")
        return Start()

    def _walk(self, drive: Drive, start: Start, hand_over: Callable[[Candidate], bool]) -> None:
        self._ledger.identify(drive.item_key)
        self._unmet = {drive.item_key(item.item_id): item.item_id for item in self._ledger.standing().rejected}
        position = start.position
        known = self._binder.known_ids() if start.anew else None
        walked = Walked(drive=drive, position=position, known=known)
        for page in onedrive.changes(self._graph, drive, folder=self._source.folder, position=position):
            if self._halt.intake:
                return
            position = page.position or position
            self.notes.extend(note for note in page.notes if note not in self.notes)
            if not self._enter(page, walked, hand_over):
                return
            if page.complete:
                self._forget_unmet()
        if position is not None and start.position is not None and start.position.folders.keys() - position.folders:
            self._look_up_rejected(drive, position)
        # Only now: whether one that was moved is still in scope, the walk's end alone can tell.
        self._hand_over_deferred(Walked(drive=drive, position=position, known=None), hand_over)

    def _forget_unmet(self) -> None:
        """Forget the rejected items that a walk of everything hasn't shown: they are gone, or out of scope."""
        for item_id in self._unmet.values():
            self._ledger.forget(item_id)

    def _look_up_rejected(self, drive: Drive, position: Position) -> None:
        """Forget the rejected items that went with a folder: the feed tells of the folder alone."""
        for pending in self._ledger.standing().rejected[:_LOOKED_UP]:
            try:
                item = onedrive.get_item(self._graph, drive, pending.item_id)
            except (ItemDeferred, ItemRejected):
                continue
            if item is None or not position.covers(item):
                self._ledger.forget(pending.item_id)

    def _hand_over_deferred(self, walked: Walked, hand_over: Callable[[Candidate], bool]) -> None:
        for pending in self._ledger.waiting():
            if self._ledger.enter_deferred(pending) and not hand_over(
                Candidate(item_id=pending.item_id, item=None, walked=walked)
            ):
                return

    def _enter(self, page: Page, walked: Walked, hand_over: Callable[[Candidate], bool]) -> bool:
        """Enter the page's items into the ledger and hand them over; False if the run was given up meanwhile."""
        self._ledger.begin_page()
        taken = [item for item in page.items if self._take_up(item, walked)]
        for item_id in page.gone:
            self._ledger.forget(item_id)
        self._ledger.end_page(page.position)
        for item in taken:
            folder = page.paths.get(item.parent_id) if item.parent_id else None
            if not hand_over(Candidate(item_id=item.id, item=item, walked=walked, folder=folder)):
                return False
        return True

    def _take_up(self, item: Item, walked: Walked) -> bool:
        """Enter *item*; False if there is nothing to do for it."""
        if not wants(self._source, item):
            return False
        if self._unmet:
            self._unmet.pop(walked.drive.item_key(item.id), None)
        if not self._ledger.enter(item):
            return False
        now = datetime.now(UTC)
        try:
            onedrive.triage(item, now=now)
        except (ItemDeferred, ItemRejected) as error:
            # Collected before it became what it is now, it stays collected.
            document = onedrive.document_id(walked.drive, item.id)
            if self._binder.has(document):
                self._ledger.already_seen(item.id, walked_anew=walked.known is not None)
            elif isinstance(error, ItemDeferred):
                self._ledger.deferred(item.id, error, now=now, item=item)
            else:
                self._ledger.rejected(item.id, error, now=now, item=item)
            return False
        return True
