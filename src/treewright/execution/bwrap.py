"""The bubblewrap sandbox: namespaces of the kernel, set up by the ``bwrap`` program, for root and ordinary users alike.

The script sees a file system made for it: the system's programs and libraries and the interpreter with its packages,
read-only; its input, read-only; ``working/``, which stays; ``/tmp`` with its own folder in it, in memory and of
limited size, which goes when it ends; the GPUs, if there are any. Nothing else of the machine is there: no home, no
keys, no other node's folder. It has processes of its own, no network but a loopback, and no way to make further
namespaces. Killing the first process of its namespace makes the kernel end all the others, and they end too if this
program dies.

What is *not* covered: the kernel itself, which the script shares with us, and what it keeps outside of namespaces
(where we are root, root's keyring; in a virtual machine, ``vsock`` to its host); how much processor, how many processes
and how much disk in ``working/`` it takes, but for the limits that the executor watches over. What lies in ``/tmp`` and
``/dev/shm`` comes on top of the memory limit, each up to a quarter of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.execution import processes
from treewright.execution.sandbox import Cell, reap, spawn, wait
from treewright.workdir import INPUT, SOLUTION, WORKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from treewright.protocols import Job

HOME = Path("/tmp/node")  # noqa: S108  in a /tmp that is the sandbox's own
USER = "1000"
SCRATCH_SHARE = 4
"""``/tmp`` and ``/dev/shm`` may each take this fraction of the script's memory, or of the machine's."""

_SYSTEM = ("/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
_ETC = ("alternatives", "ld.so.cache", "localtime")
_HARDWARE = "/sys/devices/system"  # numbers of cores, which thread pools ask for
_GPUS = ("nvidia*", "kfd", "dri")
_SHELL_SIGNAL = 128


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Runs scripts under ``program``, which understands ``options`` (as its ``--help`` lists them).

    ``visible`` are the files and folders of the interpreter; ``devices`` the GPUs.
    """

    program: Path
    options: frozenset[str]
    visible: tuple[Path, ...]
    devices: tuple[Path, ...] = ()
    name: str = "bwrap"

    def describe(self) -> str:
        """One line for people: what it covers and what it does not."""
        return "bwrap: scripts see the system, the interpreter and their own data only, and have no network"

    def home(self, job: Job) -> Path:
        """The same neutral place for every job."""
        del job
        return HOME

    def start(self, job: Job, command: Sequence[str], environment: Mapping[str, str]) -> Cell:
        """Start the command in a sandbox of its own."""
        with spawn(command, environment, sandbox=[str(self.program), *self.arguments(job), "--"]) as (process, reached):
            first = processes.descendants(process.pid)[1:2]
            return _BubblewrapCell(process, processes.descriptor(first[0]) if reached and first else None, reached)

    def tidy(self, job: Job) -> None:
        """Nothing to do: all that is made for the script alone ends with it."""

    def arguments(self, job: Job) -> Iterator[str]:
        """What ``bwrap`` is told, from the namespaces to the folder that the script starts in."""
        yield from ("--unshare-all", "--unshare-user", "--uid", USER, "--gid", USER)
        yield from ("--die-with-parent", "--new-session")
        if "--disable-userns" in self.options:
            yield "--disable-userns"
        yield from _system()
        scratch = partial(self._scratch, job)
        yield from ("--proc", "/proc", "--dev", "/dev", *scratch("/dev/shm"), *scratch("/tmp"))  # noqa: S108
        for device in self.devices:
            yield from ("--dev-bind-try", str(device), str(device))
        yield from _read_only(self.visible)
        yield from ("--ro-bind", str(job.input.absolute()), str(HOME / INPUT))
        yield from _linked(job.input)
        yield from ("--ro-bind", str(job.workdir.absolute() / SOLUTION), str(HOME / SOLUTION))
        yield from ("--bind", str(job.workdir.absolute() / WORKING), str(HOME / WORKING))
        # Read-only /proc too: where we are root, the script owns the kernel's settings in it, without any capability.
        yield from ("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(HOME))

    def _scratch(self, job: Job, place: str) -> Sequence[str]:
        memory = job.memory_mb * 2**20 if job.memory_mb else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        size = ("--size", str(memory // SCRATCH_SHARE)) if "--size" in self.options else ()
        return (*size, "--tmpfs", place)


def gpus() -> tuple[Path, ...]:
    """The GPU devices of this machine (the DRI folder stands for its contents)."""
    return tuple(sorted(path for pattern in _GPUS for path in Path("/dev").glob(pattern)))


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for path in map(Path, _SYSTEM):  # links into /usr on most systems
        yield from ("--symlink", str(path.readlink()), str(path)) if path.is_symlink() else _read_only([path])
    yield from _read_only(Path("/etc") / name for name in _ETC)
    yield from _read_only([Path(_HARDWARE)])


def _read_only(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        yield from ("--ro-bind-try", str(path), str(path))


def _linked(folder: Path) -> Iterator[str]:
    """What the links in the input lead to, put where they lead: a large file may be a link to the user's own."""
    inside = HOME / INPUT
    with os.scandir(folder) as entries:
        for link in (Path(entry) for entry in entries if entry.is_symlink()):
            target = Path(os.path.normpath(inside / link.readlink()))
            if not target.is_relative_to(inside):
                yield from ("--ro-bind-try", str(link.resolve()), str(target))


@dataclass(frozen=True, slots=True)
class _BubblewrapCell:
    """``init`` stands for the first process of the namespace; ``reached`` tells that the sandbox could be set up."""

    process: subprocess.Popen[bytes]
    init: int | None
    reached: bool

    def end(self) -> int | None:
        """Kill the namespace's first process; when that is gone, so are all others."""
        if self.init is None:
            code = reap(self.process)
        else:
            processes.end(self.init)
            code = wait(self.process)
        if not self.reached:
            return None
        return _SHELL_SIGNAL - code if code - _SHELL_SIGNAL in signal.valid_signals() else code
