"""The solution tree: every program tried, each a node, each edge a change.

All of it is frozen. A tree is never edited: ``events.apply`` makes the next one, and everything else asks it
questions. What would grow with the tree on every step (the ranking, the drafts, the buggy leaves) is kept
up to date by ``apply`` instead of being searched for, so that the thousandth step costs what the tenth did.

The paper's root is the empty program. It has no ``Node``: a draft's parent is ``None``. Ids count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from treewright.metrics import Direction
from treewright.scores import FoldScore, Verdict, compare, mean_score, mean_standard_error

if TYPE_CHECKING:
    from collections.abc import Iterator


class Operator(StrEnum):
    """The coding operators of the paper (section 3.2)."""

    DRAFT = "draft"
    DEBUG = "debug"
    IMPROVE = "improve"


@dataclass(frozen=True, slots=True)
class Action:
    """What to work on next: an operator and the node it starts from (``None`` for a draft)."""

    operator: Operator
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a coder wrote: a plan in a sentence or two, and one complete program.

    ``notes`` belongs to the coder: it gets them back when it works on this node again (the recipe coder keeps its
    recipe here). Values are text.
    """

    plan: str
    code: str
    coder: str
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Execution:
    """What happened when the program ran.

    ``seconds`` is wall time. ``output`` is the head and tail of what it printed, at most ``OUTPUT_CHARS``
    characters; all of it (up to the file's cap) is in the node's ``output.log``. ``failure`` says in plain words why
    the process did not end well, ``None`` if it did. ``exception`` is the last line of a traceback, if there is one.
    """

    seconds: float
    exit_code: int | None = None
    failure: str | None = None
    exception: str | None = None
    output: str = ""


OUTPUT_CHARS = 4_000


def storable(text: str) -> str:
    """The text with what is no text in it, as lone surrogates, which models do write, replaced."""
    return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a language model; ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What requests to language models took.

    Tokens as the provider counts them, ``cost_usd`` ``None`` as soon as one price is unknown, ``seconds`` of waiting.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        cost = None if self.cost_usd is None or other.cost_usd is None else self.cost_usd + other.cost_usd
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            cost,
            self.seconds + other.seconds,
        )


NOTHING = Usage()


UNANSWERED = "none"
"""How an exchange finished in which no answer came."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to a language model and what it answered.

    ``number`` counts the requests for one node from 1. ``purpose`` is the operator (``draft``, ``debug``, ``improve``,
    ``review``) or what had to be asked again (``continue``, ``again``, ``mend``). ``model`` is ``provider:name``.
    ``request`` is the whole conversation sent. ``answer`` is the text, or the JSON of a structured answer; ``finish``
    is ``stop``, ``length`` for one that was cut off, ``UNANSWERED`` where none came, or what else the provider said.
    ``trouble`` tells of the attempts that failed before.
    """

    number: int
    purpose: str
    model: str
    request: tuple[Message, ...]
    answer: str
    usage: Usage
    finish: str = "stop"
    trouble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """What a language model made of a run: whether it is sound, and in a sentence or two what came of it.

    Under *holdout* the harness's own score decides and this is a remark; under *printed* ``value`` is the score, which
    has been found in the output.
    """

    is_bug: bool
    summary: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The score of a node, fold by fold, or the reason why it has none.

    Only *search* rows count here. The selection rows are scored once, at the end of the run, so that nothing before
    can look at them. ``self_reported`` marks a score that the script printed for itself (*printed*): one fold, without
    replicates. ``complete`` is false for a node that was clearly behind on its first folds and was not run on
    the others: it is valid, but it cannot become the best. ``remark`` keeps what is worth telling but decides nothing
    (a score that the script printed for itself), ``review`` what a language model made of the run.
    """

    folds: tuple[FoldScore, ...] = ()
    complete: bool = True
    reason: str | None = None
    remark: str | None = None
    review: Review | None = None
    self_reported: bool = False

    @property
    def score(self) -> float | None:
        """The mean over the folds, in the metric's own units; ``None`` without a valid score."""
        return mean_score(self.folds) if self.folds and self.reason is None else None

    @property
    def score_se(self) -> float | None:
        """The bootstrap standard error of ``score`` over rows; ``None`` where it is unknown."""
        return mean_standard_error(self.folds) if self.folds and self.reason is None else None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What became of a node on a further split, one that the search has not used.

    ``split`` counts the further splits from 1; ``score`` is ``None`` where the run failed, for the ``reason`` given.
    """

    split: int
    seconds: float
    score: FoldScore | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Refit:
    """A run on all labelled rows; with a ``reason`` its predictions are not used."""

    seconds: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One program of the tree. ``proposal``, ``execution`` and ``evaluation`` arrive one after the other.

    ``debug_depth`` counts the debug steps in a row that led here (0 for drafts and improvements). ``exchanges`` are the
    requests to language models so far, kept only while the node is in flight (the log has them all); ``usage`` is
    their sum. ``twin`` is an earlier node with the same program but for its seeds: a node that has one counts for
    nothing. ``confirmations`` and ``refit`` belong to the final procedure.
    """

    id: int
    action: Action
    debug_depth: int = 0
    children: tuple[int, ...] = ()
    proposal: Proposal | None = None
    execution: Execution | None = None
    evaluation: Evaluation | None = None
    exchanges: tuple[Exchange, ...] = ()
    usage: Usage = NOTHING
    twin: int | None = None
    confirmations: tuple[Confirmation, ...] = ()
    refit: Refit | None = None

    @property
    def parent(self) -> int | None:
        """The node this one was made from; ``None`` for a draft."""
        return self.action.parent

    @property
    def score(self) -> float | None:
        """The search score; ``None`` while in flight and for buggy nodes."""
        return self.evaluation.score if self.evaluation else None

    @property
    def confirmed_score(self) -> float | None:
        """The mean score on further splits, which nothing has steered by; ``None`` if it ran on none."""
        scores = [confirmation.score for confirmation in self.confirmations if confirmation.score]
        return mean_score(scores) if scores else None

    @property
    def in_flight(self) -> bool:
        """Started, and not evaluated yet."""
        return self.evaluation is None

    @property
    def buggy(self) -> bool:
        """Evaluated without a valid score."""
        return self.evaluation is not None and self.evaluation.score is None

    @property
    def valid(self) -> bool:
        """Evaluated with a valid score."""
        return self.score is not None

    @property
    def self_reported(self) -> bool:
        """Whether its score is what the script printed of itself."""
        return self.evaluation is not None and self.evaluation.self_reported


@dataclass(frozen=True, slots=True)
class Tree:
    """The solution tree ``T``.

    ========================  =====================================================================================
    ``direction``             which way scores get better; set by the task
    ``nodes``                 all nodes, the one with id ``i`` at position ``i - 1``
    ``in_flight``             ids of nodes started and not yet evaluated, oldest first
    ``drafts``                ids of the drafts, the children of the empty root; those in flight included
    ``buggy_leaves``          ids of buggy nodes that nothing has been made from yet, oldest first
    ``ranking``               ids of the best complete nodes without a twin, best score first, at most ``RANKED``
    ``best``                  id of the best node: the simplest of those within one standard error of the best score
    ``usage``                 of language models, all nodes together
    ========================  =====================================================================================
    """

    direction: Direction = Direction.MAXIMIZE
    nodes: tuple[Node, ...] = ()
    in_flight: tuple[int, ...] = ()
    drafts: tuple[int, ...] = ()
    buggy_leaves: tuple[int, ...] = ()
    ranking: tuple[int, ...] = ()
    best: int | None = None
    usage: Usage = NOTHING

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, node: int) -> Node:
        """The node with this id; ``KeyError`` if there is none."""
        if not 1 <= node <= len(self.nodes):
            raise KeyError(node)
        return self.nodes[node - 1]

    def evaluated(self) -> Iterator[Node]:
        """The nodes that are not in flight, oldest first."""
        return (node for node in self.nodes if not node.in_flight)

    def ancestors(self, node: int) -> Iterator[Node]:
        """The chain from the parent of ``node`` up to its draft."""
        parent = self[node].parent
        while parent is not None:
            yield self[parent]
            parent = self[parent].parent

    def verdict(self, node: int) -> Verdict | None:
        """The node against its parent: better, worse or within noise; ``None`` where there is nothing to say."""
        child = self[node]
        if child.parent is None or child.evaluation is None:
            return None
        parent = self[child.parent].evaluation
        if parent is None or parent.score is None or child.evaluation.score is None:
            return None
        return compare(child.evaluation.folds, parent.folds, self.direction).verdict


RANKED = 16


def ranked(tree: Tree, candidate: Node) -> tuple[tuple[int, ...], int | None]:
    """The ranking and the best node of ``tree`` once ``candidate`` has been evaluated."""
    if not candidate.valid or candidate.evaluation is None or not candidate.evaluation.complete:
        return tree.ranking, tree.best
    first = candidate.twin or candidate.id
    twins = [tree[i] for i in {first, *tree.ranking} if i != candidate.id]
    if any(node.valid and (node.twin or node.id) == first for node in twins):
        return tree.ranking, tree.best  # luck with a seed is no progress
    sign = tree.direction.sign

    def quality(node: int) -> tuple[float, int]:
        score = candidate.score if node == candidate.id else tree[node].score
        assert score is not None
        return (-sign * score, node)

    ranking = tuple(sorted((*tree.ranking, candidate.id), key=quality)[:RANKED])

    def get(node: int) -> Node:
        return candidate if node == candidate.id else tree[node]

    leader = get(ranking[0])
    tied = [get(i) for i in ranking if i == leader.id or within_one_standard_error(get(i), leader, tree.direction)]
    return ranking, min(tied, key=simplicity).id


def within_one_standard_error(node: Node, leader: Node, direction: Direction) -> bool:
    """Whether the paired difference of two valid nodes is under one standard error of that difference."""
    assert node.evaluation is not None and leader.evaluation is not None
    return compare(node.evaluation.folds, leader.evaluation.folds, direction).tied


def simplicity(node: Node) -> tuple[int, int]:
    """Sorts the simpler program first: fewer lines of code, then the older node.

    Seconds would break the promise that one worker repeats a run for a seed, so they are left to the final choice.
    """
    code = node.proposal.code if node.proposal else ""
    return (sum(1 for line in code.splitlines() if line.strip()), node.id)
