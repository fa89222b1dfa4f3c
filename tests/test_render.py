"""What the commands print."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from support import RUNNING, WRITING, Step, debug, draft, grow, improve, tree_of
from treewright.cli.render import (
    clock_text,
    diff_text,
    duration_text,
    node_lines,
    plain,
    run_lines,
    runs_table,
    score_text,
    sparkline,
    tree_lines,
)
from treewright.events import Event, Finished, Member, Selected
from treewright.folder import RunFolder
from treewright.record import Record, summary

HOSTILE = "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m [bold]not markup[/bold]\r\n\x9b1mrm\x00 \u202eabc"


def printed(renderable: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_what_a_script_says_of_itself_is_called_so() -> None:
    assert score_text(0.41234567, self_reported=True) == "0.41235 self-reported"
    assert score_text(None, self_reported=True) == "no score"


@pytest.mark.parametrize(
    ("score", "se", "text"),
    [
        (0.41234567, 0.0041, "0.4123 ± 0.0041"),
        (0.41234567, 0.41, "0.41 ± 0.41"),
        (18345.27, 210.4, "18345 ± 210"),
        (18345.27, 2.14, "18345.3 ± 2.1"),
        (-0.00001, 0.01, "0.000 ± 0.010"),
        (0.5, 0.0, "0.5"),
        (0.123456789, None, "0.12346"),
        (3, None, "3"),
        (1.5e12, 2e10, "1.5e+12 ± 2e+10"),
        (1e-12, 2e-13, "1e-12 ± 2e-13"),
        (0.5, math.inf, "0.5"),
        (None, None, "no score"),
    ],
)
def test_a_score_has_as_many_digits_as_its_standard_error_deserves(
    score: float | None, se: float | None, text: str
) -> None:
    assert score_text(score, se) == text


@pytest.mark.parametrize(
    ("seconds", "duration", "clock"),
    [
        (0, "0.0 s", "0:00"),
        (4.24, "4.2 s", "0:04"),
        (9.97, "10 s", "0:09"),
        (59.7, "1 min 00 s", "0:59"),
        (200, "3 min 20 s", "3:20"),
        (3723, "1 h 02 min", "1:02:03"),
        (183600, "2 d 3 h", "51:00:00"),
    ],
)
def test_durations_read_as_a_person_says_them(seconds: float, duration: str, clock: str) -> None:
    assert (duration_text(seconds), clock_text(seconds)) == (duration, clock)


def test_a_sparkline_falls_where_the_values_fall() -> None:
    assert sparkline([3.0, 2.0, 1.0]) == "█▅▁"


def test_a_sparkline_without_a_spread_is_flat_and_one_without_values_is_empty() -> None:
    assert sparkline([2.0, 2.0]) == "▅▅"
    assert sparkline([math.nan, math.inf]) == ""


@given(st.lists(st.floats(-1e300, 1e300), min_size=1), st.integers(1, 30))
def test_a_sparkline_keeps_to_its_width_and_ends_with_the_last_value(values: list[float], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == min(width, len(values))
    assert sparkline([*values, max(values)], width)[-1] in "█▅"


# -- text from scripts and models ------------------------------------------------------------------------------------


def test_what_a_model_wrote_becomes_one_harmless_line() -> None:
    assert plain(HOSTILE) == "red [bold]not markup[/bold] 1mrm abc"


@given(st.text())
def test_plain_text_never_steers_a_terminal_and_is_stable(text: str) -> None:
    once = plain(text)
    assert once.isprintable()
    assert plain(once) == once


def test_nothing_that_shows_a_plan_or_a_reason_lets_it_steer_the_terminal() -> None:
    run = record(draft(0.5, HOSTILE), draft(HOSTILE, HOSTILE), draft(0.4, coder=HOSTILE))
    lines = [*tree_lines(run.tree, 200), *(line for node in run.tree.nodes for line in node_lines(run, node))]
    text = "".join(printed(line, 200) for line in lines)
    assert not {"\x1b", "\x9b", "\r", "\x00", "\x07", "\u202e"} & set(text)
    assert text.count("red [bold]not markup[/bold] 1mrm abc") == 7


# -- the tree --------------------------------------------------------------------------------------------------------

RUN = (
    draft(0.50, "trees", noise=0.004),
    draft("timed out after 60 s", "a net"),
    improve(1, 0.40, "more trees", noise=0.004),
    debug(2, 0.45, "a smaller net", noise=0.004),
    improve(3, 0.401, "fewer leaves", noise=0.004),
    improve(3, 0.60, "no trees", noise=0.004),
    improve(4, 0.70, "half a net", noise=0.004, complete=False),
    improve(5, RUNNING, "deeper trees"),
    draft(WRITING),
)


def test_the_tree_shows_operators_plans_scores_and_verdicts() -> None:
    lines = [line.plain.rstrip() for line in tree_lines(tree_of(grow(*RUN)), 80)]
    assert lines == [
        "1 draft  trees                                   0.5000 ± 0.0038",
        "└─3 improve  more trees                        ★ 0.4000 ± 0.0045  ▲ better",
        "  ├─5 improve  fewer leaves                      0.4010 ± 0.0045  ≈ within noise",
        "  │ └─8 improve  deeper trees                    running",
        "  └─6 improve  no trees                          0.6000 ± 0.0042  ▼ worse",
        "2 draft  a net                                   ✗ timed out after 60 s",
        "└─4 debug  a smaller net                         0.4500 ± 0.0038",
        "  └─7 improve  half a net                        0.7000 ± 0.0039  ▼ ended early",
        "9 draft                                          writing",
    ]


def test_a_dashed_line_leads_past_nodes_that_are_left_out() -> None:
    lines = [line.plain.rstrip() for line in tree_lines(tree_of(grow(*RUN)), 80, {1, 5, 7, 8})]
    assert lines == [
        "1 draft  trees                                   0.5000 ± 0.0038",
        "└┄5 improve  fewer leaves                        0.4010 ± 0.0045  ≈ within noise",
        "  └─8 improve  deeper trees                      running",
        "┄7 improve  half a net                           0.7000 ± 0.0039  ▼ ended early",
    ]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_of_the_tree_is_wider_than_the_terminal(width: int) -> None:
    chain = [draft(0.9, "木" * 200)]
    chain += [improve(node, 0.9 - node / 100, "a long plan " * 20) for node in range(1, 40)]
    lines = tree_lines(tree_of(grow(*chain, draft("a long reason " * 20))), width)
    assert max(cell_len(line.plain) for line in lines) <= width
    assert all(f"{node} improve  a" in line.plain for node, line in enumerate(lines[1:-1], start=2))


def test_the_tree_of_no_nodes_has_no_lines() -> None:
    assert tree_lines(tree_of(grow())) == []


# -- runs ------------------------------------------------------------------------------------------------------------

ANSWER = Selected((Member(3, 0.6), Member(4, 0.4)), {3: 0.41, 4: 0.43}, 0.39, 0.004, remarks=("node 5 took too long",))
ENDED = (ANSWER, Finished("steps"))


def record(*steps: Step, after: tuple[Event, ...] = ()) -> Record:
    entries = grow(*steps, after=after)
    return Record(RunFolder(Path("runs/run")), entries, tree_of(entries))


def test_the_runs_stand_in_a_table() -> None:
    runs = [record(*RUN, after=ENDED), record(draft(0.5)), record(draft("boom"))]
    lines = [line.rstrip() for line in printed(runs_table([summary(run) for run in runs])).splitlines()]
    assert lines == [
        "run  metric  score            by                   nodes  buggy  time  ended by",
        "run  rmse    0.3900 ± 0.0040  nodes 3, 4 together      9      1  0:27  steps",
        "run  rmse    0.5000 ± 0.0094  node 1                   1      0  0:04  not ended",
        "run  rmse    none yet                                  1      1  0:04  not ended",
    ]


def test_a_run_is_summed_up_above_its_tree() -> None:
    assert [line.plain for line in run_lines(record(*RUN, after=ENDED))] == [
        "run  runs/run",
        "9 nodes, 1 of them buggy, 2 not finished, in 27 s; ended by steps",
        "rmse 0.3900 ± 0.0040 by nodes 3, 4 together (minimize)",
        "node 5 took too long",
        "",
    ]
    assert run_lines(record(draft("boom")))[2].plain == "no valid solution yet"


def test_a_node_is_summed_up_above_its_program() -> None:
    run = record(*RUN)
    assert [line.plain for line in node_lines(run, run.tree[3])] == [
        "node 3  improve of node 1, by scripted  ★ the best",
        "more trees",
        "rmse 0.4000 ± 0.0045 in 1.0 s  ▲ better (gain over node 1: 0.1000 ± 0.0059)",
        "led to 5, 6",
        "",
    ]
    assert node_lines(run, run.tree[2])[2].plain == "✗ timed out after 60 s in 1.0 s"
    assert [line.plain for line in node_lines(run, run.tree[9])] == ["node 9  draft", "writing", ""]


# -- programs --------------------------------------------------------------------------------------------------------


def test_a_diff_shows_what_changed_in_colours_and_in_signs() -> None:
    text = diff_text("a = 1\nb = 2\n", "a = 1\nb = 3\n", ("node 1", "node 2"))
    assert text.plain.splitlines() == ["--- node 1", "+++ node 2", "@@ -1,2 +1,2 @@", " a = 1", "-b = 2", "+b = 3"]
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    console.print(text)
    assert isinstance(console.file, io.StringIO)
    assert "\x1b[31m-b = 2" in console.file.getvalue()
    assert "\x1b[32m+b = 3" in console.file.getvalue()


def test_equal_programs_have_no_diff() -> None:
    assert not diff_text("a = 1\n", "a = 1\n")


def test_a_diff_makes_control_characters_visible() -> None:
    assert diff_text("", "x = '\x1b[31m\u202e\tno'\n").plain.splitlines()[-1] == "+x = '␛[31m<U+202E>\tno'"
