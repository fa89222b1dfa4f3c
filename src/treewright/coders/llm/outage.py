"""Outlasting trouble with a provider.

A request that fails for the moment is made again after a pause that doubles, with jitter, up to ``LONGEST_PAUSE``, or
after as long as the provider asks for. When ``OPEN_AFTER`` requests in a row have failed, the circuit is open: one
request at a time tries whether the provider is back, all others wait for it. When that has gone on for ``give_up``
seconds, the run ends and can be resumed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from treewright.coders.llm.text import duration
from treewright.errors import ProviderError

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
OPEN_AFTER = 5
GLANCE = 0.1
"""Seconds between two looks at whether one may go on."""


@dataclass(slots=True)
class Circuit:
    """What the requests to one model know of each other's trouble; seconds are those of ``clock``."""

    give_up: float
    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    since: float | None = None
    _trying: int | None = None
    _not_before: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_open(self) -> bool:
        """Whether the provider seems to be out."""
        return self.failures >= OPEN_AFTER

    @contextmanager
    def attempt(self, wait: Callable[[float], None]) -> Iterator[None]:
        """One attempt, as soon as it may be made; ``wait`` is called with a few seconds at a time until then."""
        me = threading.get_ident()
        while not self._may_try(me):
            wait(GLANCE)
        try:
            yield
        finally:
            with self._lock:
                if self._trying == me:
                    self._trying = None

    def _may_try(self, me: int) -> bool:
        with self._lock:
            if not self.is_open:
                return True
            if self._trying is None and self.clock() >= self._not_before:
                self._trying = me
            return self._trying == me

    def succeeded(self) -> None:
        """The provider answers."""
        with self._lock:
            self.failures, self.since = 0, None

    def failed(self, model: str, reason: str, seconds: float) -> None:
        """The provider does not, try again in ``seconds``; ``ProviderError`` where that goes on for too long."""
        with self._lock:
            now = self.clock()
            if now > self._not_before + LONGEST_PAUSE:  # nobody has asked since: that was another outage
                self.failures, self.since = 0, None
            self.failures += 1
            self._not_before = now + seconds
            self.since = now if self.since is None else self.since
            lasting = now - self.since
        if lasting + seconds > self.give_up:
            asked = f", and asks to wait for {duration(seconds)}" if seconds > LONGEST_PAUSE else ""
            raise ProviderError(
                f"{model} has not answered for {duration(lasting)}{asked}: {reason.removeprefix(f'{model}: ')}\n"
                "all before it is saved: go on with treewright resume when it is back"
            )


def pause(tries: int, asked: float | None, rng: random.Random) -> float:
    """Seconds to wait after the ``tries``-th failure in a row; never less than the provider ``asked`` for."""
    doubled = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 10)) * rng.uniform(0.5, 1.0)
    return doubled if asked is None else asked + rng.uniform(0, FIRST_PAUSE)
