"""The watch over a running script: reads what it prints and says when it has to end.

It sleeps in the kernel until there is output, the script has ended, or the next look at the clock, the memory or the
cancel flag is due; so a short script costs no waiting, and an endlessly printing one is still looked at in time.
"""

from __future__ import annotations

import os
import selectors
import time
from typing import IO, TYPE_CHECKING

from treewright.execution import processes

if TYPE_CHECKING:
    from subprocess import Popen

    from treewright.execution.output import CappedLog
    from treewright.protocols import Job

TICK = 0.05
"""Seconds between two looks at the memory and the cancel flag."""
_POLL = 0.005
"""The same where the system cannot wake us when a child has ended."""
_REST = 60.0
"""The same where there is nothing to look at but the clock."""
_CHUNK = 2**16
_PIPE_BYTES = 2**20
"""The most that a pipe can be made to hold without privileges."""


def watch(process: Popen[bytes], job: Job, log: CappedLog, deadline: float) -> str | None:
    """Read the output until the script ends or must end: ``None``, or the plain reason to end it.

    ``deadline`` is a time of the monotonic clock.
    """
    output, ended = _output(process).fileno(), processes.descriptor(process.pid)
    os.set_blocking(output, False)
    tick = _POLL if ended is None else TICK if job.cancel or job.memory_mb else _REST
    look = 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        if ended is not None:
            selector.register(ended, selectors.EVENT_READ)
        try:
            while True:
                if (now := time.monotonic()) >= look:
                    if reason := _reason(process, job, deadline, now):
                        return reason
                    look = min(deadline, now + tick)
                ready = {key.fd for key, _ in selector.select(look - now)}
                if ended in ready or (ended is None and process.poll() is not None):
                    return None
                if output in ready and _take(output, log) == 0:
                    selector.unregister(output)  # closed, but the script may go on
        finally:
            if ended is not None:
                os.close(ended)


def drain(process: Popen[bytes], log: CappedLog) -> None:
    """Take what is left in the pipe of a process that has ended, without waiting for others who hold it; close it."""
    taken = 0
    while taken < _PIPE_BYTES and (size := _take(_output(process).fileno(), log)):
        taken += size
    _output(process).close()


def _reason(process: Popen[bytes], job: Job, deadline: float, now: float) -> str | None:
    if now >= deadline:
        return f"ran past its limit of {round(job.seconds, 1):g} s"
    if job.cancel and job.cancel.is_set():
        return "was cancelled"
    if job.memory_mb and processes.holds_more(process.pid, job.memory_mb):
        return f"killed: used more than {job.memory_mb:,} MB"
    return None


def _output(process: Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _take(output: int, log: CappedLog) -> int:
    """Move what is there into the log; how many bytes, 0 at the end or where nothing is there."""
    try:
        data = os.read(output, _CHUNK)
    except BlockingIOError:
        return 0
    log.write(data)
    return len(data)
