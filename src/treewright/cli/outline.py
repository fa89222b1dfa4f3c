"""Where each node stands when a tree, or a part of one, is drawn as lines of text."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from treewright.tree import Tree

FARTHEST = 64
"""How far up a drawn ancestor is looked for, so that the cost of a line does not grow with the tree."""


def outline(tree: Tree, nodes: Collection[int], deepest: int) -> Iterator[tuple[str, int]]:
    """The guide to the left of each node, and the node, from top to bottom.

    What is deeper than ``deepest`` is drawn at that level, so that long chains of improvements stay readable.
    """
    parents: dict[int, int | None] = {}
    depths: dict[int | None, int] = {None: -1}
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for node in sorted(nodes):
        parent = _drawn_ancestor(tree, node, parents)
        if depths[parent] >= deepest and parent is not None:
            parent = parents[parent]
        parents[node], depths[node] = parent, depths[parent] + 1
        children[parent].append(node)

    def walk(parent: int | None, indent: str) -> Iterator[tuple[str, int]]:
        for child in children[parent]:
            last = child == children[parent][-1]
            stroke = "─" if tree[child].parent == parent else "┄"
            if parent is None:
                yield ("" if stroke == "─" else stroke, child)
                yield from walk(child, "")
            else:
                yield (f"{indent}{'└' if last else '├'}{stroke}", child)
                yield from walk(child, indent + ("  " if last else "│ "))

    yield from walk(None, "")


def _drawn_ancestor(tree: Tree, node: int, drawn: Collection[int]) -> int | None:
    ancestor = tree[node].parent
    for _ in range(FARTHEST):
        if ancestor is None or ancestor in drawn:
            return ancestor
        ancestor = tree[ancestor].parent
    return None
