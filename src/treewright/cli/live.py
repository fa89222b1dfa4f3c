"""What a person sees while a search runs: a calm picture in a terminal, plain lines anywhere else.

Both views are called with each stored event and the tree it led to. The live view only remembers; a timer of its own
draws ``FRAMES_PER_SECOND`` times a second, and no more nodes than the window has lines, so neither an event nor a frame
gets dearer as the tree grows. From top to bottom::

    Treewright with the recipe coder                                         the header's title
    bike-sharing · blocks of time, 5 folds

    1 draft  LightGBM on log counts                   0.4310 ± 0.0041        the tree: best and latest branches
    ├─4 improve  Target encoding of the hour        ★ 0.4123 ± 0.0039  ▲ better
    └┄9 improve  Lags of 24 hours                     ⠋ running 0:12
    … 14 more nodes

    ⠋ 0:12  running   9  improve of 8  Lags of 24 hours, and of a week       what each worker does
    ⠋ 0:01  writing  10  improve of 4

    ━━━━━━━━━━━━━━━━━━━━━━━  8 of 40 steps · 0:50 of 2:30 · 1:40 left
    best rmsle 0.4123 ± 0.0039 (node 4)  █▇▃▁▁▁  6 valid, 2 buggy
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from treewright.cli.render import Row, clock_text, duration_text, plain, row_of, score_text, sparkline, tree_lines
from treewright.cli.spending import short_shares, short_usage
from treewright.cli.watch import Header, Watch
from treewright.events import (
    Answered,
    Confirmed,
    Evaluated,
    Extended,
    Finished,
    Refitted,
    RunStarted,
    Selected,
    Started,
    Written,
)
from treewright.scores import Verdict, mean_standard_error
from treewright.tree import UNANSWERED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from treewright.events import Event
    from treewright.protocols import Entry
    from treewright.tree import Node, Tree

FRAMES_PER_SECOND = 4
SPINNER = Spinner("dots").frames
WIDEST = 110
"""Columns of the tree: farther apart, plans and scores are hard to read together."""


class View(Protocol):
    """Shows a run: entered before the first event, called with each one, left after the last."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def __call__(self, entry: Entry, tree: Tree) -> None:
        """Show what has just happened, and the tree it led to."""

    def notice(self, node: int, text: str) -> None:
        """Show what a node waits for; called from any thread."""


def open_view(header: Header, console: Console | None = None) -> View:
    """The live view where stderr is a terminal that can show it, else plain lines."""
    console = console or _Terminal(stderr=True, highlight=False)
    drawable = console.file.isatty() and not console.is_dumb_terminal and console.encoding.startswith("utf")
    return LiveView(header, console) if drawable else PlainView(header, console)


class _Terminal(Console):
    """A terminal that may go away: the search then goes on unseen."""

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True


class LiveView:
    """Draws the run in place; what it drew last stays."""

    def __init__(self, header: Header, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._watch = Watch(header, clock)
        self._lock = threading.Lock()
        self._rows: dict[int, Row] = {}
        self._over = False
        self._live = Live(
            get_renderable=self.frame,
            console=console,
            refresh_per_second=FRAMES_PER_SECOND,
            redirect_stdout=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._live.stop()

    def __call__(self, entry: Entry, tree: Tree) -> None:
        """Remember the event; the next frame shows it."""
        with self._lock:
            self._watch.see(entry, tree)

    def notice(self, node: int, text: str) -> None:
        """Remember it for the node's line, until something happens to the node."""
        with self._lock:
            self._watch.notices[node] = text

    def frame(self) -> Group:
        """The picture for the terminal's present size."""
        width, height = self._console.size
        with self._lock:
            head, workers, foot = self._head(width), self._workers(height), self._foot(width)
            room = height - 2 - sum(len(part) + 1 for part in (head, workers, foot) if part)
            nodes = self._nodes(width, max(3, room))
        parts = [part for part in (head, nodes, workers, foot) if part]
        lines: list[RenderableType] = [line for part in parts for line in (Text(), *part)]
        return Group(*lines[1 - height :])

    def _head(self, width: int) -> list[RenderableType]:
        title = [Text(plain(line), "dim" if place else "bold") for place, line in enumerate(self._watch.header.title)]
        return [line for text in title for line in text.wrap(self._console, width - 1)]

    def _nodes(self, width: int, room: int) -> list[RenderableType]:
        tree = self._watch.tree
        nodes = worth_showing(tree, room)
        lines: list[RenderableType] = list(tree_lines(tree, min(width - 1, WIDEST), nodes, self._row))
        self._rows = {node: row for node, row in self._rows.items() if node in nodes}
        hidden = len(tree) - len(nodes)
        return [*lines, Text(f"… {hidden} more nodes", "dim")] if hidden else lines

    def _row(self, node: int) -> Row:
        if node in self._rows:
            return self._rows[node]
        row = row_of(self._watch.tree, node)
        if row.in_flight:
            remark = Text("unfinished", "dim") if self._over else self._spinning(row.remark.plain, node)
            return replace(row, remark=remark)
        self._rows[node] = row
        return row

    def _spinning(self, what: str, node: int) -> Text:
        return Text(f"{self._spinner} {what} {clock_text(self._watch.busy(node))}", "cyan")

    @property
    def _spinner(self) -> str:
        return SPINNER[int(self._watch.clock() * FRAMES_PER_SECOND) % len(SPINNER)]

    def _workers(self, height: int) -> list[RenderableType]:
        watch = self._watch
        if self._over:
            return []
        if not watch.tree.in_flight and watch.quiet > 1:
            doing = "choosing the final answer" if len(watch.tree) else "starting"
            return [Text(f"{self._spinner} {clock_text(watch.quiet)}  {doing}", "cyan")]
        shown = max(2, height // 6)
        lines = [self._worker(node) for node in watch.slots[:shown]]
        hidden = len(watch.slots) - shown
        return [*lines, Text(f"… {hidden} more workers", "dim")] if hidden > 0 else [*lines]

    def _worker(self, slot: int | None) -> Text:
        if slot is None:
            return Text("  idle", "dim")
        node = self._watch.tree[slot]
        doing = "running" if node.proposal else "writing"
        source = "" if node.parent is None else f" of {node.parent}"
        line = Text(f"{self._spinner} {clock_text(self._watch.busy(slot)):>5}  {doing}  ", "cyan")
        line.append(f"{slot} {node.action.operator}{source}  ", "default")
        if slot in self._watch.notices:
            line.append(plain(self._watch.notices[slot]), "yellow")
        else:
            line.append(plain(node.proposal.plan) if node.proposal else "", "dim")
        return _one_line(line)

    def _foot(self, width: int) -> list[RenderableType]:
        watch = self._watch
        budget = " · ".join(_budget_words(watch))
        spent = watch.spent
        if spent is None:
            lines: list[RenderableType] = [Text(budget)]
        else:
            bar = Table.grid(padding=(0, 2))
            room = max(10, min(40, width - len(budget) - 3))
            bar.add_row(ProgressBar(1, spent, width=room, complete_style="cyan", finished_style="cyan"), budget)
            lines = [bar]
        return [*lines, _one_line(_best_words(watch, width))]


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _budget_words(watch: Watch) -> Iterator[str]:
    header, left = watch.header, watch.left
    yield f"{watch.done} of {header.steps} steps" if header.steps else f"{watch.done} steps"
    elapsed = clock_text(watch.elapsed)
    yield f"{elapsed} of {clock_text(header.seconds)}" if header.seconds else elapsed
    if left:
        yield f"{'' if header.seconds else 'about '}{clock_text(left)} left"


def _best_words(watch: Watch, width: int) -> Text:
    """The line about the best node and what was taken, by model and by operator too as far as that fits in."""
    counts = f"{watch.done - watch.buggy} valid, {watch.buggy} buggy"
    taken = ", ".join(filter(None, (counts, short_usage(watch.tree.usage))))
    shares = [text for share in (watch.models, watch.operators) if (text := short_shares(watch.whole(share)))]
    for told in (shares, shares[:1], shares[1:]):
        line = _best_line(watch, f"{taken} ({'; '.join(told)})")
        if told and line.cell_len < width:
            return line
    return _best_line(watch, taken)


def _best_line(watch: Watch, valid: str) -> Text:
    tree, metric = watch.tree, watch.header.metric
    if tree.best is None:
        return Text.assemble((f"no valid {metric} yet  ", ""), (valid, "dim"))
    best = tree[tree.best]
    assert best.evaluation is not None
    return Text.assemble(
        f"best {metric} ",
        (score_text(best.score, best.evaluation.score_se, self_reported=best.self_reported), "bold"),
        f" (node {best.id})  ",
        (sparkline(watch.leaders), "cyan"),
        (f"  {valid}", "dim"),
    )


def worth_showing(tree: Tree, room: int) -> set[int]:
    """The nodes to draw on ``room`` lines: the best, what is in flight, the latest, each below its parent.

    Where that is not the whole tree, one line is left for saying so.
    """
    if len(tree) <= room:
        return set(range(1, len(tree) + 1))
    chosen: set[int] = set()
    best = [tree.best] if tree.best is not None else []
    for node in chain(best, tree.in_flight, [len(tree)], tree.ranking[:3], range(len(tree), 0, -1)):
        parent = tree[node].parent
        for wanted in (node, parent):
            if len(chosen) == room - 1:
                return chosen
            if wanted is not None:
                chosen.add(wanted)
    return chosen


# -- plain lines -----------------------------------------------------------------------------------------------------


class PlainView:
    """Writes one line for each event."""

    def __init__(self, header: Header, console: Console) -> None:
        self._header, self._console = header, console
        self._best: int | None = None

    def __enter__(self) -> Self:
        for line in self._header.title:
            self._print(plain(line))
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left open."""

    def __call__(self, entry: Entry, tree: Tree) -> None:
        """Write the event's line."""
        self._print(f"{clock_text(entry.elapsed):>7}  {self._words(entry.event, tree)}")
        self._best = tree.best

    def notice(self, node: int, text: str) -> None:
        """Write it down at once."""
        self._print(f"{'':>7}  node {node}: {plain(text)}")

    def _print(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def _words(self, event: Event, tree: Tree) -> str:
        match event:
            case Started(node, action):
                source = "" if action.parent is None else f" of node {action.parent}"
                return f"node {node}: {action.operator}{source}"
            case Answered(node) | Written(node) | Confirmed(node) | Refitted(node):
                return f"node {node}: {_done(event)}"
            case Evaluated(node):
                return f"node {node}: {self._outcome(tree[node], tree)}"
            case Selected():
                return f"final answer: {self._answer(event, tree)}"
            case RunStarted() | Extended():
                return f"the search {'starts' if isinstance(event, RunStarted) else 'goes on'}"
            case Finished(stopped_by):
                return f"finished: {stopped_by}"

    def _outcome(self, node: Node, tree: Tree) -> str:
        assert node.evaluation is not None and node.execution is not None
        took = duration_text(node.execution.seconds)
        if node.buggy:
            return f"buggy after {took}: {plain(node.evaluation.reason or 'no score')}"
        score = score_text(node.score, node.evaluation.score_se, self_reported=node.self_reported)
        words = [f"{self._header.metric} {score} in {took}"]
        verdict = tree.verdict(node.id)
        if verdict:
            words.append(f"{verdict} {'of' if verdict is Verdict.NOISE else 'than'} node {node.parent}")
        if not node.evaluation.complete:
            words.append("ended early")
        if tree.best == node.id != self._best:
            words.append(self._praise(node, tree))
        return ", ".join(words)

    def _praise(self, node: Node, tree: Tree) -> str:
        """Why the node is the best now: its score, or that it is as good as the one before and simpler."""
        before = tree[self._best].score if self._best is not None else None
        if before is None or node.score is None or tree.direction.sign * (node.score - before) > 0:
            return "the best so far"
        return f"preferred to node {self._best}: as good within noise, and simpler"

    def _answer(self, selected: Selected, tree: Tree) -> str:
        if not selected.members:
            return "none"
        nodes = ", ".join(str(member.node) for member in selected.members)
        kind = "node" if len(selected.members) == 1 else "the ensemble of nodes"
        own = tree[selected.members[0].node].self_reported
        score = score_text(selected.reported, selected.reported_se, self_reported=own)
        return f"{kind} {nodes}, {self._header.metric} {score}"


def _done(event: Answered | Written | Confirmed | Refitted) -> str:
    if isinstance(event, Answered | Written):
        return _written(event)
    if isinstance(event, Refitted):
        took = duration_text(event.refit.seconds)
        return f"run on all rows in {took}" + (f": {plain(event.refit.reason)}" if event.refit.reason else "")
    found = event.confirmation
    again = f"further split {found.split} in {duration_text(found.seconds)}"
    if found.score is None:
        return f"{again}: {plain(found.reason or 'no score')}"
    return f"{again}: {score_text(found.score.score, mean_standard_error([found.score]))}"


def _written(event: Answered | Written) -> str:
    if isinstance(event, Written):
        return f"running: {plain(event.proposal.plan)}" if event.proposal.code.strip() else "no program was written"
    usage, model = event.exchange.usage, plain(event.exchange.model)
    if event.exchange.finish == UNANSWERED:
        return f"{event.exchange.purpose} not answered by {model}"
    tokens = f"{usage.input_tokens:,} + {usage.output_tokens:,} tokens"
    return f"{event.exchange.purpose} answered by {model} in {duration_text(usage.seconds)}, {tokens}"
