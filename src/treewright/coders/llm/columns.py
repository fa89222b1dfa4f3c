"""Columns that a program spells otherwise than the data do: a frequent slip, and seen without a run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from treewright.coders.llm.syntax import parse

if TYPE_CHECKING:
    from treewright.task import TableProfile

_RENAMING = {"lower", "upper", "title", "casefold", "capitalize", "rename", "strip", "replace", "columns"}
"""Methods and attributes by which a program may have given columns other names."""


def check_columns(code: str, table: TableProfile) -> tuple[str, ...]:
    """Names of columns in another case than theirs; nothing about a program that renames, or that does not parse."""
    try:
        tree = parse(code)
    except SyntaxError:
        return ()
    nodes = list(ast.walk(tree))
    stored = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    called = {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    if (stored | called) & _RENAMING:
        return ()
    names = {column.name for column in (*table.columns, *table.targets)}
    meant = {name.casefold(): name for name in names}
    texts = [node for node in nodes if isinstance(node, ast.Constant)]
    lines = {node.value: node.lineno for node in reversed(texts) if isinstance(node.value, str)}
    wrong = {text: line for text, line in lines.items() if _is_slip(text, names, meant)}
    written = {key.value for key in _assigned(nodes) if isinstance(key, ast.Constant)}
    return tuple(
        f"line {line}: there is no column '{name}'; did you mean '{meant[name.casefold()]}'?"
        for name, line in sorted(wrong.items(), key=lambda item: item[1])
        if name not in written
    )


def _is_slip(text: str, names: set[str], meant: dict[str, str]) -> bool:
    return len(text) > 1 and text not in names and text.casefold() in meant


def _assigned(nodes: list[ast.AST]) -> list[ast.expr]:
    """The keys of ``table[key] = ...``: columns that the program makes itself."""
    return [node.slice for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)]
