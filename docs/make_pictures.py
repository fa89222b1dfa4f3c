"""Draws docs/pictures from a run: ``python docs/make_pictures.py RUN``, where the run was started.

The pictures are what the program itself draws: the live view at the moment when the last program of the run began to
run, and ``treewright show``. They refer to no font and no address outside of themselves.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console

from treewright.app import reopen
from treewright.cli.live import LiveView
from treewright.cli.render import run_lines, tree_lines
from treewright.cli.searching import _header
from treewright.events import Written, apply
from treewright.record import read_run
from treewright.tree import Tree

PICTURES = Path(__file__).with_name("pictures")
WIDTH, HEIGHT = 100, 34
LATER = 4.0
"""Seconds into the last program."""

SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" xml:space="preserve">
<style>
.{unique_id}-matrix {{
  font: {char_height}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  line-height: {line_height}px;
}}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""rich's own frame, without its fonts from elsewhere."""


def draw_live(run: Path) -> Console:
    """A terminal with the live view of this run."""
    console, now = terminal(), [0.0]
    opened = reopen(run, [])
    opened.search.store.close()
    view = LiveView(_header(opened), console, lambda: now[0])
    entries = read_run(run).entries
    last = max(place for place, entry in enumerate(entries) if isinstance(entry.event, Written))
    tree = Tree()
    for entry in entries[: last + 1]:
        now[0], tree = entry.elapsed, apply(tree, entry.event)
        view(entry, tree)
    now[0] += LATER
    console.print(view.frame())
    return console


def draw_show(run: Path) -> Console:
    """A terminal after ``treewright show``."""
    console, record = terminal(), read_run(run)
    for line in (*run_lines(record), *tree_lines(record.tree, WIDTH)):
        console.print(line, no_wrap=True, overflow="ellipsis")
    return console


def terminal() -> Console:
    """A terminal that nobody sees, and that remembers."""
    return Console(
        file=io.StringIO(),
        record=True,
        width=WIDTH,
        height=HEIGHT,
        force_terminal=True,
        highlight=False,
        color_system="standard",
    )


def main(run: Path, into: Path) -> None:
    """Draw all pictures."""
    into.mkdir(exist_ok=True)
    for name, console, title in (
        ("live", draw_live(run), f"treewright run {run.name.rpartition('-')[0]}"),
        ("show", draw_show(run), f"treewright show {run.name}"),
    ):
        picture = console.export_svg(title=title, code_format=SVG, unique_id=name)
        (into / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), PICTURES)
