"""What a step with a language model costs beyond script and model, and how much eight workers are worth.

    python benchmarks/llm_overhead.py [--steps 30] [--only overhead|workers]

The model is a server on this machine that answers at once, spoken to through the real SDK, streamed, with a structured
review of every run. Everything else is real as well: the split, the sandbox, scoring, the database that syncs each
answer to the disk before anything acts on it. The second part runs the command line, start-up included, against a
server that takes two seconds to answer, with scripts that sleep for two.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from step_overhead import COPY, FILLING, TARGET, grow, make_task

from llm.server import Reply, Request, Server
from treewright.app import start
from treewright.coders.llm.blocks import Caps
from treewright.coders.llm.coder import LlmCoder
from treewright.coders.llm.templates import Templates
from treewright.config import make_config
from treewright.events import Evaluated, Started
from treewright.folder import RunFolder
from treewright.tree import Exchange, Usage

if TYPE_CHECKING:
    from treewright.coders.llm.desk import Request as Asked
    from treewright.protocols import Entry
    from treewright.tree import Tree

SIZES = (10, 1_000)
WARM_UP = 3
REVIEW = {"is_bug": False, "summary": "It copies the sample submission, which says little of the data."}
SECONDS = 2.0
STEPS, WORKERS, FACTOR = 40, 8, 7.0


def answer(request: Request, code: str = COPY, *, whole: bool = True) -> Reply:
    """A review where one is asked for, else a program of the usual length, another each time; ``whole`` at once."""
    if request.body.get("tools"):
        return Reply(tool=REVIEW, usage=(3000, 60), whole=whole)
    number = sum(len(message["content"]) for message in request.body["messages"])
    text = f"Copy the sample submission, as before.\n\n```python\n# {number}\n{FILLING}{code}```\n"
    return Reply(text=text, usage=(4000, 2500), whole=whole)


@dataclass(frozen=True, slots=True)
class Instant:
    """A source of answers within this process, to grow a tree from."""

    name: str = "openai:test"
    context: int | None = None

    def ask(self, request: Asked) -> Exchange:
        """The same program under another heading."""
        text = f"Copy the sample, attempt {request.node}.\n\n```python\n# {request.node}\n{FILLING}{COPY}```\n"
        usage = Usage(1, 4000, 2500, None, 0.0)
        return Exchange(request.number, request.purpose, self.name, request.messages, text, usage)


def overhead(task: Path, folder: Path, server: Server, nodes: int, steps: int) -> list[float]:
    """Milliseconds of each step that neither its script nor, at once, its model took."""
    config = make_config(
        {
            "task": task,
            "metric": "rmse",
            "steps": nodes + WARM_UP + steps,
            "ensemble": False,
            "refit": False,
            "coder": {"model": "openai:test", "base_url": server.openai},
        }
    )
    run = start(config, RunFolder(folder))
    grow(run, nodes, LlmCoder((Instant(),), Templates.load(), Caps(), lambda _code, _brief: ()))
    began, laps = 0.0, []

    def listen(entry: Entry, tree: Tree) -> None:
        nonlocal began
        if isinstance(entry.event, Started):
            began = time.perf_counter()
        elif isinstance(entry.event, Evaluated):
            assert tree[entry.event.node].valid
            laps.append(1000 * (time.perf_counter() - began - entry.event.execution.seconds))

    with run as opened:
        opened.search.listeners.append(listen)
        opened.search.run()
    return laps[WARM_UP:]


def seconds(task: Path, server: Server, out: Path, workers: int) -> float:
    """Wall time of a whole run from the command line."""
    command: list[Any] = [sys.executable, "-m", "treewright", "run", task, "--model", "openai:test", "--base-url"]
    command += [server.openai, "--steps", STEPS, "--workers", workers, "--out", out, "--quiet", "--json"]
    command += ["--set", "refit=false", "--set", "ensemble=false"]
    began = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), check=True, capture_output=True, env=os.environ | {"OPENAI_API_KEY": "none"}
    )
    took = time.perf_counter() - began
    assert json.loads(done.stdout)["nodes"] == STEPS
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30, help="steps to measure at each size (default %(default)s)")
    parser.add_argument("--only", choices=("overhead", "workers"))
    asked = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = make_task(folder / "task", "rmse")
        if asked.only != "workers":
            with Server(answer) as server:
                for nodes in SIZES:
                    laps = overhead(task, folder / f"run{nodes}", server, nodes, asked.steps)
                    print(f"at {nodes:>5,} nodes: {median(laps):.1f} ms a step beyond its script (asked: {TARGET:.0f})")
            with Server(partial(answer, whole=False)) as server:
                laps = overhead(task, folder / "words", server, SIZES[0], asked.steps)
                words = len(answer(Request("", {}, {"messages": []})).text.split())
                print(f"streamed in {words:,} pieces: {median(laps):.1f} ms, the SDK's work on each piece included")
        if asked.only != "overhead":
            sleeping = f"import time\ntime.sleep({SECONDS})\n{COPY}"
            with Server(lambda request: answer(request, sleeping), latency=SECONDS) as server:
                one, many = (seconds(task, server, folder / f"w{workers}", workers) for workers in (1, WORKERS))
            print(f"{STEPS} steps: {one:.1f} s with 1 worker, {many:.1f} s with {WORKERS}, start-up included")
            print(f"{one / many:.2f} times faster (asked: {FACTOR:.0f})")


if __name__ == "__main__":
    main()
