"""Search/replace edits: how a model changes a long program without writing it all again.

::

    <<<<<<< SEARCH
    lines of the program
    =======
    the lines that take their place
    >>>>>>> REPLACE

They are applied exactly or not at all. All searches look at the program as it was, at whole lines, and each must find
one place. Only where nothing is found exactly do spaces at the ends of lines not count, if that leaves one place.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from treewright.coders.llm.answer import without_thoughts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BEGIN = re.compile(r"([ \t]*)<{5,9} ?SEARCH\b.*")
_MIDDLE = re.compile(r"[ \t]*={5,9}[ \t]*")
_END = re.compile(r"[ \t]*>{5,9} ?REPLACE\b.*")
_SHOWN_LINES = 12


class EditError(ValueError):
    """The edits cannot be applied; the message says which and why, a line or more for each, fit to be sent back."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """``number`` counts the blocks of an answer from 1."""

    number: int
    search: tuple[str, ...]
    replace: tuple[str, ...]


def has_edits(text: str) -> bool:
    """Whether the answer has a block that begins as an edit does."""
    return any(_BEGIN.fullmatch(line) for line in without_thoughts(text).split("\n"))


def apply_edits(code: str, text: str) -> str:
    """The program with all the edits in the answer. ``EditError`` if one of them cannot be applied exactly."""
    edits = list(_read(without_thoughts(text)))
    if not edits:
        raise EditError("the answer has no <<<<<<< SEARCH block")
    lines = code.split("\n")
    places: list[tuple[int, _Edit]] = []
    troubles: list[str] = []
    for edit in edits:
        try:
            places.append((_place(lines, edit), edit))
        except EditError as error:
            troubles.append(str(error))
    places.sort(key=lambda placed: placed[0])
    for (at, edit), (following, other) in pairwise(places):
        if at + len(edit.search) > following:
            troubles.append(f"blocks {edit.number} and {other.number} change the same lines: make them one block")
    if troubles:
        raise EditError("\n".join(troubles))
    for at, edit in reversed(places):
        lines[at : at + len(edit.search)] = edit.replace
    return "\n".join(lines)


def _read(text: str) -> Iterator[_Edit]:
    lines = text.split("\n")
    begins = [at for at, line in enumerate(lines) if _BEGIN.fullmatch(line)]
    for number, (begin, limit) in enumerate(pairwise([*begins, len(lines)]), start=1):
        ends = [at for at in range(begin, limit) if _END.fullmatch(lines[at])]
        if len(ends) != 1:
            raise EditError(f"block {number} has {len(ends)} lines of >>>>>>> REPLACE: it needs one")
        middles = [at for at in range(begin, ends[0]) if _MIDDLE.fullmatch(lines[at])]
        if len(middles) != 1:
            raise EditError(f"block {number} has {len(middles)} lines of =======: it needs one")
        indent = len(lines[begin]) - len(lines[begin].lstrip())
        inside = [line[min(indent, len(line) - len(line.lstrip())) :] for line in lines[begin + 1 : ends[0]]]
        middle = middles[0] - begin - 1
        yield _Edit(number, tuple(inside[:middle]), tuple(inside[middle + 1 :]))


def _place(lines: Sequence[str], edit: _Edit) -> int:
    """The line at which the only place begins that the edit can mean."""
    if not any(map(str.strip, edit.search)):
        raise EditError(
            f"block {edit.number} searches for nothing: give the lines to be replaced, or those beside them"
        )
    if edit.search == edit.replace:
        raise EditError(f"block {edit.number} changes nothing: both its parts are the same")
    places = _places(lines, edit.search) or _places(
        [line.rstrip() for line in lines], [s.rstrip() for s in edit.search]
    )
    if len(places) == 1:
        return places[0]
    if places:
        where = ", ".join(str(at + 1) for at in places[:5]) + ", …" * (len(places) > 5)
        raise EditError(f"block {edit.number} occurs {len(places)} times, at lines {where}: add lines around it")
    raise EditError(f"block {edit.number} is not found in the program{_nearest(lines, edit.search)}")


def _places(lines: Sequence[str], search: Sequence[str]) -> list[int]:
    wanted, size = list(search), len(search)
    return [
        at for at in range(len(lines) - size + 1) if lines[at] == wanted[0] and list(lines[at : at + size]) == wanted
    ]


def _nearest(lines: Sequence[str], search: Sequence[str]) -> str:
    """The lines of the program that were most likely meant, to be shown."""
    bare, wanted = [line.strip() for line in lines], [line.strip() for line in search]
    match = difflib.SequenceMatcher(None, wanted, bare, autojunk=False).find_longest_match()
    if any(wanted[match.a : match.a + match.size]):
        begin = max(0, match.b - match.a)
    else:
        close = difflib.get_close_matches(next(filter(None, wanted)), bare, n=1)
        if not close:
            return ", nor anything like it"
        begin = bare.index(close[0])
    shown = "\n".join(lines[begin : begin + min(len(search), _SHOWN_LINES)])
    return f"; the nearest lines of it, from line {begin + 1}, are:\n{shown}"
