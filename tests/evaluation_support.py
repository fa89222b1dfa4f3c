"""A small real task, split for real, and an executor that runs functions instead of processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from treewright.data import FurtherSplits, prepare, read_task
from treewright.evaluation import Chooser, FinalAnswer, Grader, HoldoutEvaluator, Race, Rerunner
from treewright.evaluation.resources import Resources
from treewright.folder import RunFolder
from treewright.protocols import Closing, Job, Trial
from treewright.tree import Execution

if TYPE_CHECKING:
    from pathlib import Path


def regression(folder: Path, rows: int = 11_000) -> Path:
    """``y = 3 x + noise``; 400 test rows; a sample submission; rmse."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.arange(rows), "x": rng.normal(size=rows).round(4)})
    table["y"] = (3 * table["x"] + rng.normal(size=rows)).round(4)
    return write_task(folder, table, "y", "rmse")


def classification(folder: Path, rows: int = 11_000) -> Path:
    """Three classes by ``x``; 400 test rows; a sample submission; accuracy."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.arange(rows), "x": rng.normal(size=rows).round(4)})
    table["y"] = np.array(["low", "mid", "high"])[np.digitize(table["x"] + 0.3 * rng.normal(size=rows), [-0.5, 0.5])]
    return write_task(folder, table, "y", "accuracy")


def write_task(folder: Path, table: pd.DataFrame, target: str, metric: str, test_rows: int = 400) -> Path:
    """A task in the Kaggle layout whose last rows are the test set."""
    folder.mkdir()
    train, test = table.iloc[:-test_rows], table.iloc[-test_rows:]
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=target).to_csv(folder / "test.csv", index=False)
    test[["id", target]].assign(**{target: train[target].iloc[0]}).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.toml").write_text(f'metric = "{metric}"\n[holdout]\nkind = "random"\n')
    return folder


@dataclass
class FunctionExecutor:
    """Runs the function that a program's text names, in place of the program."""

    functions: dict[str, Callable[[Job], Any]]
    jobs: list[Job] = field(default_factory=list)

    def run(self, job: Job) -> Execution:
        """Call the function; an exception in it is the script's failure."""
        self.jobs.append(job)
        (job.workdir / "working").mkdir()
        (job.workdir / "output.log").write_text("ran\n")
        try:
            self.functions[job.code](job)
        except Exception as error:  # noqa: BLE001 -- as a script's would be
            return Execution(0.1, 1, failure=f"raised {type(error).__name__}: {error}")
        return Execution(0.1, 0, output="validation rmse: 0.123\n")


def predict(job: Job, rule: Callable[[pd.DataFrame], Any], column: str = "y") -> pd.DataFrame:
    """Write a submission in which ``rule(test)`` answers for each row."""
    test = pd.read_csv(job.input / "test.csv")
    frame = pd.read_csv(job.input / "sample_submission.csv")
    frame[column] = rule(test)
    frame.to_csv(job.workdir / "working" / "submission.csv", index=False)
    return frame


def make_evaluator(
    task_folder: Path,
    run: Path,
    functions: dict[str, Callable[[Job], Any]],
    *,
    confirm: int = 0,
    blend: bool = True,
    **settings,
) -> HoldoutEvaluator:
    """An evaluator over a fresh split of the task."""
    task = read_task(task_folder)
    run.mkdir()
    folder = RunFolder(run)
    grader = Grader.from_holdout(task, prepare(task, 0, folder.data))
    executor, resources = FunctionExecutor(functions), Resources(cpus=2)
    waves = resources.waves(len(grader.folds))
    rerunner = Rerunner(task, executor, folder, resources, waves)
    race = Race(task, rerunner, FurtherSplits(task, 0, folder.data), confirm)
    final = FinalAnswer(race, Chooser(grader, folder, blend), **settings)
    return HoldoutEvaluator(grader, executor, folder, resources, final)


def closing(seconds: float | None = None, **terms) -> Closing:
    """The terms of an end with time enough for everything, unless said otherwise."""
    return Closing(seconds=seconds, allowance=1000.0 if seconds is None else seconds, **terms)


def trial(node: int, code: str, **changes) -> Trial:
    """A trial of this program."""
    return Trial(node, code, 60.0, **changes)
