"""What the commands and the live view print: pure functions from core objects to text.

Everything that a script or a model wrote goes through ``plain`` (one line) or ``visible_controls`` (code) and into a
``rich.text.Text``, never into markup, so it cannot colour, move or clear the reader's terminal. Colours are the
terminal's own, few, and never alone: each comes with a word or a symbol, so nothing is lost without them.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from treewright.cli.outline import outline
from treewright.record import summary
from treewright.scores import Verdict, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from treewright.record import Record
    from treewright.tree import Node, Tree

SYMBOLS = {Verdict.BETTER: "▲", Verdict.WORSE: "▼", Verdict.NOISE: "≈"}
STYLES = {Verdict.BETTER: "green", Verdict.WORSE: "red", Verdict.NOISE: "dim"}
BEST = "★"
BUGGY = "✗"
SELF_REPORTED = "self-reported"
BARS = "▁▂▃▄▅▆▇█"

# -- text and numbers ------------------------------------------------------------------------------------------------

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?", re.DOTALL)
_LONGEST = 500


def plain(text: str) -> str:
    """One line of ``text`` without anything that steers a terminal; at most ``_LONGEST`` characters of it."""
    text = _ESCAPES.sub("", text[:_LONGEST])
    spaced = (" " if character.isspace() else character for character in text)
    return " ".join("".join(c for c in spaced if c == " " or unicodedata.category(c)[0] != "C").split())


def visible_controls(line: str) -> str:
    """A line of code with its control characters made visible (``␛`` for escape); tabs stay."""
    return "".join(_picture(character) for character in line)


def _picture(character: str) -> str:
    code = ord(character)
    if character == "\t" or unicodedata.category(character)[0] != "C":
        return character
    return chr(0x2400 + code) if code < 0x20 else f"<U+{code:04X}>"


def decimals_for(se: float | None) -> int | None:
    """Decimal places that show two digits of the standard error; ``None`` where it says nothing."""
    if se is None or not 0 < se < math.inf:
        return None
    return max(0, 1 - math.floor(math.log10(se)))


def score_text(
    score: float | None, se: float | None = None, decimals: int | None = None, *, self_reported: bool = False
) -> str:
    """``0.4123 ± 0.0041``: as many digits as the standard error deserves; ``no score`` without one.

    ``decimals`` overrides that number, for columns in which the digits should stand under each other. What a script
    says of itself is ``0.4123 self-reported``.
    """
    places = decimals_for(se)
    if score is None:
        return "no score"
    if self_reported:
        return f"{score:.5g} {SELF_REPORTED}"
    if se is None or places is None:
        return f"{score:.5g}"
    if places > 8 or abs(score) >= 1e9:
        return f"{score:.6g} ± {se:.2g}"
    decimals = places if decimals is None else decimals
    return f"{score:z.{decimals}f} ± {se:.{decimals}f}"


def duration_text(seconds: float) -> str:
    """``4.2 s``, ``42 s``, ``3 min 20 s``, ``1 h 05 min``, ``2 d 3 h``."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def clock_text(seconds: float) -> str:
    """``0:42``, ``12:34``, ``1:02:03``."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """The finite values as bars from the lowest to the highest, at most ``width`` of them (the last of each bucket)."""
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) > width:
        finite = [finite[(bucket + 1) * len(finite) // width - 1] for bucket in range(width)]
    if not finite:
        return ""
    low, spread = min(finite), max(finite) - min(finite)
    if not spread:
        return BARS[len(BARS) // 2] * len(finite)
    return "".join(BARS[round((value - low) / spread * (len(BARS) - 1))] for value in finite)


# -- nodes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """What a line about a node says.

    ``remark`` is the verdict against its parent, or why there is no score; ``coder`` is named where there are several.
    """

    node: int
    operator: str
    plan: str
    score: float | None
    se: float | None
    remark: Text
    in_flight: bool
    coder: str = ""
    self_reported: bool = False


def row_of(tree: Tree, node: int, *, ended: bool = False) -> Row:
    """The row of one node; in a run that has ``ended`` nobody works on those in flight any more."""
    found = tree[node]
    plan = plain(found.proposal.plan) if found.proposal else ""
    se = found.evaluation.score_se if found.evaluation else None
    coder = plain(found.proposal.coder) if found.proposal else ""
    remark, own = _remark(tree, found, ended=ended), found.self_reported
    return Row(node, found.action.operator, plan, found.score, se, remark, found.in_flight, coder, own)


def _remark(tree: Tree, node: Node, *, ended: bool) -> Text:
    if node.evaluation is None and ended:
        return Text("not run" if node.proposal else "not written", "dim")
    if node.evaluation is None:
        return Text("running" if node.proposal else "writing", "cyan")
    if node.buggy:
        return Text(f"{BUGGY} {plain(node.evaluation.reason or 'no score')}", "red")
    if not node.evaluation.complete:
        return Text("▼ ended early", "dim")
    if node.twin and tree[node.twin].valid:
        return Text(f"= node {node.twin} reseeded", "dim")
    verdict = tree.verdict(node.id)
    return Text(f"{SYMBOLS[verdict]} {verdict}", STYLES[verdict]) if verdict else Text()


def _score_column(tree: Tree, rows: Sequence[Row]) -> list[str]:
    """The scores with the digits that the best node deserves, the ``±`` under each other; empty without a score."""
    measured = sorted((row for row in rows if row.se), key=lambda row: row.node != tree.best)
    decimals = decimals_for(measured[0].se) if measured else None
    texts = [
        "" if row.score is None else score_text(row.score, row.se, decimals, self_reported=row.self_reported)
        for row in rows
    ]
    parts = [text.partition(" ± ") for text in texts]
    widest = max((len(se) for _, _, se in parts), default=0)
    return [f"{score}{sign}{se:<{widest}}" if score else "" for score, sign, se in parts]


# -- the tree --------------------------------------------------------------------------------------------------------

SCORE_WIDTH = len("0.4123 ± 0.0041")
REMARK_WIDTH = len("≈ within noise")


def tree_lines(
    tree: Tree,
    width: int = 100,
    nodes: Collection[int] | None = None,
    row: Callable[[int], Row] | None = None,
    *,
    ended: bool = False,
) -> list[Text]:
    """The tree, one line of ``width`` cells for each node (of ``nodes`` alone, where given), children below parents.

    A dashed line leads from an ancestor that is not the parent: those between are left out. ``row`` replaces
    ``row_of`` for a caller that keeps rows.
    """
    placed = list(outline(tree, range(1, len(tree) + 1) if nodes is None else nodes, max(4, (width - 64) // 2)))
    rows = [row(node) if row else row_of(tree, node, ended=ended) for _, node in placed]
    scores = _score_column(tree, rows)
    score_width = max([SCORE_WIDTH, *map(len, scores)])
    several = len({row.coder for row in rows if row.coder}) > 1
    right = 2 + score_width + 2 + REMARK_WIDTH
    lines = []
    for (guide, _), cells, score in zip(placed, rows, scores, strict=True):
        best = cells.node == tree.best
        line = Text.assemble((guide, "dim"), (str(cells.node), "bold" if best else ""), (f" {cells.operator}  ", "dim"))
        if several and cells.coder:
            line.append(f"{cells.coder}: ", "cyan")
        line.append(cells.plan, "bold" if best else "")
        line.truncate(max(12, width - right - 2), overflow="ellipsis", pad=True)
        line.append(f"  {BEST if best else ' '} ", "bold")
        remark = cells.remark.copy()
        if score:
            line.append(f"{score:>{score_width}}  ", "bold" if best else "")
        else:
            remark.truncate(right - 2, overflow="ellipsis")
        lines.append(line.append_text(remark))
    return lines


# -- runs ------------------------------------------------------------------------------------------------------------


def runs_table(runs: Sequence[Mapping[str, Any]]) -> Table:
    """One row for each run, from what ``record.summary`` says of it."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("run", "metric", "score", "by"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=40)
    for heading in ("nodes", "buggy", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("ended by", no_wrap=True)
    for run in runs:
        best = run["best"]
        cells = [
            plain(run["run"]),
            plain(run["metric"]),
            best_text(best) if best else "none yet",
            _authors(best) if best else "",
            str(run["nodes"]),
            str(run["buggy"]),
            clock_text(run["seconds"]),
            run["stopped_by"] or "not ended",
        ]
        table.add_row(*map(Text, cells))
    return table


def run_lines(record: Record) -> list[Text]:
    """What is to be known of a run above its tree; an empty line ends it."""
    run = summary(record)
    ended = f"ended by {run['stopped_by']}" if run["stopped_by"] else "not ended"
    best, metric = run["best"], plain(run["metric"])
    lines = [
        Text.assemble((plain(run["run"]), "bold"), (f"  {visible_controls(run['dir'])}", "dim")),
        Text(f"{counts(record.tree)}, in {duration_text(run['seconds'])}; {ended}"),
    ]
    if best is None:
        lines.append(Text("no valid solution yet"))
    else:
        lines.append(
            Text.assemble(f"{metric} ", (best_text(best), "bold"), f" by {_authors(best)} ({run['direction']})")
        )
    remarks = record.selected.remarks if record.selected else ()
    return [*lines, *(Text(plain(remark), "dim") for remark in remarks), Text()]


def finalist_lines(record: Record) -> list[Text]:
    """What the best nodes scored on the rows that the search saw and on those that it did not; empty before the end."""
    selected, tree = record.selected, record.tree
    chosen = {member.node for member in selected.members} if selected else set()
    if selected is None or not selected.selection_scores:
        return []
    shown = [
        node
        for node in tree.ranking
        if node in selected.selection_scores and (node in chosen or node in tree.ranking[:5])
    ]
    lines = [Text(f"{'node':>6}  {'search':>10}  {'selection':>10}  {'confirmed':>10}", "dim")]
    for node in shown:
        scores = (tree[node].score, selected.selection_scores[node], tree[node].confirmed_score)
        cells = "  ".join(f"{'' if score is None else format(score, '.5g'):>10}" for score in scores)
        lines.append(Text(f"{node:>6}  {cells}" + ("  in the answer" if node in chosen else "")))
    return [*lines, Text()]


def counts(tree: Tree) -> str:
    """How many nodes a tree has."""
    buggy, flying = sum(node.buggy for node in tree.nodes), len(tree.in_flight)
    unfinished = f", {flying} not finished" if flying else ""
    return f"{len(tree)} nodes, {buggy} of them buggy{unfinished}"


def best_text(best: Mapping[str, Any]) -> str:
    """The score of the answer, from what ``record.summary`` says of it."""
    return score_text(best["score"], best["score_se"], self_reported=best["self_reported"])


def _authors(best: Mapping[str, Any]) -> str:
    nodes = ", ".join(str(member["node"]) for member in best["members"])
    return f"node {nodes}" if best["kind"] == "node" else f"nodes {nodes} together"


def node_lines(record: Record, node: Node) -> list[Text]:
    """What is to be known of a node above its program; an empty line ends it."""
    source = "" if node.parent is None else f" of node {node.parent}"
    coder = f", by {plain(node.proposal.coder)}" if node.proposal else ""
    star = f"  {BEST} the best" if node.id == record.tree.best else ""
    lines = [Text.assemble((f"node {node.id}", "bold"), f"  {node.action.operator}{source}{coder}", (star, "bold"))]
    if node.proposal:
        lines.append(Text(plain(node.proposal.plan)))
    lines.append(_outcome(record, node))
    if node.execution and node.execution.exception and node.buggy:
        lines.append(Text(plain(node.execution.exception), "red"))
    if node.evaluation and node.evaluation.remark:
        lines.append(Text(plain(node.evaluation.remark), "dim"))
    if node.evaluation and node.evaluation.review:
        verdict = "review, which takes it for a bug" if node.evaluation.review.is_bug else "review"
        lines.append(Text(f"{verdict}: {plain(node.evaluation.review.summary)}"))
    children = ", ".join(map(str, node.children))
    return [*lines, *([Text(f"led to {children}", "dim")] if children else []), Text()]


def _outcome(record: Record, node: Node) -> Text:
    row = row_of(record.tree, node.id, ended=record.stopped_by is not None)
    if node.execution is None or node.evaluation is None:
        return row.remark
    took = f" in {duration_text(node.execution.seconds)}"
    if node.score is None:
        return row.remark.append(took, "default")
    shown = score_text(row.score, row.se, self_reported=row.self_reported)
    score = Text.assemble(plain(record.started.metric), " ", (shown, "bold"), took, "  ")
    return score.append_text(row.remark).append(_gain(record.tree, node), "dim")


def _gain(tree: Tree, node: Node) -> str:
    parent = tree[node.parent].evaluation if node.parent is not None else None
    if parent is None or parent.score is None or node.evaluation is None:
        return ""
    gain = compare(node.evaluation.folds, parent.folds, tree.direction)
    return f" (gain over node {node.parent}: {score_text(gain.gain, gain.standard_error)})"


# -- programs --------------------------------------------------------------------------------------------------------


def diff_text(a: str, b: str, names: tuple[str, str] = ("a", "b")) -> Text:
    """The unified diff of two programs; empty where they are the same. Print it with ``soft_wrap=True``."""
    lines = difflib.unified_diff(a.splitlines(), b.splitlines(), plain(names[0]), plain(names[1]), lineterm="")
    return Text("\n").join(Text(visible_controls(line), _diff_style(line, place)) for place, line in enumerate(lines))


def _diff_style(line: str, place: int) -> str:
    if place < 2:
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
