"""``audit``: whether what a run says of itself holds."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from treewright.cli.options import Json, RunName


def audit(run: RunName, as_json: Json = False) -> None:
    """Recompute every score of a run, and every claim of its answer, from what its scripts predicted."""
    from treewright.auditing import audit as recompute
    from treewright.cli.render import plain

    claims = recompute(run)
    false = [claim for claim in claims if not claim.holds]
    if as_json:
        typer.echo(json.dumps({"claims": len(claims), "false": [asdict(claim) for claim in false]}))
    else:
        for claim in false:
            typer.echo(f"✗ {plain(claim.about)}: {plain(claim.found)}")
        told = f"{len(claims)} claims recomputed"
        typer.echo(f"{told}, all hold" if not false else f"{told}, {len(false)} do not hold")
    if false:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(audit)
