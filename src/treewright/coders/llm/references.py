"""What a program takes from the modules that it imports, as far as that is sure without running it.

A name counts only if nothing in the file but one import gives it a meaning. Code that is ready for a failure, or
looks first what there is, is passed over: it may well name what does not exist.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CAUGHT = frozenset(
    {"AttributeError", "BaseException", "Exception", "ImportError", "ModuleNotFoundError", "NameError", "TypeError"}
)
_LOOKING = frozenset(
    {"TYPE_CHECKING", "__version__", "find_spec", "hasattr", "platform", "signature", "version", "version_info"}
)


@dataclass(frozen=True, slots=True)
class Use:
    """A dotted name that the program takes, at a line counted from 1.

    ``imported`` is how much of it an import has named before, nothing for an import itself. For a call, ``keywords``
    are the arguments that are named, and ``positional`` is how many are not.
    """

    line: int
    name: str
    imported: str
    keywords: tuple[str, ...] = ()
    positional: int = 0


def uses(tree: ast.Module) -> list[Use]:
    """Everything that the program surely takes from modules, in the order of its lines."""
    targets = _targets(tree)
    found: list[Use] = []
    for node in _walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found += [Use(node.lineno, name, "") for name in _imported(node)]
        elif isinstance(node, ast.Attribute):
            found += _taken(node, targets)
        elif isinstance(node, ast.Call):
            given = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
            keywords = tuple(keyword.arg for keyword in node.keywords if keyword.arg)
            found += [Use(use.line, use.name, use.imported, keywords, len(given)) for use in _taken(node.func, targets)]
    return sorted(found, key=lambda use: use.line)


def bound_names(tree: ast.Module) -> set[str]:
    """All names that anything but an import gives a meaning."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
    return names


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The dotted names that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level or node.module is None:
        return []
    return [node.module if alias.name == "*" else f"{node.module}.{alias.name}" for alias in node.names]


def _targets(tree: ast.Module) -> Mapping[str, str]:
    """The dotted names that names of the program stand for, without a doubt."""
    meanings: dict[str, set[str]] = {}
    doubtful = bound_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                target = alias.name if alias.asname else alias.name.partition(".")[0]
                meanings.setdefault(alias.asname or target, set()).add(target)
        elif isinstance(node, ast.ImportFrom):
            if any(alias.name == "*" for alias in node.names):
                return {}
            for alias in node.names:
                target = f"{node.module}.{alias.name}" if node.module and not node.level else ""
                meanings.setdefault(alias.asname or alias.name, set()).add(target)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            doubtful.add(_dotted(node).partition(".")[0])  # something in it is replaced
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"setattr", "hasattr"}:
            doubtful |= {argument.id for argument in node.args[:1] if isinstance(argument, ast.Name)}
    return {
        name: next(iter(targets))
        for name, targets in meanings.items()
        if name not in doubtful and len(targets) == 1 and "" not in targets
    }


def _walk(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes of code that is not ready for a failure, without annotations; of a dotted name the whole alone."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if _is_ready_for_failure(node):
            continue
        yield node
        if not (isinstance(node, ast.Attribute) and _dotted(node)):
            annotations = (getattr(node, "annotation", None), getattr(node, "returns", None))
            stack += (child for child in ast.iter_child_nodes(node) if child not in annotations)


def _is_ready_for_failure(node: ast.AST) -> bool:
    if isinstance(node, (ast.Try, ast.TryStar)):
        return any(handler.type is None or _names_in(handler.type) & _CAUGHT for handler in node.handlers)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return any("suppress" in _names_in(item.context_expr) for item in node.items)
    return isinstance(node, (ast.If, ast.IfExp)) and bool(_names_in(node.test) & _LOOKING)


def _names_in(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def _taken(node: ast.expr, targets: Mapping[str, str]) -> list[Use]:
    first, dot, rest = _dotted(node).partition(".")
    target = targets.get(first)
    return [Use(node.lineno, f"{target}{dot}{rest}", target)] if target else []


def _dotted(node: ast.expr) -> str:
    """The names in ``a.b.c``, empty for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
