"""What an evaluation may use of the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resources:
    """``cpus`` threads for all scripts of one evaluation together, ``memory_mb`` for each (``None``: no limit)."""

    cpus: int = 1
    memory_mb: int | None = None

    def side_by_side(self, runs: int) -> int:
        """How many of ``runs`` scripts run at the same time: one a thread, for that wastes the least."""
        return max(1, min(self.cpus, runs))

    def waves(self, runs: int) -> int:
        """How many scripts run one after the other until ``runs`` are done."""
        return -(-runs // self.side_by_side(runs))

    def cpus_each(self, runs: int) -> int:
        """Threads for each of ``runs`` scripts."""
        return max(1, self.cpus // self.side_by_side(runs))
