"""No sandbox: a plain process, for machines that have none and for scripts that one trusts.

What holds: the environment is the allow-list, the script has a copy of its input, it ends at its limits, and so do
its descendants, daemons included, unless they changed the environment they were started with. What does not: the
script can read and write whatever the user can, use the network, and signal the user's other processes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.execution.processes import end_marked
from treewright.execution.sandbox import Cell, reap, spawn
from treewright.workdir import INPUT, remove

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from treewright.protocols import Job

COPIED_BYTES = 200_000_000
"""Inputs up to this size are copied for each script; larger ones are linked, their files made read-only."""

_MARK = "TREEWRIGHT_JOB"


@dataclass(frozen=True, slots=True)
class NoSandbox:
    """Runs scripts as plain processes of this user."""

    name: str = "none"

    def describe(self) -> str:
        """One line for people: what it covers and what it does not."""
        return (
            "none: scripts can read and write your files and use the network; only time, memory and output are limited"
        )

    def home(self, job: Job) -> Path:
        """The job's own folder."""
        return job.workdir

    def start(self, job: Job, command: Sequence[str], environment: Mapping[str, str]) -> Cell:
        """Give the script its input and start it."""
        self.tidy(job)
        provide(job.input, job.workdir / INPUT)
        token = secrets.token_hex(16)
        with spawn(command, {**environment, _MARK: token}, cwd=job.workdir) as (process, _):
            return _PlainCell(process, f"{_MARK}={token}".encode())

    def tidy(self, job: Job) -> None:
        """Remove the script's input."""
        remove(job.workdir / INPUT)


@dataclass(frozen=True, slots=True)
class _PlainCell:
    process: subprocess.Popen[bytes]
    mark: bytes

    def end(self) -> int | None:
        end_marked(self.mark)
        return reap(self.process)


def provide(source: Path, target: Path) -> None:
    """Make ``target`` a folder with the files of ``source`` that a script can do no harm to, or little.

    Links are replaced by what they lead to where the files are copied.
    """
    if _size(source) <= COPIED_BYTES:
        shutil.copytree(source, target)
        return
    target.mkdir()
    for path in source.iterdir():
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:  # otherwise it may be the user's own file
            with suppress(PermissionError):  # it belongs to someone else
                path.chmod(0o444)
        (target / path.name).symlink_to(path.absolute())


def _size(folder: Path) -> int:
    """Bytes in the folder, links followed; counting stops where it is clear that they are too many."""
    total = 0
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            with suppress(OSError):
                total += Path(parent, name).stat().st_size
        if total > COPIED_BYTES:
            break
    return total
