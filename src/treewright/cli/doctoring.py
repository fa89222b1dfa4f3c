"""``doctor``: what works here, and how to mend what does not."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from treewright.cli.options import BaseUrl, Json, Model, Python, ReviewModel, Sandbox, Set


def doctor(
    model: Model = None,
    review_model: ReviewModel = None,
    base_url: BaseUrl = None,
    python: Python = None,
    sandbox: Sandbox = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Try models, interpreter and sandbox, and say what is missing and what mends it."""
    from treewright.cli.settings import make_settings, model_settings
    from treewright.doctor import examine

    flags = {
        "task": ".",
        "coder": model_settings(None, model, review_model, None, base_url),
        "python": python,
        "sandbox": sandbox,
    }
    config = make_settings(flags, None, None, set_ or [])
    findings = []
    for finding in examine(config):
        findings.append(finding)
        if not as_json:
            _show(finding.about, finding.works, finding.detail, finding.mend)
    ill = any(finding.works is False for finding in findings)
    if as_json:
        typer.echo(json.dumps({"works": not ill, "findings": [asdict(finding) for finding in findings]}))
    if ill:
        raise typer.Exit(1)


def _show(about: str, works: bool | None, detail: str, mend: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from treewright.cli.render import plain

    sign, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "dim")}[works]
    console = Console(highlight=False)
    console.print(Text.assemble((f"{sign} ", style), (plain(about), "bold"), f"  {plain(detail)}"), soft_wrap=True)
    if mend:
        console.print(
            Text(f"  mend it: {plain(mend)}" if works is False else f"  {plain(mend)}", style), soft_wrap=True
        )


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(doctor)
