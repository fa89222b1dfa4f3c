"""What works here and what is missing: models, scripts' interpreter, sandbox, machine; each with its mend.

Nothing is sent anywhere but to the models that are named: one short request in plain text, and one for a structured
answer, which a review needs.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.coding import REPLAY, model_names, open_desk
from treewright.errors import TreewrightError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from treewright.coders.llm.trouble import Trouble
    from treewright.coders.llm.wire import Endpoint
    from treewright.config import CoderConfig, Config

ML_PACKAGES = ("numpy", "pandas", "scikit-learn", "lightgbm")
PATIENCE = 120.0
"""Seconds that a model has for each of the short requests."""
LITTLE_DISK_GB = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it works (``None``: neither needed nor missed), and what mends it if not."""

    about: str
    works: bool | None
    detail: str
    mend: str = ""


def examine(config: Config) -> Iterator[Finding]:
    """Look at everything that a run with these settings would use, the quick things first."""
    python = config.python or Path(sys.executable)
    yield from _interpreter(python)
    yield _sandbox(config.sandbox, python)
    yield from _machine()
    yield from _models(config.coder)


def _interpreter(python: Path) -> Iterator[Finding]:
    from treewright.execution import probe_machine

    try:
        machine = probe_machine(python, 1)
    except TreewrightError as error:
        yield Finding("python", False, str(error))
        return
    yield Finding("python", True, f"scripts run in Python {machine.python}, {python}")
    names = {name.lower().replace("_", "-"): version for name, version in machine.packages.items()}
    have = [f"{name} {names[name]}" for name in (*ML_PACKAGES, "xgboost", "xgboost-cpu", "catboost") if name in names]
    missing = [name for name in ML_PACKAGES if name not in names]
    mend = f"{python} -m pip install {' '.join(missing)}" if missing else ""
    detail = f"{', '.join(have) or 'none of the usual ones'}, {len(names)} packages in all"
    yield Finding("packages", not missing, detail + (f"; {', '.join(missing)} missing" if missing else ""), mend)


def _sandbox(choice: str, python: Path) -> Finding:
    from treewright.execution import find_sandbox

    try:
        return Finding("sandbox", True, find_sandbox(choice, python).describe())
    except TreewrightError as error:
        what, _, mend = str(error).partition("\n")
        return Finding("sandbox", False, what, mend)


def _machine() -> Iterator[Finding]:
    from treewright.execution import probe_machine

    machine = probe_machine(
        Path(sys.executable), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    )
    yield Finding("machine", True, f"{machine.cpus} CPU threads, {machine.memory_mb / 1024:.1f} GB of memory")
    yield Finding("gpu", True if machine.gpus else None, ", ".join(machine.gpus) or "none found; none is needed")
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    roomy = free >= LITTLE_DISK_GB
    yield Finding(
        "disk", roomy, f"{free:.1f} GB free in {Path.cwd()}", "" if roomy else "make room: runs keep copies of data"
    )


def _models(asked: CoderConfig) -> Iterator[Finding]:
    from treewright.coders.llm.providers import environment, need_packages

    try:
        variables = environment(Path.cwd())
        if asked.model is not None:
            need_packages()
    except TreewrightError as error:
        yield Finding("models", False, str(error))
        return
    if asked.model is None:
        yield Finding("models", None, "none named, so recipes write")
        yield from _keys(variables)
    elif asked.model.startswith(REPLAY):
        yield Finding("models", None, f"{asked.model} asks none")
    else:
        for name in model_names(asked):
            yield from _model(asked, name, variables)


def _keys(variables: Mapping[str, str]) -> Iterator[Finding]:
    """The keys that are there, each with the command that tries it."""
    from treewright.coders.llm.providers import PROVIDERS

    there = False
    for name, provider in PROVIDERS.items():
        key = next((key for key in provider.keys if variables.get(key, "").strip()), None)
        if key:
            there = True
            command = f"treewright doctor --model {name}:{provider.example}"
            yield Finding(name, None, f"{key} is there; nothing was sent", f"try it: {command}")
    if not there:
        keys = ", ".join(provider.keys[0] for provider in PROVIDERS.values() if provider.home)
        yield Finding("keys", None, "none is there", f"for a language model set one of {keys}; or serve one yourself")


def _model(asked: CoderConfig, name: str, variables: Mapping[str, str]) -> Iterator[Finding]:
    from treewright.coders.llm.accounts import Accounts

    try:
        desk = open_desk(asked, name, Accounts(), variables, lambda _node, _text: None)
    except TreewrightError as error:
        yield Finding(name, False, str(error))
        return
    yield from _ask(name, desk.endpoint)
    cost = desk.endpoint.cost(1_000_000, 1_000_000)
    price = "known" if cost is not None else "not known, so --max-cost is refused"
    mend = "" if cost is not None else "--set coder.price.input=USD --set coder.price.output=USD (for a million tokens)"
    yield Finding(f"{name} price", True if cost is not None else None, price, mend)


def _ask(name: str, endpoint: Endpoint) -> Iterator[Finding]:
    """Whether the model answers at all and, if so, whether it can give the structured answer of a review."""
    from treewright.coders.llm.review import ReviewAnswer
    from treewright.coders.llm.trouble import Trouble
    from treewright.tree import Message

    stop = threading.Event()
    question = (Message("user", "Answer with the one word OK."),)
    try:
        answer = endpoint.ask(question, max_tokens=1024, cancel=stop, deadline=time.monotonic() + PATIENCE)
    except Trouble as trouble:
        yield Finding(name, False, str(trouble).removeprefix(f"{name}: "), _mend(trouble, name, endpoint))
        return
    except TreewrightError as error:
        yield Finding(name, False, str(error).removeprefix(f"{name}: "))
        return
    yield Finding(name, True, f"answers in {answer.usage.seconds:.1f} s")
    for notice in answer.notices:
        yield Finding(name, True, notice)
    review = (Message("user", "A program printed 'done' and exited with status 0. Say that this is no bug."),)
    about = f"{name} structured"
    try:
        endpoint.ask(review, schema=ReviewAnswer, max_tokens=1024, cancel=stop, deadline=time.monotonic() + PATIENCE)
    except (Trouble, TreewrightError) as trouble:
        yield Finding(about, False, str(trouble), "--review never does without")
        return
    how = {"tool": "by tool call", "native": "by JSON schema", "prompted": "as JSON asked for in the prompt"}
    yield Finding(about, True, how[endpoint.mode])


def _mend(trouble: Trouble, name: str, endpoint: Endpoint) -> str:
    """What helps where not even a plain request is answered."""
    from treewright.coders.llm.providers import PROVIDERS
    from treewright.coders.llm.trouble import CalledOff, TooLong, Unavailable

    home = PROVIDERS[name.partition(":")[0]].home
    own = (endpoint.model.base_url or "").rstrip("/") != home
    match trouble:
        case Unavailable(replied=True):
            return "try another model, or again later"
        case Unavailable() | CalledOff() if own:
            return "start the server, or give it time; or name its right address with --base-url URL"
        case Unavailable() | CalledOff():
            return "is this machine online? then try again later"
        case TooLong():
            return "let the server give the model a longer context"
        case _:
            return "try another model"
