"""Finds the program in an answer: one fenced block, several that make one program, or plain text that is Python.

Of several blocks the last whole program counts: models quote the old program first, and correct themselves. Blocks
that need what earlier ones assign are parts of one program and are joined. Otherwise the longest counts.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from dataclasses import dataclass
from itertools import dropwhile
from typing import TYPE_CHECKING

from treewright.coders.llm.fences import Block, blocks
from treewright.coders.llm.syntax import fault, parse, parses, writes_submission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OTHER_LANGUAGE = re.compile("bash|console|csv|diff|html|json|output|r|sh|shell|sql|toml|xml|yaml|zsh")
_IMPORT = re.compile(
    r"^[ \t]*(?:import[ \t]+[^\W\d][\w.]*(?:[ \t]+as[ \t]+\w+)?(?:[ \t]*,.*)?"
    r"|from[ \t]+[\w.]+[ \t]+import[ \t]+[\w(*].*)[ \t]*(?:#.*)?$",
    re.MULTILINE,
)
_CODE_LINE = re.compile(
    r"^[ \t]*(?:[\w.]+(?:\[.*\])?[ \t]*[-+*/]?=|[\w.]+\(.*\)[ \t]*$|(?:def|for|if|while|with)\b.*:$)", re.MULTILINE
)
_GLUED = re.compile(r"(?<=[^\s`])[ \t]*(```(?:python|py)\d?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_WRITES = re.compile(r"to_csv|savetxt|write")
_STATEMENTS = (ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign, ast.FunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Program:
    """A program and the prose around it; ``closed`` is false where nothing shows that it ends there."""

    code: str
    before: str
    after: str
    closed: bool


def find_program(text: str, *, cut: bool) -> Program | None:
    """The program in an answer; ``cut`` where the answer was cut off."""
    code = tidy_code(text)
    if parses(code) and _is_program(code):
        return Program(code, "", "", closed=not cut)
    found = blocks(text, cut=cut)
    if not found and "```" in text:
        text = _GLUED.sub(r"\n\1", text)
        found = blocks(text, cut=cut)
    pieces = [_piece(block) for block in found if block.is_python] or [
        _piece(block)
        for block in found
        if not _OTHER_LANGUAGE.fullmatch(block.language) and _is_program(tidy_code(block.text))
    ]
    lines = text.split("\n")
    for block in found:
        lines[block.start : block.stop] = [""] * (block.stop - block.start)
    if not pieces:
        return _bare("\n".join(lines), cut=cut)
    chosen = _choose(pieces)
    return Program(
        code="\n\n".join(piece.code for piece in chosen),
        before="\n".join(lines[: chosen[0].block.start]),
        after="\n".join(lines[chosen[-1].block.stop :]),
        closed=chosen[-1].block.closed,
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block with the names that its code assigns, and those that it takes from elsewhere."""

    block: Block
    code: str
    assigned: frozenset[str]
    taken: frozenset[str]

    @property
    def has_imports(self) -> bool:
        """Whether it imports anything."""
        return first_import(self.code) is not None


def _piece(block: Block) -> _Piece:
    """The block with its names; none where its code cannot be parsed."""
    code = tidy_code(block.text)
    try:
        nodes = list(ast.walk(parse(code)))
    except SyntaxError:
        return _Piece(block, code, frozenset(), frozenset())
    names = [node for node in nodes if isinstance(node, ast.Name)]
    assigned = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    assigned |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    others = {node.arg for node in nodes if isinstance(node, ast.arg)} | set(dir(builtins))
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    others |= {(alias.asname or alias.name).partition(".")[0] for node in imports for alias in node.names}
    taken = {name.id for name in names} - assigned - others
    return _Piece(block, code, frozenset(assigned), frozenset(taken))


def _choose(pieces: Sequence[_Piece]) -> Sequence[_Piece]:
    """The pieces that make the program."""
    assigned: set[str] = set()
    whole, parts = None, False
    for piece in pieces:
        if piece.taken & assigned:
            parts = True
        elif piece.has_imports and writes_submission(piece.code) and _WRITES.search(piece.code):
            whole = piece
        assigned |= piece.assigned
    if whole:
        return [whole]
    if parts:
        return pieces
    return [max([piece for piece in pieces if piece.has_imports] or pieces, key=lambda piece: len(piece.code))]


def _bare(text: str, *, cut: bool) -> Program | None:
    """A program without any fence, from its first import on, with prose before or after it."""
    start = first_import(text)
    if start is None:
        return None
    before, text = text[:start], text[start:]
    error = fault(text)
    if error and not cut:
        lines = text.split("\n")
        end = (error.lineno or 1) - 1
        rest = "\n".join(lines[end:])
        if not _CODE_LINE.search(rest) and parses("\n".join(lines[:end])):
            return Program(tidy_code("\n".join(lines[:end])), before, rest, closed=True)
    return Program(tidy_code(text), before, "", closed=not cut)


def first_import(text: str) -> int | None:
    """Where the first line begins that imports something."""
    found = _IMPORT.search(text)
    return found.start() if found else None


def _is_program(code: str) -> bool:
    """Whether the code is more than words that happen to be Python."""
    if _IMPORT.search(code):
        return True
    try:
        body = parse(code).body
    except SyntaxError:
        return False
    return any(isinstance(statement, _STATEMENTS) for statement in body)


def tidy_code(text: str) -> str:
    """The code with one newline at its end, and mended where that is all that it takes for it to be Python.

    What is mended: prompts of the interactive interpreter, indentation of the whole, tabs, spaces that do not break.
    """
    lines = list(dropwhile(lambda line: not line.strip(), text.rstrip().split("\n")))
    if lines and lines[0].lstrip().startswith(">>>"):
        lines = [line.lstrip()[4:] for line in lines if line.lstrip().startswith((">>>", "..."))]
    code = "\n".join(lines) + "\n"
    if parses(code):
        return code
    mended = code
    mends: tuple[Callable[[str], str], ...] = (
        textwrap.dedent,
        lambda code: code.replace("\N{NO-BREAK SPACE}", " "),
        lambda code: code.expandtabs(4),
    )
    for mend in mends:
        mended = mend(mended)
        if parses(mended):
            return mended
    return code
