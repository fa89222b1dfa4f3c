"""What the runs of a weak language model look like: how many nodes are valid, why the others are not, tokens and time.

    python benchmarks/weak_model.py TASKS [TASK ...] --model openai:NAME --base-url URL [--steps 8] [--review never]

``TASKS`` is a folder of tasks. Each is one call of ``treewright run``, not seeded with recipes. Reasons are sorted by
the exception that a script raised, or by what was wrong with its submission.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any


def run(task: Path, out: Path, flags: list[str], steps: int) -> dict[str, Any]:
    """The figures of one run, and of its nodes."""
    command = [sys.executable, "-m", "treewright"]
    asked = [
        *command,
        "run",
        str(task),
        *flags,
        "--steps",
        str(steps),
        "--out",
        str(out),
        "--name",
        task.name,
        "--quiet",
    ]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{task.name}: exit status {done.returncode}: {done.stderr}")
    shown = subprocess.run(
        [*command, "show", str(out / task.name), "--json"], capture_output=True, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(shown.stdout)
    return figures


def kind(reason: str) -> str:
    """A reason without its particulars."""
    if raised := re.match(r"raised (?:[\w.]*\.)?(\w+)", reason):
        return raised[1]
    if reason.startswith(("no program was written", "not written")):
        return "no program"
    return "time limit" if "time limit" in reason else "wrong submission"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path, metavar="TASKS")
    parser.add_argument("names", nargs="*", metavar="TASK", help="some of them (default: all)")
    parser.add_argument("--model", required=True)
    parser.add_argument("--base-url")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--review", default="auto")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    flags = ["--model", asked.model, "--review", asked.review]
    flags += ["--base-url", asked.base_url] if asked.base_url else []
    out = asked.out or Path(tempfile.mkdtemp())
    names = asked.names or sorted(path.parent.name for path in asked.tasks.glob("*/train.csv"))
    print("| task | valid nodes | best | first valid | requests | tokens in + out | minutes | buggy, by reason |")
    print("|---|---|---|---|---|---|---|---|")
    solved = 0
    for name in names:
        figures = run(asked.tasks / name, out, flags, asked.steps)
        nodes, llm = figures["nodes"], figures["llm"]
        valid = [node for node in nodes if node["score"] is not None]
        solved += bool(valid)
        reasons = Counter(kind(node["reason"] or "") for node in nodes if node["buggy"])
        best = f"{figures['metric']} {figures['best']['score']:.4f}" if figures["best"] else "none"
        cells = [
            name,
            f"{len(valid)} of {len(nodes)}",
            best,
            f"node {valid[0]['id']}" if valid else "none",
            str(llm["requests"]),
            f"{llm['input_tokens']:,} + {llm['output_tokens']:,}",
            f"{figures['seconds'] / 60:.1f}",
            ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "none",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\na valid node on {solved} of {len(names)} tasks")


if __name__ == "__main__":
    main()
