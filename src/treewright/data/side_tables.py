"""Side tables whose rows belong to rows of the task, and so go with them when these are hidden.

A table that names training and test rows alike stays as it is: it says of a hidden row no more than of a test row. Only
where a hidden row has a new id its lines are repeated under that. A table about training rows alone loses the lines of
hidden rows; where it has a counterpart about test rows, they move there. Columns that are empty for all test rows are
emptied for hidden rows too.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright.data.inputs import link, natural_order
from treewright.data.parquet import is_parquet, read_parquet, write_parquet
from treewright.data.side_rows import Belongs, Shown, TaskRows, keys_of
from treewright.data.tables import is_missing, read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MOST_DIFFERENT = 20
"""A target of more different values is recognised by them."""


@dataclass(frozen=True, slots=True)
class SideTable:
    """A table beside the task's own, by the rows it ``belongs`` to; ``keys`` are the columns that name them.

    ``twin`` is its counterpart for test rows. Without ``keys`` the lines of both are in the order of the rows.
    """

    path: Path
    keys: tuple[str, ...]
    belongs: Belongs
    twin: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are written together."""
        return (self.path,) if self.twin is None else (self.path, self.twin)

    def write(self, source: Path, target: Path, shown: Shown) -> None:
        """Write the files below ``target`` as a fold shows them; paths are relative to ``source`` and ``target``."""
        if self.twin is not None:
            self._move(source, target, shown, self.twin)
        elif self.belongs is Belongs.TRAIN:
            frame = _load(source / self.path)
            hidden = _text(frame, self.keys).isin(list(shown.new_names()))
            _save(frame[~hidden], source / self.path, target / self.path, changed=bool(hidden.any()))
        else:
            self._repeat(source / self.path, target / self.path, shown)

    def _repeat(self, source: Path, target: Path, shown: Shown) -> None:
        """The lines of hidden rows once more under their new ids, and without what test rows do not have."""
        import numpy as np
        import pandas as pd

        frame, names = _load(source), shown.new_names()
        keys = _text(frame, self.keys)
        empty = _empty_for_test(frame, keys, shown.rows)
        renamed = {old: [new for new in some if new != old] for old, some in names.items()}
        renamed = {old: some for old, some in renamed.items() if some}
        lines = np.flatnonzero(keys.isin(list(renamed)))
        is_hidden = keys.isin(list(names))
        if not len(lines) and not (empty and is_hidden.any()):
            link(source, target)
            return
        again = frame.iloc[np.repeat(lines, [len(renamed[key]) for key in keys[lines]])]
        again = _rename(again, self.keys[0], [new for key in keys[lines] for new in renamed[key]])
        both = pd.concat([_without(frame, empty, is_hidden), _without(again, empty, np.ones(len(again), dtype=bool))])
        _save(both.iloc[_order(keys, _text(again, self.keys), shown)], source, target, changed=True)

    def _move(self, source: Path, target: Path, shown: Shown, twin: Path) -> None:
        """The lines of hidden rows from the training to the test table, as far as that has their columns."""
        import numpy as np
        import pandas as pd

        mine, theirs = _load(source / self.path), _load(source / twin)
        shared = [name for name in theirs.columns if name in mine.columns]
        if self.keys:
            keys, names = _text(mine, self.keys), shown.new_names()
            is_hidden = np.asarray(keys.isin(list(names)))
            lines = np.flatnonzero(is_hidden)
            again = mine[shared].iloc[np.repeat(lines, [len(names[key]) for key in keys[lines]])]
            if len(self.keys) == 1:
                again = _rename(again, self.keys[0], [new for key in keys[lines] for new in names[key]])
        else:
            labelled = mine.iloc[shown.rows.positions]
            is_hidden, mine, again = shown.hidden, labelled, labelled.loc[shown.hidden, shared]
        again = _without(again, _empty(theirs), np.ones(len(again), dtype=bool))
        order = _order(_text(theirs, self.keys), _text(again, self.keys), shown) if self.keys else shown.order
        _save(mine[~is_hidden], source / self.path, target / self.path, changed=not self.keys or bool(is_hidden.any()))
        both = pd.concat([theirs, again.reindex(columns=theirs.columns, fill_value=_nothing(theirs))]).iloc[order]
        _save(both, source / twin, target / twin, changed=not self.keys or bool(len(again)))


def find_keys(table: pd.DataFrame, rows: TaskRows) -> tuple[str, ...]:
    """The columns of a table that name rows of the task: the ids, or one that holds them under another name."""
    if rows.train is None:
        return ()
    if all(name in table.columns for name in rows.ids):
        return rows.ids
    if len(rows.ids) > 1:
        return ()
    known = set(rows.train) | set(() if rows.test is None else rows.test)
    numbers = all(key.isdigit() for key in list(known)[:1000])
    for name in table.columns:
        values = set(table[name].unique())
        names_most = len(values & set(rows.train)) >= max(3, len(set(rows.train)) / 2)
        if names_most or (not numbers and len(values & known) >= max(3, len(values) / 2)):
            return (str(name),)
    return ()


def repeats_target(table: pd.DataFrame, rows: TaskRows) -> bool:
    """Whether some column, whatever it is called, holds most of the values of a target with many values."""
    wanted = [set(rows.targets[name]) for name in rows.targets.columns]
    wanted = [values for values in wanted if len(values) > MOST_DIFFERENT]
    if not wanted:
        return False
    return any(
        len(set(table[name].unique()) & values) >= len(values) / 2 for name in table.columns for values in wanted
    )


def _load(path: Path) -> pd.DataFrame:
    """A table as it is to be written again: text cells, or those of a Parquet file with their types."""
    return read_parquet(path) if is_parquet(path) else read_table(path)[0]


def _save(frame: pd.DataFrame, source: Path, target: Path, *, changed: bool) -> None:
    """Write a table under its own name and in its own format; linked where nothing of it has changed."""
    if not changed:
        link(source, target)
    elif is_parquet(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_parquet(frame, target)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        separator = "\t" if ".tsv" in target.name.lower() else ","
        plain = target.with_name(f"{target.name}.plain") if target.suffix == ".gz" else target
        write_table(frame, plain, separator)
        if plain != target:
            target.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
            plain.unlink()


def _text(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Index:
    cells = frame[list(columns)].astype(object)
    return keys_of(cells.where(cells.notna(), "").map(str), columns)


def _order(keys: pd.Index, more: pd.Index, shown: Shown) -> NDArray[np.int64]:
    """Where the lines of hidden rows fall among the others, so that they do not stand out."""
    import numpy as np

    rng = np.random.default_rng([*shown.seed, 1])
    return natural_order(keys.to_frame(name="key"), more.to_frame(name="key"), ["key"], rng)


def _rename(frame: pd.DataFrame, key: str, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    return frame.assign(**{key: pd.Series(names, index=frame.index, dtype=object).astype(frame[key].dtype)})


def _empty(frame: pd.DataFrame) -> dict[str, Any]:
    """The columns that tell nothing of any row, with what stands in them: no value, or the same for all."""
    if _nothing(frame) is None:
        empty: dict[str, Any] = {name: None for name in frame.columns if frame[name].isna().all()}
    else:
        empty = {name: "" for name in frame.columns if is_missing(frame[name]).all()}
    same = [name for name in frame.columns if len(frame) > 1 and _is_constant(frame[name])]
    return {name: frame[name].iloc[0] for name in same} | empty


def _is_constant(cells: pd.Series) -> bool:
    return len(cells.astype(str).drop_duplicates()) == 1


def _nothing(frame: pd.DataFrame) -> str | None:
    """What stands in a cell without a value."""
    import pandas as pd

    return None if any(isinstance(kind, pd.ArrowDtype) for kind in frame.dtypes) else ""


def _empty_for_test(frame: pd.DataFrame, keys: pd.Index, rows: TaskRows) -> dict[str, Any]:
    """The columns that have values for training rows alone."""
    of_test = frame[keys.isin(list(rows.only_test()))]
    empty = _empty(of_test) if len(of_test) else {}
    return {name: value for name, value in empty.items() if not _is_constant(frame[name])}


def _without(frame: pd.DataFrame, columns: Mapping[str, Any], where: NDArray[np.bool_]) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].mask(where, value) for name, value in columns.items()})
