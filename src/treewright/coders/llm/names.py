"""Asks the scripts' interpreter what exists in its libraries, so that a program can be checked before it is run."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

from treewright.coders.llm import _names
from treewright.errors import ExecutorError
from treewright.protocols import Job
from treewright.workdir import Refused, collect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from threading import Event as Flag

    from treewright.protocols import Executor

_MAX_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What the interpreter says of a name.

    Where it does not exist, ``missing`` is the part of it that is missing, from the left; ``near`` are similar names
    beside it, ``homes`` the modules that have a name spelled just so, and ``remark`` is what the library itself says.
    Where it exists, ``parameters`` are the arguments that a call may name, and ``positional`` is how many it may give
    without a name; ``None`` stands for any and for what is not known.
    """

    exists: bool
    missing: str = ""
    near: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    remark: str = ""
    parameters: tuple[str, ...] | None = None
    positional: int | None = None


class Names:
    """What exists in the libraries of the scripts' interpreter; each name is asked for once. Safe among threads.

    Only installed modules are imported, in the sandbox; nothing that a model wrote is run. ``seconds`` is the time
    limit for one run of the helper.
    """

    def __init__(self, executor: Executor, seconds: float = 60.0, memory_mb: int | None = None) -> None:
        self._executor = executor
        self._seconds, self._memory_mb = seconds, memory_mb
        self._known: dict[str, Known | None] = {}
        self._lock = Lock()

    def look_up(self, wanted: Iterable[str], cancel: Flag | None = None) -> Mapping[str, Known]:
        """What is known of these dotted names; ``*.name`` asks in which modules of the usual libraries a name is.

        A name that cannot be judged is left out: one of a module that fails when it is imported, or an attribute of
        something else than a module or class. Where the interpreter cannot be asked, that is all of them.
        """
        names = {name for name in wanted if _is_dotted_name(name)}
        if not names <= self._known.keys():
            with self._lock:
                asked = sorted(names - self._known.keys())
                self._known |= dict.fromkeys(asked) | self._ask(asked, cancel) if asked else {}
        return {name: known for name in sorted(names) if (known := self._known[name])}

    def _ask(self, names: Sequence[str], cancel: Flag | None) -> dict[str, Known]:
        code = f"{inspect.getsource(_names)}\n\nanswer({list(names)!r})\n"
        try:
            with TemporaryDirectory(prefix="treewright-", ignore_cleanup_errors=True) as folder:
                workdir, data = Path(folder, "job"), Path(folder, "input")
                workdir.mkdir()
                data.mkdir()
                self._executor.run(Job(code, workdir, data, self._seconds, memory_mb=self._memory_mb, cancel=cancel))
                answer = collect(workdir, _names.ANSWER, _MAX_BYTES)
                return {} if isinstance(answer, Refused) else dict(map(_read, answer.read_text("utf-8").splitlines()))
        except (ExecutorError, OSError, ValueError):
            return {}


def _is_dotted_name(name: str) -> bool:
    return all(part.isidentifier() for part in name.removeprefix(f"{_names.ANYWHERE}.").split("."))


def _read(line: str) -> tuple[str, Known]:
    name, fields = json.loads(line)
    return name, Known(**{key: _frozen(value) for key, value in fields.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
