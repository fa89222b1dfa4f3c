"""Arrays whose first axis follows the rows of ``train.csv`` and ``test.csv``.

They come in pairs, such as ``train_x.npy`` and ``test_x.npy``. What belongs to hidden rows moves from the one to the
other, into the order of the fold's ``test.csv``. An array of any size is copied piece by piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from treewright.data.side_rows import Shown, TaskRows

    Array = NDArray[Any]

SUFFIXES = (".npy", ".npz")
PIECE = 10_000
SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class ArrayPair:
    """Two files of arrays: ``path`` with the rows of the training table, ``twin`` with those of the test table."""

    path: Path
    twin: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are written together."""
        return (self.path, self.twin)

    def write(self, source: Path, target: Path, shown: Shown) -> None:
        """Write both files below ``target`` as a fold shows the rows."""
        import numpy as np

        mine, theirs = _open(source / self.path), _open(source / self.twin)
        visible = shown.rows.positions[~shown.hidden]
        hidden = shown.rows.positions[shown.hidden]
        count = shown.rows.test_count

        def of_test(name: str, part: Array) -> Array:
            array, other = theirs[name], mine[name]
            chosen = shown.order[part]
            is_test = chosen < count
            values = np.empty((len(part), *array.shape[1:]), array.dtype)
            values[is_test] = array[chosen[is_test]]
            values[~is_test] = other[hidden[chosen[~is_test] - count]]
            return values

        def of_train(name: str, part: Array) -> Array:
            return np.asarray(mine[name][visible[part]])

        _save(target / self.path, mine, len(visible), of_train)
        _save(target / self.twin, theirs, len(shown.order), of_test)


def why_no_pair(mine: Path, theirs: Path, rows: TaskRows) -> str | None:
    """Why the arrays in two files are not those of training and test rows; ``None`` if they are."""
    try:
        one, other = _open(mine), _open(theirs)
    except (OSError, ValueError, EOFError):
        return "cannot be looked into"
    if set(one) != set(other):
        return f"does not hold the same arrays as {theirs.name}"
    reasons = (_why_not_alike(array, other[name], rows) for name, array in one.items())
    return next((f"{why} (its counterpart is {theirs.name})" for why in reasons if why), None)


def _why_not_alike(array: Array, twin: Array, rows: TaskRows) -> str | None:
    if array.ndim == 0 or twin.ndim == 0 or (len(array), len(twin)) != (rows.count, rows.test_count):
        return "is not as long as the tables"
    if array.shape[1:] != twin.shape[1:] or array.dtype != twin.dtype:
        return "has another form for test rows"
    if len(twin) > 1 and _is_one_value(twin) and not _is_one_value(array):
        return "has values for training rows only"
    return "repeats the target" if _repeats_target(array, rows) else None


def _open(path: Path) -> dict[str, Array]:
    """The arrays of a file by their names; that of an ``.npy`` file, which has none, is not read until it is used."""
    import numpy as np

    if path.suffix.lower() == ".npy":
        return {"": np.load(path, mmap_mode="r", allow_pickle=False)}
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def _save(path: Path, like: dict[str, Array], count: int, rows: Callable[[str, Array], Array]) -> None:
    """Write arrays ``like`` those of another file with ``count`` rows, which a function gives by their numbers."""
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".npz":
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: rows(name, np.arange(count)) for name in like})
        return
    array = like[""]
    written = np.lib.format.open_memmap(path, mode="w+", dtype=array.dtype, shape=(count, *array.shape[1:]))
    for start in range(0, count, PIECE):
        part = np.arange(start, min(start + PIECE, count))
        written[part] = rows("", part)
    written.flush()


def _sample(rows: Array) -> Array:
    """Some of the rows, at even distances."""
    return rows[:: -(-len(rows) // SAMPLE) or 1]


def _is_one_value(array: Array) -> bool:
    """Whether all entries are the same, or none is a number."""
    values = _sample(array)
    first = values.reshape(-1)[:1]
    nothing = values.dtype.kind == "f" and bool((values != values).all())  # noqa: PLR0124 -- only NaN differs from itself
    return bool(values.size) and (nothing or bool((values == first).all()))


def _repeats_target(array: Array, rows: TaskRows) -> bool:
    """Whether a column of the array tells a target: it puts the rows in the same order or into the same classes."""
    import pandas as pd

    if array.ndim > 2 or array.dtype.kind not in "iufbSU":
        return False
    chosen = _sample(rows.positions)
    columns = array.reshape(len(array), -1)[chosen]
    targets = rows.targets.iloc[_sample(pd.RangeIndex(len(rows.targets)))]
    return any(_tells(column, targets[name]) for column in columns.T for name in targets.columns)


def _tells(values: Array, target: pd.Series) -> bool:
    import numpy as np
    import pandas as pd

    codes, truth = pd.factorize(values)[0], pd.factorize(target)[0]
    numbers = pd.to_numeric(target, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if values.dtype.kind in "iufb" and truth.max() > len(truth) / 2 and np.isfinite(numbers).all():
        return bool(np.corrcoef(pd.Series(values).rank(), pd.Series(numbers).rank())[0, 1] ** 2 > 0.999)
    pairs = len(set(zip(codes, truth, strict=True)))
    return bool(truth.max() > 0) and pairs == codes.max() + 1 == truth.max() + 1
