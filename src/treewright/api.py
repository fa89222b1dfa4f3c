"""The Python interface: what the command line assembles, open to objects of one's own.

::

    from treewright import Search, Task

    task = Task.from_folder("titanic")
    with Search(task, workers=4) as search:
        search.run(steps=50)
    print(search.best.score, search.dir)

A coder is any object with a ``name`` and ``write(brief) -> Proposal``, a policy any object with
``select(tree, rng) -> Action`` (see ``protocols``). Somebody who would rather write the programs in a loop of their own
asks and tells: ``brief = search.ask()``, then ``search.tell(brief, code)``.

A search opens its run for as long as it works and no longer. So after an exception, an interruption or the end of the
process the next ``run``, or a new ``Search`` with the same ``name``, goes on from the log; and the clock of ``time``
stands still between them, though not between ``ask`` and ``tell``.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from treewright import task as core
from treewright.app import Own, free_name, reopen, start
from treewright.config import make_config
from treewright.errors import UsageError
from treewright.folder import RunFolder
from treewright.tree import Tree

if TYPE_CHECKING:
    from treewright.protocols import Brief, Coder, SearchPolicy
    from treewright.search import TreeSearch
    from treewright.tree import Node


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it was named, and in ``facts`` what was understood of it: metric, targets, ids, notes on why."""

    path: Path
    goal: str | None
    metric: str | None
    target: str | None
    facts: core.Task

    @classmethod
    def from_folder(
        cls, path: Path | str, goal: str | None = None, metric: str | None = None, target: str | None = None
    ) -> Self:
        """Read a folder of the Kaggle layout, or one table with ``target``; ``UsageError`` says what is wrong with it.

        ``metric`` is a name or ``FILE.py:FUNCTION``, ``target`` a column, or several with commas between.
        """
        from treewright.data import read_task

        return cls(Path(path), goal, metric, target, read_task(path, goal=goal, metric=metric, target=target))


class Search:
    """A search for the best program for a task, kept in the folder ``dir``; to be used from one thread.

    ``coder`` is an object, ``"recipes"``, ``"folder:DIR"``, or a dict of what ``--set coder.`` takes; ``model`` names a
    language model, ``provider:name``, that writes instead. ``policy`` is an object, by default the paper's. ``time`` is
    in seconds and counts while the search works, earlier sessions included. ``settings`` are any others that ``--set``
    takes, such as ``patience=20``. Where ``out/name`` holds a run of this task and seed, it goes on.
    """

    def __init__(
        self,
        task: Task,
        coder: Coder | str | dict[str, Any] | None = None,
        policy: SearchPolicy | None = None,
        *,
        model: str | None = None,
        workers: int = 1,
        seed: int = 0,
        out: Path | str = "runs",
        name: str | None = None,
        time: float | None = None,
        **settings: Any,
    ) -> None:
        own = None if coder is None or isinstance(coder, str | dict) else coder
        writing = {"name": f"python:{own.name}"} if own else coder if isinstance(coder, dict) else {"name": coder}
        asked: dict[str, Any] = {
            "task": task.path,
            "goal": task.goal,
            "metric": task.metric,
            "target": task.target,
            "coder": writing | ({"model": model} if model else {}),
        }
        if policy is not None:
            asked["policy"] = {"name": f"python:{type(policy).__name__}"}
        limits = {"steps": None, "time": time, "patience": None}
        self._settings = limits | settings | asked | {"workers": workers, "seed": seed}
        config = make_config(self._settings)  # a mistake is said here rather than by the first step
        if model and config.coder.kind != "llm":
            raise UsageError(
                f"the coder is {config.coder.kind}, so the model {model} would write nothing; name one of them"
            )
        self._task = task
        self._own = Own(task.facts, own, policy)
        self._out, self._unnamed = Path(out), name is None
        self._folder = RunFolder(self._out / (name or free_name(self._out, task.path)))
        self._search: TreeSearch | None = None
        self._asking: TreeSearch | None = None
        self._closing = ExitStack()
        if not self._unnamed and self._folder.config.exists():
            with ExitStack() as session:
                self._open(session, looking=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End a session of ``ask`` and ``tell``; nodes that were asked for and not told are left to the coder."""
        self._asking = None
        self._closing.close()

    def run(self, steps: int | None = None) -> str:
        """Search until the run has ``steps`` nodes or another limit is reached, choose the final answer, publish it.

        Says why it stopped: ``steps``, ``time``, ``patience``, ``cost`` or ``tokens``. Where none of the first three
        is named, the time is ``config.DEFAULT_SECONDS``.
        Run again with more steps it goes on; ``run(len(search.tree))`` ends what ``ask`` and ``tell`` began.
        """
        self.close()
        with ExitStack() as session:
            return self._open(session, steps).run()

    def ask(self) -> Brief:
        """Let the policy choose what to do next: the brief for whoever writes the program."""
        return self._answering().ask()

    def tell(self, brief: Brief, code: str, plan: str = "") -> Node:
        """Run and score the program written for this brief; the finished node."""
        if brief.node not in self.tree.in_flight:
            raise UsageError(f"node {brief.node} does not wait for a program; tell each brief of ask() once")
        try:
            return self._answering().tell(brief, code, plan)
        except BaseException:
            self.close()  # the session has been interrupted; the next call opens another
            raise

    @property
    def dir(self) -> Path:
        """The run's folder, with ``best/`` in it; made by the first step."""
        return self._folder.path

    @property
    def tree(self) -> Tree:
        """The solution tree."""
        return self._search.tree if self._search else Tree(self._task.facts.metric.direction)

    @property
    def best(self) -> Node | None:
        """The best node of the search, ``None`` before there is a valid one; the final answer is in ``dir/best``."""
        return self.tree[self.tree.best] if self.tree.best is not None else None

    def _answering(self) -> TreeSearch:
        """The session of ``ask`` and ``tell``, in which a time limit holds only where one was named."""
        if self._asking is None:
            self._asking = self._open(self._closing)
            self._asking.budget = replace(self._asking.budget, seconds=self._settings["time"])
        return self._asking

    def _open(self, session: ExitStack, steps: int | None = None, *, looking: bool = False) -> TreeSearch:
        """Open the run for this session; make it if there is none yet. ``looking`` leaves its settings as they are."""
        settings = self._settings if steps is None else self._settings | {"steps": steps}
        if self._unnamed:  # another search may have taken the name meanwhile
            self._folder = RunFolder(self._out / free_name(self._out, self._task.path))
        if self._folder.config.exists():
            run = reopen(self.dir, [settings], own=self._own)
        else:
            run = start(make_config(settings), self._folder, own=self._own)
        self._unnamed = False
        self._search = session.enter_context(run).search
        if not looking:
            run.keep_settings()
        return self._search
