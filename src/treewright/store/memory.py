"""A store that forgets everything at the end: for tests and for searches inside another program."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from treewright.errors import RunLockedError
from treewright.events import Started
from treewright.protocols import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from treewright.events import Event


class MemoryStore:
    """Keeps the events in a list."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._attempts: dict[int, int] = {}
        self._locked = False

    def append(self, event: Event, *, elapsed: float) -> Entry:
        """Keep one event."""
        entry = Entry(len(self._entries) + 1, time.time(), elapsed, event)
        self._entries.append(entry)
        if isinstance(event, Started):
            self.attempt(event.node)
        return entry

    def entries(self, after: int = 0) -> Sequence[Entry]:
        """All entries with a sequence number above ``after``."""
        return tuple(self._entries[after:])

    def attempt(self, node: int) -> int:
        """Count a session that has this node in flight."""
        self._attempts[node] = self._attempts.get(node, 0) + 1
        return self._attempts[node]

    def forgive(self) -> None:
        """Forget the attempts."""
        self._attempts.clear()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer."""
        if self._locked:
            raise RunLockedError("this search is already running")
        self._locked = True
        try:
            yield
        finally:
            self._locked = False

    def close(self) -> None:
        """Nothing to release."""
