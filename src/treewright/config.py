"""What a user may ask for, from flags, ``--set`` and ``--config`` alike; unknown keys name the nearest known one."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from treewright.errors import ConfigError, RunFormatError

DEFAULT_SECONDS = 600.0
"""The time of a run for which neither steps nor time were named."""


def _settle(text: str) -> str:
    """The text with the path that it holds made absolute: the run may be resumed from another folder."""
    if folder := text.removeprefix("folder:") if text.startswith("folder:") else "":
        return f"folder:{Path(folder).absolute()}"
    return str(Path(text).absolute()) if ".py:" in text else text


SettledPath = Annotated[Path, AfterValidator(Path.absolute)]
SettledText = Annotated[str, AfterValidator(_settle)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PolicyConfig(_Section):
    """The paper's parameters of the search policy, and whether ties within noise go to the simpler program.

    The name ``python:NAME`` records that a Python program brought a policy of its own.
    """

    name: str = "greedy"
    num_drafts: int = Field(default=5, ge=1)
    debug_prob: float = Field(default=0.5, ge=0, le=1)
    max_debug_depth: int = Field(default=3, ge=0)
    noise_aware: bool = True


class Config(_Section):
    """One run. Times are in seconds."""

    task: SettledPath
    goal: str | None = None
    metric: SettledText | None = None
    target: str | None = None
    coder: SettledText = "recipes"
    init: SettledPath | None = None
    steps: int | None = Field(default=None, ge=1)
    time: float | None = Field(default=None, gt=0)
    patience: int | None = Field(default=None, ge=1)
    script_time: float = Field(default=3600.0, gt=0)
    memory_mb: int | None = Field(default=None, ge=64)
    workers: int = Field(default=1, ge=1, le=256)
    seed: int = Field(default=0, ge=0)
    sandbox: Literal["auto", "bwrap", "none"] = "auto"
    python: Path | None = None
    ensemble: bool = True
    refit: bool = True
    policy: PolicyConfig = PolicyConfig()


PAPER = {"policy": {"num_drafts": 5, "debug_prob": 0.5, "max_debug_depth": 3, "noise_aware": False}, "ensemble": False}
"""``--preset paper``: the search as published."""


def make_config(*layers: dict[str, Any]) -> Config:
    """The configuration that these layers make, later ones first; ``ConfigError`` for what cannot be."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer)
    if all(merged.get(key) is None for key in ("steps", "time", "patience")):
        merged["time"] = DEFAULT_SECONDS
    try:
        config = Config.model_validate(merged)
        dump_config(config).encode()
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None
    except UnicodeEncodeError as error:
        line = next(line for line in error.object.splitlines() if not line.isprintable())
        raise ConfigError(f"{line!a} is not valid UTF-8, and could not be written down; rename it") from None
    return config


def read_config(path: Path) -> dict[str, Any]:
    """A layer from a TOML file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration file {path}") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a readable TOML file: {error}") from None


def parse_setting(setting: str) -> dict[str, Any]:
    """A layer from ``key=value``, with dots for sections; the value is TOML, or else a text as it stands."""
    key, equals, value = setting.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set takes key=value, such as policy.num_drafts=3, not {setting!r}")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    for part in reversed(key.strip().split(".")):
        parsed = {part: parsed}
    return dict(parsed)


def dump_config(config: Config) -> str:
    """The configuration as TOML, to be read by a person and by ``load_config``."""
    content = config.model_dump(mode="json", exclude_none=True)
    sections = {key: value for key, value in content.items() if isinstance(value, dict)}
    lines = [f"{key} = {_toml(value)}" for key, value in content.items() if key not in sections]
    for name, section in sections.items():
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in section.items())]
    return "\n".join(lines) + "\n"


def load_config(path: Path) -> Config:
    """The configuration that a run was started with; ``RunFormatError`` if it is not there or cannot be read."""
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunFormatError(f"{path} cannot be read ({error}); is {path.parent} a run folder?") from None
    except ValidationError as error:
        raise RunFormatError(f"{path} does not fit this version of treewright: {_explain(error)}") from None


def _toml(value: object) -> str:
    # JSON's strings, numbers and booleans are TOML's, and there is nothing else in a configuration
    return json.dumps(value, ensure_ascii=False)


def _merge(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in layer.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{place or 'the configuration'} = {first['input']!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    section: Any = Config
    for part in first["loc"][:-1]:
        section = section.model_fields[str(part)].annotation
    known = sorted(section.model_fields)
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.0)
    return f"there is no setting {place!r}; the nearest is {near[0]!r} (all: {', '.join(known)})"
