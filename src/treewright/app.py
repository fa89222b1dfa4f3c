"""The one place that chooses implementations: from a ``Config`` to a search that is ready to run.

A run is made once (``start``) and opened again as often as one likes (``reopen``): the data are split when it is
made, and everything else follows from the configuration, the split and the log.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from treewright.budget import Budget
from treewright.coding import choose_coding, from_python, load_templates
from treewright.config import Config, dump_config, load_config, make_config
from treewright.errors import ConfigError, RunExistsError, UsageError
from treewright.evaluating import choose_scoring, prepare_data, read_asked_task
from treewright.events import RunStarted
from treewright.folder import RunFolder, write_atomically
from treewright.memory import remember, remember_valid
from treewright.protocols import Coder, SearchPolicy, Setting
from treewright.record import find_run
from treewright.search import TreeSearch
from treewright.task import EvaluationKind, Task

if TYPE_CHECKING:
    from treewright.data import Holdout
    from treewright.protocols import Brief, Entry
    from treewright.tree import Message, Proposal, Tree


@dataclass(frozen=True, slots=True)
class Run:
    """An open run: ``with`` holds its lock.

    ``announcements`` say in a line each what was chosen and why. ``notices`` are called, from any thread, with a node
    and what a person should know while it is waited for.
    """

    config: Config
    folder: RunFolder
    task: Task
    search: TreeSearch
    announcements: tuple[str, ...]
    notices: list[Callable[[int, str], None]]

    def __enter__(self) -> Self:
        try:
            self.search.__enter__()
            self._check_price()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _check_price(self) -> None:
        if self.config.max_cost is not None and self.search.tree.usage.cost_usd is None:
            raise ConfigError("--max-cost cannot hold: this run has used a model whose price was not known")

    def keep_settings(self) -> None:
        """Let a later resume begin with the settings of this one; only while the run is open."""
        write_atomically(self.folder.config, dump_config(self.config))

    def __exit__(self, *error: object) -> None:
        self.search.__exit__(*error)
        self.search.store.close()


@dataclass(frozen=True, slots=True)
class Own:
    """What a Python program brings along: it takes the place of what the configuration names."""

    task: Task | None = None
    coder: Coder | None = None
    policy: SearchPolicy | None = None


NOTHING_OWN = Own()


def start(config: Config, folder: RunFolder, *, opened: float | None = None, own: Own = NOTHING_OWN) -> Run:
    """Make a run in a new folder, which appears when all in it is ready; nothing is left of one that cannot be made.

    ``opened`` is when the clock of ``config.time`` began to run (``time.monotonic``), by default now.
    """
    opened = time.monotonic() if opened is None else opened
    need_packages()
    if folder.path.exists():
        raise RunExistsError(
            f"{folder.path} exists; give the run another --name, or go on with: treewright resume {folder.path}"
        )
    from treewright.data import load_holdout

    task = own.task or read_asked_task(config)
    making = RunFolder(folder.path.with_name(f".{folder.name}.{os.getpid()}.new"))
    try:
        shutil.rmtree(making.path, ignore_errors=True)
        making.path.mkdir(parents=True)
        config, task = prepare_data(config, task, making.data)
        making.config.write_text(dump_config(config), encoding="utf-8")
        making.path.rename(folder.path)
    except BaseException:
        shutil.rmtree(making.path, ignore_errors=True)
        raise
    try:
        return _open(config, folder, task, load_holdout(folder.data), opened=opened, own=own)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def reopen(path: Path, changes: list[dict[str, Any]], *, opened: float | None = None, own: Own = NOTHING_OWN) -> Run:
    """Open a run again, with changes to its configuration; those about data, metric, evaluation or seed are refused."""
    opened = time.monotonic() if opened is None else opened
    need_packages()
    from treewright.data import load_holdout

    folder = find_run(path)
    old = load_config(folder.config)
    old = old.model_copy(update={"evaluate": old.evaluate or EvaluationKind.HOLDOUT})
    config = make_config(old.model_dump(mode="json", exclude_none=True), *changes)
    for key in ("task", "goal", "metric", "target", "evaluate", "seed"):
        if getattr(config, key) != getattr(old, key):
            raise ConfigError(f"{key} belongs to the run and cannot change; start a new run for another one")
    return _open(config, folder, own.task or read_asked_task(config), load_holdout(folder.data), opened=opened, own=own)


def first_prompt(config: Config) -> tuple[Message, ...]:
    """What a language model would be told for the first node of a run; nothing is sent, and nothing is left behind."""
    from treewright.coders.llm.blocks import Caps
    from treewright.coders.llm.prompt import Prompt

    asked = config.coder
    with tempfile.TemporaryDirectory(prefix="treewright-") as folder:
        unrun = config.model_copy(update={"sandbox": "none"})
        made = start(unrun, RunFolder(Path(folder, "run")), own=Own(coder=_Unasked()))
        with made as run:
            brief = run.search.ask()
    templates = load_templates(asked, self_reported=brief.setting.self_reported)
    return Prompt(templates, brief, Caps(samples=asked.samples), asked.edits_above)()


@dataclass(frozen=True, slots=True)
class _Unasked:
    """Stands where a language model would, and is never asked."""

    name: str = "llm"

    def write(self, brief: Brief) -> Proposal:
        raise NotImplementedError(brief)


def free_name(out: Path, task: Path) -> str:
    """A name for a run of this task that no run in ``out`` has yet."""
    stem = re.sub(r"[^\w.-]+", "-", task.resolve().name.partition(".")[0])[:60].strip("-.") or "run"
    return next(name for i in itertools.count(1) if not (out / (name := f"{stem}-{i}")).exists())


def need_packages() -> None:
    """``UsageError`` if what reads and scores tables is not installed."""
    missing = [name for name in ("numpy", "pandas", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{', '.join(missing)} is not installed; mend it with: pip install 'treewright[ml]'")


def _open(config: Config, folder: RunFolder, task: Task, holdout: Holdout, *, opened: float, own: Own) -> Run:
    from treewright.execution import LocalExecutor, find_sandbox, probe_machine
    from treewright.store import SqliteStore

    task = replace(task, holdout=holdout.spec)  # from here on everyone knows how rows were hidden
    python = config.python or Path(sys.executable)
    sandbox = find_sandbox(config.sandbox, python)
    executor = LocalExecutor(sandbox, python)
    scoring = choose_scoring(config, task, holdout, executor, folder)
    setting = Setting(
        task,
        holdout.profile,
        probe_machine(python, scoring.cpus, scoring.memory_mb),
        scoring.waves,
        _overview(config, holdout),
        self_reported=not holdout.folds,
    )
    notices: list[Callable[[int, str], None]] = []
    coding = choose_coding(
        config, own.coder, setting=setting, executor=executor, folder=folder, notify=partial(_notify, notices)
    )
    search = TreeSearch(
        setting,
        coder=coding.coder,
        evaluator=coding.evaluator(scoring.evaluator),
        policy=own.policy or coding.policy or make_policy(config),
        store=SqliteStore(folder.database, folder.name),
        started=RunStarted(
            folder.name, config.seed, task.metric.name, task.metric.direction, config.model_dump(mode="json")
        ),
        budget=Budget(
            coding.steps, config.time, config.patience, config.script_time, config.max_cost, config.max_tokens
        ),
        workers=coding.workers or config.workers,
        memory=remember_valid if config.memory == "paper" else remember,
        opened=opened,
    )
    announcements = (
        coding.introduction,
        " ".join(task.notes),
        " ".join((holdout.reason, *holdout.notes)),
        sandbox.describe(),
    )
    search.listeners.append(_publisher(folder, task))
    return Run(config, folder, task, search, announcements, notices)


def _notify(listeners: list[Callable[[int, str], None]], node: int, text: str) -> None:
    for listener in listeners:
        listener(node, text)


def _overview(config: Config, holdout: Holdout) -> str:
    """The data preview, where a language model is going to read it."""
    if config.coder.kind != "llm":
        return ""
    from treewright.data.preview import preview

    return preview(holdout.input, table=holdout.profile, samples=config.coder.samples)


def make_policy(config: Config) -> SearchPolicy:
    """The policy that is asked for."""
    from treewright.policies import Greedy

    settings = config.policy
    if settings.name.startswith("python:"):
        raise from_python("policy", settings.name)
    if settings.name != "greedy":
        raise ConfigError(f"there is no policy {settings.name!r}; it is greedy")
    return Greedy(settings.num_drafts, settings.debug_prob, settings.max_debug_depth, settings.noise_aware)


def _publisher(folder: RunFolder, task: Task) -> Callable[[Entry, Tree], None]:
    """Keeps ``best/`` up to date while the search goes on."""
    from treewright.evaluation.publish import publish_best_so_far
    from treewright.events import Evaluated

    shown: int | None = None

    def listen(entry: Entry, tree: Tree) -> None:
        nonlocal shown
        if isinstance(entry.event, Evaluated) and tree.best is not None and tree.best != shown:
            publish_best_so_far(folder, task, tree[tree.best])
            shown = tree.best

    return listen
