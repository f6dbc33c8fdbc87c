"""Bounded queues between the stages of a run, which can be closed, and given up all at once."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Work = TypeVar("Work")


class Halt:
    """How a run is told to end before everything is done.

    Attributes:
        intake: nothing new is begun; what was downloaded is still delivered.
        abandoned: everything is dropped where it stands.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._intake = False
        self._abandoned = False
        self._waiting: list[threading.Condition] = []

    @property
    def intake(self) -> bool:
        return self._intake

    @property
    def abandoned(self) -> bool:
        return self._abandoned

    def stop_intake(self) -> None:
        self._set(abandon=False)

    def abandon(self) -> None:
        self._set(abandon=True)

    def wait(self, seconds: float) -> bool:
        """Wait for *seconds*, or until nothing new may begin; return whether it is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._intake, seconds)

    def wakes(self, condition: threading.Condition) -> None:
        """Notify *condition* as well whenever this changes."""
        with self._changed:
            self._waiting.append(condition)

    def _set(self, *, abandon: bool) -> None:
        with self._changed:
            self._intake = True
            self._abandoned = self._abandoned or abandon
            self._changed.notify_all()
            waiting = list(self._waiting)
        for condition in waiting:
            with condition:
                condition.notify_all()


class Handover(Generic[Work]):
    """A queue of at most *size* pieces of work, from several givers to several takers."""

    def __init__(self, size: int, halt: Halt) -> None:
        self._size = size
        self._halt = halt
        self._pieces: deque[Work] = deque()
        lock = threading.Lock()
        # Two, so that a piece wakes the one thread that it is for.
        self._room, self._work = threading.Condition(lock), threading.Condition(lock)
        self._closed = False
        halt.wakes(self._room)
        halt.wakes(self._work)

    def put(self, piece: Work) -> bool:
        """Hand *piece* over as soon as there is room; False if the run was given up meanwhile."""
        with self._room:
            self._room.wait_for(lambda: len(self._pieces) < self._size or self._halt.abandoned)
            if self._halt.abandoned:
                return False
            self._pieces.append(piece)
            self._work.notify()
            return True

    def take(self) -> Work | None:
        """Return the next piece; None when there will be none, or the run was given up."""
        with self._work:
            self._work.wait_for(lambda: self._pieces or self._closed or self._halt.abandoned)
            if self._halt.abandoned or not self._pieces:
                return None
            piece = self._pieces.popleft()
            self._room.notify()
            return piece

    def close(self) -> None:
        """Say that nothing more comes."""
        with self._work:
            self._closed = True
            self._work.notify_all()


class ScratchSpace:
    """How much of the scratch folder downloads may take at once, in bytes.

    One document may be as large as all of it; then it is alone.
    """

    def __init__(self, size: int, halt: Halt) -> None:
        self.size = size
        self._halt = halt
        self._taken = 0
        self._changed = threading.Condition()
        halt.wakes(self._changed)

    def take(self, amount: int) -> int:
        """Reserve *amount* as soon as it is free and return what to give back; 0 if nothing may begin any more."""
        amount = min(max(amount, 1), self.size)
        with self._changed:
            self._changed.wait_for(lambda: self._taken + amount <= self.size or self._halt.intake)
            if self._halt.intake:
                return 0
            self._taken += amount
            return amount

    def more(self, amount: int) -> bool:
        """Reserve *amount* beside what one has, if it is free; none who have some may wait for each other."""
        with self._changed:
            if self._taken + amount > self.size:
                return False
            self._taken += amount
            return True

    def give_back(self, amount: int) -> None:
        with self._changed:
            self._taken -= amount
            self._changed.notify_all()
