"""The scripts' interpreter: what it is, what a script can import from it, and which files it needs in order to run.

It may be the user's own (``--python``), so it is asked rather than assumed. Of a virtual environment only the usual
folders are needed and shown: ``python -m venv .`` puts it into a project's folder, which may hold keys and answers.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright.errors import ConfigError
from treewright.execution import _inspect
from treewright.protocols import Machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_VENV = ("bin", "lib", "lib64", "share", "pyvenv.cfg")
_SECONDS = 60
_SLICE = re.compile(r"(?P<name>MIG \S+).*\(UUID: (?P<uuid>MIG-[^)]+)\)")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """``path`` is absolute and not resolved: a virtual environment is known by the link that leads out of it.

    ``visible`` are the files and folders it needs, those in ``/usr`` apart; ``user_base`` is the base of
    the user's own site-packages where it has some.
    """

    path: Path
    version: str
    packages: Mapping[str, str]
    visible: tuple[Path, ...]
    user_base: str | None


def probe_machine(python: Path, cpus: int, memory_mb: int | None = None) -> Machine:
    """What a script run by ``python`` will find. ``memory_mb`` of ``None`` stands for all the memory there is.

    ``ConfigError`` if this is no Python.
    """
    interpreter = inspect(python)
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return Machine(interpreter.version, interpreter.packages, cpus, min(memory_mb or total, total), _gpus())


@cache
def _gpus() -> tuple[str, ...]:
    """The graphics cards that scripts may see, each with its memory, as the driver's own tool tells them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible == "":
        return ()
    told = _ask_driver("--query-gpu=name,memory.total,uuid", "--format=csv,noheader")
    cards = [line.rpartition(", ") for line in told]
    if visible is None:
        return tuple(name for name, _, _ in cards)
    places = {str(i): name for i, (name, _, _) in enumerate(cards)} | {uuid: name for name, _, uuid in cards}
    if "MIG-" in visible:
        slices = (_SLICE.fullmatch(line) for line in _ask_driver("-L"))
        places |= {found["uuid"]: found["name"] for found in slices if found}
    return tuple(places[place] for place in _chosen(places, visible))


def _ask_driver(*arguments: str) -> list[str]:
    """The lines that ``nvidia-smi`` prints; none without it or a card."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _chosen(places: Iterable[str], visible: str) -> Sequence[str]:
    """What a value of ``CUDA_VISIBLE_DEVICES`` chooses, by index or by the beginning of a UUID.

    CUDA stops at the first that there is not, and takes one that is named twice for no choice at all.
    """
    found: list[str] = []
    for wanted in map(str.strip, visible.split(",")):
        fits = [it for it in places if it == wanted or (wanted.startswith(("GPU-", "MIG-")) and it.startswith(wanted))]
        if len(fits) != 1:
            break
        found += fits
    return found if len(set(found)) == len(found) else []


def inspect(python: Path) -> Interpreter:
    """Ask an interpreter, given by its path or by a name on the ``PATH``. ``ConfigError`` if it does not answer."""
    found = shutil.which(python)
    if found is None:
        raise ConfigError(f"no Python interpreter at {python}: name an existing one with --python")
    return _inspect_path(Path(found).absolute())


@cache
def _inspect_path(path: Path) -> Interpreter:
    answer = _inspect.inspect() if path == Path(sys.executable) else _ask(path)
    return Interpreter(
        path=Path(answer["executable"]),
        version=answer["version"],
        packages=answer["packages"],
        visible=tuple(_outermost(_needed(answer))),
        user_base=answer["user_base"],
    )


def _ask(path: Path) -> dict[str, Any]:
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    command = [str(path), str(_inspect.__file__)]
    try:
        done = subprocess.run(command, env=kept, cwd="/", capture_output=True, timeout=_SECONDS, check=True)
        answer: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ConfigError(f"{path} does not answer as Python does: {error}") from error
    return answer


def _needed(answer: dict[str, Any]) -> Iterator[Path]:
    prefix, bases = Path(answer["prefix"]), [Path(base) for base in answer["base_prefixes"]]
    if prefix not in bases:
        yield from (prefix / name for name in _VENV)
    for folder in (*bases, *map(Path, answer["site_packages"])):
        yield from (folder, folder.resolve())
    for folder in map(Path, answer["site_packages"]):
        yield from (entry.resolve() for entry in folder.glob("*") if entry.is_symlink())
    link = Path(answer["executable"])
    while link.is_symlink():
        link = Path(os.path.abspath(link.parent / link.readlink()))  # noqa: PTH100  one link at a time
        yield link


def _outermost(paths: Iterable[Path]) -> Iterator[Path]:
    """The existing ones among the paths that do not lie in another of them, nor in ``/usr``."""
    kept = {Path("/usr")}
    for path in sorted(set(paths)):  # a folder comes before what it holds
        if kept.isdisjoint((path, *path.parents)) and path.exists():
            kept.add(path)
            yield path
