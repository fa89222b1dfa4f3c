"""Puts the program's own help texts into docs/cli.md, between its markers: ``python docs/make_help.py``.

``tests/test_docs.py`` fails where the page and the program differ.
"""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from treewright.cli import app

PAGE = Path(__file__).with_name("cli.md")
PLAIN = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}

_MARKED = re.compile(r"(?<=<!-- help:)(?P<command> \w+)?(?P<close> -->\n).*?(?=<!-- end of help -->)", re.DOTALL)


def help_text(*command: str) -> str:
    """What ``treewright COMMAND --help`` prints on a plain terminal of 100 columns, without trailing spaces."""
    shown = CliRunner().invoke(app, [*command, "--help"], prog_name="treewright", env=PLAIN).stdout
    return "\n".join(line.rstrip() for line in shown.splitlines()).strip("\n")


def embed(page: str) -> str:
    """The page with the help texts that the program has now."""

    def marked(found: re.Match[str]) -> str:
        command = (found["command"] or "").split()
        return f"{found['command'] or ''}{found['close']}```text\n{help_text(*command)}\n```\n"

    return _MARKED.sub(marked, page)


if __name__ == "__main__":
    PAGE.write_text(embed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
