"""The command line.

Commands only translate: flags to a ``Config``, results to text or JSON. What a command does not need it does not
import; ``--help`` needs typer alone.

stdout carries results, stderr progress and errors. Exit status: 0 a valid solution stands in ``best/``, 1 none was
found, 2 the call or the task is wrong, 3 the coding operator gave out (resumable), 130 interrupted (resumable).
"""

from __future__ import annotations

import io
import os
import sys

import typer

from treewright import __version__
from treewright.cli import auditing, doctoring, looking, searching, tasks
from treewright.errors import TreewrightError

app = typer.Typer(
    name="treewright",
    help="Searches a tree of machine-learning programs: writes them, runs them, measures them, keeps the best.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"treewright {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    pass


searching.register(app)
tasks.register(app)
looking.register(app)
doctoring.register(app)
auditing.register(app)


def main() -> None:
    """Run the program; a mistake of the user's ends in a line of advice, never in a traceback."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 -- a device
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere  # either may have been closed
        _main()


def _main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # rather a question mark than no result
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here a closed pipe can still be told from a fault
    except TreewrightError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it exits
        sys.exit(141)
    except OSError as error:
        if os.environ.get("TREEWRIGHT_TRACEBACK"):
            raise
        place = f" ({error.filename})" if error.filename else ""
        _complain(f"{error.strerror or error}{place}; what was finished is saved")
        sys.exit(2)


def _complain(message: str) -> None:
    """The message on stderr; names of files and columns in it may hold anything, and must not steer the terminal."""
    from treewright.cli.render import visible_controls

    sys.stderr.write("".join(f"{visible_controls(line)}\n" for line in f"treewright: {message}".splitlines()))
