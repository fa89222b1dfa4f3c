"""What a view of a run knows: a fold over the events it is shown, like everything else about a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from treewright.events import Answered, Evaluated, Started, Written
from treewright.metrics import Direction
from treewright.record import REVIEW
from treewright.tree import NOTHING, Tree, Usage

if TYPE_CHECKING:
    from treewright.protocols import Entry
    from treewright.tree import Node


@dataclass(frozen=True, slots=True)
class Header:
    """What does not change while a run goes on.

    ``title`` are lines to show on top: coder, task, metric, split. ``steps`` and ``seconds`` are the budget of the
    whole run, earlier sessions included; ``None`` means no limit.
    """

    title: tuple[str, ...]
    metric: str
    direction: Direction
    steps: int | None
    seconds: float | None
    workers: int


@dataclass(slots=True)
class Watch:
    """What a view knows of the run: the tree, and what a fold over the events adds to it.

    ``leaders`` is the best score after each valid node, ``slots`` the node that each worker is busy with, ``since``
    when it began to be written or run, by ``clock``, ``notices`` what is to be said of a node in flight, ``models``
    and ``operators`` what each language model took in this session, and each operator.
    """

    header: Header
    clock: Callable[[], float] = time.monotonic
    tree: Tree = field(default_factory=Tree)
    buggy: int = 0
    leaders: list[float] = field(default_factory=list)
    slots: list[int | None] = field(init=False)
    since: dict[int, float] = field(default_factory=dict)
    notices: dict[int, str] = field(default_factory=dict)
    models: dict[str, Usage] = field(default_factory=dict)
    operators: dict[str, Usage] = field(default_factory=dict)
    _elapsed: float = 0.0
    _heard: float = field(init=False)

    def __post_init__(self) -> None:
        self.slots = [None] * self.header.workers
        self._heard = self.clock()

    def see(self, entry: Entry, tree: Tree) -> None:
        """Take in the next event. The first one may belong to a run that is resumed: its tree is taken in as well."""
        self._elapsed, self._heard = entry.elapsed, self.clock()
        known, self.tree = len(self.tree), tree
        event = entry.event
        if isinstance(event, Answered | Written | Evaluated):
            self.notices.pop(event.node, None)
        if isinstance(event, Answered):
            exchange, operator = event.exchange, tree[event.node].action.operator
            by = REVIEW if exchange.purpose == REVIEW else operator.value
            self.models[exchange.model] = self.models.get(exchange.model, NOTHING) + exchange.usage
            self.operators[by] = self.operators.get(by, NOTHING) + exchange.usage
        if known == 0:
            for node in tree.evaluated():
                self._count(node)
            for node_id in tree.in_flight:
                self._board(node_id)
        elif isinstance(event, Started | Written):
            self._board(event.node)
        elif isinstance(event, Evaluated):
            self._count(tree[event.node])
            self.since.pop(event.node, None)
            self.slots = [None if node == event.node else node for node in self.slots]

    def _board(self, node: int) -> None:
        self.since[node] = self._heard
        if node in self.slots:
            return
        if None in self.slots:
            self.slots[self.slots.index(None)] = node
        else:
            self.slots.append(node)

    def _count(self, node: Node) -> None:
        self.buggy += node.buggy
        if node.score is not None and node.evaluation is not None and node.evaluation.complete:
            better = max if self.header.direction is Direction.MAXIMIZE else min
            self.leaders.append(better([*self.leaders[-1:], node.score]))

    @property
    def done(self) -> int:
        """Nodes that are not in flight."""
        return len(self.tree) - len(self.tree.in_flight)

    @property
    def elapsed(self) -> float:
        """The run's own seconds, up to now."""
        return self._elapsed + self.clock() - self._heard

    @property
    def quiet(self) -> float:
        """Seconds since the last event."""
        return self.clock() - self._heard

    def busy(self, node: int) -> float:
        """Seconds since this node in flight began to be written, or to run."""
        return self.clock() - self.since.get(node, self._heard)

    def whole(self, shares: Mapping[str, Usage]) -> Mapping[str, Usage]:
        """The ``models`` or ``operators``; none where earlier sessions took something, which nobody here has seen."""
        seen = sum(usage.requests for usage in shares.values())
        return shares if seen == self.tree.usage.requests else {}

    @property
    def spent(self) -> float | None:
        """The share of the budget that is used up: of the steps or of the time, whichever is nearer to its end."""
        shares = [self.done / self.header.steps] if self.header.steps else []
        shares += [self.elapsed / self.header.seconds] if self.header.seconds else []
        return min(1.0, max(shares)) if shares else None

    @property
    def left(self) -> float | None:
        """Seconds until the budget is used up, with the steps to come as long as the past ones; ``None`` if unknown."""
        limits = [self.header.seconds - self.elapsed] if self.header.seconds else []
        if self.header.steps and self.done:
            limits.append(self._elapsed / self.done * (self.header.steps - self.done))
        return max(0.0, min(limits)) if limits else None
