"""How programs are scored: from a ``Config`` to the data that scripts see, and to an evaluator.

Rows are hidden wherever that is possible. Where it is not, and nobody asked for it by name, scripts print a score of
their own, and it is said why.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.errors import CannotSplit
from treewright.protocols import Evaluator
from treewright.task import EvaluationKind, Task

if TYPE_CHECKING:
    from pathlib import Path

    from treewright.config import Config
    from treewright.data import Holdout
    from treewright.evaluation.resources import Resources
    from treewright.folder import RunFolder
    from treewright.protocols import Executor

MEMORY_SHARE = 0.8
"""Of the machine's memory, that all scripts together may have where no limit is named."""

AS_ASKED = "Nothing is hidden, as was asked for"


@dataclass(frozen=True, slots=True)
class Scoring:
    """The evaluator, and what follows from it: a score takes ``waves`` runs of a script, one after the other.

    Each run has ``cpus`` threads and ``memory_mb``.
    """

    evaluator: Evaluator
    waves: int
    cpus: int
    memory_mb: int | None


def read_asked_task(config: Config) -> Task:
    """The task that the configuration names."""
    from treewright.data import read_task

    asked = config.evaluate
    return read_task(config.task, goal=config.goal, metric=config.metric, target=config.target, evaluation=asked)


def prepare_data(config: Config, task: Task, into: Path) -> tuple[Config, Task]:
    """Write what scripts will see into the folder ``into``; the configuration and the task with what was decided.

    ``CannotSplit`` where hidden rows were asked for by name and there can be none.
    """
    from treewright.data import prepare, prepare_whole

    asked, why = config.evaluate or task.evaluation, AS_ASKED
    if asked is not EvaluationKind.PRINTED:
        hiding, split = _decided(EvaluationKind.HOLDOUT, config, task)
        try:
            prepare(split, config.seed, into)
        except CannotSplit as reason:
            if asked:
                raise CannotSplit(f"{reason}; or let scripts score themselves, with --evaluate printed") from None
            why = str(reason)
        else:
            return hiding, split
    believing, whole = _decided(EvaluationKind.PRINTED, config, task)
    prepare_whole(whole, into, why)
    return believing, whole


def _decided(kind: EvaluationKind, config: Config, task: Task) -> tuple[Config, Task]:
    """The configuration with this evaluation, and the task with the files that scripts may see under it."""
    config = config.model_copy(update={"evaluate": kind})
    if (kind is EvaluationKind.PRINTED) is not (task.evaluation is EvaluationKind.PRINTED):
        read = read_asked_task(config)
        task = replace(task, side_files=read.side_files, notes=read.notes)
    return config, replace(task, evaluation=kind)


def choose_scoring(config: Config, task: Task, holdout: Holdout, executor: Executor, folder: RunFolder) -> Scoring:
    """The evaluator for data as they were prepared."""
    from treewright.data import FurtherSplits
    from treewright.evaluation import (
        Chooser,
        FinalAnswer,
        Grader,
        HoldoutEvaluator,
        PrintedEvaluator,
        Race,
        Rerunner,
    )

    if not holdout.folds:
        _, each = _resources(config, 1)
        printed = PrintedEvaluator.over(task, holdout, executor, folder, each)
        return Scoring(printed, 1, each.cpus, each.memory_mb)
    grader = Grader.from_holdout(task, holdout)
    runs = len(grader.folds)
    whole, each = _resources(config, runs)
    rerunner = Rerunner(
        task, executor, folder, whole, each.waves(runs), each.cpus_each(runs), script_seconds=config.script_time
    )
    race = Race(task, rerunner, FurtherSplits(task, config.seed, folder.data), config.confirm)
    final = FinalAnswer(race, Chooser(grader, folder, config.ensemble, config.seed), config.refit)
    evaluator = HoldoutEvaluator(grader, executor, folder, each, final)
    return Scoring(evaluator, each.waves(runs), each.cpus_each(runs), each.memory_mb)


def _resources(config: Config, runs: int) -> tuple[Resources, Resources]:
    """For one script that has the machine to itself, and for each worker, whose scripts run ``runs`` times."""
    from treewright.evaluation.resources import Resources

    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory_mb = int(MEMORY_SHARE * _machine_memory_mb())
    each = Resources(max(1, cpus // config.workers))
    share = memory_mb // (config.workers * each.side_by_side(runs))
    return (
        Resources(cpus, config.memory_mb or memory_mb),
        Resources(each.cpus, config.memory_mb or share),
    )


def _machine_memory_mb() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
