"""What one step of the search costs beyond the script's own process, and whether memory grows with what scripts print.

    python benchmarks/step_overhead.py [--steps 30] [--printing 200]

All parts are real: the split (1,500 search rows), the bubblewrap sandbox, scoring with its bootstrap, the database that
syncs each event to the disk, the run folder. The script copies the sample submission. From the time of a step two are
taken off: that of the script's process in its sandbox, and that of the same script run by a bare ``subprocess.run``, so
that the second overhead has the sandbox in it.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from treewright import search
from treewright.app import Own, Run, start
from treewright.budget import Budget
from treewright.config import make_config
from treewright.evaluation import holdout
from treewright.events import Evaluated
from treewright.folder import RunFolder
from treewright.policies import Greedy
from treewright.protocols import Executor
from treewright.search import TreeSearch
from treewright.store import MemoryStore
from treewright.testing import ScriptedEvaluator
from treewright.tree import Execution, Proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from treewright.protocols import Brief, Coder, Entry, Job
    from treewright.tree import Tree

TARGET = 60.0
"""Milliseconds of overhead that a step may have."""

SIZES = (10, 2_000)
"""Nodes of the tree before the steps that are measured."""

WARM_UP = 5
"""Steps before those that are measured."""

ROWS, TEST_ROWS, COLUMNS = 15_000, 1_500, 8
METRICS = ("rmse", "auc")

WHOLE, BARE = "step", "the bare process"
INSIDE, AROUND = "the process in its sandbox", "around the process in its sandbox"

COPY = 'import shutil\nshutil.copyfile("input/sample_submission.csv", "working/submission.csv")\n'
PRINT = f'print("epoch 1: loss 0.1234\\n" * {10_000_000 // 21})\n{COPY}'
FILLING = "".join(f"# line {i} of a program of the usual length\n" for i in range(200))


@dataclass(frozen=True, slots=True)
class OneProgram:
    """A coder that always writes the same, under another heading."""

    code: str
    name: str = "one"

    def write(self, brief: Brief) -> Proposal:
        """The program, of the length of a real one."""
        return Proposal("copy the sample submission", f"# node {brief.node}\n{FILLING}{self.code}", self.name)


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Milliseconds by stage."""

    stages: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same callable, whose time is added to the stage."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self.stages[stage] += 1000 * (time.perf_counter() - started)

        return timed

    def reset(self) -> dict[str, float]:
        """What was measured since the last time."""
        measured = dict(self.stages)
        self.stages.clear()
        return measured


@dataclass(frozen=True, slots=True)
class TimedExecutor:
    """Keeps the time of each script's process."""

    executor: Executor
    watch: Stopwatch

    def run(self, job: Job) -> Execution:
        """Run it."""
        execution: Execution = self.watch.timed(AROUND, self.executor.run)(job)
        self.watch.stages[INSIDE] += 1000 * execution.seconds
        self.watch.stages[AROUND] -= 1000 * execution.seconds
        return execution


def make_task(folder: Path, metric: str) -> Path:
    """A synthetic table, of numbers to predict for rmse or of two classes for auc."""
    folder.mkdir()
    rng = random.Random(0)
    header = ",".join(f"x{i}" for i in range(COLUMNS))
    train, test, sample = [f"id,{header},y"], [f"id,{header}"], ["id,y"]
    for row in range(ROWS + TEST_ROWS):
        values = [rng.gauss(0, 1) for _ in range(COLUMNS)]
        signal = values[0] + rng.gauss(0, 1)
        cells = ",".join(f"{value:.4f}" for value in values)
        if row < ROWS:
            train.append(f"{row},{cells},{int(signal > 0) if metric == 'auc' else round(signal, 4)}")
        else:
            test.append(f"{row},{cells}")
            sample.append(f"{row},0.5")
    for name, lines in (("train", train), ("test", test), ("sample_submission", sample)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def make_run(task: Path, metric: str, folder: Path, code: str) -> Run:
    """A run of that program, to be ended by a listener."""
    config = make_config({"task": task, "metric": metric, "steps": 1_000_000, "sandbox": "bwrap"})
    return start(config, RunFolder(folder), own=Own(coder=OneProgram(code), policy=Greedy()))


def grow(run: Run, nodes: int, coder: Coder | None = None) -> None:
    """Put the log of a scripted search into the run's database, as if it had come so far."""
    store = MemoryStore()
    scripted = TreeSearch(
        run.search.setting,
        coder=coder or OneProgram(COPY),
        evaluator=ScriptedEvaluator(),
        policy=Greedy(),
        store=store,
        started=run.search.started,
        budget=Budget(nodes),
    )
    with scripted:
        scripted.run()
    for entry in store.entries():
        if getattr(entry.event, "node", None) or entry.seq == 1:
            run.search.store.append(entry.event, elapsed=entry.elapsed)


@contextmanager
def watched(runs: Sequence[Run]) -> Iterator[Stopwatch]:
    """A stopwatch at the stages of these runs' steps."""
    watch = Stopwatch()
    stages: list[tuple[str, Any, str]] = [
        ("policy", Greedy, "select"),
        ("tree", search, "apply"),
        ("reading the submission", holdout, "read_predictions"),
        ("score and bootstrap", holdout, "score_with_replicates"),
        ("predictions.npz", holdout, "save_predictions"),
        ("submission.csv", holdout, "write_submission"),
    ]
    for run in runs:
        stages += [("brief", run.search, "brief"), ("database", run.search.store, "append")]
        evaluator = run.search.evaluator
        assert isinstance(evaluator, holdout.HoldoutEvaluator)
        run.search.evaluator = replace(evaluator, executor=TimedExecutor(evaluator.executor, watch))
    with ExitStack() as patches:
        for stage, owner, name in stages:
            patches.enter_context(patch.object(owner, name, watch.timed(stage, getattr(owner, name))))
        yield watch


def step(run: Run) -> None:
    """One step, in this thread."""
    brief = run.search.ask()
    proposal = run.search.coder.write(brief)
    node = run.search.tell(brief, proposal.code, proposal.plan)
    assert node.valid, node


def bare_process(cwd: Path, run: Run) -> Callable[[], object]:
    """The same program in a process without any sandbox."""
    (cwd / "working").mkdir(parents=True)
    (cwd / "input").symlink_to(run.folder.data.absolute() / "inputs" / "fold0")
    (cwd / "solution.py").write_text(FILLING + COPY, encoding="utf-8")
    return lambda: subprocess.run([sys.executable, "solution.py"], cwd=cwd, check=True)


def measure(runs: Sequence[Run], bare: Callable[[], object], steps: int) -> list[list[dict[str, float]]]:
    """Milliseconds by stage, for each run a list with an entry for each step.

    The runs take turns, so that whatever else the machine does meets them all alike.
    """
    laps: list[list[dict[str, float]]] = [[] for _ in runs]
    with ExitStack() as opened, watched(runs) as watch:
        for run in runs:
            opened.enter_context(run)
        for _ in range(WARM_UP + steps):
            for run, mine in zip(runs, laps, strict=True):
                watch.reset()
                watch.timed(BARE, bare)()
                watch.timed(WHOLE, step)(run)
                mine.append(watch.reset())
    return [mine[WARM_UP:] for mine in laps]


def report(metric: str, place: Path, steps: int) -> None:
    """Measure at each size and print a table, a column for each size."""
    task = make_task(place / metric, metric)
    runs = [make_run(task, metric, place / f"{metric}-{size}", COPY) for size in SIZES]
    for run, size in zip(runs, SIZES, strict=True):
        grow(run, size)
    columns = []
    for laps in measure(runs, bare_process(place / f"{metric}-bare", runs[0]), steps):
        column = {stage: median(lap[stage] for lap in laps) for stage in laps[0]}
        for beyond in (INSIDE, BARE):
            column[f"step beyond {beyond}"] = median(lap[WHOLE] - lap[beyond] for lap in laps)
        columns.append(column)
    print(f"\n{metric + ', median ms at':40}" + "".join(f"{size:>9,}" for size in SIZES) + " nodes   ratio")
    for stage in columns[0]:
        small, large = (column[stage] for column in columns)
        print(f"{stage:40}{small:9.2f}{large:9.2f}{large / small:14.2f}")
    worst = max(column[f"step beyond {BARE}"] for column in columns)
    print(f"under {TARGET:g} ms: {'yes' if worst < TARGET else 'no'}")


def report_memory(place: Path, steps: int) -> None:
    """Run steps that print 10 MB each and print the resident memory now and then."""
    run = make_run(make_task(place / "printing", "rmse"), "rmse", place / "prints", PRINT)
    print(f"\n{'resident MB':34} {'now':>9} {'peak':>9}   after steps that print 10 MB each")

    def listen(entry: Entry, tree: Tree) -> None:
        if not isinstance(entry.event, Evaluated):
            return
        assert tree[entry.event.node].valid
        (run.folder.node(entry.event.node) / "output.log").unlink()  # the disk is not what is measured
        if len(tree) == 1 or len(tree) % max(1, steps // 4) == 0:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            now = pages * resource.getpagesize() / 2**20
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
            print(f"{len(tree):>30} nodes {now:7.1f} {peak:9.1f}", flush=True)
        if len(tree) == steps:
            run.search.interrupt()

    with run:
        run.search.listeners.append(listen)
        run.search.run()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30, help="steps measured at each size")
    parser.add_argument("--printing", type=int, default=200, help="steps that print 10 MB; 0 for none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for metric in METRICS:
            report(metric, Path(place), options.steps)
        if options.printing:
            report_memory(Path(place), options.printing)


if __name__ == "__main__":
    main()
