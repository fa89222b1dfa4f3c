"""The tree search: algorithm 1 of the paper, made durable and parallel.

::

    paper                                         here
    ------------------------------------------    ------------------------------------------------------------
    T = {root}                                    replay(store.entries())   the empty tree, or the run resumed
    while budget remains:                         TreeSearch.run
        node, operator = π(T)                     ask: policy.select, recorded as Started
        s' = f(operator, node, Σ(T))              coder.write(brief),   recorded as Written
        v = h(s')                                 evaluator.evaluate,   recorded as Evaluated
        T = T + (s', v)                           record -> apply
    return argmax h                               evaluator.select,     recorded as Selected

There is one writer. Worker threads only write programs and wait for scripts; what they bring back is recorded here,
one event at a time, and an answer is on the disk before anything acts on it. So whatever kills the process, the log
is a prefix of what would have been, and ``recover`` goes on from it: programs not yet evaluated are evaluated,
programs not yet written are written again. All randomness comes from (seed, node id), so with one worker the run
that was killed and the run that was not leave the same log.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from treewright.budget import Budget, Progress, overdrawn, typical_seconds
from treewright.crew import Crew, Task
from treewright.errors import RunError, StoreError, TreewrightError, UsageError
from treewright.events import (
    Answered,
    Evaluated,
    Event,
    Extended,
    Finished,
    RunStarted,
    Started,
    Written,
    apply,
    replay,
)
from treewright.fingerprint import fingerprint
from treewright.memory import remember
from treewright.protocols import Brief, Cancelled, Closing, Overdrawn, Trial
from treewright.tree import Evaluation, Execution, Node, Proposal, Tree, storable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from treewright.metrics import Direction
    from treewright.protocols import Coder, Entry, Evaluator, Memory, SearchPolicy, Setting, Store
    from treewright.tree import Action, Exchange

SHARE_OF_REST = 0.25
"""What one node may take of the time that is left."""

LENIENCE = 1.5
"""Near the end a node may take more than that share, but at most so much longer than a typical one did."""

EXTRA_SHARE = 1 / 3
"""Of the time that the search took: what the final procedure may add where no time limit says otherwise."""

CRASHES_FORGIVEN = 1
"""A node in flight at more crashes than this is taken to have caused them."""


class TreeSearch:
    """One run of the search over one store; ``with`` locks the store and goes back to where its log ends.

    ``listeners`` are called with each event stored and the tree after it. ``opened`` is when the time budget began to
    run, on ``clock``.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        coder: Coder,
        evaluator: Evaluator,
        policy: SearchPolicy,
        store: Store,
        started: RunStarted,
        budget: Budget | None = None,
        workers: int = 1,
        memory: Callable[[Tree, Action], tuple[Memory, ...]] = remember,
        clock: Callable[[], float] = time.monotonic,
        opened: float | None = None,
    ) -> None:
        if workers < 1:
            raise UsageError(f"the number of workers must be at least 1, not {workers}")
        self.setting, self.coder, self.evaluator, self.policy, self.store = setting, coder, evaluator, policy, store
        self.started, self.workers, self.budget = started, workers, budget or Budget()
        self.tree = Tree()
        self.cancel = threading.Event()
        self.listeners: list[Callable[[Entry, Tree], None]] = []
        self._memory = memory
        self._clock = clock
        self._opened = clock() if opened is None else opened
        self._elapsed_before = 0.0
        self._progress = Progress()
        self._overdrawn: str | None = None
        self._first: dict[str, int] = {}  # by fingerprint
        self._crew = Crew(workers, record=self.record, land=self._land, interrupt=self.interrupt)
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as closing:
            closing.enter_context(self.store.lock())
            self._go_back()
            self._closing = closing.pop_all()
        return self

    def _go_back(self) -> None:
        """To where the log ends."""
        entries = self.store.entries()
        self._elapsed_before = entries[-1].elapsed if entries else 0.0
        for entry in entries:
            self.tree = replay([entry.event], self.tree)
            self._follow(entry.event)
        if not entries:
            self.record(self.started)
        elif isinstance(first := entries[0].event, RunStarted) and _scored(first) != _scored(self.started):
            raise RunError(
                f"this run is scored by {first.metric}, but its task now says {self.started.metric}; "
                "put its description and task.toml back, or start a new run"
            )

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    # -- Algorithm 1 ---------------------------------------------------------------------------------------------

    def run(self) -> str:
        """Search until the budget is spent, choose the final answer, and say why it stopped.

        ``steps``, ``time``, ``patience``, ``cost`` or ``tokens``, whichever ran out, or ``interrupted``. After an
        interruption, and after an exception, the run can be resumed: what was in flight is done again.
        """
        if self._progress.finished and self.stop_reason():
            return self._progress.finished
        try:
            stopped_by = self._explore()
        except KeyboardInterrupt:
            self.store.forgive()  # no node is to blame for what its user wished
            raise
        if stopped_by != "interrupted" and not self._progress.selected:
            chosen = self.evaluator.select(self.tree, self._closing_terms())
            if self.cancel.is_set():
                stopped_by = "interrupted"
            else:
                self.record(chosen)
        if stopped_by == "interrupted":
            self.store.forgive()
            return stopped_by
        self.record(Finished(stopped_by))
        return stopped_by

    def _closing_terms(self) -> Closing:
        left = self.time_left()
        return Closing(
            spent=self._progress.spent,
            seconds=left,
            allowance=EXTRA_SHARE * self.elapsed if left is None else left,
            record=self.record,
            cancel=self.cancel,
        )

    def _explore(self) -> str:
        self._overdrawn = None
        self._work(self._recover(), lambda: None if self.stop_reason() else partial(self._write, self.ask()))
        return self.stop_reason() or "interrupted"

    def _work(self, tasks: Iterable[Task], more: Callable[[], Task | None] = lambda: None) -> None:
        try:
            self._crew.work(tasks, more)
        except StoreError:
            raise
        except TreewrightError:
            self.store.forgive()  # the nodes in flight are not what failed
            raise

    def ask(self) -> Brief:
        """Let the policy choose, and start the node: the brief for whoever writes the program."""
        if self._progress.selected:
            self.record(Extended(asdict(self.budget)))
        node = len(self.tree) + 1
        self.record(Started(node, self.policy.select(self.tree, self._random("policy", node))))
        return self.brief(node)

    def tell(self, brief: Brief, code: str, plan: str = "") -> Node:
        """Score a program written for this brief elsewhere; the finished node."""
        self._land(_written(brief.node, Proposal(plan, code, "told")))
        self._work([partial(self._evaluate, brief.node)])
        return self.tree[brief.node]

    def record(self, event: Event) -> None:
        """Make an event part of the run: to the disk, to the tree, to whoever listens, in this order."""
        tree = apply(self.tree, event)  # what cannot follow must not reach the log: nobody could replay it
        entry = self.store.append(event, elapsed=self.elapsed)
        self.tree = tree
        self._follow(event)
        for listener in self.listeners:
            listener(entry, self.tree)

    def _follow(self, event: Event) -> None:
        """Keep what else follows from the log."""
        self._progress = self._progress.after(event, self.tree)
        if isinstance(event, Written) and event.fingerprint:
            self._first.setdefault(event.fingerprint, event.node)

    def interrupt(self) -> None:
        """Stop as soon as possible, from any thread or signal handler; what is in flight is left for a resume."""
        self.cancel.set()

    # -- a worker's two halves of a step, and what follows them ---------------------------------------------------

    def _write(self, brief: Brief) -> Event | None:
        try:
            return _written(brief.node, self.coder.write(brief))
        except Cancelled:
            return None
        except Overdrawn as overdrawn:
            self._overdrawn = str(overdrawn)
            return None

    def _evaluate(self, node: int) -> Event | None:
        found, best = self.tree[node], self.best
        proposal = found.proposal
        assert proposal is not None
        if not proposal.code.strip():
            reason = proposal.notes.get("reason", "the coder wrote no program")
            return Evaluated(node, Execution(0.0), Evaluation(reason=reason))
        trial = Trial(
            node=node,
            code=proposal.code,
            seconds=self._limit(),
            rival=best.evaluation if best else None,
            parent=self.tree[found.parent].evaluation if found.parent is not None else None,
            cancel=self.cancel,
            plan=proposal.plan,
            exchanges=found.exchanges,
            spent=self.tree.usage,
            deadline=self._deadline(),
            keep=partial(self._keep, node),
        )
        try:
            return Evaluated(node, *self.evaluator.evaluate(trial))
        except Cancelled:
            return None

    def _keep(self, node: int, exchange: Exchange) -> None:
        self._crew.post(Answered(node, exchange))

    def _land(self, event: Event | None) -> Task | None:
        """Record what a worker brought, and say what is to be done next about the same node."""
        if event is None:
            return None  # it was cut short by us: the node stays in flight
        if self.cancel.is_set() and isinstance(event, Evaluated) and event.evaluation.score is None:
            return None  # the script was cut short by us: it stays in flight
        if isinstance(event, Written):
            event = replace(event, twin=self._first.get(event.fingerprint))
        self.record(event)
        if isinstance(event, Written) and not self.cancel.is_set():
            return partial(self._evaluate, event.node)
        return None

    def _recover(self) -> list[Task]:
        """The halves of steps that an earlier session left undone."""
        tasks: list[Task] = []
        for node in self.tree.in_flight:
            earlier = self.store.attempt(node) - 1
            if earlier > CRASHES_FORGIVEN:
                reason = f"was in flight when treewright itself died, {earlier} times"
                self.record(Evaluated(node, Execution(0.0), Evaluation(reason=reason)))
            elif self.tree[node].proposal is None:
                tasks.append(partial(self._write, self.brief(node)))
            else:
                tasks.append(partial(self._evaluate, node))
        return tasks

    # -- what the coder is told, and what is left of the budget -------------------------------------------------

    def brief(self, node: int) -> Brief:
        """All that a coder is told about this node in flight."""
        found, best = self.tree[node], self.best
        action = found.action
        return Brief(
            setting=self.setting,
            node=node,
            operator=action.operator,
            parent=self.tree[action.parent] if action.parent is not None else None,
            memory=self._memory(self.tree, action),
            draft=sum(1 for draft in self.tree.drafts if draft < node),
            best=best.score if best else None,
            limit=self._limit(),
            time_left=self.time_left(),
            steps_left=None if self.budget.steps is None else self.budget.steps - len(self.tree),
            seed=self._random("coder", node).getrandbits(32),
            deadline=self._deadline(),
            exchanges=found.exchanges,
            spent=self.tree.usage,
            keep=partial(self._keep, node),
            cancel=self.cancel,
        )

    @property
    def best(self) -> Node | None:
        """The best node so far."""
        return self.tree[self.tree.best] if self.tree.best is not None else None

    @property
    def elapsed(self) -> float:
        """Seconds the run has taken: earlier sessions included, the time between them not."""
        return self._elapsed_before + self._clock() - self._opened

    def time_left(self) -> float | None:
        """Seconds until the run has to be over, its final steps included; ``None`` without a limit."""
        return None if self.budget.seconds is None else max(0.0, self.budget.seconds - self.elapsed)

    def stop_reason(self) -> str | None:
        """Why no further node should be started; ``None`` if one may."""
        if self.cancel.is_set():
            return "interrupted"
        if self.budget.steps is not None and len(self.tree) >= self.budget.steps:
            return "steps"
        left = self._search_time_left()
        if left is not None and left <= typical_seconds(self.tree):
            return "time"
        if self.budget.patience is not None and self._progress.since_best >= self.budget.patience:
            return "patience"
        return self._overdrawn or overdrawn(self.tree, self.budget)

    def _search_time_left(self) -> float | None:
        whole, left = self.budget.seconds, self.time_left()
        return None if whole is None or left is None else left - self.evaluator.reserve(self.tree, whole)

    def _deadline(self) -> float | None:
        """When the time for searching is over, by ``time.monotonic``."""
        left = self._search_time_left()
        return None if left is None else time.monotonic() + left

    def _limit(self) -> float:
        """Seconds one run of a script may take."""
        left, search_left = self.time_left(), self._search_time_left()
        if left is None or search_left is None:
            return self.budget.script_seconds
        share = min(max(SHARE_OF_REST * left, LENIENCE * typical_seconds(self.tree)), search_left) / self.setting.runs
        return max(1.0, min(self.budget.script_seconds, share))

    def _random(self, purpose: str, node: int) -> random.Random:
        return random.Random(f"{self.started.seed} {purpose} {node}")  # noqa: S311 -- a search needs no secrets


def _scored(started: RunStarted) -> tuple[str, Direction]:
    return started.metric, started.direction


def _written(node: int, proposal: Proposal) -> Written:
    """The event that the coder wrote this; what is no text in it, as lone surrogates, is replaced."""
    if not isinstance(proposal, Proposal):
        raise TypeError(f"the coder wrote a {type(proposal).__name__} in place of a Proposal")
    notes = {storable(key): storable(value) for key, value in proposal.notes.items()}
    code = storable(proposal.code)
    whole = replace(proposal, plan=storable(proposal.plan), code=code, notes=notes)
    return Written(node, whole, fingerprint(code) if code.strip() else "")
