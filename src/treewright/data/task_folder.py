"""From a folder, or one table, to a ``Task``: the Kaggle layout needs no configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.data.columns import check_ids, columns_aside, infer_roles
from treewright.data.settings import FILE, Settings, read_settings
from treewright.data.side_files import find_side_files, find_whole_files
from treewright.data.side_rows import TaskRows
from treewright.data.sources import read_sources
from treewright.data.tables import SUFFIXES, is_table
from treewright.data.target import infer_goal, labelled_rows
from treewright.data.weights import check_weights
from treewright.errors import TaskError
from treewright.task import EvaluationKind, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

FEWEST_ROWS = 20
DESCRIPTIONS = ("description.md", "readme.md", "description.txt", "readme.txt", "readme")

_SAMPLE = re.compile(r".*_submission|submission_(format|example)")
_NOT_DATA = frozenset({"runs", "__pycache__", "__MACOSX"})
_HEADING = re.compile(r"#+\s+(.*)")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which file is what."""

    train: Path
    test: Path | None = None
    sample: Path | None = None
    description: Path | None = None
    others: tuple[Path, ...] = ()


def read_task(
    path: Path | str,
    *,
    goal: str | None = None,
    metric: str | None = None,
    target: str | Sequence[str] | None = None,
    evaluation: EvaluationKind | None = None,
) -> Task:
    """The task in a folder of the Kaggle layout, or in one table with ``target``.

    ``metric`` is a name or ``FILE.py:FUNCTION``; ``target`` a column, several, or several with commas between. Under
    *printed* evaluation nothing is hidden, so files that cannot be looked into are no danger, and scripts see them.
    What is given here overrides ``task.toml``. ``TaskError``, ``MetricError`` or ``ConfigError`` where the data, the
    metric or ``task.toml`` cannot be used.
    """
    path = Path(path)
    layout = _lay_out(path)
    settings = read_settings(path) if path.is_dir() else Settings()
    sources = read_sources(layout.train, layout.test, layout.sample)
    train, test, sample = sources.train, sources.test, sources.sample
    wanted = settings.target if target is None else _wanted(target, train)
    roles = infer_roles(train, test, sample, wanted, columns_aside(settings.holdout, settings.weight))
    has_target = labelled_rows(train, roles.targets)
    labelled = train[has_target]
    if len(labelled) < FEWEST_ROWS:
        raise TaskError(
            f"{layout.train.name} has {len(labelled)} rows with a target; at least {FEWEST_ROWS} are needed "
            "to hide some and learn from the others"
        )
    odd = check_ids(train, test, sample, roles.ids) if test is not None else []
    if unlabelled := len(train) - len(labelled):
        odd.append(f"{unlabelled:,} rows of {layout.train.name} have no {', '.join(roles.targets)} and are left out.")
    description = layout.description.read_text(encoding="utf-8-sig", errors="replace") if layout.description else ""
    inferred = infer_goal(
        labelled,
        roles,
        named=settings.metric if metric is None else metric,
        base=path if metric is None and path.is_dir() else Path(),
        description=description,
        has_sample=sample is not None,
    )
    if settings.weight is not None:
        odd += check_weights(settings.weight, labelled, test, roles.targets, inferred.metric)
    evaluation = evaluation or settings.evaluation
    hiding = evaluation is not EvaluationKind.PRINTED
    rows = TaskRows.of(train, test, labelled=has_target.to_numpy(), ids=roles.ids, targets=roles.targets)
    side = find_side_files(layout.others, rows) if hiding else find_whole_files(layout.others, roles.targets)
    return Task(
        name=path.resolve().name if path.is_dir() else _stem(path),
        goal=goal or settings.goal or _goal(description) or f"Predict {', '.join(roles.targets)}.",
        description=description,
        metric=inferred.metric,
        kind=inferred.kind,
        train=layout.train,
        test=layout.test,
        sample=layout.sample if test is not None else None,
        ids=roles.ids,
        targets=roles.targets,
        submission_columns=inferred.submission,
        classes=inferred.classes,
        holdout=settings.holdout,
        weight=settings.weight,
        evaluation=evaluation,
        side_files=side.entries,
        withheld=tuple(side.refused),
        notes=(*sources.notes, *_absences(layout, hiding=hiding), *roles.notes, *inferred.notes, *odd, *side.notes()),
    )


def _lay_out(path: Path) -> _Layout:
    if not path.exists():
        raise TaskError(f"{path}: there is no such folder or file; give a folder with train.csv, or one table")
    if not path.is_dir():
        if not is_table(path):
            raise TaskError(f"{path} is not a table that can be read; give a file ending in {', '.join(SUFFIXES)}")
        return _Layout(path)
    files = [file for file in sorted(path.iterdir()) if not file.name.startswith(".") and file.name not in _NOT_DATA]
    tables = [file for file in files if file.is_file() and is_table(file)]
    train = _first(tables, lambda stem: stem in {"train", "training"})
    test = _first(tables, lambda stem: stem == "test")
    sample = _first(tables, lambda stem: "sample" in stem and "sub" in stem) or _first(tables, _looks_like_a_sample)
    if train is None and len(tables) == 1:
        train = tables[0]
    if train is None:
        if other := next((file for file in files if _stem(file).lower() in {"train", "training"}), None):
            raise TaskError(f"{path} has no train.csv (it has {other.name}); save that table as train.csv")
        has = ", ".join(file.name for file in files[:8]) or "nothing"
        raise TaskError(f"{path} has no train.csv (it has {has}); name the training table train.csv, or give one table")
    description = _description(files)
    used = {train, test, sample, description, path / FILE}
    return _Layout(train, test, sample, description, tuple(file for file in files if file not in used))


def _absences(layout: _Layout, *, hiding: bool) -> list[str]:
    if layout.test is None:
        return [f"There is no test.csv: scripts predict {'hidden rows only' if hiding else 'nothing that is kept'}."]
    return [] if layout.sample else ["There is no sample submission: ids and targets make one."]


def _first(tables: Iterable[Path], fits: Callable[[str], bool]) -> Path | None:
    return next((table for table in tables if fits(_stem(table).lower())), None)


def _looks_like_a_sample(stem: str) -> bool:
    return _SAMPLE.fullmatch(stem) is not None


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _description(files: Sequence[Path]) -> Path | None:
    texts = {file.name.lower(): file for file in files if file.is_file()}
    named = next((texts[name] for name in DESCRIPTIONS if name in texts), None)
    return named or next((file for name, file in texts.items() if name.endswith(".md")), None)


def _goal(description: str) -> str:
    """The paragraph under a heading that speaks of the goal, else the first paragraph of all."""
    paragraphs: list[tuple[str, str]] = []
    heading = ""
    for block in re.split(r"\n\s*\n", description.replace("\r\n", "\n")):
        lines = block.strip().split("\n")
        while lines and (match := _HEADING.match(lines[0])):
            heading, lines = match[1].strip().lower(), lines[1:]
        if text := " ".join(line.strip() for line in lines).strip():
            paragraphs.append((heading, text))
    meant = [text for heading, text in paragraphs if re.search(r"\b(goal|task|objective)\b", heading)]
    return (meant or [text for _, text in paragraphs] or [""])[0]


def _wanted(target: str | Sequence[str], train: pd.DataFrame) -> tuple[str, ...]:
    if not isinstance(target, str):
        return tuple(target)
    return (target,) if target in train.columns else tuple(name.strip() for name in target.split(","))
