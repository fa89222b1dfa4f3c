"""A look at one file: what kind it is, and what a bounded part of it shows.

Nothing here trusts a file's name: whatever turns out not to be what it is called, or is damaged, is a remark.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from treewright.data.preview.archives import tar_members, zip_members
from treewright.data.preview.columns import Column
from treewright.data.preview.delimited import first_row, is_data, read_delimited
from treewright.data.preview.listing import PACKED, Deadline
from treewright.data.preview.reading import Sample, Text, as_text, open_regular, read_sample
from treewright.data.preview.records import Records, read_json, read_lines, read_parquet
from treewright.data.preview.wording import TIMES, plain, quoted, size_text, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TEXT_LINES = 40
LINE_CHARS = 160
MEMBERS = 12

_KINDS = {
    "table": (".csv", ".tsv"),
    "lines": (".jsonl", ".ndjson"),
    "json": (".json", ".geojson"),
    "parquet": (".parquet", ".pq"),
    "zip": (".zip",),
    "tar": (".tar",),
    "image": (".png", ".jpg", ".jpeg", ".gif"),
    "text": (".txt", ".md", ".rst", ".xml", ".html", ".yaml", ".yml", ".toml", ".ini", ".log", ".sql", ".py", ""),
}
_KIND_OF = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes}


class _UnreadError(Exception):
    """There is nothing to see; the message says why."""


@dataclass(frozen=True, slots=True)
class Peek:
    """What a look at a file shows.

    ``rows`` and ``columns`` are those of a table; the rows are an estimate if ``about``, the columns are judged by
    some of them if ``sampled``. ``remarks`` and ``lines`` say how the file is made, ``quotes`` are lines of its
    content.
    """

    columns: tuple[Column, ...] = ()
    rows: int | None = None
    about: bool = False
    sampled: bool = False
    remarks: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """How to look: at parts of ``part`` bytes, until the deadline, with or without what is data."""

    part: int
    deadline: Deadline
    samples: bool


@lru_cache
def kind_of(suffix: str) -> str:
    """``table``, ``lines``, ``json``, ``parquet``, ``zip``, ``tar``, ``image``, ``text``, or else ``other``."""
    return _KIND_OF.get(_split(suffix)[0], "other")


def peek(path: Path, suffix: str, look: Look) -> Peek:
    """Look at a file whose name ends in ``suffix``; whatever is wrong with it is among the remarks."""
    kind, packed = kind_of(suffix), _split(suffix)[1]
    try:
        with open_regular(path) as file:
            return _OPENERS[kind](file, packed, look) if kind in _OPENERS else _texts(file, kind, packed, look)
    except _UnreadError as reason:
        return Peek(remarks=(str(reason),))
    except OSError as error:
        return Peek(remarks=(f"cannot be read ({error.strerror or 'damaged'})",))
    except Exception:  # noqa: BLE001 -- whatever a damaged file makes a decoder raise, the other files are to be told
        return Peek(remarks=("cannot be read: damaged, or not what its name says",))


def header_of(path: Path, suffix: str) -> str | int | None:
    """What tables with the same columns have in common: the first line, as far as 16 kB go.

    It is the number of cells where that line holds no names, and ``None`` where it cannot be read.
    """
    try:
        with open_regular(path) as file:
            head = read_sample(file, 1 << 14, packed=_split(suffix)[1]).parts[0]
        text = as_text(Sample((head,), len(head), whole=False))
        if text is None:
            return None
        line = next((line for line in text.parts[0].replace("\r", "\n").split("\n") if line), "")
        row = first_row(line)
        return len(row) if is_data(row) else line
    except Exception:  # noqa: BLE001 -- as above
        return None


def _split(suffix: str) -> tuple[str, bool]:
    """A suffix without that of gzip, and whether it had it."""
    suffix = ".tar.gz" if suffix == ".tgz" else suffix
    return suffix.removesuffix(PACKED), suffix.endswith(PACKED)


def _parquet(file: BinaryIO, _: bool, look: Look) -> Peek:
    try:
        return _of_records(read_parquet(file, look.deadline, keys=look.samples))
    except ImportError:
        raise _UnreadError("Parquet, which cannot be read here without pyarrow") from None


def _zip(file: BinaryIO, _: bool, look: Look) -> Peek:
    count, members = zip_members(file)
    size = size_text(sum(size for _, size in members))
    unpacked = f", {size} unpacked" if len(members) == count else ""
    return Peek(remarks=(f"a zip archive of {count:,} members{unpacked}",), lines=_members(members, look))


def _tar(file: BinaryIO, packed: bool, look: Look) -> Peek:
    head = BytesIO(read_sample(file, look.part, packed=packed).parts[0]) if packed else file
    return Peek(remarks=("a tar archive",), lines=_members(tar_members(head, MEMBERS, look.deadline), look))


def _image(file: BinaryIO, _: bool, __: Look) -> Peek:
    return Peek(remarks=(_pixels(file.read(1 << 18)),))


def _texts(file: BinaryIO, kind: str, packed: bool, look: Look) -> Peek:
    sample = read_sample(file, look.part, packed=packed)
    if not any(sample.parts):
        raise _UnreadError("empty")
    text = as_text(sample)
    if text is None:
        raise _UnreadError("binary" if kind == "text" else "binary: not what its name says")
    seen = _READERS[kind](text, sample, look)
    return replace(seen, remarks=(*_text_remarks(sample, text), *seen.remarks))


def _table(text: Text, sample: Sample, look: Look) -> Peek:
    table = read_delimited(text, sample, look.deadline)
    if table is None:
        raise _UnreadError("blank")
    about = not sample.whole or look.deadline.passed()
    return Peek(table.columns, table.rows, about=about, sampled=about, remarks=table.remarks)


def _lines(text: Text, sample: Sample, look: Look) -> Peek:
    return _of_records(read_lines(text, sample, look.deadline, keys=look.samples))


def _json(text: Text, sample: Sample, look: Look) -> Peek:
    return _of_records(read_json(text, sample, look.deadline, keys=look.samples))


def _quotes(text: Text, _: Sample, __: Look) -> Peek:
    lines = (line for line in text.parts[0].splitlines() if line.strip())
    return Peek(quotes=tuple(plain(line, LINE_CHARS) for line in islice(lines, TEXT_LINES)))


_OPENERS = {"parquet": _parquet, "zip": _zip, "tar": _tar, "image": _image}
_READERS = {"table": _table, "lines": _lines, "json": _json, "text": _quotes}


def _of_records(records: Records) -> Peek:
    remarks: tuple[str, ...] = ()
    if records.fault:
        remarks += (records.fault,)
    if records.sampled:
        remarks += (f"columns judged by {records.sampled:,} of the rows",)
    return Peek(
        columns=records.columns,
        rows=records.rows,
        about=records.about,
        sampled=records.sampled is not None,
        remarks=remarks,
        lines=(records.shape,) if records.shape else (),
    )


def _members(members: list[tuple[str, int]], look: Look) -> tuple[str, ...]:
    some = members[: MEMBERS - 1]
    names = [quoted(told(name, samples=look.samples)) for name, _ in some]
    if look.samples:
        names = [f"{name} ({size_text(size)})" for name, (_, size) in zip(names, some, strict=True)]
    names = list(dict.fromkeys(names))
    return (", ".join(names) + (", …" if len(members) > len(some) else ""),) if names else ()


def _pixels(head: bytes) -> str:
    """Width by height of a PNG, GIF or JPEG image, from its header."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack_from(">II", head, 16)
    elif head.startswith((b"GIF87a", b"GIF89a")):
        width, height = struct.unpack_from("<HH", head, 6)
    elif head.startswith(b"\xff\xd8"):
        at = 2
        while not (0xC0 <= head[at + 1] <= 0xCF and head[at + 1] not in {0xC4, 0xC8, 0xCC}):  # the start of a frame
            at += 2 + max(2, struct.unpack_from(">H", head, at + 2)[0])
        height, width = struct.unpack_from(">HH", head, at + 5)
    else:
        raise _UnreadError("not what its name says")
    return f"{width:,} {TIMES} {height:,} pixels"


def _text_remarks(sample: Sample, text: Text) -> Iterator[str]:
    if text.encoding != "utf-8-sig":
        yield f"in {text.encoding}"
    if not sample.whole:
        yield f"sampled: {size_text(text.size)} of it read"
