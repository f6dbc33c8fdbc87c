"""How many of the operator's own Jobs may be unfinished at once, and who is next."""

from __future__ import annotations

from itertools import islice

from bannette.controller.names import Key


class Slots:
    """The slots for on-demand runs. Who waited first gets the next one.

    A slot is reserved from the decision until the Job is in the store: between them other channels decide.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reserved: set[Key] = set()
        self._waiting: dict[Key, None] = {}

    def free_for(self, key: Key, *, taken: int) -> int:
        """Return how many slots *key* may take, when the Jobs of the store take *taken*; none if it isn't positive."""
        # Behind as many as there are slots it is nobody's turn: how many more are ahead makes no difference.
        first = list(islice(self._waiting, self._limit))
        ahead = first.index(key) if key in first else len(first)
        return self._limit - taken - len(self._reserved - {key}) - ahead

    def reserve(self, key: Key) -> None:
        self._reserved.add(key)

    def release(self, key: Key) -> None:
        self._reserved.discard(key)

    def wait(self, key: Key) -> None:
        self._waiting.setdefault(key)

    def leave(self, key: Key) -> None:
        """Say that *key* waits no more; whoever is next should be woken."""
        self._waiting.pop(key, None)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def next(self, *, taken: int) -> list[Key]:
        """Return who may go on now."""
        return list(islice(self._waiting, max(self._limit - taken - len(self._reserved), 0)))
