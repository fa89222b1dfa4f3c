"""A job's folder: made ready for the script, and read after it without being led astray.

A script may leave anything behind: a folder that cannot be entered, and under the name that is expected of it a link
to a file of the user's, a named pipe that keeps a reader waiting for ever, a device, or gigabytes. Only a plain file
of bounded size, reached without a link, is handed on.
"""

from __future__ import annotations

import shutil
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from treewright.protocols import Job

SOLUTION = "solution.py"
OUTPUT = "output.log"
WORKING = "working"
INPUT = "input"

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a file cannot be used, in plain words."""

    reason: str


def collect(workdir: Path, name: str, max_bytes: int) -> Path | Refused:
    """The file ``working/NAME`` of a script that has ended, if it may be read as it is.

    ``workdir`` is the job's folder. Nothing is read or copied. Never raises for what a script left there.
    """
    shown = f"{WORKING}/{name}"
    path = workdir / WORKING / name
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode) or path.resolve() != workdir.resolve() / WORKING / name:
            return Refused(f"{shown} is a link, which is not followed")
        if not stat.S_ISREG(found.st_mode):
            return Refused(f"{shown} is not a plain file")
        if found.st_size > max_bytes:
            size, allowed = found.st_size / MEGABYTE, max_bytes / MEGABYTE
            return Refused(f"{shown} has {size:,.1f} MB, more than the {allowed:,.1f} MB allowed")
        with path.open("rb"):
            return path
    except FileNotFoundError:
        return Refused(f"it did not write {shown}")
    except OSError as error:
        return Refused(f"{shown} cannot be read: {error.strerror}")


def prepare(job: Job) -> None:
    """Write ``solution.py`` and make an empty ``working/``, whatever an earlier run left there. ``OSError``."""
    remove(job.workdir / WORKING)
    (job.workdir / WORKING).mkdir()
    solution = job.workdir / SOLUTION
    remove(solution)  # an earlier script may have put a link there
    # A lone surrogate, which models do write, is then the script's syntax error and not our exception.
    solution.write_bytes(job.code.encode("utf-8", "surrogatepass"))


def remove(path: Path) -> None:
    """Remove a file, link or folder if it is there, whatever a script did to it. ``OSError`` if that fails."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except (OSError, RecursionError):  # folders that may not be entered, or nested deeper than Python can go
        for command in (["/bin/chmod", "-R", "u+rwX"], ["/bin/rm", "-rf"]):
            subprocess.run([*command, "--", str(path)], stderr=subprocess.DEVNULL, check=False)
        if path.exists():
            raise
