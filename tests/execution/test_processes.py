"""How the memory of a process tree is counted."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import pytest

from treewright.execution.processes import PROC, descendants, holds_more

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc")


@contextmanager
def running(code):
    """A process that says when it is ready, and ends when its input does."""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


FORKED = """
import os, sys, threading
data = bytearray(b"x") * 60_000_000
ends = [os.pipe() for _ in range(3)]
for ready, go in ends:
    if os.fork() == 0:
        os.write(go, b"1")
        sys.stdin.read()
        os._exit(0)
    os.read(ready, 1)
print(flush=True)
sys.stdin.read()
"""


def test_children_and_those_of_threads_are_descendants():
    code = """
import subprocess, sys, threading
threading.Thread(target=lambda: print(subprocess.Popen([sys.executable, "-c", "input()"]) and "", flush=True)).start()
sys.stdin.read()"""
    with running(code) as pid:
        assert len(descendants(pid)) == 2


def test_pages_that_processes_share_count_once():
    with running(FORKED) as pid:
        assert len(descendants(pid)) == 4
        assert holds_more(pid, 50)
        assert not holds_more(pid, 150)


def test_a_process_that_has_ended_holds_nothing():
    with running("print()") as pid:
        pass
    assert not holds_more(pid, 0)
