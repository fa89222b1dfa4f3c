"""Columns that a program spells otherwise than the data do, and files that are not there: slips seen without a run."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from treewright.coders.llm.syntax import parse
from treewright.coders.llm.text import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treewright.task import TableProfile

MOST_FILES = 12
_RENAMING = {"lower", "upper", "title", "casefold", "capitalize", "rename", "strip", "replace", "columns"}
"""Methods and attributes by which a program may have given columns other names."""


_ALWAYS = ("train.csv", "test.csv", "sample_submission.csv")
_INPUT_FILE = re.compile(r"(?:\./)?input/([^*?{}%\n]+\.\w+)")


def check_data_names(code: str, table: TableProfile) -> tuple[str, ...]:
    """Findings about columns in another case than theirs, and about files that ``./input`` does not have."""
    try:
        nodes = list(ast.walk(parse(code)))
    except SyntaxError:
        return ()
    return (*_files(nodes, table), *_columns(nodes, table))


def _files(nodes: list[ast.AST], table: TableProfile) -> Iterator[str]:
    there = {*_ALWAYS, *(name for name, _ in table.files)}
    for text, line in _texts(nodes).items():
        path = _INPUT_FILE.fullmatch(text)
        if path and path[1] not in there and f"{path[1].partition('/')[0]}/" not in there:
            yield f"line {line}: there is no file '{text}'; there are {some(sorted(there), MOST_FILES)}"


def _columns(nodes: list[ast.AST], table: TableProfile) -> tuple[str, ...]:
    """Nothing about a program that renames."""
    stored = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    called = {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    if (stored | called) & _RENAMING:
        return ()
    names = {column.name for column in (*table.columns, *table.targets)}
    meant = {name.casefold(): name for name in names}
    wrong = {text: line for text, line in _texts(nodes).items() if _is_slip(text, names, meant)}
    written = {key.value for key in _assigned(nodes) if isinstance(key, ast.Constant)}
    return tuple(
        f"line {line}: there is no column '{name}'; did you mean '{meant[name.casefold()]}'?"
        for name, line in sorted(wrong.items(), key=lambda item: item[1])
        if name not in written
    )


def _texts(nodes: list[ast.AST]) -> dict[str, int]:
    """The texts in a program, each with the first line it is on."""
    texts = [node for node in nodes if isinstance(node, ast.Constant)]
    return {node.value: node.lineno for node in reversed(texts) if isinstance(node.value, str)}


def _is_slip(text: str, names: set[str], meant: dict[str, str]) -> bool:
    return len(text) > 1 and text not in names and text.casefold() in meant


def _assigned(nodes: list[ast.AST]) -> list[ast.expr]:
    """The keys of ``table[key] = ...``: columns that the program makes itself."""
    return [node.slice for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)]
