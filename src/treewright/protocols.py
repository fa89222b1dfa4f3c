"""The five things one may swap: who chooses, who writes, who runs, who scores, who remembers.

=================  ====================================  ==========================================
``SearchPolicy``   ``π(T)``: which node, which operator  ``policies/``
``Coder``          ``f(s, Σ(T))``: writes the program    ``coders/``
``Executor``       runs a program, contained             ``execution/``
``Evaluator``      ``h(s)``: scores it                   ``evaluation/``
``Store``          keeps the events                      ``store/``
=================  ====================================  ==========================================

Each comes with a contract written as tests (``tests/contracts``) that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Protocol

from treewright.events import Event
from treewright.scores import Verdict
from treewright.task import TableProfile, Task
from treewright.tree import NOTHING, Evaluation, Exchange, Node, Operator, Usage

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from treewright.events import Selected
    from treewright.tree import Action, Execution, Proposal, Tree


@dataclass(frozen=True, slots=True)
class Machine:
    """What a script will really find: ``packages`` maps the names of installed distributions to their versions.

    ``cpus`` is the number of threads that one run of a script may use; ``memory_mb`` what it may take; ``gpus`` names
    the graphics cards that it sees.
    """

    python: str
    packages: Mapping[str, str]
    cpus: int
    memory_mb: int
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What stays the same for all nodes of a run.

    ``runs`` is how many runs of a script, one after the other, a score takes (folds run side by side count once).
    ``overview`` is the data preview for a language model, empty where none is asked for. ``self_reported`` tells that
    nothing is hidden from scripts: the score is what they print of their own validation, as ``metric: <number>``.
    """

    task: Task
    table: TableProfile
    machine: Machine
    runs: int = 1
    overview: str = ""
    self_reported: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """One earlier node, as far as it matters to the next program.

    ``relation`` is ``sibling``, ``ancestor`` or ``elsewhere``. ``gain`` is positive where the node was better than
    its parent, with ``standard_error`` that of the gain, in the metric's units; both ``None`` without a parent to
    compare with, the latter also where the noise is unknown. ``reason`` says why a buggy node has no score, ``summary``
    what the review made of its run.
    """

    node: int
    relation: str
    operator: Operator
    plan: str
    notes: Mapping[str, str]
    seconds: float
    score: float | None = None
    gain: float | None = None
    standard_error: float | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    summary: str | None = None
    twin: int | None = None


class Cancelled(Exception):  # noqa: N818 -- no error: it was asked for
    """The work on a node was cut short because ``cancel`` was set: nothing came of it, it is left for a resume."""


class Overdrawn(Exception):  # noqa: N818 -- the end of a budget is no error
    """A program would take more than is left of the ``cost`` or ``tokens``: the node waits for a higher limit."""


def _forget(kept: Exchange | Event) -> None:
    del kept


@dataclass(frozen=True, slots=True)
class Brief:
    """All that a coder is told for one program: the output of the summarization operator ``Σ(T)``.

    Its size does not grow with the tree. ``parent`` is the node to start from (``None`` for a draft), ``best`` the
    best score so far. ``limit`` is the time limit of one run of the script in seconds, ``time_left`` and
    ``steps_left`` what the whole run still has (``None``: no limit). ``draft`` counts the drafts before this one.
    ``seed`` is for the coder's own choices; the same brief is always answered with the same program where the coder
    can promise that.

    For coders that ask a language model: ``exchanges`` are the answers that an earlier session has already had for
    this node, ``keep`` stores one for good before anything acts on it, ``spent`` is what the whole run has taken by
    its log. ``deadline`` is when the program must be written, by ``time.monotonic`` (``None``: no limit); once
    ``cancel`` is set, ``Cancelled`` is the answer.
    """

    setting: Setting
    node: int
    operator: Operator
    parent: Node | None
    memory: tuple[Memory, ...]
    draft: int
    best: float | None
    limit: float
    time_left: float | None
    steps_left: int | None
    seed: int
    deadline: float | None = field(default=None, compare=False)
    exchanges: tuple[Exchange, ...] = ()
    spent: Usage = NOTHING
    keep: Callable[[Exchange], None] = field(default=_forget, compare=False, repr=False)
    cancel: Flag | None = field(default=None, compare=False, repr=False)


class SearchPolicy(Protocol):
    """Chooses what to work on next."""

    def select(self, tree: Tree, rng: random.Random) -> Action:
        """An action that may be started now: never one that starts from a node in flight."""


class Coder(Protocol):
    """Writes programs; called from several worker threads at once."""

    @property
    def name(self) -> str:
        """Shown as the author of a node."""

    def write(self, brief: Brief) -> Proposal:
        """A plan and one complete program, or none with the ``reason`` in the proposal's notes: a buggy node.

        ``ProviderError`` when no program can be had any more, ``Overdrawn`` when it would cost more than there is,
        ``Cancelled`` as the brief says.
        """


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one program.

    ``workdir`` exists and belongs to the job: the executor writes ``solution.py`` and ``output.log`` there and makes
    ``working/``, which the script may write; whatever the script leaves there stays. ``input`` is what the script
    sees as ``./input``, read-only. ``seconds`` is the wall-clock limit, ``cpus`` the threads, ``memory_mb`` the
    memory it may use (``None``: no limit). ``cancel`` ends it early.
    """

    code: str
    workdir: Path
    input: Path
    seconds: float
    cpus: int = 1
    memory_mb: int | None = None
    cancel: Flag | None = None


class Executor(Protocol):
    """Runs programs; called from several threads at once."""

    def run(self, job: Job) -> Execution:
        """Run to the end, to the limit or until cancelled. A failing script is data, never an exception.

        ``ExecutorError`` if it cannot be started, which is never the script's fault.
        """


@dataclass(frozen=True, slots=True)
class Trial:
    """A program to be scored. ``rival`` is the best node's evaluation: a trial clearly behind it may end early.

    ``parent`` is the evaluation of the node that it was made from: a leap beyond it deserves a second look.

    ``plan``, ``exchanges``, ``spent``, ``deadline`` and ``keep`` are for evaluators that ask a language model, as in
    ``Brief``.
    """

    node: int
    code: str
    seconds: float
    rival: Evaluation | None = None
    parent: Evaluation | None = None
    cancel: Flag | None = None
    plan: str = ""
    exchanges: tuple[Exchange, ...] = ()
    spent: Usage = NOTHING
    deadline: float | None = None
    keep: Callable[[Exchange], None] = field(default=_forget, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Closing:
    """The terms of a run's end.

    ``spent`` tells that an earlier end has shown the selection rows already. The run has to be over in ``seconds``
    (``None``: no limit); ``allowance`` is how many of them may go into steps that an answer could do without.
    ``record`` stores what a step came to, which a resumed run finds in the tree and does not do again. Once ``cancel``
    is set, haste is made.
    """

    spent: bool = False
    seconds: float | None = None
    allowance: float = 0.0
    record: Callable[[Event], None] = field(default=_forget, compare=False, repr=False)
    cancel: Flag | None = field(default=None, compare=False, repr=False)


class Evaluator(Protocol):
    """Scores programs; ``evaluate`` is called from several worker threads at once."""

    def evaluate(self, trial: Trial) -> tuple[Execution, Evaluation]:
        """Run the program on the hidden rows' split and score it."""

    def reserve(self, tree: Tree, seconds: float) -> float:
        """How many of all the ``seconds`` of the run to keep for the final answer."""

    def select(self, tree: Tree, closing: Closing) -> Selected:
        """Choose the final answer and publish it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as stored: ``seq`` counts from 1, ``at`` is Unix time, ``elapsed`` the run's own seconds so far."""

    seq: int
    at: float
    elapsed: float
    event: Event


class Store(Protocol):
    """Keeps the events of a run, append-only, and keeps a second writer out."""

    def append(self, event: Event, *, elapsed: float) -> Entry:
        """Store one event for good; it has reached the disk when this returns. ``StoreError`` if it cannot."""

    def entries(self, after: int = 0) -> Sequence[Entry]:
        """All entries with a sequence number above ``after``, in order."""

    def attempt(self, node: int) -> int:
        """Count a session that has this node in flight; how many there were, this one included."""

    def forgive(self) -> None:
        """Forget the attempts: the session ends in order, so its nodes in flight are not to blame."""

    def lock(self) -> AbstractContextManager[None]:
        """Be the only writer. ``RunLockedError`` if another process is; a crash releases it."""

    def close(self) -> None:
        """Release the files."""
