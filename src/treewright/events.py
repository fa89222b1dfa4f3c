"""What happened, in order; the tree is a fold over it.

``apply(tree, event)`` is the only way a tree changes and ``replay(events)`` is all that resuming needs. Events are
written once and never changed; whatever else one wants to know about a run (cost, time, what a worker does now) is
another fold over the same list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from treewright.errors import RunFormatError
from treewright.metrics import Direction
from treewright.tree import (
    Action,
    Confirmation,
    Evaluation,
    Exchange,
    Execution,
    Node,
    Operator,
    Proposal,
    Refit,
    Tree,
    ranked,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 1
"""Of the events' format. A reader refuses what is newer; what is older stays readable."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run exists. ``config`` is all that was asked for; ``direction`` is the metric's."""

    run: str
    seed: int
    metric: str
    direction: Direction
    config: Mapping[str, object]
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Started:
    """The policy chose; the node is in flight. Ids follow each other without gaps."""

    node: int
    action: Action


@dataclass(frozen=True, slots=True)
class Answered:
    """A language model answered a request for this node; recorded before anything acts on the answer."""

    node: int
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Written:
    """The coder wrote the program.

    ``fingerprint`` is that of the program; ``twin`` the first node with the same one, if there is one before.
    """

    node: int
    proposal: Proposal
    fingerprint: str = ""
    twin: int | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The program ran and has a score, or a reason why it has none."""

    node: int
    execution: Execution
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A node was run on a further split, for the final choice."""

    node: int
    confirmation: Confirmation


@dataclass(frozen=True, slots=True)
class Refitted:
    """A node was run on all labelled rows, for the final answer."""

    node: int
    refit: Refit


@dataclass(frozen=True, slots=True)
class Member:
    """A node's share in the final answer."""

    node: int
    weight: float


@dataclass(frozen=True, slots=True)
class Selected:
    """The final answer: one node, or an ensemble of several.

    ``selection_scores`` are the scores of the candidates on the rows kept for this choice; ``reported`` is the
    cross-fitted score of the choice itself with its standard error. ``spent`` tells that an earlier end of this run
    has already looked at those rows. ``refitted`` are the members that were run again on all labelled rows;
    ``remarks`` tell what was dropped on the way and why. ``factors``, one a class, multiply the blended probabilities
    of the classes before the likeliest is taken (empty: labels are not made that way).
    """

    members: tuple[Member, ...]
    selection_scores: Mapping[int, float]
    reported: float | None
    reported_se: float | None
    spent: bool = False
    refitted: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()
    factors: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The run ended by itself. ``stopped_by`` is ``steps``, ``time``, ``patience``, ``cost`` or ``tokens``."""

    stopped_by: str


@dataclass(frozen=True, slots=True)
class Extended:
    """A run goes on after its final answer; ``config`` is the budget that it has now."""

    config: Mapping[str, object]


Event = RunStarted | Started | Answered | Written | Evaluated | Confirmed | Refitted | Selected | Finished | Extended


def apply(tree: Tree, event: Event) -> Tree:
    """The tree after the event. ``ValueError`` for one that cannot follow (an id out of turn, say)."""
    match event:
        case RunStarted():
            return Tree(direction=event.direction)
        case Started():
            return _start(tree, event)
        case Answered():
            return _answer(tree, event)
        case Written() | Confirmed() | Refitted():
            return _with(tree, _changed(tree, event))
        case Evaluated():
            return _evaluate(tree, event)
        case Selected() | Finished() | Extended():
            return tree


def replay(events: Iterable[Event], tree: Tree | None = None) -> Tree:
    """The tree that these events lead to, from ``tree`` or from nothing.

    ``RunFormatError`` if they cannot have happened in this order.
    """
    try:
        return reduce(apply, events, Tree() if tree is None else tree)
    except (ValueError, LookupError) as error:
        raise RunFormatError(f"the run's log is damaged, events are missing or out of order: {error}") from None


def _start(tree: Tree, event: Started) -> Tree:
    if event.node != len(tree) + 1:
        raise ValueError(f"node {event.node} started out of turn: the next id is {len(tree) + 1}")
    action, depth = event.action, 0
    if action.parent is not None:
        parent = tree[action.parent]
        if parent.in_flight:
            raise ValueError(f"node {event.node} starts from node {parent.id}, which is still in flight")
        if action.operator is Operator.DEBUG:
            depth = parent.debug_depth + 1
        tree = _with(tree, replace(parent, children=(*parent.children, event.node)))
    return replace(
        tree,
        nodes=(*tree.nodes, Node(event.node, action, depth)),
        in_flight=(*tree.in_flight, event.node),
        drafts=tree.drafts if action.operator is not Operator.DRAFT else (*tree.drafts, event.node),
        buggy_leaves=tuple(leaf for leaf in tree.buggy_leaves if leaf != action.parent),
    )


def _answer(tree: Tree, event: Answered) -> Tree:
    node, exchange = _flying(tree, event.node), event.exchange
    if exchange.number != len(node.exchanges) + 1:
        raise ValueError(f"answer {exchange.number} for node {node.id} is out of turn")
    node = replace(node, exchanges=(*node.exchanges, exchange), usage=node.usage + exchange.usage)
    return replace(_with(tree, node), usage=tree.usage + exchange.usage)


def _evaluate(tree: Tree, event: Evaluated) -> Tree:
    flying = _flying(tree, event.node)
    node = replace(flying, execution=event.execution, evaluation=event.evaluation, exchanges=())
    ranking, best = ranked(tree, node)
    return replace(
        _with(tree, node),
        in_flight=tuple(other for other in tree.in_flight if other != node.id),
        buggy_leaves=(*tree.buggy_leaves, node.id) if node.buggy else tree.buggy_leaves,
        ranking=ranking,
        best=best,
    )


def _flying(tree: Tree, node: int) -> Node:
    found = tree[node]
    if not found.in_flight:
        raise ValueError(f"node {node} has already been evaluated")
    return found


def _changed(tree: Tree, event: Written | Confirmed | Refitted) -> Node:
    if isinstance(event, Written):
        return replace(_flying(tree, event.node), proposal=event.proposal, twin=event.twin)
    node = _evaluated(tree, event.node)
    if isinstance(event, Refitted):
        return replace(node, refit=event.refit)
    return replace(node, confirmations=(*node.confirmations, event.confirmation))


def _evaluated(tree: Tree, node: int) -> Node:
    found = tree[node]
    if found.in_flight:
        raise ValueError(f"node {node} is still in flight")
    return found


def _with(tree: Tree, node: Node) -> Tree:
    position = node.id - 1
    return replace(tree, nodes=(*tree.nodes[:position], node, *tree.nodes[position + 1 :]))
