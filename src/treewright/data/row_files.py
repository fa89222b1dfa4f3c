"""Files that are named after rows: ``images/0013.png``, ``train/0013/left.wav``, ``masks/0013_mask.png``.

A hidden row looks like a test row, so its files lie where those of a test row lie: in the folder for test rows if there
are two, under the row's new id if it has one. Files of a kind that no test row has (masks, notes on training rows)
are not shown for hidden rows. Nothing is copied: each fold links to the same files.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from treewright.data.inputs import link
from treewright.data.side_rows import ENOUGH, Belongs, Shown, TaskRows, is_called_test, is_called_train, without_word
from treewright.data.tables import is_table, read_header
from treewright.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

FEWEST = 0.1
"""Where fewer of the rows have a file, numbers in the names of files may mean anything."""

_PARTS = re.compile(r"[_\-. ]")


@dataclass(frozen=True, slots=True)
class RowFile:
    """One file of a row: ``base / rest / name``, the id being in ``name`` from ``start`` to ``end``.

    ``base`` ends with the folder that tells training from test rows, ``name`` may be a path. ``kind`` is the same for
    files that are alike for training and test rows.
    """

    base: PurePath
    rest: PurePath
    name: str
    start: int
    end: int
    row: str
    kind: tuple[str, ...]

    @property
    def path(self) -> PurePath:
        """Relative to the task's folder."""
        return self.base / self.rest / self.name

    @property
    def is_train(self) -> bool:
        """Whether it says that it is about a training row."""
        return is_called_train(f"{self.base}/{self.name[: self.start]}|{self.name[self.end :]}")

    @property
    def is_test(self) -> bool:
        """Whether it says that it is about a test row."""
        return is_called_test(f"{self.base}/{self.name[: self.start]}|{self.name[self.end :]}")

    def named(self, row: str) -> str:
        """The name for another row, its number as long as this one's."""
        old = self.name[self.start : self.end]
        new = row.zfill(len(old)) if old.isdigit() and old != self.row else row
        return self.name[: self.start] + new + self.name[self.end :]


@dataclass(frozen=True, slots=True)
class RowFiles:
    """Files that are alike, of all rows.

    ``place`` is the folder that files of test rows lie in, where these have their own; ``belongs`` says whether there
    are such files of test rows too.
    """

    files: tuple[RowFile, ...]
    belongs: Belongs
    place: tuple[PurePath, PurePath] | None = None
    test_name: RowFile | None = None
    rests: frozenset[PurePath] = field(default_factory=frozenset)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are written together."""
        return tuple(Path(file.path) for file in self.files)

    def note(self) -> str:
        """What happens to the files of hidden rows."""
        first = self.files[0]
        what = f"Files such as {first.path} are named after rows"
        if self.belongs is Belongs.TRAIN:
            return f"{what}, but test rows have none like them, so those of hidden rows are left out."
        where = "" if self.place is None else f", in {self.place[0] / self.place[1]}"
        return f"{what}; those of hidden rows lie where test rows have theirs{where}."

    def write(self, source: Path, target: Path, shown: Shown) -> None:
        """Link the files below ``target`` as a fold shows them."""
        names = shown.new_names()
        for file in self.files:
            for path in self._shown_as(file, names):
                link(source / file.path, target / path)

    def _shown_as(self, file: RowFile, names: dict[str, list[str]]) -> list[PurePath]:
        if file.is_test or file.row not in names:
            return [file.path]
        if self.belongs is Belongs.TRAIN:
            return []
        new = names[file.row]
        if self.place is None:
            return [file.path, *(file.base / file.rest / file.named(row) for row in new if row != file.row)]
        base, only = self.place
        rest = file.rest if file.rest in self.rests else only
        return [base / rest / _like(file, row, self.test_name) for row in new]


def find_row_files(paths: Iterable[Path], rows: TaskRows, root: Path) -> tuple[list[RowFiles], dict[Path, str]]:
    """Groups of files that are named after rows, and why others that seem to be cannot be used; paths are relative."""
    if rows.train is None or len(rows.ids) > 1:
        return [], {}
    known = _Names(set(rows.train) | set(() if rows.test is None else rows.test))
    folders: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        folders[_folder(path)].append(path)
    groups: dict[tuple[str, ...], list[RowFile]] = defaultdict(list)
    for files in folders.values():
        found = [file for path in files if (file := _read_name(path, known, root))]
        named = {file.row for file in found}
        mostly = len(found) >= ENOUGH * len(files) and len(named) >= FEWEST * len(known.ids)
        if mostly or len(named) >= ENOUGH * len(set(rows.train)):
            for file in found:
                groups[file.kind].append(file)
    made, refused = list[RowFiles](), dict[Path, str]()
    for group in groups.values():
        outcome = _grouped(group, rows)
        if isinstance(outcome, str):
            refused |= dict.fromkeys((Path(file.path) for file in group), outcome)
        else:
            made.append(outcome)
    return made, refused


def _grouped(files: list[RowFile], rows: TaskRows) -> RowFiles | str:
    """One kind of file, or why it cannot follow the rows."""
    if any(name in rows.targets.columns for name in files[0].kind[2:]):
        return "has the target's column"
    if not any(file.is_train or file.is_test for file in files):
        return _together(files, rows)
    assert rows.train is not None
    of_train, of_test = (file for file in files if not file.is_test), [file for file in files if file.is_test]
    shares = [
        len({file.row for file in some} & set(known)) / max(1, len(set(known)))
        for some, known in ((of_train, rows.train), (of_test, rows.train[:0] if rows.test is None else rows.test))
    ]
    if rows.test is None:
        return RowFiles(tuple(files), Belongs.BOTH)
    if not of_test or shares[1] < ENOUGH * shares[0]:
        return RowFiles(tuple(files), Belongs.TRAIN)
    rests = Counter(file.rest for file in of_test)
    mine = {file.rest for file in files if not file.is_test}
    if len(rests) > 1 and (not mine <= set(rests) or _are_classes(mine, rows)):
        return _CLASS_FOLDERS
    place = (of_test[0].base, next(iter(rests)))
    return RowFiles(tuple(files), Belongs.BOTH, place, of_test[0], frozenset(rests))


def _together(files: list[RowFile], rows: TaskRows) -> RowFiles | str:
    """The same for files of training and test rows that lie side by side."""
    belongs = rows.belong({file.row for file in files})
    if belongs is Belongs.UNCLEAR:
        return f"is named after a {rows.ids[0]} that training and test rows share"
    if belongs is Belongs.BOTH and _are_classes({file.rest for file in files}, rows):
        return _CLASS_FOLDERS
    return RowFiles(tuple(files), belongs)


_CLASS_FOLDERS = "lies in folders that may be the classes, and a hidden row would have to lie in one of them"


def _are_classes(folders: Collection[PurePath], rows: TaskRows) -> bool:
    names = {folder.name for folder in folders}
    return any(len(names & set(rows.targets[name])) > 1 for name in rows.targets.columns)


class _Names:
    """The ids of all rows, and the number that each of them is, so that ``0013`` is found for ``13``."""

    def __init__(self, ids: set[str]) -> None:
        self.ids = ids
        numbers = all(text.isdigit() for text in ids)
        self.numbers = {int(text): text for text in ids} if numbers else {}

    def find(self, text: str) -> str | None:
        if text in self.ids:
            return text
        return self.numbers.get(int(text)) if text.isascii() and text.isdigit() else None

    def within(self, name: str) -> tuple[int, int, str] | None:
        """Where a file's name has a row's id in it: the whole, without its suffixes, or as its first or last part."""
        ends = [len(name), len(PurePath(name).stem), len(name.partition(".")[0])]
        for end in ends:
            if row := self.find(name[:end]):
                return 0, end, row
        stem = ends[2] or ends[1]
        for match in (*_PARTS.finditer(name, 0, stem), None):
            start, end = (match.end(), stem) if match else (0, stem)
            if row := self.find(name[start:end]):
                return start, end, row
        for match in reversed([*_PARTS.finditer(name, 0, stem)]):
            if row := self.find(name[: match.start()]):
                return 0, match.start(), row
        return None


def _read_name(path: Path, known: _Names, root: Path) -> RowFile | None:
    """The file as one of a row; the id is looked for in its name first, then in those of its folders."""
    parts = path.parts
    for depth in range(len(parts) - 1, -1, -1):
        if found := known.within(parts[depth]):
            break
    else:
        return None
    start, end, row = found
    folders, name = parts[:depth], str(PurePath(*parts[depth:]))
    words = [i for i, part in enumerate(folders) if is_called_train(part) or is_called_test(part)]
    split = words[-1] + 1 if words else min(1, len(folders))
    base, rest = PurePath(*folders[:split]), PurePath(*folders[split:])
    pattern = without_word(f"{name[:start]}|{name[end:]}") if depth == len(parts) - 1 else "|/" + path.suffix
    return RowFile(base, rest, name, start, end, row, (without_word(str(base)), pattern, *_contents(root / path)))


def _like(file: RowFile, row: str, test: RowFile | None) -> str:
    """The file's name for the test row ``row``, with the word for test rows if names have one."""
    name = file.named(row)
    if test is None or not is_called_train(file.name[: file.start]):
        return name
    return test.name[: test.start] + name[file.start :]


def _folder(path: Path) -> str:
    """The folder that a file belongs to, the same for files of training and of test rows."""
    return without_word(path.parts[0]) if len(path.parts) > 1 else ""


def _contents(path: Path) -> tuple[str, ...]:
    """What a file of several parts has in it: one that holds more than those of test rows is of another kind."""
    try:
        if is_table(path):
            return read_header(path)
        if path.suffix.lower() == ".npz":
            with ZipFile(path) as archive:
                return tuple(sorted(archive.namelist()))
        if path.suffix.lower() == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
            return tuple(sorted(content)) if isinstance(content, dict) else (type(content).__name__,)
    except (OSError, ValueError, TaskError, BadZipFile):
        return ("unreadable",)
    return ()
