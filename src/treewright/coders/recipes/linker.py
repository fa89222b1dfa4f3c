"""Taking functions out of the library: what a script calls, what that calls, and the imports of all of it.

So a script cannot hold an unused function or import, and cannot lack one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from treewright.coders.recipes.layout import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable


MODULES = (
    "tables", "calendar", "numbers", "groups", "texts", "views", "estimators", "fitting", "folds", "answers",
)  # fmt: skip
"""In the order in which their functions stand in a script: features, models, answers."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, class or constant of the library: its text, where it stands, and the names it uses."""

    text: str
    place: int
    names: frozenset[str]
    is_constant: bool


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: ``from module import item``, or ``import module as alias`` where ``item`` is ``None``."""

    module: str
    item: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Library:
    """All definitions and all imports, by the name that they bind."""

    definitions: Mapping[str, Definition]
    imports: Mapping[str, Import]


@dataclass(frozen=True, slots=True)
class Linked:
    """What a piece of code needs, as text: import statements, constants, and functions and classes."""

    imports: str
    constants: str
    functions: tuple[str, ...]


@cache
def library() -> Library:
    """The library, read once from the package's own source files."""
    definitions: dict[str, Definition] = {}
    imports: dict[str, Import] = {}
    folder = files("treewright.coders.recipes").joinpath("library")
    for module in MODULES:
        source = folder.joinpath(f"{module}.py").read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            match node:
                case ast.ImportFrom(level=1):
                    continue  # another module of the library
                case ast.Import() | ast.ImportFrom():
                    imports |= _bound(node)
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    definitions[name] = Definition(_text(source, node), len(definitions), _names_in(node), False)
                case ast.Assign(targets=[ast.Name(id=name)]) if name != "__all__":
                    definitions[name] = Definition(_text(source, node), len(definitions), _names_in(node), True)
                case _:
                    continue
    return Library(definitions, imports)


def link(code: str, constants: Mapping[str, str]) -> Linked:
    """Find what ``code`` needs in the library; ``constants`` replace those of the same name there."""
    shelf = library()
    names = set(_names_in(ast.parse(code)))
    wanted, found = set(names), dict[str, Definition]()
    while wanted:
        name = wanted.pop()
        if name in shelf.definitions and name not in found:
            found[name] = shelf.definitions[name]
            wanted |= found[name].names
            names |= found[name].names
    ordered = sorted(found.items(), key=lambda item: item[1].place)
    return Linked(
        imports=_write_imports(shelf.imports[name] for name in names if name in shelf.imports),
        constants="\n".join(constants.get(name, each.text) for name, each in ordered if each.is_constant),
        functions=tuple(each.text for _, each in ordered if not each.is_constant),
    )


def _names_in(node: ast.AST) -> frozenset[str]:
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def _text(source: str, node: ast.stmt) -> str:
    return "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])


def _bound(node: ast.Import | ast.ImportFrom) -> dict[str, Import]:
    if isinstance(node, ast.Import):
        return {(each.asname or each.name): Import(each.name, None, each.asname) for each in node.names}
    return {each.name: Import(node.module or "", each.name) for each in node.names}


# Import statements, sorted as isort does ------------------------------------------------------------------------------


def _write_imports(imported: Iterable[Import]) -> str:
    plain: set[tuple[str, str]] = set()
    members: dict[str, set[str]] = {}
    for each in imported:
        if each.item is None:
            plain.add((each.module, f"import {each.module}" + (f" as {each.alias}" if each.alias else "")))
        else:
            members.setdefault(each.module, set()).add(each.item)
    lines = [*sorted(plain), *((module, _from(module, items)) for module, items in sorted(members.items()))]
    sections = [
        "\n".join(text for module, text in lines if (module.split(".")[0] in sys.stdlib_module_names) is standard)
        for standard in (True, False)
    ]
    return "\n\n".join(filter(None, sections))


def _from(module: str, items: set[str]) -> str:
    ordered = sorted(items, key=_member_order)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {item},\n" for item in ordered) + ")"


def _member_order(item: str) -> tuple[int, str]:
    """Constants, then classes, then functions."""
    return (0 if item.isupper() else 1 if item[0].isupper() else 2, item)
