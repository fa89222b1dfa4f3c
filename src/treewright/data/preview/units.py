"""Which files are told of together, and in which order."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.data.inputs import DESCRIPTION
from treewright.data.preview.listing import File
from treewright.data.preview.peek import header_of, kind_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence
    from pathlib import Path

    from treewright.data.preview.listing import Deadline

FEWEST_ALIKE = 3
"""Files from which on they are told of as one."""

MOST_OF_A_SUFFIX = 8
"""Units of one suffix, other than tables, up to which the names of their files tell them apart."""

TABLES = ("table", "parquet", "lines", "json")

_ORDER = (*TABLES, "zip", "tar", "image", "text")
TRAIN, TEST, SAMPLE, OTHER = range(4)

_MAIN = (re.compile(r"train(ing)?"), re.compile(r"test"), re.compile(r"sample_?submission|.*_submission"))


@dataclass(frozen=True, slots=True)
class Unit:
    """Files of one kind that are told of together: one alone, or several like each other.

    ``same_header`` tells that they are tables whose first lines were compared.
    """

    files: tuple[File, ...]
    kind: str
    same_header: bool = False

    @property
    def first(self) -> File:
        """The file that stands for all: of several tables, the largest."""
        return max(self.files, key=lambda file: file.size) if self.kind in TABLES else self.files[0]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)


def units(folder: Path, files: Sequence[File], deadline: Deadline) -> list[Unit]:
    """All files of a known kind, the most important first: train, test, sample submission, other tables, the rest.

    Tables are alike by their headers, as far as these can be read before the deadline; other files by their names.
    """
    kinds: dict[str, list[File]] = defaultdict(list)
    for file in files:
        if file.path != DESCRIPTION:  # the task's description stands elsewhere in a prompt
            kinds[kind_of(file.suffix)].append(file)
    found = list(_tables(folder, kinds["table"], deadline))
    for kind in _ORDER[1:]:
        found += _others(kinds[kind], kind)
    return sorted(found, key=_importance)


def rank_of(file: File) -> int:
    """``TRAIN``, ``TEST``, ``SAMPLE`` or ``OTHER``, by the name of a file at the top."""
    if file.folder:
        return OTHER
    stem = file.name.lower().removesuffix(file.suffix)
    return next((number for number, name in enumerate(_MAIN) if name.fullmatch(stem)), OTHER)


def _tables(folder: Path, files: Sequence[File], deadline: Deadline) -> Iterator[Unit]:
    by_header: dict[Hashable, list[File]] = defaultdict(list)
    unread: dict[Hashable, list[File]] = defaultdict(list)
    for file in sorted(files, key=rank_of):
        if rank_of(file) < SAMPLE:
            yield Unit((file,), "table")
        elif deadline.passed():
            unread[_in_pattern(file.path)].append(file)
        else:
            by_header[header_of(folder / file.path, file.suffix)].append(file)
    yield from _grouped(by_header.values(), "table", same_header=True)
    yield from _grouped(unread.values(), "table")


def _others(files: Sequence[File], kind: str) -> Iterator[Unit]:
    """Files whose names differ in digits alone, or all of a suffix where that is too many, and of images always."""
    by_suffix: dict[str, list[File]] = defaultdict(list)
    for file in files:
        by_suffix[file.suffix].append(file)
    for alike in by_suffix.values():
        by_name: dict[Hashable, list[File]] = defaultdict(list)
        for file in alike if kind != "image" else ():
            by_name[_in_pattern(file.path)].append(file)
        found = list(_grouped(by_name.values(), kind))
        yield from found if 0 < len(found) <= MOST_OF_A_SUFFIX else [Unit(tuple(alike), kind)]


def _grouped(groups: Iterable[Sequence[File]], kind: str, *, same_header: bool = False) -> Iterator[Unit]:
    for files in groups:
        if len(files) >= FEWEST_ALIKE:
            yield Unit(tuple(files), kind, same_header)
        else:
            yield from (Unit((file,), kind) for file in files)


def _importance(unit: Unit) -> tuple[int, int, int, str]:
    first = unit.files[0]
    rank = rank_of(first) if unit.kind in TABLES else OTHER
    return rank, _ORDER.index(unit.kind), first.path.count("/"), first.path


def _in_pattern(path: str) -> str:
    return re.sub(r"\d+", "#", path)
