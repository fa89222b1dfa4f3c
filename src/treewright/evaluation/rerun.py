"""Running a node's program once more on another input: a further split, or all labelled rows.

What it predicts is kept beside the node under the input's name, so that a resumed run does not run it again.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Self
from zipfile import BadZipFile

from treewright.errors import ExecutorError
from treewright.evaluation.predictions import Predictions, load_predictions, read_predictions, save_predictions
from treewright.evaluation.resources import Resources
from treewright.evaluation.submission import Form, InvalidSubmission
from treewright.folder import RunFolder
from treewright.protocols import Closing, Executor, Job
from treewright.task import Task
from treewright.workdir import remove

if TYPE_CHECKING:
    from treewright.tree import Node

GROWTH = 1.3
"""All rows are up to a fifth more than a search run has, and a little patience is cheaper than a lost run."""

THREADS_GAIN = 0.7
"""Twice the threads make a script quicker by two to the power of this."""

MARGIN_SECONDS = 3.0
"""For choosing, blending and writing."""

UNREADABLE = (OSError, EOFError, ValueError, KeyError, BadZipFile)
"""What a file of predictions that was lost or damaged raises."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a run's end, by ``time.monotonic``: when it has to be over, and until when extras may begin."""

    closing: Closing
    deadline: float
    extras_until: float

    @classmethod
    def of(cls, closing: Closing, reserved: float) -> Self:
        """With ``reserved`` seconds of a limited time kept from extras."""
        now = time.monotonic()
        if closing.seconds is None:
            return cls(closing, math.inf, now + closing.allowance)
        return cls(closing, now + closing.seconds, now + closing.allowance - reserved - MARGIN_SECONDS)

    def left(self) -> float:
        """Seconds that runs may still take."""
        return self.deadline - time.monotonic() - MARGIN_SECONDS

    def left_for_extras(self) -> float:
        """Seconds that something may take that an answer could do without."""
        return min(self.left(), self.extras_until - time.monotonic())

    def allow_extra(self, seconds: float) -> bool:
        """Whether something that an answer could do without may take so long."""
        return not self.cancelled and seconds < self.left_for_extras()

    @property
    def cancelled(self) -> bool:
        """Whether haste is asked for."""
        return self.closing.cancel is not None and self.closing.cancel.is_set()


@dataclass(frozen=True, slots=True)
class Place:
    """An input that programs are run on: a name for what comes of it, its folder, and the form of its submission."""

    name: str
    input: Path
    form: Form


@dataclass(frozen=True, slots=True)
class Program:
    """A node's program; ``cancel`` ends its run early."""

    node: int
    code: str
    cancel: Flag | None = None

    @classmethod
    def of(cls, node: Node, terms: Terms) -> Self:
        """That of a node, at the end of a run."""
        assert node.proposal is not None
        return cls(node.id, node.proposal.code, terms.closing.cancel)


@dataclass(frozen=True, slots=True)
class Rerunner:
    """Runs programs that have the machine to themselves.

    ``waves`` is how many runs of a script, one after the other, its evaluation took, and ``cpus_each`` the threads that
    each of them had. A run takes ``script_seconds`` at most.
    """

    task: Task
    executor: Executor
    folder: RunFolder
    resources: Resources
    waves: int = 1
    cpus_each: int = 1
    script_seconds: float = 3600.0

    def estimate(self, node: Node) -> float:
        """The seconds that one run of the node's program will take."""
        assert node.execution is not None
        more_threads: float = max(1.0, self.resources.cpus / self.cpus_each) ** THREADS_GAIN
        return GROWTH * node.execution.seconds / self.waves / more_threads

    def run(self, program: Program, place: Place, seconds: float) -> tuple[float, Predictions | str]:
        """The seconds that it took, and what it predicted, which is kept, or why that cannot be used.

        ``seconds`` is the most that it may take.
        """
        workdir = self.folder.path / f".{place.name}-{program.node}"
        remove(workdir)
        workdir.mkdir(parents=True)
        limit = min(self.script_seconds, seconds)
        cpus, memory_mb = self.resources.cpus, self.resources.memory_mb
        try:
            execution = self.executor.run(
                Job(program.code, workdir, place.input, limit, cpus, memory_mb, program.cancel)
            )
            if execution.failure:
                return execution.seconds, execution.failure
            predictions = read_predictions(workdir, place.form, self.task)
            save_predictions(self.folder.node(program.node) / f"{place.name}.npz", {0: predictions})
        except (InvalidSubmission, ExecutorError) as error:
            return 0.0, f"failed: {error}"
        finally:
            remove(workdir)
        return execution.seconds, predictions


def kept(folder: RunFolder, node: int, place: str) -> Predictions | None:
    """What an earlier run of the node in this place predicted, if that is kept and can be read."""
    try:
        return load_predictions(folder.node(node) / f"{place}.npz")[0]
    except UNREADABLE:
        return None
