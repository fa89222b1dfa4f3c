"""What the final procedure is worth, and whether the score it reports can be believed.

    python benchmarks/final_answer.py TASKS [--time 120s] [--seeds 0 1 2] [--only NAME ...]

TASKS is a folder of tasks with ``_answers/NAME/answers.csv``. Each cell is two runs of equal total time under one seed:
one as a user would make it, whose final answer is graded on the real answers, and one that only searches, of which the
best node by its search score is graded as it was submitted. Their difference has a paired bootstrap error over the test
rows. The last column tells how far the reported score was from the true one: ``z`` is their difference over the root
of the sum of their squared standard errors.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from treewright.data import read_task
from treewright.evaluation.scoring import score_with_replicates
from treewright.evaluation.submission import Form, read_submission, read_targets
from treewright.scores import FoldScore, compare, mean_standard_error

ONLY_SEARCH = ("--set", "confirm=0", "--set", "ensemble=false", "--set", "refit=false")


NO_SOLUTION = 1


class NoSolution(Exception):  # noqa: N818 -- a figure is missing, nothing is wrong
    """A run found nothing valid in its time."""


@dataclass(frozen=True)
class Cell:
    """One task under one seed; ``gain`` is relative, positive where the final answer is better."""

    task: str
    seed: int
    kind: str
    final: float
    searched: float
    gain: float
    standard_errors: float
    z: float


def run(task: Path, seed: int, limit: str, out: Path, *more: str) -> dict[str, Any]:
    """One run from the command line; what its ``--json`` says."""
    command = [sys.executable, "-m", "treewright", "run", str(task), "--time", limit, "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--json", "--quiet", "--out", str(out), *more], capture_output=True, text=True, check=False
    )
    if done.returncode == NO_SOLUTION:
        raise NoSolution(" ".join(more) or "as it is")
    if done.returncode:
        raise SystemExit(f"{task.name}, seed {seed}: exit status {done.returncode}\n{done.stderr}")
    return dict(json.loads(done.stdout))


def grade(task: Any, submission: Path, answers: Path) -> FoldScore:
    """The true score with resamples of the test rows, the same for all submissions."""
    truth = pd.read_csv(answers, dtype=str, keep_default_na=False)
    actual = read_targets(truth[list(task.targets)], task)
    answer = read_submission(submission, Form.of(truth, task, submission.stat().st_size), task)
    return FoldScore(0, *score_with_replicates(task.metric, actual, answer, task.classes, seed=0))


def measure(folder: Path, answers: Path, seed: int, limit: str) -> Cell:
    """Both runs of a cell."""
    task, out = read_task(folder), Path(tempfile.mkdtemp(prefix="treewright-bench-"))
    try:
        whole = run(folder, seed, limit, out, "--name", "whole")
        run(folder, seed, limit, out, "--name", "search", *ONLY_SEARCH)
        shown = subprocess.run(
            [sys.executable, "-m", "treewright", "show", str(out / "search"), "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        scored = [node for node in json.loads(shown.stdout)["nodes"] if node["score"] is not None]
        best = max(scored, key=lambda node: task.metric.direction.sign * node["score"])
        final = grade(task, out / "whole" / "best" / "submission.csv", answers)
        searched = grade(task, out / "search" / "nodes" / f"{best['id']:04d}" / "submission.csv", answers)
    finally:
        shutil.rmtree(out)
    difference = compare([final], [searched], task.metric.direction)
    noise = math.hypot(whole["best"]["score_se"] or 0.0, mean_standard_error([final]) or 0.0)
    return Cell(
        folder.name,
        seed,
        whole["best"]["kind"],
        final.score,
        searched.score,
        difference.gain / abs(searched.score),
        difference.gain / (difference.standard_error or math.inf),
        (whole["best"]["score"] - final.score) / noise,
    )


def main() -> None:
    """Print a line for each cell, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path)
    parser.add_argument("--time", default="120s")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[])
    options = parser.parse_args()
    names = options.only or sorted(path.parent.name for path in options.tasks.glob("*/train.csv"))
    cells = []
    print("| task | seed | final answer | best by search score | gain | in standard errors | z of the reported score |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        answers = options.tasks / "_answers" / name / "answers.csv"
        for seed in options.seeds:
            try:
                cells.append(cell := measure(options.tasks / name, answers, seed, options.time))
            except NoSolution as lacking:
                print(f"| {name} | {seed} | no valid solution, run {lacking} | | | | |", flush=True)
                continue
            figures = (f"{cell.gain:+.2%}", f"{cell.standard_errors:+.1f}", f"{cell.z:+.2f}")
            print(
                f"| {name} | {seed} | {cell.final:.4f} ({cell.kind}) | {cell.searched:.4f} | {' | '.join(figures)} |",
                flush=True,
            )
    gains = [cell.gain for cell in cells]
    mean, error = statistics.fmean(gains), statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
    print(f"\nmean gain {mean:+.2%}, 95 % interval {mean - 2.11 * error:+.2%} to {mean + 2.11 * error:+.2%}")
    print(f"cells that lose by more than two standard errors: {sum(cell.standard_errors < -2 for cell in cells)}")
    within = statistics.fmean(abs(cell.z) < 2 for cell in cells)
    print(f"z of the reported score: mean {statistics.fmean(cell.z for cell in cells):+.2f}, |z| < 2 in {within:.0%}")


if __name__ == "__main__":
    main()
