"""Taking functions out of the library: what a script calls, what that calls, and the imports of all of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from treewright.coders.recipes.layout import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STANDARD = frozenset({"collections", "itertools", "functools", "os", "re", "typing", "warnings"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, class or constant of the library: its text, where it stands, and the names it uses."""

    name: str
    text: str
    place: int
    names: frozenset[str]
    is_constant: bool


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: ``from module import name``, or ``import module as name`` where ``item`` is ``None``."""

    module: str
    item: str | None
    alias: str | None


@dataclass(frozen=True, slots=True)
class Library:
    """All definitions and all imports, by the name that they bind."""

    definitions: Mapping[str, Definition]
    imports: Mapping[str, Import]


@cache
def library() -> Library:
    """The library, read once from the package's own source files."""
    definitions: dict[str, Definition] = {}
    imports: dict[str, Import] = {}
    folder = files("treewright.coders.recipes").joinpath("library")
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".py")), key=lambda f: f.name):
        source = file.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            match node:
                case ast.Import() | ast.ImportFrom():
                    imports |= _bound(node)
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    definitions[name] = Definition(name, _text(source, node), len(definitions), names_in(node), False)
                case ast.Assign(targets=[ast.Name(id=name)]):
                    definitions[name] = Definition(name, _text(source, node), len(definitions), names_in(node), True)
                case _:
                    continue
    return Library(definitions, imports)


@dataclass(frozen=True, slots=True)
class Linked:
    """What a piece of code needs: import statements, constants, functions and classes, and all the names in use."""

    imports: str
    constants: str
    functions: tuple[str, ...]
    names: frozenset[str]


def link(code: str, further: Mapping[str, Import]) -> Linked:
    """Find what ``code`` needs in the library; ``further`` are imports that the library does not make itself."""
    shelf = library()
    tree = ast.parse(code)
    wanted, found = set(names_in(tree)), {}
    own = bound_in(tree)
    while wanted:
        name = wanted.pop()
        if name in shelf.definitions and name not in own and name not in found:
            found[name] = shelf.definitions[name]
            wanted |= found[name].names
    ordered = sorted(found.values(), key=lambda definition: definition.place)
    code_names = frozenset(name for node in tree.body if not _is_constant(node) for name in names_in(node))
    names = code_names.union(*(definition.names for definition in ordered))
    imports = {**further, **shelf.imports}
    return Linked(
        imports=write_imports(imports[name] for name in names if name in imports and name not in found),
        constants="\n".join(d.text for d in ordered if d.is_constant),
        functions=tuple(d.text for d in ordered if not d.is_constant),
        names=names,
    )


def bound_in(tree: ast.Module) -> frozenset[str]:
    """The functions and constants that the code defines at its top."""
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    constants = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(functions | constants)


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign)


def names_in(node: ast.AST) -> frozenset[str]:
    """Every bare name that occurs in the code."""
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def write_imports(imported: Iterable[Import]) -> str:
    """The import statements, sorted as isort does."""
    modules: dict[str, set[str]] = {}
    plain: set[tuple[str, str]] = set()
    for each in imported:
        if each.item is None:
            plain.add((each.module, f"import {each.module}" + (f" as {each.alias}" if each.alias else "")))
        else:
            modules.setdefault(each.module, set()).add(each.item)
    lines = sorted(plain)
    members = [(module, _from(module, sorted(items, key=_member_order))) for module, items in sorted(modules.items())]
    sections = [
        "\n".join(text for module, text in [*lines, *members] if (module.split(".")[0] in STANDARD) is standard)
        for standard in (True, False)
    ]
    return "\n\n".join(section for section in sections if section)


def _from(module: str, items: list[str]) -> str:
    line = f"from {module} import {', '.join(items)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {item},\n" for item in items) + ")"


def _member_order(item: str) -> tuple[int, str]:
    """Constants, then classes, then functions."""
    return (0 if item.isupper() else 1 if item[0].isupper() else 2, item)


def _bound(node: ast.Import | ast.ImportFrom) -> dict[str, Import]:
    if isinstance(node, ast.Import):
        return {(a.asname or a.name): Import(a.name, None, a.asname) for a in node.names}
    return {(a.asname or a.name): Import(node.module or "", a.name, a.asname) for a in node.names}


def _text(source: str, node: ast.stmt) -> str:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])
