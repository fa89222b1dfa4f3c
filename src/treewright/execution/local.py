"""Runs scripts on this machine: one fresh process for each, in a sandbox and under a watchdog.

Whatever a script does becomes an ``Execution`` with a plain reason; nothing that it does is raised. What keeps a
script from being started is no fault of the script: it is tried again, and then raised.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.errors import ExecutorError
from treewright.execution import output, watchdog
from treewright.execution.interpreter import inspect
from treewright.execution.sandbox import Sandbox
from treewright.tree import Execution
from treewright.workdir import OUTPUT, SOLUTION, prepare

if TYPE_CHECKING:
    from treewright.execution.interpreter import Interpreter
    from treewright.protocols import Job

THREADS = (
    "LOKY_MAX_CPU_COUNT",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
PASSED_ON = ("CUDA_VISIBLE_DEVICES",)

_SIGNALS: dict[int, str] = {
    signal.SIGSEGV: "crashed with a segmentation fault",
    signal.SIGBUS: "crashed with a bus error",
    signal.SIGABRT: "was aborted from within (SIGABRT)",
    signal.SIGILL: "crashed on an instruction that this processor does not have",
    signal.SIGFPE: "crashed with an arithmetic error (SIGFPE)",
    signal.SIGKILL: "was killed, most likely because the machine ran out of memory",
}


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """An ``Executor``: runs scripts with the interpreter ``python``, contained by ``sandbox``.

    ``log_bytes`` caps each ``output.log``. ``pauses`` are the seconds before each further attempt to start a script:
    processes or memory may be scarce for a moment.
    """

    sandbox: Sandbox
    python: Path
    log_bytes: int = output.LOG_BYTES
    pauses: tuple[float, ...] = (0.5, 5.0)

    def __post_init__(self) -> None:
        inspect(self.python)  # a wrong path is said now, not by the first script

    def run(self, job: Job) -> Execution:
        """Run to the end, to the limit or until cancelled, and end every process that is left. ``ExecutorError``."""
        for pause in self.pauses:
            with suppress(ExecutorError):
                return self._attempt(job)
            time.sleep(pause)
        return self._attempt(job)

    def _attempt(self, job: Job) -> Execution:
        with output.CappedLog(job.workdir / OUTPUT, self.log_bytes) as log:
            started = time.monotonic()
            try:
                prepare(job)
                started = time.monotonic()
                code, reason = self._run(job, log, started + job.seconds)
            except OSError as error:
                raise ExecutorError(f"a script could not be started: {error}") from error
            seconds = time.monotonic() - started
            text = log.text()
        if code is None and reason is None:
            complaint = text.strip().rpartition("\n")[2] or "the sandbox broke off"
            raise ExecutorError(f"a script could not be started: {complaint}")
        found = output.exception(text) if code and reason is None else None
        return Execution(
            seconds=seconds,
            exit_code=code,
            failure=reason or failure(code, found),
            exception=found,
            output=output.excerpt(text, log.dropped),
        )

    def _run(self, job: Job, log: output.CappedLog, deadline: float) -> tuple[int | None, str | None]:
        interpreter, home = inspect(self.python), self.sandbox.home(job)
        try:
            command = [str(interpreter.path), SOLUTION]
            cell = self.sandbox.start(job, command, environment(interpreter, home, job.cpus))
            try:
                reason = watchdog.watch(cell.process, job, log, deadline)
            finally:
                code = cell.end()
                watchdog.drain(cell.process, log)
        finally:
            self.sandbox.tidy(job)
        return code, reason


def environment(interpreter: Interpreter, home: Path, cpus: int) -> dict[str, str]:
    """All the environment that a script gets: an allow-list, so that no key reaches it."""
    variables = {
        "PATH": f"{interpreter.path.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "USER": "node",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": "/tmp",  # noqa: S108  the sandbox's own
        "MPLBACKEND": "Agg",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait take the time of their neighbours
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONFAULTHANDLER": "1",  # a segmentation fault then says on which line
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8:backslashreplace",
        "PYTHONUNBUFFERED": "1",  # what a killed script has printed is not lost
    }
    variables |= dict.fromkeys(THREADS, str(cpus))
    variables |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    if interpreter.user_base:
        variables["PYTHONUSERBASE"] = interpreter.user_base
    return variables


def failure(code: int | None, exception: str | None) -> str | None:
    """Why a script that ended by itself did not end well, in plain words; ``None`` if it did.

    ``code`` counts signals as negative.
    """
    if not code:
        return None
    if code < 0:
        return _SIGNALS.get(-code, f"was ended by signal {-code} ({signal.strsignal(-code)})")
    return f"raised {exception}" if code == 1 and exception else f"exited with status {code}"
