"""``list``, ``show``, ``diff``, ``log``, ``export``: the commands that only look at a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from treewright.cli.options import Json, NodeId, RunName
from treewright.errors import UsageError
from treewright.tree import Message

if TYPE_CHECKING:
    from treewright.record import Record
    from treewright.tree import Node


def list_(
    runs: Annotated[Path, typer.Argument(metavar="DIR", help="Where runs are kept.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List the runs, the latest first."""
    from treewright.cli.render import visible_controls
    from treewright.errors import RunError, StoreError
    from treewright.record import find_runs, read_run, summary

    found, unreadable = [], []
    for folder in find_runs(runs):
        try:
            found.append(summary(read_run(folder.path)))
        except (RunError, StoreError) as error:
            unreadable.append({"run": folder.name, "error": str(error)})
    if as_json:
        typer.echo(json.dumps({"runs": found, "unreadable": unreadable}))
        return
    if not found and not unreadable:
        typer.echo(visible_controls(f"There are no runs in {runs}. Start one with: treewright run TASK"))
    elif found:
        from rich.console import Console

        from treewright.cli.render import runs_table

        Console().print(runs_table(found))
    for item in unreadable:
        typer.echo(visible_controls(f"treewright: {item['error']}"), err=True)


def show(run: RunName, node: NodeId = None, as_json: Json = False) -> None:
    """Show a run's tree, or all about one of its nodes."""
    from treewright.record import node_summary, node_usage, read_run, summary

    record = read_run(run)
    if node is not None:
        found = _node(record, node)
        if as_json:
            figures = node_summary(record, found) | {"code": found.proposal.code if found.proposal else None}
            typer.echo(json.dumps(figures | {"llm": node_usage(record, found)}))
        else:
            _show_node(record, found)
    elif as_json:
        nodes = [node_summary(record, item) for item in record.tree.nodes]
        typer.echo(json.dumps(summary(record) | {"nodes": nodes, "node_count": len(nodes)}))
    else:
        _show_run(record)


def _show_run(record: Record) -> None:
    from rich.console import Console

    from treewright.cli.render import finalist_lines, run_lines, tree_lines
    from treewright.cli.spending import usage_lines
    from treewright.record import summary

    console = Console()
    *lines, gap = run_lines(record)
    for line in (*lines, *usage_lines(summary(record)["llm"]), gap, *finalist_lines(record)):
        console.print(line)
    for line in tree_lines(record.tree, console.width, ended=record.stopped_by is not None):
        console.print(line, no_wrap=True, overflow="ellipsis")


def _show_node(record: Record, node: Node) -> None:
    from rich.console import Console
    from rich.syntax import Syntax

    from treewright.cli.render import node_lines, visible_controls
    from treewright.cli.spending import usage_lines
    from treewright.record import node_usage

    console = Console()
    *lines, gap = node_lines(record, node)
    for line in (*lines, *usage_lines(node_usage(record, node)), gap):
        console.print(line)
    if node.proposal:
        code = "\n".join(map(visible_controls, node.proposal.code.splitlines()))
        console.print(Syntax(code, "python", theme="ansi_light", background_color="default"))


def diff(
    run: RunName,
    a: Annotated[int, typer.Argument(metavar="A", help="A node's number.")],
    b: Annotated[int, typer.Argument(metavar="B", help="Another node's number.")],
    as_json: Json = False,
) -> None:
    """Show what changed from one node's program to another's."""
    from treewright.record import read_run

    record = read_run(run)
    texts = [found.proposal.code if (found := _node(record, node)).proposal else "" for node in (a, b)]
    names = (f"node {a}", f"node {b}")
    if as_json:
        import difflib

        lines = difflib.unified_diff(texts[0].splitlines(), texts[1].splitlines(), *names, lineterm="")
        typer.echo(json.dumps({"a": a, "b": b, "diff": "\n".join(lines)}))
        return
    from rich.console import Console

    from treewright.cli.render import diff_text

    Console().print(diff_text(texts[0], texts[1], names), soft_wrap=True)


def log(
    run: RunName,
    node: Annotated[int, typer.Argument(metavar="NODE", help="A node's number.")],
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Print what was asked of a language model, and its answers, instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print what a node's program printed."""
    from treewright.cli.render import visible_controls
    from treewright.record import read_run

    record = read_run(run)
    _node(record, node)
    if prompt:
        _print_prompts(record, node, as_json=as_json)
        return
    path = record.folder.node(node) / "output.log"
    if not path.is_file():
        raise UsageError(f"node {node} has no output: {path} is not there; see: treewright show {run} {node}")
    with path.open(encoding="utf-8", errors="replace") as lines:
        if as_json:
            typer.echo(json.dumps({"node": node, "output": lines.read()}))
            return
        for line in lines:
            typer.echo(visible_controls(line.rstrip("\n")))


def _print_prompts(record: Record, node: int, *, as_json: bool) -> None:
    from dataclasses import asdict

    exchanges = tuple(record.exchanges(node))
    if as_json:
        typer.echo(json.dumps({"node": node, "exchanges": [asdict(exchange) for exchange in exchanges]}))
        return
    if not exchanges:
        raise UsageError(f"no language model was asked for node {node}")
    from treewright.cli.render import visible_controls

    for exchange in exchanges:
        usage = exchange.usage
        head = f"request {exchange.number}: {exchange.purpose}, {exchange.model}, {exchange.finish}"
        _heading(f"{head}, {usage.input_tokens:,} + {usage.output_tokens:,} tokens, {usage.seconds:.1f} s")
        for turn in (*exchange.request, Message("answer", exchange.answer)):
            _heading(turn.role)
            for line in turn.text.splitlines():
                typer.echo(visible_controls(line))


def _heading(text: str) -> None:
    from treewright.cli.render import visible_controls

    typer.secho(f"── {visible_controls(text)} ──", bold=True)


def export(
    run: RunName,
    node: NodeId = None,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A folder to make.")] = Path("export"),
    as_json: Json = False,
) -> None:
    """Copy the answer, or one node's program and submission, to a folder of your own."""
    from treewright.cli.render import visible_controls
    from treewright.record import read_run

    record = read_run(run)
    source = record.folder.best if node is None else record.folder.node(_node(record, node).id)
    if not source.is_dir():
        raise UsageError(f"there is nothing to export: {source} is not there")
    if to.exists() and any(to.iterdir()):
        raise UsageError(f"{to} is not empty; name another folder with --to")
    to.mkdir(parents=True, exist_ok=True)
    names = [file.name for file in sorted(source.iterdir()) if file.suffix in {".py", ".csv", ".md"}]
    for name in names:
        shutil.copyfile(source / name, to / name)
    if as_json:
        typer.echo(json.dumps({"dir": str(to), "files": names}))
    else:
        typer.echo(visible_controls(f"{to}: {', '.join(names)}"))


def _node(record: Record, node: int) -> Node:
    try:
        return record.tree[node]
    except KeyError:
        raise UsageError(f"{record.folder.path} has no node {node}; its nodes are 1 to {len(record.tree)}") from None


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("list")(list_)
    for command in (show, diff, log, export):
        app.command()(command)
