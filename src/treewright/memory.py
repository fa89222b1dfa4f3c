"""The summarization operator ``Σ(T)``: what the coder gets to know of the tree.

The whole tree would drown a coder and grow without end, so memory is *scoped* (AIRA, arXiv 2507.02554): a draft sees
the other drafts, an improvement sees what was already tried on the same parent, a repair sees the chain of attempts
that led to the failure. Beyond that an improvement sees the latest changes elsewhere, for what helped one program
often helps another. Each list has a fixed length, so a brief at node 5,000 is no longer than at node 50.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from treewright.protocols import Memory
from treewright.scores import compare
from treewright.tree import Operator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from treewright.tree import Action, Node, Tree

SIBLINGS = 64
ANCESTORS = 8
ELSEWHERE = 32


def remember(tree: Tree, action: Action) -> tuple[Memory, ...]:
    """The memories for this action: siblings first, then ancestors, then changes elsewhere; the newest of each."""
    if action.parent is None:
        return _memories(tree, "sibling", (tree[i] for i in tree.drafts[-SIBLINGS:]))
    ancestors = [node for node, _ in zip(tree.ancestors(action.parent), range(ANCESTORS), strict=False)]
    if action.operator is Operator.DEBUG:
        return _memories(tree, "ancestor", ancestors)
    siblings = [tree[i] for i in tree[action.parent].children[-SIBLINGS:]]
    near = {action.parent, *(node.id for node in ancestors), *(node.id for node in siblings)}
    elsewhere = [node for node in tree.nodes[-ELSEWHERE:] if node.id not in near]
    return (
        *_memories(tree, "sibling", siblings),
        *_memories(tree, "ancestor", ancestors),
        *_memories(tree, "elsewhere", elsewhere),
    )


def remember_valid(tree: Tree, action: Action) -> tuple[Memory, ...]:
    """The paper's own memory: every valid node, for draft and improve; nothing for debug. The newest ``SIBLINGS``."""
    if action.operator is Operator.DEBUG:
        return ()
    valid = (node for node in reversed(tree.nodes) if node.valid)
    return _memories(tree, "elsewhere", reversed(list(islice(valid, SIBLINGS))))


def _memories(tree: Tree, relation: str, nodes: Iterable[Node]) -> tuple[Memory, ...]:
    return tuple(_memory(tree, relation, node) for node in nodes if node.proposal is not None)


def _memory(tree: Tree, relation: str, node: Node) -> Memory:
    assert node.proposal is not None
    parent = tree[node.parent] if node.parent is not None else None
    comparison = None
    if node.evaluation and node.valid and parent and parent.evaluation and parent.valid:
        comparison = compare(node.evaluation.folds, parent.evaluation.folds, tree.direction)
    return Memory(
        node=node.id,
        relation=relation,
        operator=node.action.operator,
        plan=node.proposal.plan,
        notes=node.proposal.notes,
        seconds=node.execution.seconds if node.execution else 0.0,
        score=node.score,
        gain=comparison.gain if comparison else None,
        standard_error=comparison.standard_error if comparison else None,
        verdict=comparison.verdict if comparison else None,
        reason=node.evaluation.reason if node.evaluation else "still in flight",
        summary=node.evaluation.review.summary if node.evaluation and node.evaluation.review else None,
        twin=node.twin,
    )
