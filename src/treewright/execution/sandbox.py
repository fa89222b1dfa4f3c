"""What a sandbox is: something that starts a script and can end everything that came of it."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from treewright.execution.processes import GRACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from treewright.protocols import Job

FILE_BYTES = 10 * 2**30
"""The largest file a script may write."""

# A shell sets the limits and becomes the script: code between fork and exec is not safe in a threaded program. First it
# says that it is there. Only then is a sandbox surely bound to our life; if we have been killed meanwhile, nobody hears
# it, and the broken pipe ends the shell. Then it waits for our word: the script cannot be over before we know it.
_SHELL = 'printf . >&0; read -r word || exit; ulimit -c 0; ulimit -f "$1"; shift; exec "$@" </dev/null'
_WORD = b"begin\n"
_SETUP = 30.0
_BLOCK = 512


class Cell(Protocol):
    """A script that has been started, with all the processes that come of it.

    ``process`` is our child; its standard output is the pipe with what the script prints.
    """

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The child to watch."""

    def end(self) -> int | None:
        """End every process that is left; the exit code as ``subprocess`` counts it.

        ``None`` if the script was never reached: what was printed is then the sandbox's complaint.
        """


class Sandbox(Protocol):
    """How scripts are contained. ``home`` is the script's own folder, as the script sees it."""

    @property
    def name(self) -> str:
        """``bwrap`` or ``none``, as on the command line."""

    def describe(self) -> str:
        """One line for people: what it covers and what it does not."""

    def home(self, job: Job) -> Path:
        """The folder of ``solution.py``, ``input`` and ``working``, by the name that the script knows it by."""

    def start(self, job: Job, command: Sequence[str], environment: Mapping[str, str]) -> Cell:
        """Start the command in ``home``. ``OSError`` if that cannot be done."""

    def tidy(self, job: Job) -> None:
        """Remove from the job's folder what ``start`` put there for the script alone."""


@contextmanager
def spawn(
    command: Sequence[str], environment: Mapping[str, str], *, sandbox: Sequence[str] = (), cwd: Path | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], bool]]:
    """Start a command under the limits on files, in a session of its own, with all output in one pipe and no input.

    ``sandbox`` is the command line that it is appended to. Gives the process, and whether the inside of the sandbox
    was reached; the command itself begins when the context ends.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = FILE_BYTES if hard == resource.RLIM_INFINITY else min(FILE_BYTES, hard)
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [*sandbox, "/bin/sh", "-c", _SHELL, "sh", str(size // _BLOCK), *command],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                env=dict(environment),
                cwd=cwd,
                start_new_session=True,
            )
        ours.settimeout(_SETUP)
        reached = False
        with suppress(OSError):  # it took too long, or broke off
            reached = bool(ours.recv(1))
        yield process, reached
        if reached:
            with suppress(OSError):
                ours.sendall(_WORD)


def reap(process: subprocess.Popen[bytes]) -> int:
    """Kill the process with its group and wait for it; one that is stuck in the kernel is given up after a while."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return wait(process)


def wait(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a process that has been killed or has ended."""
    try:
        return process.wait(GRACE)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
