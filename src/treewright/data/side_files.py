"""What becomes of the files beside the tables: each follows the rows, goes in as it is, or stays out.

A file stays out where it could show hidden labels: because it has the target's column, cannot be looked into, or says
something about training rows and not of which. The others are sorted by how they belong to rows: files named after
them, tables with their ids, arrays in their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from treewright.data.inputs import copy_side_files, link
from treewright.data.row_files import RowFiles, find_row_files
from treewright.data.side_arrays import SUFFIXES, ArrayPair, why_no_pair
from treewright.data.side_rows import (
    ENOUGH,
    Belongs,
    Shown,
    TaskRows,
    is_called_test,
    is_called_train,
    keys_of,
    without_word,
)
from treewright.data.side_tables import MOST_DIFFERENT, SideTable, find_keys, repeats_target
from treewright.data.tables import is_table, read_header, read_table
from treewright.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

_OPAQUE = (
    *(".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".rar"),
    *(".feather", ".arrow", ".orc", ".avro", ".pkl", ".pickle", ".joblib", ".h5", ".hdf5", ".xlsx", ".xls", ".ods"),
    *(".db", ".sqlite", ".sqlite3", ".duckdb", ".npy", ".npz", ".mat", ".rds", ".rda", ".rdata"),
    *(".sav", ".dta", ".sas7bdat", ".tfrecord", ".tfrecords"),
)
_MEDIA = (
    *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".svg", ".dcm", ".nii", ".pdf"),
    *(".wav", ".mp3", ".flac", ".ogg", ".m4a", ".mp4", ".avi", ".mov", ".mkv", ".webm"),
)
_UNTOLD = "is about training rows, but nothing tells which"
_WORDS = re.compile(r"[\w.+\-]+")


class Follower(Protocol):
    """Files that a fold shows according to its rows; ``paths`` are relative to the task's folder."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are written together."""

    def write(self, source: Path, target: Path, shown: Shown) -> None:
        """Write them below ``target`` as the fold shows them."""


@dataclass(frozen=True, slots=True)
class SideFiles:
    """The further files of a task.

    ``entries`` are the files and folders that scripts see something of, ``followers`` those of their files that follow
    the rows; ``refused`` are entries that stay out, with the reason, for the ``danger`` of showing something.
    """

    root: Path
    entries: tuple[Path, ...]
    followers: tuple[Follower, ...]
    refused: Mapping[Path, str]
    danger: str = "hidden labels"

    def notes(self) -> list[str]:
        """A sentence on each file that stays out, and on those that follow the rows."""
        notes = [
            f"{path.name} {why}, so scripts do not see it: it could show {self.danger}."
            for path, why in self.refused.items()
        ]
        return [*notes, *dict.fromkeys(map(_note, self.followers))]

    def copy(self, into: Path) -> None:
        """Copy the files once: what is linked from there can be damaged without harm to the user's own."""
        copy_side_files(self.entries, into)

    def write(self, source: Path, target: Path, shown: Shown) -> None:
        """Write what one fold shows of the copies in ``source``."""
        following = {path for follower in self.followers for path in follower.paths}
        for path in _files(self.entries, self.root):
            if path not in following:
                link(source / path, target / path)
        for follower in self.followers:
            follower.write(source, target, shown)


def find_side_files(files: Sequence[Path], rows: TaskRows) -> SideFiles:
    """Decide on each of these files and folders, which lie in one folder."""
    if not files:
        return SideFiles(Path(), (), (), {})
    root = files[0].parent
    refused: dict[Path, str] = {}
    while True:
        entries = tuple(file for file in files if file not in refused)
        followers, more = _decide(entries, root, rows)
        if not more:
            return SideFiles(root, entries, tuple(followers), refused)
        refused |= more


def find_whole_files(files: Sequence[Path], targets: Sequence[str]) -> SideFiles:
    """Where nothing is hidden all may be seen as they are, but for tables that could be the answers to test rows."""
    refused: dict[Path, str] = {}
    for entry in files:
        for path in [entry] if not entry.is_dir() else sorted(entry.rglob("*")):
            if why := _why_answers(path, targets):
                refused[entry] = why if path == entry else f"contains {path.name}, which {why}"
                break
    entries = tuple(file for file in files if file not in refused)
    return SideFiles(files[0].parent if files else Path(), entries, (), refused, "the answers")


def _why_answers(path: Path, targets: Sequence[str]) -> str | None:
    if path.is_dir() and not path.is_symlink():
        return None
    if not path.is_file() or path.is_symlink():
        return "is no plain file"
    try:
        named = is_table(path) and any(name in targets for name in read_header(path))
    except TaskError:
        return None
    return "has the target's column" if named else None


def _decide(entries: Sequence[Path], root: Path, rows: TaskRows) -> tuple[list[Follower], dict[Path, str]]:
    """The files that follow the rows, and the entries to leave out, whose counterparts must be looked at anew."""
    if odd := {entry: why for entry in entries if (why := _why_odd(entry))}:
        return [], odd
    paths = _files(entries, root)
    tables = [path for path in paths if len(path.parts) == 1 and is_table(path)]
    named, unclear = find_row_files((path for path in paths if path not in tables), rows, root)
    followers: list[Follower] = list(named)
    done = {path for group in named for path in group.paths}
    reasons = dict(unclear)
    twins = {without_word(str(path)): path for path in paths if not is_called_train(str(path))}
    for path in paths:
        if path in done or path in reasons:
            continue
        twin = twins.get(without_word(str(path))) if is_called_train(str(path)) else None
        outcome = _judge(path, twin, root, rows)
        if isinstance(outcome, str):
            reasons[path] = outcome
        elif outcome is not None:
            followers.append(outcome)
            done |= {*outcome.paths}
    return followers, _by_entry({path: why for path, why in reasons.items() if path not in done}, root)


def _judge(path: Path, twin: Path | None, root: Path, rows: TaskRows) -> Follower | str | None:
    """How a file follows the rows, ``None`` if it need not, or why it stays out."""
    file, name = root / path, path.name.lower()
    if is_table(path):
        try:
            return _judge_table(path, twin, root, rows)
        except TaskError:
            return "cannot be read"
    if name.endswith(SUFFIXES) and twin is not None:
        return why_no_pair(file, root / twin, rows) or ArrayPair(path, twin)
    if is_called_train(str(path)) and not name.endswith(_OPAQUE):
        return _UNTOLD
    if name.endswith(_MEDIA):
        return None
    return _why_text(file, rows) if _is_text(file) and not name.endswith(_OPAQUE) else "cannot be looked into"


def _judge_table(path: Path, twin: Path | None, root: Path, rows: TaskRows) -> Follower | str | None:
    has_target = any(name in rows.targets.columns for name in read_header(root / path))
    if has_target or is_called_test(str(path)):
        return "has the target's column" if has_target else None
    table, _ = read_table(root / path)
    keys = find_keys(table, rows)
    if keys and rows.every is not None and not set(keys_of(table, keys)) & set(rows.every):
        return f"has the column {', '.join(keys)}, but no row of train.csv by it"
    if twin is not None:
        return _judge_pair(SideTable(path, keys, Belongs.TRAIN, twin), table, read_table(root / twin)[0], rows)
    belongs = rows.belong(keys_of(table, keys)) if keys else Belongs.NEITHER
    if is_called_train(str(path)):
        belongs = Belongs.TRAIN if rows.test is not None else belongs
        return SideTable(path, keys, belongs) if keys else _UNTOLD
    if belongs is Belongs.UNCLEAR:
        return f"has a {', '.join(keys)} that training and test rows share"
    return _why_table(table, rows) if belongs is Belongs.NEITHER else SideTable(path, keys, belongs)


def _why_table(table: pd.DataFrame, rows: TaskRows) -> str | None:
    """Why a table that names no rows could show hidden labels."""
    if len(table) in {rows.count, len(rows.positions)}:
        return "has as many rows as train.csv, but nothing tells which is which"
    return "repeats the target's values" if repeats_target(table, rows) else None


def _judge_pair(pair: SideTable, mine: pd.DataFrame, theirs: pd.DataFrame, rows: TaskRows) -> Follower | str | None:
    if any(name in rows.targets.columns for name in theirs.columns):
        return "has a counterpart with the target's column"
    in_order = (len(mine), len(theirs)) == (rows.count, rows.test_count)
    if pair.keys and (pair.keys == rows.ids or not in_order or rows.are_all(keys_of(mine, pair.keys))):
        return pair if all(name in theirs.columns for name in pair.keys) else _UNTOLD
    if not in_order:
        return _UNTOLD
    return "repeats the target's values" if repeats_target(mine, rows) else replace(pair, keys=())


def _why_text(file: Path, rows: TaskRows) -> str | None:
    """Why a text that is no table could show hidden labels: it speaks of most rows, or of most values of the target."""
    ids = set() if rows.train is None else set(rows.train)
    values = [set(rows.targets[name]) for name in rows.targets.columns]
    sought = [some for some in (ids, *values) if len(some) > MOST_DIFFERENT]
    found: list[set[str]] = [set() for _ in sought]
    lines = 0
    with file.open(encoding="utf-8", errors="replace") as text:
        for line in text:
            lines += 1
            words = set(_WORDS.findall(line))
            for seen, some in zip(found, sought, strict=True):
                seen.update(words & some)
    if any(len(seen) >= ENOUGH * len(some) for seen, some in zip(found, sought, strict=True)):
        return "speaks of most rows in a form that cannot be split"
    if lines in {rows.count, rows.count + 1}:
        return "has a line for each row of train.csv, but nothing tells which is which"
    return None


def _is_text(file: Path) -> bool:
    with file.open("rb") as content:
        return b"\0" not in content.read(1 << 16)


def _why_odd(entry: Path) -> str | None:
    """Why a file, or something in a folder, cannot be shown whatever it is."""
    if not entry.is_dir():
        return None if entry.is_file() else "is no plain file"
    inside = (file for file in sorted(entry.rglob("*")) if file.is_symlink() or not file.is_dir())
    return next((f"contains {file.name}, which is no plain file" for file in inside if not file.is_file()), None)


def _files(entries: Iterable[Path], root: Path) -> list[Path]:
    """All files, relative to ``root``."""
    every = (file for entry in entries for file in ([entry] if entry.is_file() else sorted(entry.rglob("*"))))
    return [file.relative_to(root) for file in every if file.is_file()]


def _by_entry(reasons: Mapping[Path, str], root: Path) -> dict[Path, str]:
    """The entries with such files in them, each with the first reason."""
    entries: dict[Path, str] = {}
    for path, why in reasons.items():
        inside = len(path.parts) > 1
        entries.setdefault(root / path.parts[0], f"contains {path.name}, which {why}" if inside else why)
    return entries


def _note(follower: Follower) -> str:
    if isinstance(follower, ArrayPair):
        return f"{follower.path} and {follower.twin} follow the rows: those of hidden rows move to the second."
    if isinstance(follower, SideTable):
        if follower.twin is not None:
            return f"{follower.path} and {follower.twin} follow the rows: those of hidden rows move to the second."
        if follower.belongs is Belongs.TRAIN:
            return f"{follower.path} is about training rows, so its lines on hidden rows are left out."
        return f"{follower.path} goes by {', '.join(follower.keys)}; where a hidden row has a new one, so has its line."
    assert isinstance(follower, RowFiles)
    return follower.note()
