"""What language models may still take: an estimate is reserved before each request and settled after it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from treewright.protocols import Overdrawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treewright.tree import Usage


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request is expected to take; ``cost_usd`` is ``None`` where the price is unknown."""

    tokens: int
    cost_usd: float | None


@dataclass(slots=True)
class Accounts:
    """The limits of a run (``None``: none), what was spent, and what the requests in flight are expected to take."""

    cost_usd: float | None = None
    tokens: int | None = None
    _spent_usd: float = 0.0
    _spent_tokens: int = 0
    _reserved: list[Estimate] = field(default_factory=list)
    _opened: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def reserve(self, estimate: Estimate, before: Usage) -> Iterator[None]:
        """Hold an estimate while a request is made; ``Overdrawn`` if it does not fit in.

        ``before`` is what the run has spent by its log: what counts of it is what earlier sessions spent.
        """
        with self._lock:
            if not self._opened:
                self._opened = True
                self._spent_usd = before.cost_usd or 0.0
                self._spent_tokens = before.input_tokens + before.output_tokens
            cost = self._spent_usd + sum(held.cost_usd or 0.0 for held in (*self._reserved, estimate))
            tokens = self._spent_tokens + sum(held.tokens for held in (*self._reserved, estimate))
            if self.cost_usd is not None and cost > self.cost_usd:
                raise Overdrawn("cost")
            if self.tokens is not None and tokens > self.tokens:
                raise Overdrawn("tokens")
            self._reserved.append(estimate)
        try:
            yield
        finally:
            with self._lock:
                self._reserved.remove(estimate)

    def settle(self, usage: Usage) -> None:
        """Count what a request has really taken."""
        with self._lock:
            self._spent_usd += usage.cost_usd or 0.0
            self._spent_tokens += usage.input_tokens + usage.output_tokens
