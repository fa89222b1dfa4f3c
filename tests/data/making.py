"""Tasks and tables for the tests of ``treewright.data``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from treewright.data import Holdout, prepare, read_task
from treewright.data.tables import read_table
from treewright.metrics import find_metric
from treewright.task import HoldoutSpec, TargetKind, Task


class MakeFolder(Protocol):
    def __call__(self, **files: pd.DataFrame | str | bytes) -> Path: ...


def plain_tables(train_rows: int, test_rows: int, seed: int = 0) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    rows = train_rows + test_rows
    table = pd.DataFrame(
        {
            "Id": np.arange(1, rows + 1),
            "width": rng.normal(size=rows).round(6),
            "colour": rng.choice(["red", "green", "blue"], rows),
        }
    )
    weight = pd.Series(rng.normal(50, 9, size=train_rows).round(4), name="weight")
    train = table.iloc[:train_rows].assign(weight=weight)
    test = table.iloc[train_rows:]
    sample = pd.DataFrame({"Id": test["Id"], "weight": 50})
    return {"train": train, "test": test, "sample": sample}


def hide(path: Path, seed: int = 0, target: str | None = None) -> Holdout:
    """Split the task beside its folder."""
    into = path.parent / f"{path.name}-{seed}"
    shutil.rmtree(into, ignore_errors=True)
    return prepare(read_task(path, target=target), seed, into)


def text(path: Path) -> pd.DataFrame:
    return read_table(path)[0]


def make_task(ids: tuple[str, ...] = (), **holdout: object) -> Task:
    return Task(
        name="puffins",
        goal="",
        description="",
        metric=find_metric("rmse"),
        kind=TargetKind.REGRESSION,
        train=Path("train.csv"),
        test=None,
        sample=None,
        ids=ids,
        targets=("y",),
        submission_columns=("y",),
        holdout=HoldoutSpec(**holdout),
    )


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(columns).astype(str).astype(object)


def hours(*days: int) -> list[str]:
    return [f"2024-01-{day:02d} {hour:02d}:00" for day in days for hour in range(24)]
