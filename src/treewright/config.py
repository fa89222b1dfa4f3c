"""What a user may ask for, from flags, ``--set`` and ``--config`` alike; unknown keys name the nearest known one."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from treewright.coders.llm.addresses import check_address, names_user, shown_address
from treewright.data.settings import find_evaluation
from treewright.durations import parse_time
from treewright.errors import ConfigError, RunFormatError, UsageError
from treewright.task import EvaluationKind

DEFAULT_SECONDS = 600.0
"""The time of a run for which neither steps, time nor patience were named.

Limits on language models alone do not end every run: recipes and free models never reach them.
"""

PROVIDERS_OWN = "none"
"""The temperature that leaves it to the provider: TOML has no word for nothing."""


def _settle(text: str) -> str:
    """The text with the path that it holds made absolute: the run may be resumed from another folder."""
    kind, _, folder = text.partition(":")
    if kind == "folder" and folder:
        return f"folder:{Path(folder).absolute()}"
    if kind == "replay" and folder:
        named = Path("runs", folder)  # as everywhere, a run may be called by its name in runs/
        return f"replay:{(named if named.exists() and not Path(folder).exists() else Path(folder)).absolute()}"
    return str(Path(text).absolute()) if ".py:" in text else text


def _seconds(value: object) -> object:
    try:
        return parse_time(value) if isinstance(value, str) else value
    except UsageError as error:
        raise ValueError(str(error)) from None


def _evaluation(value: object) -> object:
    try:
        return find_evaluation(value) if isinstance(value, str) else value
    except ConfigError as error:
        raise ValueError(str(error)) from None


def _temperature(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() == PROVIDERS_OWN else value


def _address(text: str) -> str | None:
    if not (url := text.strip()):
        return None
    if complaint := check_address(url):
        raise ValueError(complaint)
    if names_user(url):
        raise ValueError(
            "a name or password would be kept in the run's folder; leave it out and set the key in the environment "
            "(OPENAI_API_KEY, say), or the whole address (OPENAI_BASE_URL, say)"
        )
    return url


Seconds = Annotated[float, BeforeValidator(_seconds)]
"""A number of seconds, or a text like ``10m``."""
Evaluation = Annotated[EvaluationKind | None, BeforeValidator(_evaluation)]
SettledPath = Annotated[Path, AfterValidator(Path.absolute)]
SettledText = Annotated[str, AfterValidator(_settle)]
Address = Annotated[str, AfterValidator(_address)]
"""A base URL without a name or a password in it."""
Temperature = Annotated[float | None, Field(ge=0, le=2), BeforeValidator(_temperature)]
"""A number, or ``None``, which is spelled ``none``: the provider's own."""


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


class PriceConfig(_Section):
    """USD for a million tokens, where the price of a model is not known, or is another."""

    input: float | None = Field(default=None, ge=0)
    output: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.input is None) != (self.output is None):
            raise ValueError("name both coder.price.input and coder.price.output, 0 for what costs nothing")
        return self


class CoderConfig(_Section):
    """Who writes the programs, and how a language model is asked.

    ``name`` is ``recipes``, ``llm`` or ``folder:DIR``; ``python:NAME`` records that a Python program brought a coder
    of its own. By default it is ``llm`` where a ``model`` is named, else ``recipes``. ``max_tokens`` caps one answer,
    ``context`` (tokens) is what a prompt and its answer must fit in, where the model's own is not known.
    """

    name: SettledText | None = None
    model: SettledText | None = None
    review_model: str | None = None
    base_url: Address | None = None
    review: Literal["auto", "always", "never"] = "auto"
    operators: Literal["treewright", "paper"] = "treewright"
    prompts: SettledPath | None = None
    samples: bool = True
    edits_above: int = Field(default=400, ge=1)
    seed_with_recipes: int = Field(default=0, ge=0)
    temperature: Temperature = 0.5
    max_tokens: int = Field(default=16_384, ge=64)
    context: int | None = Field(default=None, ge=2_048)
    silence: Seconds = Field(default=300.0, gt=0)
    give_up: Seconds = Field(default=600.0, gt=0)
    price: PriceConfig = PriceConfig()

    @property
    def kind(self) -> str:
        """The coder that this asks for."""
        return self.name or ("llm" if self.model else "recipes")

    @model_serializer(mode="wrap")
    def _spell_out(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keep a temperature of ``None``, which is not the default, where what is ``None`` is left out."""
        content: dict[str, Any] = serialize(self)
        return content | ({"temperature": PROVIDERS_OWN} if self.temperature is None else {})


class Config(_Section):
    """One run. Times are in seconds; ``memory`` is the summarization operator, ``rerun`` belongs to a replay.

    ``confirm`` is the number of further splits that the best nodes are run on at the end, as time allows.
    ``evaluate`` is what is asked for; a run that has been made knows it (older ones hid rows without saying so).
    """

    task: SettledPath
    goal: str | None = None
    metric: SettledText | None = None
    target: str | None = None
    evaluate: Evaluation = None
    coder: CoderConfig = CoderConfig()
    memory: Literal["scoped", "paper"] = "scoped"
    init: SettledPath | None = None
    steps: int | None = Field(default=None, ge=1)
    time: Seconds | None = Field(default=None, gt=0)
    max_cost: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, gt=0)
    patience: int | None = Field(default=None, ge=1)
    script_time: Seconds = Field(default=3600.0, gt=0)
    memory_mb: int | None = Field(default=None, ge=64)
    workers: int = Field(default=1, ge=1, le=256)
    seed: int = Field(default=0, ge=0)
    sandbox: Literal["auto", "bwrap", "none"] = "auto"
    python: Path | None = None
    confirm: int = Field(default=2, ge=0, le=20)
    ensemble: bool = True
    refit: bool = True
    rerun: bool = False
    policy: PolicyConfig = PolicyConfig()


PAPER: dict[str, Any] = {
    "policy": {"num_drafts": 5, "debug_prob": 0.5, "max_debug_depth": 3, "noise_aware": False},
    "coder": {"operators": "paper", "review": "always", "temperature": 0.5},
    "memory": "paper",
    "confirm": 0,
    "ensemble": False,
}
"""``--preset paper``: the search as published, its operators and its memory."""


def make_config(*layers: dict[str, Any]) -> Config:
    """The configuration that these layers make, later ones first; ``ConfigError`` for what cannot be."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, _spelled_out(layer))
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
    return "\n".join(_section("", config.model_dump(mode="json", exclude_none=True))).lstrip("\n") + "\n"


def _section(name: str, content: dict[str, Any]) -> list[str]:
    sections = {key: value for key, value in content.items() if isinstance(value, dict)}
    lines = [f"{key} = {_toml(value)}" for key, value in content.items() if key not in sections]
    if name and lines:
        lines = ["", f"[{name}]", *lines]
    for key, section in sections.items():
        lines += _section(f"{name}.{key}" if name else key, section)
    return lines


def load_config(path: Path) -> Config:
    """The configuration that a run was started with; ``RunFormatError`` if it is not there or cannot be read."""
    try:
        return Config.model_validate(_spelled_out(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunFormatError(f"{path} cannot be read ({error}); is {path.parent} a run folder?") from None
    except ValidationError as error:
        raise RunFormatError(f"{path} does not fit this version of treewright: {_explain(error)}") from None


def _toml(value: object) -> str:
    # JSON's strings, numbers and booleans are TOML's, and there is nothing else in a configuration
    return json.dumps(value, ensure_ascii=False)


def _spelled_out(layer: dict[str, Any]) -> dict[str, Any]:
    """With ``coder = "recipes"`` in its long form, a section with a name."""
    return layer | {"coder": {"name": layer["coder"]}} if isinstance(layer.get("coder"), str) else layer


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
        given = first["input"]
        if place == "coder.base_url" and isinstance(given, str):
            given = shown_address(given)
        complaint = first["msg"].removeprefix("Value error, ")
        return f"{place or 'the configuration'} = {given!r}: {complaint[:1].lower()}{complaint[1:]}"
    section: Any = Config
    for part in first["loc"][:-1]:
        section = section.model_fields[str(part)].annotation
    known = sorted(section.model_fields)
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.0)
    return f"there is no setting {place!r}; the nearest is {near[0]!r} (all: {', '.join(known)})"
