"""What a run may take, and how far it has got: the rules of stopping, as far as tree and log alone decide them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from treewright.events import Evaluated, Extended, Finished, Selected

if TYPE_CHECKING:
    from treewright.events import Event
    from treewright.tree import Tree, Usage


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop; ``None`` means no limit.

    ``steps`` counts nodes, ``seconds`` the wall time of the whole run with its final steps, ``patience`` the nodes
    evaluated since the best one changed. ``cost_usd`` and ``tokens`` are for language models. ``script_seconds`` caps
    the time limit of a single run of a script.
    """

    steps: int | None = None
    seconds: float | None = None
    patience: int | None = None
    script_seconds: float = 3600.0
    cost_usd: float | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What the stopping rules need to know about the log so far.

    ``finished`` says why the run last ended, ``None`` while it goes on. ``selected`` is true once the final answer of
    this tree is known, ``spent`` once the run went on after one. ``since_best`` counts the nodes evaluated since the
    best one changed.
    """

    finished: str | None = None
    selected: bool = False
    spent: bool = False
    best: int | None = None
    since_best: int = 0

    def after(self, event: Event, tree: Tree) -> Progress:
        """The progress once ``event`` has led to ``tree``."""
        match event:
            case Evaluated():
                since = 0 if tree.best != self.best else self.since_best + 1
                return replace(self, best=tree.best, since_best=since)
            case Selected():
                return replace(self, selected=True)
            case Finished():
                return replace(self, finished=event.stopped_by)
            case Extended():
                return replace(self, finished=None, selected=False, spent=True, since_best=0)
            case _:
                return self


def overdrawn(tree: Tree, budget: Budget) -> str | None:
    """Which limit on language models one more node would pass, if it takes what nodes took so far; ``None`` if none.

    Nodes in flight are counted as if they were going to take as much.
    """
    done = len(tree) - len(tree.in_flight)
    flying = [tree[node].usage for node in tree.in_flight]
    for name, limit, get in (("cost", budget.cost_usd, _cost), ("tokens", budget.tokens, _tokens)):
        if limit is None:
            continue
        spent, begun = get(tree.usage), [get(usage) for usage in flying]
        typical = (spent - sum(begun)) / done if done else 0.0
        reserved = sum(max(0.0, typical - already) for already in begun)
        if spent + reserved + typical >= limit:
            return name
    return None


def typical_seconds(tree: Tree) -> float:
    """The time that one of the better nodes took: a node that has less left is not worth starting."""
    good = [tree[node] for node in tree.ranking]
    return median(node.execution.seconds + node.usage.seconds for node in good if node.execution) if good else 0.0


def _cost(usage: Usage) -> float:
    return usage.cost_usd or 0.0


def _tokens(usage: Usage) -> float:
    return usage.input_tokens + usage.output_tokens
