"""How long the command line takes to start: wall time, best and median of 20 runs, and what it imports.

python benchmarks/startup.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from treewright.budget import Budget
from treewright.events import RunStarted
from treewright.folder import RunFolder
from treewright.metrics import Direction
from treewright.policies import Greedy
from treewright.search import TreeSearch
from treewright.store import SqliteStore
from treewright.testing import ScriptedCoder, ScriptedEvaluator, setting

REPEATS = 20
TARGET = 0.3
"""Seconds that ``--help`` may take."""

HEAVY = ("anthropic", "google", "lightgbm", "mcp", "numpy", "openai", "pandas", "pydantic_ai", "sklearn", "xgboost")
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import typer'": ["-c", "import typer"],
    "treewright --version": ["-m", "treewright", "--version"],
    "treewright --help": ["-m", "treewright", "--help"],
    "treewright list": ["-m", "treewright", "list"],
}


def make_run(runs: Path, nodes: int = 30) -> None:
    """A run for ``list`` to find, without data or scripts."""
    folder = RunFolder(runs / "scripted")
    folder.path.mkdir(parents=True)
    store = SqliteStore(folder.database, folder.name)
    with TreeSearch(
        setting(),
        coder=ScriptedCoder(),
        evaluator=ScriptedEvaluator(),
        policy=Greedy(),
        store=store,
        started=RunStarted(folder.name, 0, "rmse", Direction.MINIMIZE, {}),
        budget=Budget(nodes),
    ) as search:
        search.run()
    store.close()


def run(arguments: list[str], cwd: str) -> str:
    """What the command writes to stderr; it must succeed."""
    source = str(Path(__file__).parents[1] / "src")
    environment = os.environ | {"PYTHONPATH": source}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )
    return done.stderr


def seconds(arguments: list[str], cwd: str) -> list[float]:
    """The wall times of repeated runs."""
    run(arguments, cwd)
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run(arguments, cwd)
        times.append(time.perf_counter() - started)
    return times


def heavy_imports(arguments: list[str], cwd: str) -> list[str]:
    """Which of the packages in ``HEAVY`` the command imports."""
    lines = run(["-X", "importtime", *arguments], cwd).splitlines()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    return sorted(imported & set(HEAVY))


def main() -> None:
    """Print a line for each command."""
    with tempfile.TemporaryDirectory() as cwd:
        make_run(Path(cwd, "runs"))
        times = {name: seconds(arguments, cwd) for name, arguments in COMMANDS.items()}
        bare, typer = (median(times[name]) for name in list(COMMANDS)[:2])
        print(f"{'':25} {'best':>7} {'median':>7}   / python  / typer   heavy imports")
        for name, arguments in COMMANDS.items():
            best, middle = min(times[name]), median(times[name])
            heavy = ", ".join(heavy_imports(arguments, cwd)) or "none"
            print(f"{name:25} {best:6.3f}s {middle:6.3f}s {middle / bare:9.2f} {middle / typer:8.2f}   {heavy}")
    print(f"--help within {TARGET} s: {'yes' if median(times['treewright --help']) < TARGET else 'no'}")


if __name__ == "__main__":
    main()
