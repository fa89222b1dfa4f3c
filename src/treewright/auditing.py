"""``audit``: everything that a run says of itself, recomputed from what its scripts predicted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.app import need_packages
from treewright.config import load_config
from treewright.errors import UsageError
from treewright.evaluating import read_asked_task
from treewright.record import read_run

if TYPE_CHECKING:
    from pathlib import Path

    from treewright.evaluation import Claim
    from treewright.protocols import Job
    from treewright.tree import Execution


@dataclass(frozen=True, slots=True)
class _NoRuns:
    """Stands where programs would be run, and never runs any."""

    def run(self, job: Job) -> Execution:
        raise NotImplementedError(job)


def audit(path: Path) -> list[Claim]:
    """All that a run's log and answer claim, each compared with what its files say; nothing is run.

    ``UsageError`` for a run whose scripts scored themselves: there is nothing to compare with.
    """
    need_packages()
    from treewright.data import FurtherSplits, load_holdout
    from treewright.evaluation import Audit, Chooser, Grader, Race, Rerunner
    from treewright.evaluation.resources import Resources

    record = read_run(path)
    folder, config = record.folder, load_config(record.folder.config)
    holdout = load_holdout(folder.data)
    if not holdout.folds:
        raise UsageError(f"in {folder.path} scripts scored themselves; there is nothing to recompute their scores from")
    task = replace(read_asked_task(config), holdout=holdout.spec)
    race = Race(
        task,
        Rerunner(task, _NoRuns(), folder, Resources()),
        FurtherSplits(task, config.seed, folder.data),
        config.confirm,
    )
    chooser = Chooser(Grader.from_holdout(task, holdout), folder, config.ensemble, config.seed)
    return list(Audit(chooser, race).claims(record.tree, record.selected))
