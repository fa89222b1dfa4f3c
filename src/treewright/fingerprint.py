"""Whether two programs are the same but for their seeds.

A program that is run again under another seed scores a little better about every second time. That is luck, not
progress, so a program is known by its syntax tree: without comments, without docstrings, and with a zero for each
number that is plainly a seed.
"""

from __future__ import annotations

import ast
import hashlib
import re

_SEED = re.compile(r"^(?!(?:n|nb|no|num|number|count|max)_)(?:.*_)?(?:seed|random_state)s?$", re.IGNORECASE)
_SEEDERS = frozenset({"seed", "manual_seed", "manual_seed_all", "default_rng", "RandomState", "set_seed", "Random"})


def fingerprint(code: str) -> str:
    """The same for programs that differ in nothing but their seeds, comments and docstrings."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _digest(code)
    if not tree.body:
        return _digest(code)
    try:
        return _digest(ast.dump(_Unseeded().visit(tree)))
    except RecursionError:
        return _digest(code)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _Unseeded(ast.NodeTransformer):
    """Takes out docstrings, and the numbers that are seeds."""

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        named = [*zip(reversed(node.args.args), reversed(node.args.defaults), strict=False)]
        named += [(arg, value) for arg, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value]
        for arg, default in named:
            if _SEED.search(arg.arg):
                _zero(default)
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        for keyword in node.keywords:
            if keyword.arg and _SEED.search(keyword.arg):
                _zero(keyword.value)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _SEEDERS and node.args:
            _zero(node.args[0])
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if any(_SEED.search(_name_of(target)) for target in node.targets):
            _zero(node.value)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None and _SEED.search(_name_of(node.target)):
            _zero(node.value)
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and _SEED.search(key.value):
                _zero(value)
        return self.generic_visit(node)

    def _without_docstring(self, node: ast.Module | ast.FunctionDef | ast.ClassDef) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        return self.generic_visit(node)


def _name_of(target: ast.expr) -> str:
    return target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""


def _zero(value: ast.expr) -> None:
    """Each number in the value, which may be a list of seeds, becomes 0; how many there are stays."""
    if any(isinstance(part, ast.Call) for part in ast.walk(value)):
        return  # as ``range(20)``, which says how many there are
    for part in ast.walk(value):
        if isinstance(part, ast.Constant) and isinstance(part.value, int) and not isinstance(part.value, bool):
            part.value = 0
