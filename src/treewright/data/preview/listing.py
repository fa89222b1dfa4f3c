"""What lies in a folder: a walk that comes to an end whatever lies there, and its summary.

The walk goes breadth first, so that the files at the top are known when it has to stop, and it stops after
``MOST_ENTRIES`` or at its deadline. It follows no link and opens no file.
"""

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.data.preview.wording import counted, listed, quoted, size_text, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MOST_ENTRIES = 200_000
MOST_LINES = 16
NAMED = 6
"""Files of one kind in one folder up to which each is named."""

LONGEST_SUFFIX = 10
PACKED = ".gz"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point of time on ``clock``, in seconds."""

    at: float
    clock: Callable[[], float]

    def passed(self) -> bool:
        """Whether no time is left."""
        return self.clock() >= self.at


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its path from the listed folder, with ``/`` between the parts, and its size in bytes.

    ``suffix`` is what the name ends in, in small letters and with that of gzip joined on: ``.csv.gz``.
    """

    path: str
    size: int
    suffix: str

    @property
    def folder(self) -> str:
        """The path of its folder, empty for the listed one."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Listing:
    """The regular files, by path; ``complete`` is false if the walk had to stop.

    ``odd`` has the paths of what else there is, by what is odd about it.
    """

    files: tuple[File, ...]
    odd: Mapping[str, Sequence[str]]
    complete: bool


def list_files(folder: Path, deadline: Deadline, sure: Sequence[str] = ()) -> Listing:
    """Walk through a folder; what cannot be read is among ``odd``.

    Files at the top with the names in ``sure`` are listed even if the walk has to stop before it comes to them.
    """
    files: list[File] = []
    odd: dict[str, list[str]] = defaultdict(list)
    waiting, seen = deque([""]), 0
    while waiting:
        inside = waiting.popleft()
        try:
            with os.scandir(folder / inside) as entries:
                for entry in entries:
                    seen += 1
                    if seen > MOST_ENTRIES or deadline.passed():
                        return Listing(_sorted([*files, *_missed(folder, files, sure)]), odd, complete=False)
                    path = f"{inside}/{entry.name}" if inside else entry.name
                    if entry.name.startswith("."):
                        odd["hidden, left out"].append(path)
                    elif entry.is_symlink():
                        odd["a link, not followed"].append(path)
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        files.append(File(path, entry.stat(follow_symlinks=False).st_size, suffix_of(entry.name)))
                    else:
                        odd["no regular file, not opened"].append(path)
        except OSError as error:
            odd[f"cannot be read ({error.strerror})"].append(f"{inside or '.'}/")
    return Listing(_sorted(files), odd, complete=True)


def summarize(listing: Listing, *, samples: bool) -> list[str]:
    """How much there is in all, then a line for each kind of file in each folder, at most ``MOST_LINES`` of them.

    Without ``samples`` the digits in names are replaced.
    """
    groups = _groups(listing.files)
    lines = [_group_line(folder, suffix, files, samples=samples) for (folder, suffix), files in groups.items()]
    total = f"{counted(len(listing.files), 'file')}, {size_text(sum(file.size for file in listing.files))}"
    if not listing.complete:
        total = f"more than {total}: the listing stopped there, so what follows is not all"
    elif not listing.files:
        total = "The folder is empty." if not listing.odd else "no files that can be read"
    elif not samples and any(char.isdigit() for file in listing.files for char in file.path):
        total += "; a # in a name stands for a digit, so find such files with glob"
    odd = [
        f"- {listed([told(path, samples=samples) for path in paths], NAMED)}: {why}"
        for why, paths in listing.odd.items()
    ]
    return [total, *_first(lines), *_first(odd)]


def suffix_of(name: str) -> str:
    """The suffix of a file's name, as ``File`` has it."""
    stem, _, last = name.rpartition(".")
    if not stem or len(last) > LONGEST_SUFFIX or not last.isalnum():
        return ""
    suffix = f".{last.lower()}"
    return suffix_of(stem) + suffix if suffix == PACKED else suffix


def _missed(folder: Path, files: Sequence[File], names: Iterable[str]) -> Iterator[File]:
    for name in set(names) - {file.path for file in files}:
        with suppress(OSError):
            found = (folder / name).lstat()
            if stat.S_ISREG(found.st_mode):
                yield File(name, found.st_size, suffix_of(name))


def _sorted(files: list[File]) -> tuple[File, ...]:
    return tuple(sorted(files, key=lambda file: file.path))


def _groups(files: Sequence[File]) -> dict[tuple[str, str], list[File]]:
    """The files by folder and suffix; where that makes too many groups, folders side by side count as one: ``*``."""
    groups: dict[tuple[str, str], list[File]] = defaultdict(list)
    for file in files:
        groups[file.folder, file.suffix].append(file)
    for depth in range(max((folder.count("/") for folder, _ in groups), default=0), -1, -1):
        if len(groups) <= MOST_LINES:
            break
        groups = _joined(groups, depth)
    return groups


def _joined(groups: dict[tuple[str, str], list[File]], depth: int) -> dict[tuple[str, str], list[File]]:
    """The groups with the folders at this depth joined where more than ``NAMED`` of them hold the same."""

    def star(folder: str) -> str:
        parts = folder.split("/")
        return "/".join([*parts[:depth], "*", *parts[depth + 1 :]]) if folder and len(parts) > depth else folder

    alike = Counter((star(folder), suffix) for folder, suffix in groups)
    joined: dict[tuple[str, str], list[File]] = defaultdict(list)
    for (folder, suffix), files in groups.items():
        key = star(folder), suffix
        joined[key if alike[key] > NAMED else (folder, suffix)].extend(files)
    return joined


def _group_line(folder: str, suffix: str, files: list[File], *, samples: bool) -> str:
    place = f"{quoted(told(folder, samples=samples))}/" if folder else ""
    size = size_text(sum(file.size for file in files))
    names = [quoted(told(file.name, samples=samples)) for file in files[:NAMED]]
    if len(files) <= NAMED:
        sizes = (size_text(file.size) for file in files)
        return "- " + ", ".join(f"{place}{name} ({size})" for name, size in zip(names, sizes, strict=True))
    return f"- {place}*{suffix}: {len(files):,} files, {size}, like {names[0]}"


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"- … and {counted(len(lines) - MOST_LINES, 'line')} more"
