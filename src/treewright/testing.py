"""Stand-ins that need no model, no data and no time: for tests, of this project and of what is built on it.

They are deterministic: what a node scores follows from its id and the seed alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.events import Member, Selected
from treewright.metrics import Direction, Metric, Needs
from treewright.protocols import Machine, Setting, Trial
from treewright.scores import REPLICATES, FoldScore
from treewright.task import TableProfile, TargetKind, Task
from treewright.tree import Evaluation, Execution, Proposal

if TYPE_CHECKING:
    from treewright.protocols import Brief, Closing
    from treewright.tree import Tree

METRIC = Metric("rmse", Direction.MINIMIZE, Needs.NUMBERS)


def setting(metric: Metric = METRIC) -> Setting:
    """A setting with an empty table: enough for coders and evaluators that look at no data."""
    task = Task(
        name="scripted",
        goal="predict y",
        description="",
        metric=metric,
        kind=TargetKind.REGRESSION,
        train=Path("train.csv"),
        test=None,
        sample=None,
        ids=(),
        targets=("y",),
        submission_columns=("y",),
    )
    machine = Machine(python="3.11", packages={}, cpus=1, memory_mb=1024)
    return Setting(task, TableProfile(0, 0, (), ()), machine)


def folds(score: float, *, noise: float = 0.01, seed: int = 0) -> tuple[FoldScore, ...]:
    """One fold with this score, and replicates that spread by ``noise`` around it."""
    rng = random.Random(seed)  # noqa: S311
    return (FoldScore(0, score, tuple(score + rng.gauss(0, noise) for _ in range(REPLICATES))),)


@dataclass(frozen=True, slots=True)
class ScriptedCoder:
    """Writes a program that names its node."""

    name: str = "scripted"

    def write(self, brief: Brief) -> Proposal:
        """A program that depends on the brief's node, operator, parent and seed only."""
        parent = brief.parent.id if brief.parent else None
        code = f"# node {brief.node}: {brief.operator} of {parent}, seed {brief.seed}\n"
        return Proposal(f"{brief.operator} of {parent}", code, self.name, {"memories": str(len(brief.memory))})


@dataclass(frozen=True, slots=True)
class ScriptedEvaluator:
    """Scores a node by its id: a share ``buggy`` of them fails, the others get a random score.

    ``seconds`` is the time that each is said to have taken. ``before`` is called with each trial, in the
    worker's thread: there a test may wait, fail or kill.
    """

    seed: int = 0
    buggy: float = 0.3
    seconds: float = 1.0
    before: Callable[[Trial], None] = field(default=lambda _: None)

    def evaluate(self, trial: Trial) -> tuple[Execution, Evaluation]:
        """The outcome that this node has under this seed."""
        self.before(trial)
        rng = random.Random(f"{self.seed} {trial.node}")  # noqa: S311
        if rng.random() < self.buggy:
            failure = "exited with status 1"
            return Execution(self.seconds, exit_code=1, failure=failure), Evaluation(reason=failure)
        scored = folds(rng.uniform(0.5, 1.0), seed=self.seed)
        return Execution(self.seconds, exit_code=0, output="done\n"), Evaluation(scored)

    def reserve(self, tree: Tree, seconds: float) -> float:
        """No time at all."""
        del tree, seconds
        return 0.0

    def select(self, tree: Tree, closing: Closing) -> Selected:
        """The best node, if there is one."""
        if tree.best is None:
            return Selected((), {}, None, None, closing.spent)
        best = tree[tree.best]
        assert best.evaluation is not None
        member = Member(best.id, 1.0)
        return Selected((member,), {}, best.evaluation.score, best.evaluation.score_se, closing.spent)
