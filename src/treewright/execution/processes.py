"""The processes of a script, as ``/proc`` shows them; where there is no ``/proc`` (macOS) none are found."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
MEGABYTE = 2**20
GRACE = 10.0
"""Seconds that a killed process is waited for: one that is stuck in a device or on a file server does not end."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


def descriptor(pid: int) -> int | None:
    """A file descriptor for a child, readable once the child has ended; ``None`` on systems without."""
    if sys.platform == "linux":
        with suppress(OSError):  # an older kernel
            return os.pidfd_open(pid)
    return None


def end(process: int) -> None:
    """Kill the process of this ``descriptor``, wait until it has ended, and close the descriptor."""
    if sys.platform == "linux":
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
    poll = select.poll()
    poll.register(process, select.POLLIN)
    poll.poll(GRACE * 1000)
    os.close(process)


def descendants(root: int) -> list[int]:
    """The process ``root`` and all that it started, directly or through others, parents before children."""
    found = [root]
    for pid in found:  # grows while we go
        with suppress(OSError):  # it has ended
            for task in (PROC / str(pid) / "task").iterdir():
                found += map(int, (task / "children").read_bytes().split())
    return found


def holds_more(root: int, limit_mb: int) -> bool:
    """Whether ``root`` and its descendants hold more than this much memory.

    Resident sizes are cheap to read but count a shared page once for each process, so what counts in the end is the
    proportional size, which is looked up only where the resident sizes add up to more than the limit.
    """
    pids = descendants(root)
    limit = limit_mb * MEGABYTE
    return sum(map(_resident, pids)) > limit and sum(map(_proportional, pids)) > limit


def _resident(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError):  # it has ended
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_bytes().splitlines()
    except OSError:  # it has ended, or we may not look at its pages
        return _resident(pid)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:")), 0)


def end_marked(mark: bytes) -> None:
    """Kill every process whose environment holds ``mark``, until there are none left or time is up.

    The environment meant is the one that a process was started with: neither a new session nor a new parent changes
    it, so daemons are found too.
    """
    until = time.monotonic() + GRACE
    while (pids := _marked(mark)) and time.monotonic() < until:
        found = [process for pid in pids if (process := descriptor(pid)) is not None]
        for pid in pids:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for process in found:  # only now: what one of them starts meanwhile is found by the next look
            end(process)


def _marked(mark: bytes) -> list[int]:
    found = []
    for path in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is someone else's
            if mark in (path / "environ").read_bytes():
                found.append(int(path.name))
    return found
