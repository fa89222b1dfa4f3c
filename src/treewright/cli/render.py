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
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from treewright.scores import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from treewright.tree import Node, Tree

SYMBOLS = {Verdict.BETTER: "▲", Verdict.WORSE: "▼", Verdict.NOISE: "≈"}
STYLES = {Verdict.BETTER: "green", Verdict.WORSE: "red", Verdict.NOISE: "dim"}
BEST = "★"
BUGGY = "✗"
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


def score_text(score: float | None, se: float | None = None, decimals: int | None = None) -> str:
    """``0.4123 ± 0.0041``: as many digits as the standard error deserves; ``no score`` without one.

    ``decimals`` overrides that number, for columns in which the digits should stand under each other.
    """
    places = decimals_for(se)
    if score is None:
        return "no score"
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


def ago_text(seconds: float) -> str:
    """``just now``, ``3 min ago``, ``5 h ago``, ``2 days ago``."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {'day' if (unit, count) == ('days', 1) else unit} ago"
    return "just now"


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
    """What a line about a node says. ``remark`` is the verdict against its parent, or why there is no score."""

    node: int
    operator: str
    plan: str
    score: float | None
    se: float | None
    remark: Text
    in_flight: bool


def row_of(tree: Tree, node: int) -> Row:
    """The row of one node."""
    found = tree[node]
    plan = plain(found.proposal.plan) if found.proposal else ""
    se = found.evaluation.score_se if found.evaluation else None
    return Row(node, found.action.operator, plan, found.score, se, _remark(tree, found), found.in_flight)


def _remark(tree: Tree, node: Node) -> Text:
    if node.evaluation is None:
        return Text("running" if node.proposal else "writing", "cyan")
    if node.buggy:
        return Text(f"{BUGGY} {plain(node.evaluation.reason or 'no score')}", "red")
    if not node.evaluation.complete:
        return Text("▼ ended early", "dim")
    verdict = tree.verdict(node.id)
    return Text(f"{SYMBOLS[verdict]} {verdict}", STYLES[verdict]) if verdict else Text()


def nodes_table(tree: Tree) -> Table:
    """One row for each node, oldest first."""
    rows = [row_of(tree, node.id) for node in tree.nodes]
    several_coders = len({node.proposal.coder for node in tree.nodes if node.proposal}) > 1
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("node", justify="right", no_wrap=True)
    table.add_column("action", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("against parent", no_wrap=True, max_width=24, overflow="ellipsis")
    table.add_column("seconds", justify="right", no_wrap=True)
    if several_coders:
        table.add_column("coder", no_wrap=True, max_width=16, overflow="ellipsis")
    table.add_column("plan")
    for row, score, node in zip(rows, _score_column(tree, rows), tree.nodes, strict=True):
        best = node.id == tree.best
        cells = [
            Text(f"{BEST} {node.id}" if best else str(node.id)),
            Text(row.operator if node.parent is None else f"{row.operator} {node.parent}"),
            Text(score),
            row.remark,
            Text(f"{node.execution.seconds:.1f}" if node.execution else ""),
            Text(row.plan, no_wrap=True, overflow="ellipsis"),
        ]
        if several_coders:
            cells.insert(-1, Text(plain(node.proposal.coder) if node.proposal else ""))
        table.add_row(*cells, style="bold" if best else None)
    return table


def _score_column(tree: Tree, rows: Sequence[Row]) -> list[str]:
    """The scores with the digits that the best node deserves, the ``±`` under each other; empty without a score."""
    measured = sorted((row for row in rows if row.se), key=lambda row: row.node != tree.best)
    decimals = decimals_for(measured[0].se) if measured else None
    texts = ["" if row.score is None else score_text(row.score, row.se, decimals) for row in rows]
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
) -> list[Text]:
    """The tree, one line of ``width`` cells for each node (of ``nodes`` alone, where given), children below parents.

    A dashed line leads from an ancestor that is not the parent: those between are left out. ``row`` replaces
    ``row_of`` for a caller that keeps rows.
    """
    placed = list(_outline(tree, range(1, len(tree) + 1) if nodes is None else nodes, max(4, (width - 64) // 2)))
    rows = [row(node) if row else row_of(tree, node) for _, node in placed]
    scores = _score_column(tree, rows)
    score_width = max([SCORE_WIDTH, *map(len, scores)])
    right = 2 + score_width + 2 + REMARK_WIDTH
    lines = []
    for (guide, _), cells, score in zip(placed, rows, scores, strict=True):
        best = cells.node == tree.best
        line = Text.assemble((guide, "dim"), (str(cells.node), "bold" if best else ""), (f" {cells.operator}  ", "dim"))
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


def _outline(tree: Tree, nodes: Collection[int], deepest: int) -> Iterator[tuple[str, int]]:
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


_FARTHEST = 64
"""How far up a drawn ancestor is looked for, so that the cost of a line does not grow with the tree."""


def _drawn_ancestor(tree: Tree, node: int, drawn: Collection[int]) -> int | None:
    ancestor = tree[node].parent
    for _ in range(_FARTHEST):
        if ancestor is None or ancestor in drawn:
            return ancestor
        ancestor = tree[ancestor].parent
    return None


# -- programs --------------------------------------------------------------------------------------------------------


def diff_text(a: str, b: str, names: tuple[str, str] = ("a", "b")) -> Text:
    """The unified diff of two programs; empty where they are the same. Print it with ``soft_wrap=True``."""
    lines = difflib.unified_diff(a.splitlines(), b.splitlines(), plain(names[0]), plain(names[1]), lineterm="")
    return Text("\n").join(Text(visible_controls(line), _diff_style(line, place)) for place, line in enumerate(lines))


def _diff_style(line: str, place: int) -> str:
    if place < 2:
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
