"""What a person sees while a run goes on: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol

from bannette import logs
from bannette.collector.ledger import Counts

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

logger = logging.getLogger(__name__)

_LINE_EVERY: Final = 10.0  # seconds
_BAR_EVERY: Final = 0.2


class ShowsProgress(Protocol):
    """Shows counts; *every* says how often it wants them, in seconds."""

    every: float

    def show(self, counts: Counts, *, failed: int) -> None: ...

    def __enter__(self) -> ShowsProgress: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def progress_for(channel: str) -> ShowsProgress:
    """Return a bar if standard error is a terminal."""
    return ProgressBar() if sys.stderr.isatty() else ProgressLines(channel)


class ProgressLines:
    """One structured line every ten seconds."""

    every = _LINE_EVERY

    def __init__(self, channel: str) -> None:
        self._channel = channel

    def show(self, counts: Counts, *, failed: int) -> None:
        logs.event(
            logger,
            "run.progress",
            channel=self._channel,
            discovered=counts.discovered,
            collected=counts.collected,
            duplicates=counts.duplicates,
            already_seen=counts.already_seen,
            failed=failed,
        )

    def __enter__(self) -> ProgressLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class ProgressBar:
    """A bar that appears with the first document; a run that finds nothing never imports what draws it."""

    every = _BAR_EVERY

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def show(self, counts: Counts, *, failed: int) -> None:
        if not counts.discovered:
            return
        progress, task = self._drawn()
        settled = counts.collected + counts.duplicates + counts.already_seen + counts.dropped + failed
        progress.update(
            task,
            total=counts.discovered,
            completed=min(settled, counts.discovered),
            collected=counts.collected,
        )

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _drawn(self) -> tuple[Progress, TaskID]:
        if self._progress is None or self._task is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._progress = Progress(
                TextColumn("Documents"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[collected]} new"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
            )
            self._progress.start()
            self._task = self._progress.add_task("", total=None, collected=0)
        return self._progress, self._task
