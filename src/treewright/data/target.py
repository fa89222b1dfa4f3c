"""What kind of thing is predicted, and how it is scored: each decides the other.

A metric that the user names is law. One that the description names is believed where it fits the values. Without
either, texts and up to ``FEW`` different whole numbers are classes, and other numbers are numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.data.tables import is_missing
from treewright.errors import MetricError, TaskError
from treewright.metrics import Domain, Metric, Needs, check_metric, default_metric, find_metric, metric_in_text
from treewright.task import TargetKind

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from treewright.data.columns import Roles

FEW = 20
"""Up to this many different whole numbers are taken for classes when nothing else tells."""

MOST_LABELS = 1_000


@dataclass(frozen=True, slots=True)
class Goal:
    """What is predicted and how it is scored. ``classes`` are sorted, but follow the submission's class columns."""

    metric: Metric
    kind: TargetKind
    classes: tuple[str, ...]
    submission: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Values:
    """The different values of the targets, and what they could be."""

    labels: tuple[str, ...]
    numeric: bool
    whole: bool
    lowest: float

    @property
    def class_kind(self) -> TargetKind:
        return TargetKind.BINARY if len(self.labels) == 2 else TargetKind.MULTICLASS

    @property
    def could_be_classes(self) -> bool:
        return not self.numeric or len(self.labels) <= (MOST_LABELS if self.whole else FEW)

    def are_in(self, domain: Domain) -> bool:
        """Whether a metric of this domain is defined for all of them."""
        return domain is Domain.ANY or self.lowest > 0 or (domain is Domain.NON_NEGATIVE and self.lowest == 0)

    @property
    def usual_kind(self) -> TargetKind:
        if self.numeric and not (self.whole and len(self.labels) <= FEW):
            return TargetKind.REGRESSION
        return self.class_kind


def infer_goal(
    labelled: pd.DataFrame, roles: Roles, *, named: str | None, base: Path, description: str, has_sample: bool
) -> Goal:
    """Decide kind and metric from the labelled rows, the metric ``named`` by the user and the description.

    ``base`` is the folder that a metric's own file is looked for in. ``TaskError`` for values that cannot be
    predicted, ``MetricError`` for a named metric that does not fit them.
    """
    values = _values(labelled, roles)
    if named is None:
        metric, kind, notes = _from_text(description, values, roles)
    else:
        metric, kind, notes = _from_name(find_metric(named, base), values, roles)
    if metric.needs is Needs.PROBABILITIES and _lacks_class_columns(kind, roles) and has_sample:
        wrong = f"{metric.name} needs a column of probabilities for each class"
        has = f"sample_submission.csv has only {', '.join(roles.submission)}"
        if named is not None:
            raise MetricError(f"{wrong}, but {has}; choose a metric for labels or give the sample a column a class")
        metric, notes = (
            default_metric(kind),
            [f"The description's {wrong}, but {has}: {default_metric(kind).name} instead."],
        )
    classes = () if kind is TargetKind.REGRESSION else values.labels
    submission = roles.submission
    if metric.needs is Needs.PROBABILITIES and _lacks_class_columns(kind, roles):
        submission = classes
    notes.append(_kind_note(kind, classes, roles))
    if metric.needs is Needs.PROBABILITIES and len(submission) == len(roles.targets) and kind is TargetKind.BINARY:
        notes.append(f"A prediction is the probability of {classes[1]}.")
    return Goal(metric, kind, classes, submission, tuple(notes))


def _values(labelled: pd.DataFrame, roles: Roles) -> _Values:
    """``TaskError`` for a target with one value, with stray texts among numbers, or of all different texts."""
    import pandas as pd

    cells = pd.concat([labelled[name] for name in roles.targets], ignore_index=True)
    called = ", ".join(roles.targets)
    labels = pd.Series(cells.unique(), dtype=object)
    if len(labels) < 2:
        raise TaskError(f"{called} is {labels.iloc[0]!r} in every row of train.csv, so there is nothing to learn")
    numbers = pd.to_numeric(labels, errors="coerce").astype(float)
    wrong = labels[~numbers.abs().lt(float("inf"))]
    if len(labels) > FEW and 0 < len(wrong) <= len(labels) / 20:
        raise TaskError(
            f"train.csv has {called} that are no finite numbers among numbers, {wrong.iloc[0]!r} for one; "
            "mend them or empty those cells (rows without a target are left out)"
        )
    numeric = wrong.empty
    if not numeric and len(labels) > max(FEW, len(labelled) / 2):
        raise TaskError(
            f"{called} has {len(labels):,} different texts in {len(labelled):,} rows, so it names no classes; "
            "choose another column with --target"
        )
    order = labels.iloc[numbers.argsort(kind="stable")] if numeric else labels.sort_values()
    return _Values(
        roles.labels or tuple(order), numeric, numeric and bool((numbers % 1 == 0).all()), float(numbers.min())
    )


def _from_name(metric: Metric, values: _Values, roles: Roles) -> tuple[Metric, TargetKind, list[str]]:
    if roles.labels and metric.needs is not Needs.PROBABILITIES:
        raise MetricError(
            f"{metric.name} needs {metric.needs}, but sample_submission.csv has a column of probabilities for each "
            "class; choose log_loss or auc, or give the sample one column for the target"
        )
    if metric.needs is Needs.NUMBERS:
        kind = TargetKind.REGRESSION if values.numeric else values.class_kind
    else:
        kind = values.class_kind if values.could_be_classes else TargetKind.REGRESSION
    check_metric(metric, kind)
    if not values.are_in(metric.domain):
        raise MetricError(
            f"{metric.name} is defined for numbers {metric.domain}, but the lowest {', '.join(roles.targets)} is "
            f"{values.lowest:g}; choose another metric, such as rmse or mae"
        )
    return metric, kind, [f"Scored by {metric.name} ({_better(metric)})."]


def _from_text(description: str, values: _Values, roles: Roles) -> tuple[Metric, TargetKind, list[str]]:
    certain = None
    if roles.labels or not values.numeric:
        certain = values.class_kind
    elif not values.could_be_classes:
        certain = TargetKind.REGRESSION
    found = metric_in_text(description, certain)
    kind = certain or values.usual_kind
    if found is not None and certain is None:
        kind = TargetKind.REGRESSION if found.needs is Needs.NUMBERS else values.class_kind
    usual = find_metric("log_loss") if roles.labels else default_metric(kind)
    if found is None:
        how = "nothing names a metric, so by the usual one"
        return usual, kind, [f"Scored by {usual.name} ({_better(usual)}): {how}; --metric chooses another."]
    if (
        kind not in found.kinds
        or not values.are_in(found.domain)
        or (roles.labels and found.needs is not Needs.PROBABILITIES)
    ):
        how = f"the description's {found.name} does not fit the target"
        return usual, kind, [f"Scored by {usual.name} ({_better(usual)}): {how}; --metric chooses another."]
    return found, kind, [f"Scored by {found.name} ({_better(found)}), which the description names."]


def _lacks_class_columns(kind: TargetKind, roles: Roles) -> bool:
    return kind is TargetKind.MULTICLASS and not roles.labels and len(roles.targets) == 1


def _kind_note(kind: TargetKind, classes: tuple[str, ...], roles: Roles) -> str:
    called, several = ", ".join(roles.targets), len(roles.targets) > 1
    if kind is TargetKind.REGRESSION:
        return f"{called} {'are taken as numbers' if several else 'is taken as a number'}."
    shown = ", ".join(classes[:8]) + (f" and {len(classes) - 8} more" if len(classes) > 8 else "")
    return f"{called} {'are each' if several else 'is'} taken as one of {len(classes)} classes: {shown}."


def _better(metric: Metric) -> str:
    return "lower is better" if metric.direction.sign < 0 else "higher is better"


def labelled_rows(train: pd.DataFrame, targets: tuple[str, ...]) -> pd.Series:
    """Which rows of the training table have all their targets."""
    import numpy as np
    import pandas as pd

    missing = np.zeros(len(train), dtype=bool)
    for name in targets:
        missing |= is_missing(train[name]).to_numpy()
    return pd.Series(~missing, index=train.index)
