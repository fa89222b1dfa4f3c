"""From flags, files and the environment to a ``Config``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treewright.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treewright.config import Config

MODEL_VARIABLE = "TREEWRIGHT_MODEL"
"""The environment variable with the model to use where none is named."""

_REPLAY = "replay:"

_FLAGS = {
    "model": "--model",
    "review_model": "--review-model",
    "review": "--review",
    "base_url": "--base-url",
    "samples": "--no-samples",
}
"""The flags about language models, by their keys among the coder's settings."""

_LIMITS = {"max_cost": "--max-cost", "max_tokens": "--max-tokens"}


def make_settings(flags: dict[str, Any], file: Path | None, preset: str | None, more: list[str]) -> Config:
    """The file, the preset, ``--set`` and the flags, each over the ones before it."""
    from treewright.config import PAPER, make_config, parse_setting, read_config

    if preset not in {None, "paper"}:
        raise UsageError(f"there is no preset {preset!r}; the one there is, is paper")
    config = make_config(
        usual_model(),
        _recorded_settings(flags["coder"].get("model")),
        read_config(file) if file else {},
        PAPER if preset else {},
        *map(parse_setting, more),
        {key: value for key, value in flags.items() if value is not None},
    )
    refuse_idle(flags, config)
    return config


def usual_model() -> dict[str, Any]:
    """The settings that the environment asks for."""
    model = os.environ.get(MODEL_VARIABLE)
    return {"coder": {"model": model}} if model else {}


def model_settings(
    coder: str | None = None,
    model: str | None = None,
    review_model: str | None = None,
    review: str | None = None,
    base_url: str | None = None,
    *,
    samples: bool = True,
) -> dict[str, Any]:
    """The flags about who writes, as far as they are given; a model that is named is to write."""
    given = {
        "name": coder or ("llm" if model else None),
        "model": model,
        "review_model": review_model,
        "review": review,
        "base_url": base_url,
        "samples": None if samples else False,
    }
    return {key: value for key, value in given.items() if value is not None}


def refuse_idle(flags: dict[str, Any], config: Config) -> None:
    """``UsageError`` for a flag of this call that would do nothing; what files or a run say may lie idle."""
    if idle := next(_idle(flags, config), None):
        raise UsageError(idle)


def _idle(flags: dict[str, Any], config: Config) -> Iterator[str]:
    coder = config.coder
    if flags["coder"].get("model") == "":
        yield "--model is empty; name a model, PROVIDER:NAME, or leave it out"
    replays = coder.kind == "llm" and (coder.model or "").startswith(_REPLAY)
    for key, flag in _FLAGS.items():
        if key not in flags["coder"]:
            continue
        if coder.kind != "llm":
            mend = "leave one of the two out" if key == "model" else "name a model with --model PROVIDER:NAME"
            yield f"{flag} does nothing where the coder is {coder.kind}; {mend}"
        elif replays and key in {"review_model", "base_url", "samples"}:
            yield f"{flag} does nothing in a replay, which asks no model; leave it out"
        elif key == "review_model" and coder.review == "never":
            yield f"{flag} does nothing where nothing is reviewed; leave it out"
    for key, flag in _LIMITS.items():
        if flags.get(key) is not None and coder.kind != "llm":
            yield f"{flag} limits language models and does nothing where the coder is {coder.kind}; leave it out"
    if flags.get("rerun") and not replays:
        yield "--rerun does nothing without a replay; name one with --model replay:RUN"


def _recorded_settings(model: str | None) -> dict[str, Any]:
    """For a replay, the settings of the run that it repeats."""
    if model is None or not model.startswith(_REPLAY):
        return {}
    from treewright.config import load_config
    from treewright.record import find_run

    return load_config(find_run(Path(model.removeprefix(_REPLAY))).config).model_dump(mode="json", exclude_none=True)
