"""Who writes the programs: from a ``Config`` to a coder, and to what comes along with it.

A language model brings a reviewer with it, limits on cost, and a data preview; a replay brings the choices and the
executions of the run that it repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.config import make_config
from treewright.errors import ConfigError
from treewright.protocols import Coder, Evaluator, SearchPolicy, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from treewright.coders.llm.accounts import Accounts
    from treewright.coders.llm.desk import Desk, Source
    from treewright.coders.llm.templates import Templates
    from treewright.config import CoderConfig, Config
    from treewright.folder import RunFolder
    from treewright.protocols import Brief, Executor
    from treewright.record import Record

REPLAY = "replay:"

SPLIT_BY = ("task", "metric", "target", "seed")
"""Settings that decide which rows are hidden and how they are scored."""

REVIEW_GIVE_UP = 30.0
"""Seconds without any answer after which nodes do without the reviews of a model that only reviews."""

Notify = Callable[[int, str], None]
"""Told, with a node, what a person should know while it is waited for."""


@dataclass(frozen=True, slots=True)
class Coding:
    """The coder, and what follows from it.

    ``steps`` is how many nodes it allows (``None``: any number), ``policy`` the search policy that it insists on,
    ``evaluator`` puts what it needs around an evaluator. ``workers`` is how many it insists on: choices that were
    made while several worked can only be repeated one after the other.
    """

    coder: Coder
    introduction: str
    steps: int | None = None
    policy: SearchPolicy | None = None
    evaluator: Callable[[Evaluator], Evaluator] = lambda evaluator: evaluator
    workers: int | None = None


def choose_coding(
    config: Config,
    own: Coder | None,
    *,
    setting: Setting,
    executor: Executor,
    folder: RunFolder,
    notify: Notify,
) -> Coding:
    """The coding that is asked for; ``ConfigError`` for one that there is not."""
    asked = config.coder
    kind, _, rest = asked.kind.partition(":")
    if own is not None:
        coding = Coding(own, f"coder: {own.name}", config.steps)
    elif kind == "folder" and rest:
        coding = _from_folder(config, Path(rest))
    elif asked.kind == "recipes":
        coding = _recipes(config, setting)
    elif asked.kind == "llm":
        coding = _language_model(config, setting, executor, folder, notify)
    elif kind == "python":
        raise from_python("coder", asked.kind)
    else:
        raise ConfigError(
            f"there is no coder {asked.kind!r}; it is recipes, llm (with --model PROVIDER:NAME), or folder:DIR"
        )
    if config.init:
        from treewright.coders.folder import InitCoder

        coding = replace(coding, coder=InitCoder(config.init, coding.coder))
    return coding


def from_python(part: str, recorded: str) -> ConfigError:
    """Why a run with a part of its own cannot go on from the command line."""
    return ConfigError(
        f"the {part} of this run is the Python object {recorded.removeprefix('python:')}; "
        f"go on with it from Python: treewright.Search(task, {part}=..., name=...)"
    )


def _recipes(config: Config, setting: Setting) -> Coding:
    from treewright.coders.recipes import RecipeCoder

    if setting.self_reported and setting.task.metric.source:
        raise ConfigError(
            f"rows cannot be hidden, and recipes cannot score themselves by {setting.task.metric.name}, which is your "
            "own; choose another --metric, or let a language model write with --model PROVIDER:NAME"
        )
    words = "coder: recipes (built in, offline); --model PROVIDER:NAME lets a language model write"
    return Coding(RecipeCoder(), words, config.steps)


def _from_folder(config: Config, folder: Path) -> Coding:
    from treewright.coders.folder import FolderCoder

    coder = FolderCoder.from_folder(folder, before=1 if config.init else 0)
    held = coder.before + len(coder.programs)
    return Coding(coder, "coder: folder", min(held, config.steps or held))


def _language_model(config: Config, setting: Setting, executor: Executor, folder: RunFolder, notify: Notify) -> Coding:
    from treewright.coders.llm.providers import need_packages

    need_packages()
    from treewright.coders.llm.blocks import Caps
    from treewright.coders.llm.check import check
    from treewright.coders.llm.coder import LlmCoder
    from treewright.coders.llm.data_names import check_data_names
    from treewright.coders.llm.names import Names
    from treewright.coders.llm.review import Reviewer, ReviewingEvaluator

    asked = config.coder
    templates = load_templates(asked, self_reported=setting.self_reported)
    caps = Caps(samples=asked.samples)
    replayed = _recording(config, folder)
    writers, reviewer = _sources(config, replayed, notify)
    names = Names(executor, memory_mb=setting.machine.memory_mb)

    def find_faults(code: str, brief: Brief) -> tuple[str, ...]:
        return (*check(code, names, brief.cancel), *check_data_names(code, setting.table, samples=asked.samples))

    coder: Coder = LlmCoder(writers, templates, caps, find_faults, asked.edits_above)
    if asked.seed_with_recipes:
        from treewright.coders.recipes import RecipeCoder
        from treewright.coders.seeding import SeededCoder

        coder = SeededCoder(RecipeCoder(), asked.seed_with_recipes, coder)

    def evaluator(inner: Evaluator) -> Evaluator:
        if replayed and not config.rerun:
            inner = _repeating(inner, replayed, folder)
        if asked.review == "never":
            return inner
        always = asked.review == "always"
        reviewing = Reviewer(reviewer, templates, caps, printed=setting.self_reported)
        return ReviewingEvaluator(inner, reviewing, setting, always=always, notify=notify)

    if replayed:
        from treewright.coders.llm.replay import RecordedPolicy

        unwritten = (node.id for node in replayed.tree.nodes if node.in_flight and node.proposal is None)
        written = next(unwritten, len(replayed.tree) + 1) - 1
        words = f"coder: the answers recorded in {replayed.folder.path}; nothing is sent anywhere"
        steps = min(written, config.steps or written)
        return Coding(coder, words, steps, RecordedPolicy(replayed.tree), evaluator, workers=1)
    words = f"coder: {', '.join(source.name for source in writers)}"
    if asked.review != "never" and reviewer.name != writers[0].name:
        words += f", reviewed by {reviewer.name}"
    if asked.seed_with_recipes:
        words += ", seeded with recipes"
    return Coding(coder, words, config.steps, None, evaluator)


def load_templates(asked: CoderConfig, *, self_reported: bool = False) -> Templates:
    """The prompts that are asked for."""
    from treewright.coders.llm.templates import Templates

    return Templates.load(asked.prompts, paper=asked.operators == "paper", printed=self_reported)


def _sources(config: Config, replayed: Record | None, notify: Notify) -> tuple[Sequence[Source], Source]:
    """Who writes, in turn, and who reviews."""
    asked = config.coder
    if replayed:
        from treewright.coders.llm.replay import Tape

        tape = Tape.of(asked.model or "", [entry.event for entry in replayed.entries])
        return (tape,), tape
    from treewright.coders.llm.accounts import Accounts
    from treewright.coders.llm.providers import environment

    accounts, variables = Accounts(config.max_cost, config.max_tokens), environment(Path.cwd())
    writing = split_models(asked.model)
    hasty = asked.model_copy(update={"give_up": min(asked.give_up, REVIEW_GIVE_UP)})
    desks = {
        name: open_desk(asked if name in writing else hasty, name, accounts, variables, notify)
        for name in model_names(asked)
    }
    if config.max_cost is not None:
        _refuse_unpriced(desks)
    writers = [desks[name] for name in writing]
    return writers, desks.get(asked.review_model or "", writers[0])


def split_models(model: str | None) -> list[str]:
    """The models that write; ``ConfigError`` if none is named."""
    names = [name.strip() for name in (model or "").split(",") if name.strip()]
    if not names:
        raise ConfigError("the coder llm needs a model: name one with --model PROVIDER:NAME or TREEWRIGHT_MODEL")
    return names


def model_names(asked: CoderConfig) -> list[str]:
    """All models that are asked for, the writing ones first, each once."""
    review = [asked.review_model] if asked.review_model and asked.review != "never" else []
    return list(dict.fromkeys([*split_models(asked.model), *review]))


def open_desk(asked: CoderConfig, name: str, accounts: Accounts, variables: Mapping[str, str], notify: Notify) -> Desk:
    """The desk for one model; ``ConfigError`` for a model, an address or a key that cannot be."""
    from treewright.coders.llm.desk import Desk
    from treewright.coders.llm.outage import Circuit
    from treewright.coders.llm.providers import Price, open_model, secrets
    from treewright.coders.llm.wire import Endpoint

    price = asked.price
    model = open_model(name, base_url=asked.base_url, environment=variables)
    endpoint = Endpoint(
        name,
        model,
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        silence=asked.silence,
        secrets=secrets(variables),
        price=None if price.input is None or price.output is None else Price(price.input, price.output),
    )
    context = asked.context or model.profile.get("context_window")
    return Desk(endpoint, accounts, Circuit(asked.give_up), asked.max_tokens, context, notify)


def _refuse_unpriced(desks: Mapping[str, Desk]) -> None:
    unknown = [name for name, desk in desks.items() if desk.endpoint.cost(1, 1) is None]
    if unknown:
        raise ConfigError(
            f"--max-cost needs a price, and that of {', '.join(unknown)} is not known; name it in USD for a million "
            "tokens: --set coder.price.input=0.5 --set coder.price.output=2 (or 0 if it costs nothing)"
        )


def _recording(config: Config, folder: RunFolder) -> Record | None:
    """The run that a replay repeats."""
    model = config.coder.model
    if model is None or not model.startswith(REPLAY):
        return None
    from treewright.data.holdout import same_split
    from treewright.record import read_run

    recording = read_run(Path(model.removeprefix(REPLAY)))
    if not any(True for _ in recording.exchanges()):
        raise ConfigError(f"{recording.folder.path} asked no model, so there are no answers in it to repeat")
    recorded = make_config(dict(recording.started.config))
    if config.rerun:
        return recording
    for key in SPLIT_BY:
        if getattr(config, key) != getattr(recorded, key):
            raise ConfigError(
                f"{recording.folder.path} was run with {key} = {getattr(recorded, key)}, so what its scripts did says "
                f"nothing about {getattr(config, key)}; run them again with --rerun"
            )
    if not same_split(recording.folder.data, folder.data):
        raise ConfigError(
            f"the data have changed since {recording.folder.path} was run, or are hidden in another way, so what its "
            "scripts did says nothing any more; run them again with --rerun"
        )
    return recording


def _repeating(inner: Evaluator, replayed: Record, folder: RunFolder) -> Evaluator:
    from treewright.coders.llm.replay import RecordedEvaluator

    return RecordedEvaluator(inner, replayed.tree, replayed.selected, replayed.folder, folder)
