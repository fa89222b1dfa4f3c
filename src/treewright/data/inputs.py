"""Writing the folders that scripts see as ``./input``."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.data.profile import profile_table
from treewright.data.strategy import time_axis
from treewright.data.tables import write_table
from treewright.errors import StoreError
from treewright.metrics import Needs
from treewright.task import TargetKind, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd  # noqa: TC004 -- nobody evaluates the annotations, and this floor must not import pandas
    from numpy.typing import NDArray

    from treewright.task import TableProfile

TRAIN, TEST, SAMPLE, DESCRIPTION = "train.csv", "test.csv", "sample_submission.csv", "description.md"


@dataclass(frozen=True, slots=True)
class InputForm:
    """What all input folders of a task have in common.

    ``placeholders`` is one row of a sample submission.
    """

    task: Task
    placeholders: pd.DataFrame


def write_input(folder: Path, form: InputForm, train: pd.DataFrame, test: pd.DataFrame) -> None:
    """Write an input folder but for its side files."""
    folder.mkdir(parents=True)
    write_table(train, folder / TRAIN)
    write_table(test, folder / TEST)
    write_table(_sample_submission(test, form), folder / SAMPLE)
    if form.task.description:
        (folder / DESCRIPTION).write_text(form.task.description, encoding="utf-8")


@contextmanager
def new_folder(into: Path) -> Iterator[Path]:
    """A folder to write into that becomes ``into`` when it is complete: a crash leaves nothing that looks like it.

    ``StoreError`` if ``into`` holds files already, or these cannot be written.
    """
    if into.exists() and any(into.iterdir()):
        raise StoreError(f"{into} already holds files; split data is written into a new folder only")
    building = into.with_name(f".{into.name}.partial")
    try:
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        yield building
        building.replace(into)
    except OSError as error:
        raise StoreError(f"the split data cannot be written to {into}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


def profile_input(task: Task, folder: Path) -> TableProfile:
    """Describe an input folder as scripts will see it."""
    import pandas as pd

    train, test = (pd.read_csv(folder / name, low_memory=False) for name in (TRAIN, TEST))
    return profile_table(train, test, task.targets, task.ids, other_files(folder))


def other_files(folder: Path) -> list[tuple[str, int]]:
    """Names and bytes of what an input folder holds beside the two tables; a folder counts with all that is in it."""

    def size(path: Path) -> int:
        return sum(map(size, path.iterdir())) if path.is_dir() else path.stat().st_size

    others = (path for path in sorted(folder.iterdir()) if path.name not in {TRAIN, TEST})
    return [(f"{path.name}/" if path.is_dir() else path.name, size(path)) for path in others]


def copy_side_files(files: Sequence[Path], into: Path) -> None:
    """Copy the further files once: what is linked from here can be damaged without harm to the user's own."""
    for file in files:
        into.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            shutil.copytree(file, into / file.name, copy_function=_copy)
        else:
            _copy(file, into / file.name)


def placeholder_row(task: Task, sample: pd.DataFrame | None) -> pd.DataFrame:
    """One row with the columns of a submission in their order, and the values of a submission that knows nothing.

    They are the most common ones of the user's sample. Without one: 0, the first class, or equal probabilities.
    """
    import pandas as pd

    if sample is not None:
        return pd.DataFrame({name: [sample[name].value_counts().index[0]] for name in sample.columns}, dtype=object)
    if task.kind is TargetKind.REGRESSION:
        value = "0"
    elif task.metric.needs is Needs.PROBABILITIES:
        value = f"{1 / len(task.classes):.6g}"
    else:
        value = task.classes[0]
    return pd.DataFrame({name: [value] for name in (*task.ids, *task.submission_columns)}, dtype=object)


def natural_order(
    test: pd.DataFrame, hidden: pd.DataFrame, columns: Sequence[str], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The positions of the rows of ``test`` followed by ``hidden``, in an order that does not tell them apart.

    If the test file is sorted by one of ``columns``, all rows are. Else hidden rows fall in between at random places,
    and both keep their own order.
    """
    import numpy as np
    import pandas as pd

    count = len(test) + len(hidden)
    for name in columns:
        keys = _sort_keys(pd.concat([test[name], hidden[name]], ignore_index=True))
        if (np.diff(keys[: len(test)]) >= 0).all() and len(test) > 2:
            return np.argsort(keys, kind="stable")
    places = np.zeros(count, dtype=bool)
    places[rng.choice(count, len(hidden), replace=False)] = True
    order = np.empty(count, dtype=np.int64)
    order[~places], order[places] = np.arange(len(test)), np.arange(len(test), count)
    return order


def _sample_submission(test: pd.DataFrame, form: InputForm) -> pd.DataFrame:
    """A row for each row of ``test``, all of them with the same placeholders."""
    import pandas as pd

    columns = {
        name: test[name].to_numpy() if name in form.task.ids else [value.iloc[0]] * len(test)
        for name, value in form.placeholders.items()
    }
    return pd.DataFrame(columns, dtype=object)


def _sort_keys(cells: pd.Series) -> NDArray[np.float64]:
    """Positions in time, numbers, or else the rank of the text; comparisons with a missing one are false."""
    import numpy as np

    axis = time_axis(cells)
    if axis is not None:
        return axis
    return np.unique(cells.to_numpy(dtype=object), return_inverse=True)[1].astype(float)


def link(source: Path, target: Path) -> None:
    """One file under two names, or a copy where that is impossible."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        _copy(source, target)


def _copy(source: str | Path, target: str | Path) -> None:
    """Copy a file that no script may write: without a sandbox a large one is not copied again for each script."""
    shutil.copyfile(source, target)
    Path(target).chmod(0o444)
