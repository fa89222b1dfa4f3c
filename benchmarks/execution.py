"""What running a script costs beyond the script: ``LocalExecutor.run`` against a bare subprocess, medians of 20.

python benchmarks/execution.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from treewright.errors import ConfigError
from treewright.execution import LocalExecutor, find_sandbox
from treewright.protocols import Job

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 20
PYTHON = Path(sys.executable)


def milliseconds(call: Callable[[], object]) -> float:
    """The median wall time of a call."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return 1000 * median(times)


def main() -> None:
    """Print a line for the bare subprocess and one for each sandbox that works here."""
    with tempfile.TemporaryDirectory() as folder:
        workdir, data = Path(folder, "node"), Path(folder, "input")
        workdir.mkdir()
        data.mkdir()
        script = Path(folder, "solution.py")
        script.write_text("pass\n")
        bare = milliseconds(lambda: subprocess.run([PYTHON, script], check=True))
        print(f"{'bare subprocess':16} {bare:7.1f} ms")
        for name in ("bwrap", "none"):
            try:
                executor = LocalExecutor(find_sandbox(name, PYTHON), PYTHON)
            except ConfigError as error:
                print(f"{name:16} {error}")
                continue
            job = Job("pass\n", workdir, data, seconds=60, memory_mb=1000)
            taken = milliseconds(lambda executor=executor, job=job: executor.run(job))
            print(f"{name:16} {taken:7.1f} ms   overhead {taken - bare:5.1f} ms   ratio {taken / bare:4.2f}")


if __name__ == "__main__":
    main()
