"""Columns that a program spells otherwise than the data do, and files that are not there: slips seen without a run.

A finding costs a request and may spoil a program that was right, so one too few is better than one too many. A text is
taken for a column only where the program reads a column by it, of a table that it has read from ``train.csv`` or
``test.csv``; if the same text stands anywhere else, the program may have made such a column itself.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.coders.llm.syntax import parse
from treewright.coders.llm.text import some
from treewright.data.preview.wording import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from treewright.task import TableProfile

MOST_FILES = 12
_RENAMING = {"lower", "upper", "title", "casefold", "capitalize", "rename", "strip", "replace", "columns", "set_axis"}
"""Methods and attributes by which a program may have given columns other names."""
_JOINING = {"merge", "join", "concat"}
"""What may bring in the columns of other tables."""
_KEEPING = {
    "assign",
    "astype",
    "copy",
    "drop",
    "dropna",
    "fillna",
    "head",
    "query",
    "reset_index",
    "sample",
    "sort_values",
}
"""Methods whose result has the columns of their table."""
_NAMING = {"columns", "subset", "by", "on", "usecols"}
"""Arguments that name columns."""
_NAMED_FIRST = {"drop", "groupby", "sort_values"}

_ALWAYS = ("train.csv", "test.csv", "sample_submission.csv")
_OUR_FILE = re.compile(r"(?:.*/)?(?:train|test)\.csv")
_INPUT_FILE = re.compile(r"(?:\./)?input/([^*?{}%\n]+\.\w+)")


def check_data_names(code: str, table: TableProfile, *, samples: bool = True) -> tuple[str, ...]:
    """Findings about columns in another case than theirs, and about files that ``./input`` does not have.

    Without ``samples`` digits in the names of files are not told.
    """
    try:
        nodes = list(ast.walk(parse(code)))
    except SyntaxError:
        return ()
    return (*_files(nodes, table, samples=samples), *_columns(nodes, table))


def _files(nodes: list[ast.AST], table: TableProfile, *, samples: bool) -> Iterator[str]:
    there = {*_ALWAYS, *(name for name, _ in table.files)}
    named = sorted(there if samples else set(map(pattern, there)))
    for text, line in _first_lines(_texts(nodes)).items():
        path = _INPUT_FILE.fullmatch(text)
        if path and path[1] not in there and f"{path[1].partition('/')[0]}/" not in there:
            yield f"line {line}: there is no file '{text}'; there are {some(named, MOST_FILES)}"


def _columns(nodes: list[ast.AST], table: TableProfile) -> Iterator[str]:
    """Nothing about a program that renames columns, or that may bring in those of other tables."""
    stored = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    called = {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    others = {name for name, _ in table.files} - {*_ALWAYS, "description.md"}
    if (stored | called) & _RENAMING or (others and called & _JOINING):
        return
    names = {column.name for column in (*table.columns, *table.targets)}
    meant = {name.casefold(): name for name in names}
    read = list(_read(nodes, _variables(nodes)))
    everywhere = Counter(text.value for text in _texts(nodes))
    everywhere.update(stored)
    everywhere.update(node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg)
    only_read = Counter(text.value for text in read)
    for name, line in sorted(_first_lines(read).items(), key=lambda item: item[1]):
        if len(name) > 1 and name not in names and name.casefold() in meant and only_read[name] == everywhere[name]:
            yield f"line {line}: there is no column '{name}'; did you mean '{meant[name.casefold()]}'?"


@dataclass(frozen=True, slots=True)
class _Variables:
    """Which variables hold the training or the test table, or some of its rows or columns, and which their paths."""

    tables: frozenset[str]
    paths: frozenset[str]

    def is_path(self, value: ast.expr) -> bool:
        """Whether an expression names one of the two files."""
        return any(
            (isinstance(node, ast.Constant) and isinstance(node.value, str) and _OUR_FILE.fullmatch(node.value))
            or (isinstance(node, ast.Name) and node.id in self.paths)
            for node in ast.walk(value)
        )

    def is_read(self, value: ast.expr) -> bool:
        """Whether an expression reads one of the two files, as ``pd.read_csv(...)``."""
        return (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr.startswith("read_")
            and any(map(self.is_path, value.args))
        )

    def is_table(self, value: ast.expr | None) -> bool:
        """Whether an expression is such a table."""
        if isinstance(value, ast.Name):
            return value.id in self.tables
        if isinstance(value, ast.Subscript):
            return not isinstance(value.slice, ast.Constant) and self.is_table(_without(value.value, "loc", "iloc"))
        if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
            return False
        if value.func.attr == "concat":
            parts = value.args[0] if value.args else None
            return isinstance(parts, ast.List | ast.Tuple) and all(map(self.is_table, parts.elts))
        return self.is_read(value) or (value.func.attr in _KEEPING and self.is_table(value.func.value))


def _variables(nodes: list[ast.AST]) -> _Variables:
    assigned = list(_assigned(nodes))
    nothing = _Variables(frozenset(), frozenset())
    found = replace(nothing, paths=frozenset(name for name, value in assigned if nothing.is_path(value)))
    while more := {name for name, value in assigned if found.is_table(value)} - found.tables:
        found = replace(found, tables=found.tables | more)
    while less := {name for name, value in assigned if not found.is_table(value)} & found.tables:
        found = replace(found, tables=found.tables - less)
    return found


def _assigned(nodes: list[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Variables with what they are assigned, loop over, or are called with."""
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _pairs(target, node.value)
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.List | ast.Tuple):
            for value in node.iter.elts:
                yield from _pairs(node.target, value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            parameters = functions[node.func.id].args.args
            yield from ((name.arg, value) for name, value in zip(parameters, node.args, strict=False))


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=False):
            yield from _pairs(one, its)


def _without(value: ast.expr, *attributes: str) -> ast.expr:
    """``table`` for ``table.loc``."""
    return value.value if isinstance(value, ast.Attribute) and value.attr in attributes else value


def _read(nodes: list[ast.AST], variables: _Variables) -> Iterator[ast.Constant]:
    """The texts by which the program reads columns of the two tables."""
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            source = node.value.func if isinstance(node.value, ast.Call) else node.value
            if variables.is_table(node.value) or variables.is_table(_without(source, "groupby", "loc")):
                yield from _named(node.slice)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            reads = variables.is_table(node.func.value) or variables.is_read(node)
            if reads and not {"errors", "index"} & keywords.keys():
                first = node.args[:1] if node.func.attr in _NAMED_FIRST else []
                for argument in (*first, *(keywords[name] for name in _NAMING & keywords.keys())):
                    yield from _named(argument)


def _named(value: ast.expr) -> Iterator[ast.Constant]:
    """A text, or those in a list; in the tuple of ``loc`` too."""
    if isinstance(value, ast.Constant):
        yield from [value] if isinstance(value.value, str) else []
    elif isinstance(value, ast.List | ast.Tuple):
        for one in value.elts:
            yield from _named(one)


def _texts(nodes: Sequence[ast.AST]) -> list[ast.Constant]:
    return [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _first_lines(texts: Sequence[ast.Constant]) -> dict[str, int]:
    """The texts, each with the first line that it is on."""
    return {str(text.value): text.lineno for text in sorted(texts, key=lambda text: -text.lineno)}
