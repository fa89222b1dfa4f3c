"""How much memory it takes to split a table of 5 million rows.

    python benchmarks/huge_table.py [ROWS]

A table of ten columns is written to a temporary folder and split in a process of its own. Its peak resident memory,
less what that process has after its imports, is compared with three sizes of the table: the file, the cells as pandas
holds them in memory as text (one Python object a cell, those of equal cells shared, as its parser makes them), and the
columns with the types that pandas finds for them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 5_000_000
CHUNK = 500_000

_MEASURE = """
import json, resource, sys, time
from pathlib import Path
import numpy, pandas, scipy.sparse.csgraph
from treewright.data import prepare, read_task

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

before, started = peak(), time.monotonic()
task = read_task(Path(sys.argv[1]))
read, at = peak(), time.monotonic()
prepare(task, 0, Path(sys.argv[1]) / "runs" / "data")
print(json.dumps({"before": before, "read": read, "split": peak(), "seconds": [at - started, time.monotonic() - at]}))
"""

_SIZES = """
import json, resource, sys
import pandas as pd

def used():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

before = used()
if sys.argv[2] == "text":
    frame = pd.read_csv(sys.argv[1], dtype=object, na_filter=False)
else:
    frame = pd.read_csv(sys.argv[1])
print(json.dumps(used() - before))
"""


def write_table(folder: Path, rows: int) -> None:
    """Numbers, few and many texts, dates and an id; a test table of a tenth of the rows."""
    for name, first, count in (("train", 0, rows), ("test", rows, rows // 10)):
        for start in range(first, first + count, CHUNK):
            frame = _chunk(start, min(CHUNK, first + count - start))
            if name == "test":
                frame = frame.drop(columns="y")
            frame.to_csv(folder / f"{name}.csv", index=False, mode="a", header=start == first)
    ids = pd.DataFrame({"id": range(rows, rows + rows // 10), "y": 0})
    ids.to_csv(folder / "sample_submission.csv", index=False)


def _chunk(start: int, rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(start)
    seconds = np.datetime64("2020-01-01") + rng.integers(0, 10**8, rows).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "id": np.arange(start, start + rows),
            "a": rng.normal(size=rows).round(6),
            "b": rng.normal(size=rows).round(6),
            "c": rng.lognormal(size=rows).round(4),
            "count": rng.integers(0, 1000, rows),
            "town": rng.choice([f"town {i}" for i in range(300)], rows),
            "sort": rng.choice(["red", "green", "blue"], rows),
            "at": seconds.astype(str),
            "code": [f"K{number:09d}" for number in rng.integers(0, 10**9, rows)],
            "y": rng.normal(size=rows).round(5),
        }
    )


def _run(code: str, *arguments: object) -> object:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print one line a size, and the ratios of the peak to it."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        started = time.monotonic()
        write_table(folder, rows)
        print(f"{rows:,} rows written in {time.monotonic() - started:.0f} s")
        measured = _run(_MEASURE, folder)
        assert isinstance(measured, dict)
        peak = measured["split"] - measured["before"]
        print(f"peak memory: {(measured['read'] - measured['before']) / 1e9:.2f} GB to read the task, ", end="")
        print(f"{peak / 1e9:.2f} GB in all; seconds: {measured['seconds'][0]:.0f} and {measured['seconds'][1]:.0f}")
        sizes = {"the file": (folder / "train.csv").stat().st_size}
        sizes |= {f"in memory {how}": _run(_SIZES, folder / "train.csv", how) for how in ("text", "typed")}
        for name, size in sizes.items():
            assert isinstance(size, int)
            print(f"{name:<16} {size / 1e9:6.2f} GB   peak = {peak / size:.2f} times that")


if __name__ == "__main__":
    main()
