"""Reading a little of a file of any size: its head, middle and end, and the head of what is compressed.

Only regular files are opened, without following a link and without waiting for anyone: a pipe or a device that stands
under a file's name is refused. However large the file, and however large it gets when unpacked, no more than three
parts are in memory.
"""

from __future__ import annotations

import codecs
import os
import stat
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\f\r\x1b")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Sample:
    """Parts of a file's bytes in their order: all of it if ``whole``, else at most its head, middle and end.

    All parts but the first begin at a line's begin; all but the end are cut off anywhere. ``size`` is the number of
    bytes of the whole file, unpacked, which is estimated for a compressed one.
    """

    parts: tuple[bytes, ...]
    size: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Text:
    """The parts of a sample that are text, and how many bytes of the file they are."""

    parts: tuple[str, ...]
    encoding: str
    size: int


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; ``OSError`` for anything else, at once."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "no regular file")
    return os.fdopen(handle, "rb")


def read_sample(file: BinaryIO, part: int, *, packed: bool) -> Sample:
    """Parts of ``part`` bytes each, or only the head of a ``packed`` file, which means gzip."""
    size = os.fstat(file.fileno()).st_size
    if packed:
        return _unpacked(file, size, part)
    if size <= 3 * part:
        return Sample((file.read(size),), size, whole=True)
    parts = [file.read(part)]
    for start in (size // 2, size - part):
        file.seek(start)
        parts.append(file.read(part).partition(b"\n")[2])
    return Sample(tuple(parts), size, whole=False)


def as_text(sample: Sample) -> Text | None:
    """The parts as text; ``None`` if the file is not text.

    Parts that are not text are left out. The encoding is the first of UTF-8, Windows-1252 and Latin-1 that fits.
    """
    head = sample.parts[0]
    if head.startswith(_WIDE):
        return Text((_decoded(head, "utf-16", final=False),), "utf-16", len(head))
    if _is_binary(head):
        return None
    parts = [head, *(part for part in sample.parts[1:] if part and not _is_binary(part))]
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            texts = tuple(_decoded(part, encoding, final=sample.whole) for part in parts)
        except UnicodeError:
            continue
        return Text(texts, encoding, sum(map(len, parts)))
    raise AssertionError("Latin-1 has a character for each byte")


def _unpacked(file: BinaryIO, size: int, part: int) -> Sample:
    """The head of a gzip file, unpacked step by step, so that a bomb goes off in small doses."""
    unpacker = zlib.decompressobj(wbits=31)
    data, read = b"", 0
    while len(data) < part and not unpacker.eof and (chunk := file.read(1 << 12)):
        read += len(chunk)
        data += unpacker.decompress(chunk, part - len(data))
    used = read - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
    if unpacker.eof and used == size:
        return Sample((data,), len(data), whole=True)
    return Sample((data,), round(len(data) * size / max(used, 1)), whole=False)


def _decoded(data: bytes, encoding: str, *, final: bool) -> str:
    return codecs.getincrementaldecoder(encoding)().decode(data, final)


def _is_binary(data: bytes) -> bool:
    """Whether there is a NUL, or more than one control character in twenty."""
    return b"\0" in data or 20 * (len(data) - len(data.translate(None, _CONTROL))) > len(data)
