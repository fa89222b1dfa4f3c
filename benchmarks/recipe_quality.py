"""How good the answers of the recipe coder are, against AutoML, on tasks whose test answers are known.

    python benchmarks/recipe_quality.py TASKS [--time 120s] [--seeds 0 1 2] [--only NAME ...] [--flags "--workers 2"]

TASKS is a folder of tasks in the Kaggle layout with ``_answers/NAME/grade.py`` and a README that holds a table of
baselines. Each cell is one call of the command line, as a user would make it; the grader sees its submission only.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BETTER = {"↓": -1, "↑": 1}


def baselines(readme: str) -> dict[str, tuple[int, dict[str, float]]]:
    """The direction and the figures of each task, from the table in the folder's README."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in readme.splitlines() if line.startswith("|")
    ]
    head = rows[0]
    found = {}
    for row in rows[2:]:
        sign = next(sign for arrow, sign in BETTER.items() if arrow in row[2])
        figures = {
            name: float(match[0])
            for name, cell in zip(head[4:], row[4:], strict=True)
            if (match := re.match(r"[\d.]+", cell))
        }
        found[row[0]] = (sign, figures)
    return found


def run(task: Path, seed: int, limit: str, flags: list[str], grader: Path) -> dict:
    """One run and its grade on the real answers."""
    out = Path(tempfile.mkdtemp(prefix="treewright-bench-"))
    command = [
        sys.executable,
        "-m",
        "treewright",
        "run",
        task,
        "--time",
        limit,
        "--seed",
        str(seed),
        "--json",
        "--out",
        out,
    ]
    started = time.monotonic()
    done = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    wall = time.monotonic() - started
    if done.returncode:
        raise SystemExit(f"{task.name}, seed {seed}: exit {done.returncode}\n{done.stderr}")
    result = json.loads(done.stdout)
    graded = subprocess.run(
        [sys.executable, grader, Path(result["dir"]) / "best" / "submission.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(out)
    grade = json.loads(graded.stdout)
    return result | {"true": grade["score"], "error": grade["error"], "humans": grade.get("humans", {}), "wall": wall}


def main() -> None:
    """Print a line a run, and a table at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path)
    parser.add_argument("--time", default="120s")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--flags", default="")
    options = parser.parse_args()
    table = []
    for name, (sign, figures) in baselines((options.tasks / "README.md").read_text()).items():
        if options.only and name not in options.only:
            continue
        runs = []
        for seed in options.seeds:
            grader = options.tasks / "_answers" / name / "grade.py"
            done = run(options.tasks / name, seed, options.time, options.flags.split(), grader)
            runs.append(done)
            beaten = [other for other, figure in figures.items() if sign * (done["true"] - figure) > 0]
            best = done["best"]
            print(
                f"{name} seed {seed}: true {done['true']:.4f}, reported {best['score']:.4f} ± {best['score_se']:.4f}, "
                f"{best['kind']} of {[m['node'] for m in best['members']]}, "
                f"{done['nodes']} nodes ({done['buggy']} buggy), "
                f"{done['wall']:.0f} s; beats {', '.join(beaten)}",
                flush=True,
            )
        mean = sum(done["true"] for done in runs) / len(runs)
        table.append((name, sign, [done["true"] for done in runs], mean, figures))
    print_table(table)


def print_table(table: list) -> None:
    """The table for benchmarks/README.md, and how many tasks each mark is beaten on by the mean over seeds."""
    others = [name for name in table[0][4] if name != "constant"]
    automl = [name for name in others if name not in {"sklearn-HGB-default", "handwritten-sklearn"}]
    print("\n| task | seeds | mean | " + " | ".join(others) + " |\n|" + " --- |" * (3 + len(others)))
    counts = dict.fromkeys(("HGB default", "best AutoML", "hand-written"), 0)
    for name, sign, scores, mean, figures in table:
        cells = [f"{figures[o]:.4f}{' ✓' if sign * (mean - figures[o]) > 0 else ''}" for o in others]
        print(f"| {name} | {', '.join(f'{s:.4f}' for s in scores)} | {mean:.4f} | " + " | ".join(cells) + " |")
        counts["HGB default"] += sign * (mean - figures["sklearn-HGB-default"]) > 0
        counts["best AutoML"] += all(sign * (mean - figures[o]) > 0 for o in automl)
        counts["hand-written"] += sign * (mean - figures["handwritten-sklearn"]) > 0
    print("\nbeaten by the mean:", ", ".join(f"{mark} on {n} of {len(table)}" for mark, n in counts.items()))


if __name__ == "__main__":
    main()
