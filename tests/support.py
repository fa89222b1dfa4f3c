"""Event histories for tests.

``grow(draft(0.5), improve(1, 0.4), debug(3, "timed out"))`` is a run of three nodes: a score makes a valid node, a text
a buggy one (its reason), and ``WRITING`` or ``RUNNING`` leaves the node in flight.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from treewright.events import Evaluated, Event, RunStarted, Started, Written, apply, replay
from treewright.metrics import Direction
from treewright.protocols import Entry
from treewright.testing import folds
from treewright.tree import Action, Evaluation, Execution, Operator, Proposal, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Flight(Enum):
    """How far a node in flight has come."""

    WRITING = auto()
    RUNNING = auto()


WRITING, RUNNING = Flight.WRITING, Flight.RUNNING

Result = float | str | Flight


@dataclass(frozen=True, slots=True)
class Step:
    """One node: what it starts from, and how it ended. ``noise`` is the standard error of its score."""

    action: Action
    result: Result
    plan: str
    code: str
    coder: str = "scripted"
    noise: float = 0.01
    seconds: float = 1.0
    complete: bool = True


def draft(result: Result, plan: str = "a draft", code: str = "pass\n", **more: Any) -> Step:
    """A draft."""
    return Step(Action(Operator.DRAFT), result, plan, code, **more)


def improve(parent: int, result: Result, plan: str = "an improvement", code: str = "pass\n", **more: Any) -> Step:
    """An improvement of node ``parent``."""
    return Step(Action(Operator.IMPROVE, parent), result, plan, code, **more)


def debug(parent: int, result: Result, plan: str = "a repair", code: str = "pass\n", **more: Any) -> Step:
    """A repair of node ``parent``."""
    return Step(Action(Operator.DEBUG, parent), result, plan, code, **more)


def grow(*steps: Step, direction: Direction = Direction.MINIMIZE, after: tuple[Event, ...] = ()) -> tuple[Entry, ...]:
    """The entries of a run with these nodes, one after the other, then the events ``after``; one second each."""
    events: list[Event] = [RunStarted("run", 0, "rmse", direction, {})]
    for node, step in enumerate(steps, start=1):
        events.append(Started(node, step.action))
        if step.result is not WRITING:
            events.append(Written(node, Proposal(step.plan, step.code, step.coder)))
        if not isinstance(step.result, Flight):
            events.append(_evaluated(node, step))
    return tuple(Entry(seq, 1.7e9 + seq, float(seq), event) for seq, event in enumerate((*events, *after), start=1))


def _evaluated(node: int, step: Step) -> Evaluated:
    if isinstance(step.result, str):
        return Evaluated(node, Execution(step.seconds, 1, failure=step.result), Evaluation(reason=step.result))
    assert isinstance(step.result, float)
    scored = folds(step.result, noise=step.noise, seed=node)
    return Evaluated(node, Execution(step.seconds, 0), Evaluation(scored, complete=step.complete))


def tree_of(entries: Iterable[Entry]) -> Tree:
    """The tree that the entries lead to."""
    return replay(entry.event for entry in entries)


def shown(entries: Iterable[Entry], tree: Tree | None = None) -> Iterator[tuple[Entry, Tree]]:
    """Each entry with the tree that it led to, as a listener of the search gets them."""
    tree = tree or Tree()
    for entry in entries:
        tree = apply(tree, entry.event)
        yield entry, tree


def write_line(folder: Path) -> Path:
    """A task in the Kaggle layout whose best answer is three times ``x``."""
    folder.mkdir()
    rng = random.Random(0)
    rows = [(i, round(rng.gauss(0, 1), 4)) for i in range(10_100)]
    labelled = (f"{i},{x},{3 * x + rng.gauss(0, 0.2):.4f}\n" for i, x in rows[:10_000])
    (folder / "train.csv").write_text("id,x,y\n" + "".join(labelled))
    (folder / "test.csv").write_text("id,x\n" + "".join(f"{i},{x}\n" for i, x in rows[10_000:]))
    (folder / "sample_submission.csv").write_text("id,y\n" + "".join(f"{i},0\n" for i, _ in rows[10_000:]))
    return folder
