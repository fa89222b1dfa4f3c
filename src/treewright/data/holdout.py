"""Hidden rows: what scripts see, and what is needed to grade them, in two places.

::

    INTO/
        inputs/fold0/    train.csv without the hidden rows, test.csv with them, sample_submission.csv, side files
        inputs/full/     all labelled rows and the real test rows alone, for the final refit; where nothing is hidden,
                         this is the only input
        answers/fold0.csv
        holdout.json     what was decided, the column profile, and the source files as they were

A script is shown one folder of ``inputs`` and nothing else. ``hiding.prepare`` writes all of it once, before the first
node; resuming reads ``holdout.json`` and no table.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright.data.tables import read_table
from treewright.errors import RunFormatError, TaskError
from treewright.task import ColumnKind, ColumnProfile, HoldoutSpec, SplitKind, TableProfile

if TYPE_CHECKING:
    import numpy as np  # noqa: TC004 -- nobody evaluates the annotations, and this floor must not import numpy
    import pandas as pd  # noqa: TC004
    from numpy.typing import NDArray  # noqa: TC004

    from treewright.task import Task

FILE = "holdout.json"
FULL = "full"
"""The input folder with all labelled rows."""

VERSION = 1

FURTHER = 100
"""What is added to the number of a further split to make its fold's index."""


class Role(StrEnum):
    """What a row of a fold's ``test.csv`` is for."""

    SEARCH = "search"
    SELECTION = "selection"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Fold:
    """One split: the folder that a script sees as ``./input``, and the file with its answers, kept elsewhere."""

    index: int
    input: Path
    answers: Path

    def rows(self) -> FoldRows:
        """What ``test.csv`` hides, read from ``answers``; ``RunFormatError`` if these are damaged."""
        import pandas as pd

        try:
            table, _ = read_table(self.answers)
            roles, positions = table["role"].to_numpy(dtype=object), table["position"].to_numpy(dtype="int64")
            alone = range(len(table))  # runs of the first days have no clusters
            clusters = table.get("cluster", pd.Series(alone)).to_numpy(dtype="int64")
        except (TaskError, KeyError, ValueError) as error:
            raise RunFormatError(f"the answers in {self.answers} are damaged ({error}); start a new run") from None
        ids = [name for name in table.columns if name.startswith("id:")]
        truth = [name for name in table.columns if name.startswith("truth:")]
        return FoldRows(
            roles=roles,
            positions=positions,
            clusters=clusters,
            ids=table[ids].rename(columns=lambda name: name.removeprefix("id:")),
            truth=table[truth].rename(columns=lambda name: name.removeprefix("truth:")),
            weights=table["weight"].to_numpy(dtype="float64") if "weight" in table.columns else None,
        )


@dataclass(frozen=True, slots=True)
class FoldRows:
    """The rows of a fold's ``test.csv``, in its order; every array has one entry a row.

    ``roles`` are values of ``Role``. ``positions`` count the rows of the user's own file from 0: of the test table
    for test rows, of the training table for the others. ``ids`` are the id cells as they stand in ``test.csv``,
    ``truth`` the target cells as they stood in the training table (empty for test rows), both as text. ``weights``
    tell how much a row counts (0 for test rows); ``None`` where all count alike.
    """

    roles: NDArray[np.object_]
    positions: NDArray[np.int64]
    clusters: NDArray[np.int64]
    ids: pd.DataFrame
    truth: pd.DataFrame
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Holdout:
    """How rows were hidden, and where everything lies.

    ``reason`` says in a sentence why this kind of split, ``notes`` what else there is to know; ``spec`` is what was
    asked for or inferred, complete. ``profile`` describes what scripts see in the first fold. Selection rows are the
    same in every fold. ``full`` is the input with all labelled rows and the real test rows; ``None`` without a test
    table. Without ``folds`` nothing is hidden: ``kind`` then only tells how test differs from train.
    """

    kind: SplitKind
    reason: str
    folds: tuple[Fold, ...]
    profile: TableProfile
    full: Path | None
    notes: tuple[str, ...] = ()
    spec: HoldoutSpec = field(default_factory=HoldoutSpec)

    @property
    def input(self) -> Path:
        """What scripts see, for one."""
        found = self.folds[0].input if self.folds else self.full
        assert found is not None
        return found


def write_holdout(holdout: Holdout, task: Task, into: Path) -> None:
    """Write ``holdout.json``: what was decided, and how the source files look now."""
    content = {
        "version": VERSION,
        "kind": holdout.kind,
        "reason": holdout.reason,
        "notes": holdout.notes,
        "folds": len(holdout.folds),
        "spec": asdict(holdout.spec),
        "full": holdout.full is not None,
        "profile": asdict(holdout.profile),
        "sources": [_fingerprint(path) for path in (task.train, task.test, task.sample) if path],
    }
    (into / FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")


def load_holdout(into: Path) -> Holdout:
    """The split that ``prepare`` wrote into this folder.

    ``TaskError`` if a source file has changed since, ``RunFormatError`` if the split is damaged or of another version.
    """
    try:
        content = json.loads((into / FILE).read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise RunFormatError(f"{into} was written by another version of Treewright; start a new run")
        inputs, answers = into / "inputs", into / "answers"
        holdout = Holdout(
            kind=SplitKind(content["kind"]),
            reason=content["reason"],
            folds=tuple(Fold(i, inputs / f"fold{i}", answers / f"fold{i}.csv") for i in range(content["folds"])),
            profile=_profile(content["profile"]),
            full=inputs / FULL if content["full"] else None,
            notes=tuple(content["notes"]),
            spec=HoldoutSpec(**{**content["spec"], "kind": SplitKind(content["kind"])}),
        )
        sources = [(Path(source["path"]), source) for source in content["sources"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFormatError(f"the split data in {into} is damaged ({error}); start a new run") from None
    for folder in filter(None, (holdout.full, *(fold.input for fold in holdout.folds))):
        if not folder.is_dir():
            raise RunFormatError(f"the split data is incomplete: {folder} is gone; start a new run")
    for path, source in sources:
        if _has_changed(path, source):
            raise TaskError(f"{path} has changed since this run split it; put the old file back or start a new run")
    return holdout


def same_split(one: Path, other: Path) -> bool:
    """Whether two folders hold the same split of the same data, whatever its reason and the times of their files."""
    contents = [json.loads((into / FILE).read_text(encoding="utf-8")) for into in (one, other)]
    for content in contents:
        content.pop("reason", None)
        for source in content["sources"]:
            source.pop("modified", None)
    return bool(contents[0] == contents[1])


def _profile(content: dict[str, Any]) -> TableProfile:
    return TableProfile(
        train_rows=content["train_rows"],
        test_rows=content["test_rows"],
        columns=tuple(_column(column) for column in content["columns"]),
        targets=tuple(_column(column) for column in content["targets"]),
        files=tuple((name, size) for name, size in content["files"]),
    )


def _column(content: dict[str, Any]) -> ColumnProfile:
    return ColumnProfile(**{**content, "kind": ColumnKind(content["kind"]), "examples": tuple(content["examples"])})


def _fingerprint(path: Path) -> dict[str, str | int]:
    status = path.stat()
    return {
        "path": str(path.resolve()),
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "digest": _digest(path),
    }


def _has_changed(path: Path, source: dict[str, Any]) -> bool:
    """A file that is gone has not: the run has its own copy, and whoever needs the file itself will say so."""
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_size != source["size"]:
        return True
    return bool(status.st_mtime_ns != source["modified"] and _digest(path) != source["digest"])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
