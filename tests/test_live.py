"""What a person sees while a search runs."""

from __future__ import annotations

import io
import os
import pty
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from support import RUNNING, WRITING, Step, debug, draft, grow, improve, shown, tree_of
from treewright.cli.live import FRAMES_PER_SECOND, LiveView, PlainView, open_view, worth_showing
from treewright.cli.watch import Header, Watch
from treewright.events import Evaluated, Extended, Finished, Member, Selected
from treewright.metrics import Direction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from treewright.protocols import Entry
    from treewright.tree import Tree

HEADER = Header(("Treewright with the recipe coder", "bikes, 5 folds"), "rmse", Direction.MINIMIZE, 10, 60.0, 2)
RUN = (
    draft(0.50, "trees", noise=0.004),
    draft("timed out after 60 s", "a net"),
    improve(1, 0.40, "more trees", noise=0.004),
    debug(2, RUNNING, "a smaller net"),
    improve(3, WRITING),
)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def screen(width: int = 80, height: int = 24) -> Console:
    return Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def picture(view: LiveView, console: Console) -> list[str]:
    with console.capture() as capture:
        console.print(view.frame())
    return [line.rstrip() for line in capture.get().splitlines()]


def viewed(
    events: Iterable[tuple[Entry, Tree]], header: Header = HEADER, console: Console | None = None, later: float = 0.0
) -> list[str]:
    """The picture ``later`` seconds after the last event."""
    clock, console = Clock(), console or screen()
    view = LiveView(header, console, clock)
    for entry, tree in events:
        view(entry, tree)
    clock.now += later
    return picture(view, console)


# -- the live view ---------------------------------------------------------------------------------------------------


def test_the_live_view_shows_tree_workers_budget_and_best() -> None:
    assert viewed(shown(grow(*RUN)), later=12.5) == [
        "",
        "Treewright with the recipe coder",
        "bikes, 5 folds",
        "",
        "1 draft  trees                                  0.5000 ± 0.0038",
        "└─3 improve  more trees                       ★ 0.4000 ± 0.0045  ▲ better",
        "  └─5 improve                                   ⠋ writing 0:12",
        "2 draft  a net                                  ✗ timed out after 60 s",
        "└─4 debug  a smaller net                        ⠋ running 0:12",
        "",
        "⠋  0:12  running  4 debug of 2  a smaller net",
        "⠋  0:12  writing  5 improve of 3",
        "",
        "━━━━━━━━━━━━━━━╸                       3 of 10 steps · 0:25 of 1:00 · 0:30 left",
        "best rmse 0.4000 ± 0.0045 (node 3)  █▁  2 valid, 1 buggy",
    ]


@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from([0.5, 0.4, "boom " * 30, RUNNING])), max_size=60),
    st.integers(60, 140),
    st.integers(12, 50),
)
def test_the_picture_fits_the_terminal(rows: list[tuple[int, float | str]], width: int, height: int) -> None:
    steps: list[Step] = []
    for parent, result in rows:
        landed = parent <= len(steps) and isinstance(steps[parent - 1].result, (float, str))
        plan = "plan " * 40
        steps.append(improve(parent, result, plan) if landed else draft(result, plan))
    lines = viewed(shown(grow(*steps)), console=screen(width, height))
    assert len(lines) < height
    assert max(map(cell_len, lines)) <= width
    assert "steps" in lines[-2]


def test_a_tree_higher_than_the_terminal_shows_flights_best_and_latest_and_counts_the_rest() -> None:
    many = [draft(0.5), improve(1, 0.1, "the best"), draft(RUNNING, "in flight"), *[draft(0.5)] * 60]
    lines = viewed(shown(grow(*many)), console=screen(80, 20))
    assert any("★" in line and "the best" in line for line in lines)
    assert any(line.startswith("3 draft  in flight") for line in lines)
    assert any(line.startswith("63 draft") for line in lines)
    hidden = 63 - sum("draft  " in line or "improve  " in line for line in lines[3:-5])
    assert f"… {hidden} more nodes" in lines


@settings(max_examples=25)
@given(st.integers(0, 100), st.integers(5, 40))
def test_only_as_many_nodes_are_drawn_as_there_are_lines(size: int, room: int) -> None:
    tree = tree_of(grow(*[draft(0.5)] * min(size, 1), *[improve(max(1, i // 2), 0.5) for i in range(1, size)]))
    nodes = worth_showing(tree, room)
    assert len(nodes) == (size if size <= room else room - 1)
    assert not size or {tree.best, size} <= nodes


def test_the_picture_does_not_change_with_events_of_long_ago() -> None:
    """Resuming shows what watching from the beginning would have."""
    entries = list(shown(grow(*RUN)))
    assert viewed(entries[-1:], later=5.0) == viewed(entries, later=5.0)


def test_a_worker_keeps_its_line() -> None:
    entries = list(shown(grow(draft(RUNNING, "slow"), draft(0.5, "fast"), draft(WRITING))))
    assert viewed(entries)[-5:-3] == ["⠋  0:00  running  1 draft  slow", "⠋  0:00  writing  3 draft"]
    ended = next(entry for entry, _ in entries if isinstance(entry.event, Evaluated))
    fast_first = [pair for pair in entries if pair[0].seq <= ended.seq]
    assert viewed(fast_first)[-5:-3] == ["⠋  0:00  running  1 draft  slow", "  idle"]


def test_more_workers_than_fit_are_counted() -> None:
    lines = viewed(shown(grow(*[draft(WRITING)] * 9)), replace(HEADER, workers=9))
    assert "… 5 more workers" in lines


def test_between_the_last_step_and_the_answer_the_view_says_what_is_done() -> None:
    entries = list(shown(grow(draft(0.5))))
    assert "⠋ 0:07  choosing the final answer" in viewed(entries, later=7.5)
    assert "⠋ 0:07  starting" in viewed([], later=7.5)


def test_without_a_budget_there_is_no_bar() -> None:
    lines = viewed(shown(grow(*RUN)), replace(HEADER, steps=None, seconds=None))
    assert lines[-2] == "3 steps · 0:13"


def test_before_a_valid_node_the_view_says_so() -> None:
    assert viewed(shown(grow(draft("boom"))))[-1] == "no valid rmse yet  0 valid, 1 buggy"


def test_a_long_title_is_folded_not_cut() -> None:
    lines = viewed([], replace(HEADER, title=("word " * 30,)))
    assert sum(line.count("word") for line in lines) == 30


def test_leaving_the_view_ends_on_a_still_picture_and_gives_the_cursor_back() -> None:
    console = screen()
    with LiveView(HEADER, console, Clock()) as view:
        for entry, tree in shown(grow(*RUN)):
            view(entry, tree)
    last = written(console).rpartition("Treewright with the recipe coder")[2]
    assert "unfinished" in last
    assert "⠋" not in last
    assert written(console).rstrip().endswith("\x1b[?25h")


def test_an_event_costs_no_frame() -> None:
    console = screen()
    with LiveView(HEADER, console, Clock()) as view:
        before, began = len(written(console)), time.monotonic()
        for entry, tree in shown(grow(*[draft(0.5)] * 50)):
            view(entry, tree)
        drawn, took = written(console)[before:].count("Treewright"), time.monotonic() - began
    assert drawn <= 2 + FRAMES_PER_SECOND * took


# -- the fold --------------------------------------------------------------------------------------------------------


def test_the_nearer_end_of_the_budget_counts() -> None:
    watch = Watch(replace(HEADER, steps=4, seconds=1000.0), Clock())
    for entry, tree in shown(grow(draft(0.5), draft(0.4), draft(WRITING))):
        watch.see(entry, tree)
    assert watch.spent == pytest.approx(0.5)
    assert watch.left == pytest.approx(8 / 2 * 2)


def test_the_best_so_far_follows_the_metric_and_skips_what_cannot_be_best() -> None:
    steps = (draft(0.5), draft("boom"), draft(0.9, complete=False), draft(0.7), draft(0.6))
    watch = Watch(replace(HEADER, direction=Direction.MAXIMIZE), Clock())
    for entry, tree in shown(grow(*steps, direction=Direction.MAXIMIZE)):
        watch.see(entry, tree)
    assert (watch.leaders, watch.buggy) == ([0.5, 0.7, 0.7], 1)


# -- plain lines -----------------------------------------------------------------------------------------------------


def test_the_plain_view_writes_a_line_for_each_event() -> None:
    console = Console(file=io.StringIO(), width=80)
    chosen = Selected((Member(3, 0.6), Member(1, 0.4)), {}, 0.39, 0.004)
    steps = (*RUN[:3], improve(3, 0.401, "nothing new", noise=0.004), draft(0.3, complete=False), draft("boom\x1b[2J"))
    with PlainView(HEADER, console) as view:
        for entry, tree in shown(grow(*steps, after=(chosen, Finished("steps"), Extended({})))):
            view(entry, tree)
    assert written(console).splitlines() == [
        "Treewright with the recipe coder",
        "bikes, 5 folds",
        "   0:01  the search starts",
        "   0:02  node 1: draft",
        "   0:03  node 1: running: trees",
        "   0:04  node 1: rmse 0.5000 ± 0.0038 in 1.0 s, the best so far",
        "   0:05  node 2: draft",
        "   0:06  node 2: running: a net",
        "   0:07  node 2: buggy after 1.0 s: timed out after 60 s",
        "   0:08  node 3: improve of node 1",
        "   0:09  node 3: running: more trees",
        "   0:10  node 3: rmse 0.4000 ± 0.0045 in 1.0 s, better than node 1, the best so far",
        "   0:11  node 4: improve of node 3",
        "   0:12  node 4: running: nothing new",
        "   0:13  node 4: rmse 0.4010 ± 0.0038 in 1.0 s, within noise of node 3",
        "   0:14  node 5: draft",
        "   0:15  node 5: running: a draft",
        "   0:16  node 5: rmse 0.300 ± 0.011 in 1.0 s, ended early",
        "   0:17  node 6: draft",
        "   0:18  node 6: running: a draft",
        "   0:19  node 6: buggy after 1.0 s: boom",
        "   0:20  final answer: the ensemble of nodes 3, 1, rmse 0.3900 ± 0.0040",
        "   0:21  finished: steps",
        "   0:22  the search goes on",
    ]


def test_a_terminal_gets_the_live_view_and_a_file_or_a_dumb_terminal_plain_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    main, side = pty.openpty()
    with os.fdopen(main), os.fdopen(side, "w", encoding="utf-8") as terminal:
        assert isinstance(open_view(HEADER, Console(file=terminal)), LiveView)
        monkeypatch.setenv("TERM", "dumb")
        assert isinstance(open_view(HEADER, Console(file=terminal)), PlainView)
    assert isinstance(open_view(HEADER, Console(file=io.StringIO())), PlainView)
    assert isinstance(open_view(HEADER, Console(file=io.StringIO(), force_terminal=True)), PlainView)


def test_no_color_leaves_words_and_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system="standard")
    view = LiveView(HEADER, console, Clock())
    for entry, tree in shown(grow(*RUN)):
        view(entry, tree)
    console.print(view.frame())
    assert "▲ better" in written(console)
    assert "\x1b[32m" not in written(console)
