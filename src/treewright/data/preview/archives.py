"""The first members of archives, read from their directories: nothing is unpacked."""

from __future__ import annotations

import struct
import tarfile
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from treewright.data.preview.listing import Deadline

MOST_DIRECTORY = 1 << 20
"""Bytes of a zip file's directory that are read."""

_END, _END_64, _MEMBER = b"PK\5\6", b"PK\6\7", b"PK\1\2"
_END_SIZE, _END_64_SIZE, _MEMBER_SIZE = 22, 76, 46
_BLOCK = 512


def zip_members(file: BinaryIO) -> tuple[int, list[tuple[str, int]]]:
    """How many members a zip file says it has, and the first of them with their unpacked sizes in bytes.

    ``ValueError`` if it is no zip file. Sizes of 4 GB and more, and numbers above 65,534, stand at those limits.
    """
    size = file.seek(0, 2)
    tail_at = max(0, size - _END_SIZE - (1 << 16))
    file.seek(tail_at)
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_SIZE:
        raise ValueError("no zip file")
    count, length = struct.unpack_from("<HI", tail, end + 10)
    wide = tail[end - 20 : end].startswith(_END_64) if end >= 20 else False
    file.seek(max(0, tail_at + end - length - wide * _END_64_SIZE))
    directory = file.read(min(length, MOST_DIRECTORY))
    if count and not directory.startswith(_MEMBER):
        raise ValueError("a damaged zip file")
    return count, _zip_directory(directory)


def tar_members(file: BinaryIO, most: int, deadline: Deadline) -> list[tuple[str, int]]:
    """The first files in a tar file with their sizes in bytes; ``tarfile.HeaderError`` if it is none."""
    members: list[tuple[str, int]] = []
    at = 0
    while len(members) < most and not deadline.passed():
        file.seek(at)
        block = file.read(_BLOCK)
        if len(block) < _BLOCK or not any(block):
            break
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
        except tarfile.HeaderError:
            if at:
                break
            raise
        if member.isreg():
            members.append((member.name, member.size))
        at += _BLOCK + _BLOCK * -(-max(0, member.size) // _BLOCK)
    return members


def _zip_directory(directory: bytes) -> list[tuple[str, int]]:
    members = []
    at = 0
    while directory.startswith(_MEMBER, at) and len(directory) - at >= _MEMBER_SIZE:
        size, *lengths = struct.unpack_from("<IHHH", directory, at + 24)
        name = directory[at + _MEMBER_SIZE : at + _MEMBER_SIZE + lengths[0]].decode("utf-8", "replace")
        if not name.endswith("/"):
            members.append((name, size))
        at += _MEMBER_SIZE + sum(lengths)
    return members
