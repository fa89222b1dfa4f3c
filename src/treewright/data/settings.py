"""``task.toml``: what the layout of a task folder cannot say."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from treewright.errors import ConfigError
from treewright.task import EvaluationKind, HoldoutSpec, SplitKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "task.toml"
LARGEST_FRACTION = 0.3
MOST_FOLDS = 20

_KEYS = ("goal", "metric", "target", "weight", "holdout", "evaluate")
_EVALUATE_KEYS = ("kind", "command")
_HOLDOUT_KEYS = ("kind", "column", "prefix", "fraction", "folds", "selection")


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``task.toml`` says about a prediction task; ``None`` or empty where it is silent."""

    goal: str | None = None
    metric: str | None = None
    target: tuple[str, ...] = ()
    weight: str | None = None
    holdout: HoldoutSpec = field(default_factory=HoldoutSpec)
    evaluation: EvaluationKind | None = None


def read_settings(folder: Path) -> Settings:
    """The folder's ``task.toml``, or empty settings without one.

    ``ConfigError`` for invalid TOML, an unknown key (naming the nearest known one) or a value out of range.
    """
    path = folder / FILE
    if not path.exists():
        return Settings()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    _check_keys(content, _KEYS, FILE)
    target = content.get("target", [])
    return Settings(
        goal=_text(content, "goal", FILE),
        metric=_text(content, "metric", FILE),
        target=tuple(target) if _is_texts(target) else tuple(filter(None, [_text(content, "target", FILE)])),
        weight=_text(content, "weight", FILE),
        holdout=_holdout(content.get("holdout", {})),
        evaluation=_evaluation(content.get("evaluate", {})),
    )


def find_evaluation(name: str) -> EvaluationKind:
    """The evaluation of this name; ``ConfigError`` if there is none."""
    if name == "command":
        raise ConfigError('evaluation by a command of your own is not there yet; there are "holdout" and "printed"')
    try:
        return EvaluationKind(name)
    except ValueError:
        raise ConfigError(f"unknown evaluation {name!r}{_nearest(name, EvaluationKind)}") from None


def _evaluation(table: object) -> EvaluationKind | None:
    place = f"{FILE}, [evaluate]"
    if not isinstance(table, dict):
        raise ConfigError(f'{FILE}: evaluate must be a table: write [evaluate] and kind = "printed" below it')
    _check_keys(table, _EVALUATE_KEYS, place)
    name = "command" if "command" in table else _text(table, "kind", place)
    try:
        return find_evaluation(name) if name else None
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None


def _holdout(table: object) -> HoldoutSpec:
    place = f"{FILE}, [holdout]"
    if not isinstance(table, dict):
        raise ConfigError(f"{FILE}: holdout must be a table: write [holdout] and its keys below it")
    _check_keys(table, _HOLDOUT_KEYS, place)
    fraction, folds = table.get("fraction", HoldoutSpec().fraction), table.get("folds")
    if not isinstance(fraction, int | float) or not 0 < fraction <= LARGEST_FRACTION:
        raise ConfigError(
            f"{place}: fraction is {fraction!r}; it must be above 0 and at most {LARGEST_FRACTION}, "
            "for that share of the rows is hidden twice"
        )
    if folds is not None and (not isinstance(folds, int) or isinstance(folds, bool) or not 1 <= folds <= MOST_FOLDS):
        raise ConfigError(f"{place}: folds is {folds!r}; it must be a whole number from 1 to {MOST_FOLDS}")
    kind = _split_kind(_text(table, "kind", place), place)
    _check_own_folds(kind, table, place)
    return HoldoutSpec(
        kind=kind,
        column=_text(table, "column", place),
        prefix=_text(table, "prefix", place),
        fraction=float(fraction),
        folds=folds,
        selection=None if table.get("selection") is None else str(table["selection"]),
    )


def _check_own_folds(kind: SplitKind | None, table: dict[str, object], place: str) -> None:
    selection = table.get("selection")
    if selection is not None and (not isinstance(selection, str | int) or isinstance(selection, bool)):
        raise ConfigError(f"{place}: selection is {selection!r}; it must be one of the values of the column")
    if kind is not SplitKind.FOLDS:
        if selection is not None:
            raise ConfigError(f'{place}: selection names one of your own folds, so it goes with kind = "folds"')
        return
    if table.get("column") is None:
        raise ConfigError(f'{place}: kind = "folds" needs column = "...", the column that has each row\'s fold')
    if wrong := next((key for key in ("prefix", "fraction", "folds") if key in table), None):
        raise ConfigError(f'{place}: {wrong} does not go with kind = "folds", where the column says it all')


def _split_kind(name: str | None, place: str) -> SplitKind | None:
    if name is None:
        return None
    try:
        return SplitKind(name)
    except ValueError:
        raise ConfigError(f"{place}: unknown kind {name!r}{_nearest(name, SplitKind)}") from None


def _check_keys(table: dict[str, object], known: tuple[str, ...], place: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f"{place}: unknown key {key!r}{_nearest(key, known)}")


def _text(table: dict[str, object], key: str, place: str) -> str | None:
    value = table.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ConfigError(f"{place}: {key} is {value!r}; it must be a text in quotes")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = [str(item) for item in known]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}? (known: {', '.join(names)})" if near else f"; known are {', '.join(names)}"
