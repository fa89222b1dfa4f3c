"""A recipe: everything about a script that can be varied, as one frozen value.

A script is rendered from its recipe and never edited. So an improvement is a recipe in which one field differs, a
repair is one in which the culprit is missing, and a search over programs becomes a search over recipes that a person
can still read as programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Transform(StrEnum):
    """What the models of a regression predict in place of the target."""

    NONE = "none"
    LOG1P = "log1p"
    LOG = "log"
    SQRT = "sqrt"


class Mixing(StrEnum):
    """How several models become one: by fitted weights, or by a logistic regression on their log probabilities."""

    BLEND = "blend"
    STACK = "stack"


class Decision(StrEnum):
    """How predictions become the answer: as they are, rounded, or by thresholds fitted to the metric."""

    PLAIN = "plain"
    ROUND = "round"
    TUNED = "tuned"


class FoldKind(StrEnum):
    """How a script divides its own training rows."""

    RANDOM = "random"
    STRATIFIED = "stratified"
    GROUP = "group"
    BLOCKS = "blocks"


@dataclass(frozen=True, slots=True)
class Block:
    """A feature block: a function of the library and its arguments, all of them JSON values."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its family, what it is shown of the table, and its constructor's arguments."""

    family: str
    view: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Validation:
    """The folds over which each model is bagged; ``repeats`` divides the rows that often."""

    kind: FoldKind
    folds: int = 5
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """One script. ``rows`` caps the training rows (``None``: all of them)."""

    models: tuple[Model, ...]
    validation: Validation
    blocks: tuple[Block, ...] = ()
    transform: Transform = Transform.NONE
    mixing: Mixing = Mixing.BLEND
    decision: Decision = Decision.PLAIN
    rows: int | None = None
    seed: int = 0

    def has(self, block: str) -> bool:
        """Whether the recipe has a feature block of this name."""
        return any(each.name == block for each in self.blocks)

    def without(self, *blocks: str) -> Recipe:
        """The recipe without the feature blocks of these names."""
        return replace(self, blocks=tuple(each for each in self.blocks if each.name not in blocks))


def to_json(recipe: Recipe) -> str:
    """The recipe as one line of JSON."""
    return json.dumps(asdict(recipe), default=dict)


def from_json(text: str) -> Recipe:
    """The recipe that ``to_json`` wrote; ``ValueError`` for anything else."""
    try:
        raw = json.loads(text)
        return Recipe(
            models=tuple(Model(**model) for model in raw["models"]),
            validation=Validation(FoldKind(raw["validation"].pop("kind")), **raw["validation"]),
            blocks=tuple(Block(**block) for block in raw["blocks"]),
            transform=Transform(raw["transform"]),
            mixing=Mixing(raw["mixing"]),
            decision=Decision(raw["decision"]),
            rows=raw["rows"],
            seed=raw["seed"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a recipe: {error!r}") from error
