"""What a person sees of a run that goes on: a bar on a terminal; else a line whenever the stage changes."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Final

from bannette.cli.output import plain
from bannette.resources.progress import Progress, Stage

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_SAID: Final = {
    Stage.ASKED: "asked for a run",
    Stage.HELD: "held",
    Stage.WAITING: "waiting",
    Stage.STARTED: "the run has started",
    Stage.BLOCKED: "the run doesn't start",
    Stage.ENDED: "the run has ended",
}


class Live:
    """Shows progress on standard error."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._last = ""

    def __enter__(self) -> Live:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(_SAID[Stage.ASKED], total=None)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        said = _SAID[progress.stage]
        if progress.stage in (Stage.WAITING, Stage.BLOCKED) and progress.message:
            said = plain(progress.message)
        active = progress.active
        if self._bar is not None and self._task is not None:
            done = active.collected + active.failed if active else 0
            total = active.discovered if active and active.discovered else None
            self._bar.update(self._task, description=said, completed=done, total=total)
        elif said != self._last:
            print(f"kubectl collection: {said}", file=sys.stderr)
        self._last = said
