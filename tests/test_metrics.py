"""Metrics are found by any usual name, read off descriptions, and never guessed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treewright.errors import MetricError
from treewright.metrics import (
    BUILT_IN,
    Direction,
    Domain,
    Needs,
    check_metric,
    default_metric,
    find_metric,
    metric_in_text,
)
from treewright.task import TargetKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = [(name, metric.name) for metric in BUILT_IN for name in (metric.name, *metric.aliases)]
PROSE = {"accuracy", "precision", "recall", "sensitivity", "ap", "acc", "roc"}


# By name ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "metric"), NAMES)
def test_every_name_and_alias_finds_its_metric(name: str, metric: str) -> None:
    assert find_metric(name).name == metric


@given(
    st.sampled_from(NAMES), st.sampled_from(["_", "-", " ", "  "]), st.sampled_from([str.lower, str.upper, str.title])
)
def test_case_and_separators_do_not_matter(named: tuple[str, str], separator: str, case: Callable[[str], str]) -> None:
    name, metric = named
    assert find_metric(case(re.sub("[ _]", separator, name))).name == metric


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("neg_root_mean_squared_error", "rmse"),
        ("neg_mean_absolute_error", "mae"),
        ("neg_median_absolute_error", "medae"),
        ("neg_mean_absolute_percentage_error", "mape"),
        ("neg_root_mean_squared_log_error", "rmsle"),
        ("neg_log_loss", "log_loss"),
        ("neg_brier_score", "brier"),
        ("matthews_corrcoef", "mcc"),
        ("roc_auc", "auc"),
        ("Root Mean Squared Logarithmic Error", "rmsle"),
        ("Root Mean Square Error (RMSE)", "rmse"),
        ("RootMeanSquaredError", "rmse"),
        ("Mean Columnwise RMSE", "mcrmse"),
        ("R\u00b2", "r2"),
        ("$R^2$ score", "r2"),
        ("R-squared", "r2"),
        ("F1-Score", "f1"),
        ("f1score", "f1"),
        ("f1 (macro)", "f1_macro"),
        ("Macro-averaged F1 score", "f1_macro"),
        ("LogLoss", "log_loss"),
        ("Multi-class Logarithmic Loss", "log_loss"),
        ("multi_logloss", "log_loss"),
        ("Cohen's Kappa", "kappa"),
        ("Quadratically Weighted Kappa", "qwk"),
    ],
)
def test_names_as_libraries_and_people_write_them_are_understood(name: str, metric: str) -> None:
    assert find_metric(name).name == metric


@pytest.mark.parametrize(
    ("name", "near"), [("rsme", "rmse"), ("log_los", "log_loss"), ("balanced accuracy!!x", "balanced_accuracy")]
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(name: str, near: str) -> None:
    with pytest.raises(MetricError, match=rf"unknown metric '{name}': did you mean {near}\?"):
        find_metric(name)


def test_a_name_like_no_other_is_refused_with_all_that_are_known() -> None:
    with pytest.raises(MetricError, match=r"unknown metric 'zzz': Known are rmse, .*FILE\.py:FUNCTION"):
        find_metric("zzz")


def test_losses_are_minimised_and_all_else_is_maximised() -> None:
    losses = {metric.name for metric in BUILT_IN if metric.direction is Direction.MINIMIZE}
    numbers = {metric.name for metric in BUILT_IN if metric.needs is Needs.NUMBERS}
    assert losses == (numbers - {"r2"}) | {"log_loss", "brier"}


def test_metrics_of_logarithms_say_what_numbers_they_take() -> None:
    assert {metric.name: metric.domain for metric in BUILT_IN if metric.domain is not Domain.ANY} == {
        "rmsle": ">= 0",
        "msle": ">= 0",
        "mcrmsle": ">= 0",
        "rmse_log": "> 0",
    }


# Metric and target --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TargetKind)
def test_the_default_metric_suits_its_kind_of_target(kind: TargetKind) -> None:
    check_metric(default_metric(kind), kind)


@pytest.mark.parametrize(
    ("metric", "kind", "message"),
    [
        (
            "rmse",
            "multiclass",
            "rmse is for regression targets, but the target is multiclass; choose one of accuracy, ",
        ),
        ("accuracy", "regression", "accuracy is for binary or multiclass targets, but .* choose one of rmse, mse, "),
        ("f1", "multiclass", "f1 is for binary targets, .* choose one of f1_macro, f1_micro, f1_weighted, "),
    ],
)
def test_a_metric_that_does_not_suit_the_target_is_refused_with_some_that_do(
    metric: str, kind: str, message: str
) -> None:
    with pytest.raises(MetricError, match=message):
        check_metric(find_metric(metric), kind)


# One's own metric ---------------------------------------------------------------------------------------------------


def write(folder: Path, text: str) -> Path:
    path = folder / "own.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "facts",
    [
        'cost.direction = "minimize"\ncost.needs = "labels"\n',
        'direction = "minimize"\nneeds = "labels"\n',
        'direction: str = "minimize"\ncost.needs = "labels"\n',
        'direction = "maximize"\nneeds = "labels"\ncost.direction = "minimize"\n',
    ],
)
def test_ones_own_metric_says_its_direction_and_needs_in_its_file(tmp_path: Path, facts: str) -> None:
    path = write(tmp_path, f"def cost(truth, predictions):\n    return 0.0\n\n{facts}")
    for metric in (find_metric("own.py:cost", base=tmp_path), find_metric(f"{path}:cost")):
        assert (metric.name, metric.direction, metric.needs) == ("cost", Direction.MINIMIZE, Needs.LABELS)
        assert metric.source == f"{path.resolve()}:cost"


def test_finding_ones_own_metric_does_not_run_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'raise SystemExit\ndef cost(t, p): ...\ndirection = "minimize"\n')
    assert find_metric(f"{path}:cost").needs is Needs.NUMBERS


@pytest.mark.parametrize("made", ["from elsewhere import cost", "from elsewhere import f as cost", "cost = make()"])
def test_ones_own_metric_may_be_imported_or_assigned(tmp_path: Path, made: str) -> None:
    path = write(tmp_path, f'{made}\ncost.direction = "maximize"\n')
    assert find_metric(f"{path}:cost").direction is Direction.MAXIMIZE


@pytest.mark.parametrize(
    ("text", "function", "message"),
    [
        ("def cost(t, p): ...\n", "cost", r'which way cost is better: add `cost\.direction = "minimize"`'),
        ('def cost(t, p): ...\ndirection = "down"\n', "cost", "which way cost is better"),
        ('def cost(t, p): ...\ncost.direction = "mini" + "mize"\n', "cost", "which way cost is better"),
        ('def cost(t, p): ...\ndirection = "minimize"\nneeds = "ranks"\n', "cost", 'needs` must be one of "numbers"'),
        ('def cost(t, p): ...\ndirection = "minimize"\n', "price", "defines no function 'price'"),
        ("def cost(t, p:\n", "cost", "is not valid Python"),
    ],
)
def test_ones_own_metric_is_refused_with_the_mend(tmp_path: Path, text: str, function: str, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        find_metric(f"{write(tmp_path, text)}:{function}")


def test_a_missing_file_or_function_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MetricError, match=r"none\.py cannot be read: No such file"):
        find_metric("none.py:cost", base=tmp_path)
    for name in ("own.py", "own.py:"):
        with pytest.raises(MetricError, match=r"names no function: write own\.py:FUNCTION"):
            find_metric(name)


def test_ones_own_metric_that_does_not_suit_the_target_is_refused_with_the_line_to_add(tmp_path: Path) -> None:
    path = write(tmp_path, 'def cost(t, p): ...\ncost.direction = "minimize"\n')
    metric = find_metric(f"{path}:cost")
    check_metric(metric, "regression")
    with pytest.raises(MetricError, match=r'if it fits, add `cost\.needs = "labels"` to .*own\.py$'):
        check_metric(metric, "binary")


# In a description ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "metric"), NAMES)
def test_a_sentence_on_scoring_names_its_metric(name: str, metric: str) -> None:
    assert metric_in_text(f"Some data.\n\nSubmissions are evaluated on the {name} of your predictions.") == find_metric(
        metric
    )


@pytest.mark.parametrize("name", [name for name, _ in NAMES if name not in PROSE])
def test_names_are_heard_as_whole_words_only(name: str) -> None:
    assert metric_in_text(f"The evaluation metric is x{name.replace(' ', '')}x.") is None


@pytest.mark.parametrize("name", sorted(PROSE))
def test_words_of_plain_prose_are_no_metrics_where_scoring_is_not_spoken_of(name: str) -> None:
    assert metric_in_text(f"Sensors of high {name} were used to build the data.") is None


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        (
            "Evaluated on Root-Mean-Squared-Error (RMSE) between the logarithm of the prediction and the truth.",
            "rmse_log",
        ),
        ("Scored by RMSE between log prices.", "rmse_log"),
        ("We compute the root mean squared error on the log-transformed values.", "rmse_log"),
        ("The score is the RMSE. Log files are attached.", "rmse"),
        ("Scored by the root mean squared logarithmic error (RMSLE).", "rmsle"),
        ("The square root of the mean squared error decides.", "rmse"),
        ("Scored by the Mean Absolute Percentage Error, not by MAE.", "mape"),
        ("Scored by symmetric mean absolute percentage error.", "smape"),
        ("Scored by the mean column-wise root mean squared error.", "mcrmse"),
        ("Submissions are evaluated on area under the ROC curve between the probability and the target.", "auc"),
        ("Scored by the area under the Receiver Operating Characteristic curve.", "auc"),
        ("Scored by the area under the precision-recall curve.", "average_precision"),
        ("Scored by PR-AUC.", "average_precision"),
        ("Scored by the multi-class logarithmic loss.", "log_loss"),
        ("Scored by multiclass logloss.", "log_loss"),
        ("Scored by categorical cross-entropy.", "log_loss"),
        ("Scored by the quadratic weighted kappa, a form of Cohen's kappa.", "qwk"),
        ("Scored by Cohen's kappa with quadratic weights.", "qwk"),
        ("Scored by balanced accuracy.", "balanced_accuracy"),
        ("Scored by F1 score (macro).", "f1_macro"),
        ("Scored by the micro-averaged F1-Score.", "f1_micro"),
        ("Scored by the F1 score, the harmonic mean of precision and recall.", "f1"),
        ("Scored by Matthews Correlation Coefficient (MCC).", "mcc"),
        ("Scored by $R^2$, the coefficient of determination.", "r2"),
        ("Scored by mean average precision at 5 (MAP@5).", None),
        ("A map of the maelstrom; the f1rst remserle.", None),
        ("", None),
    ],
)
def test_the_metric_of_a_description_is_the_one_it_means(text: str, metric: str | None) -> None:
    found = metric_in_text(text)
    assert (found and found.name) == metric


@pytest.mark.parametrize(
    "text",
    [
        "# Task\nMAE is known.\n\n## Evaluation\n\n### Goal\nPredict.\n\n### Metric\nWe use RMSLE.\n\n## Data\nR2.",
        "MAE is popular.\n\n**Evaluation**\n\nWe use RMSLE.\n\n**Data**\nAUC is a place.",
        "MAE is popular.\n\nEvaluation metric:\nWe use RMSLE.\n",
        "Evaluation\n==========\nFor the accuracy of forecasts, we use RMSLE.\n",
        "MAE is a name.\n\nThe scoring is by RMSLE.\n",
    ],
)
def test_the_section_on_evaluation_counts_before_the_rest(text: str) -> None:
    found = metric_in_text(text)
    assert found
    assert found.name == "rmsle"


def test_the_kind_of_target_tells_which_names_to_hear() -> None:
    text = "The evaluation measures the accuracy of prices; one speaks of R2 sometimes."
    assert metric_in_text(text, "regression") == find_metric("r2")
    assert metric_in_text(text, "binary") == find_metric("accuracy")
    assert metric_in_text("The evaluation measures accuracy.", "regression") is None


@given(st.text())
def test_any_text_at_all_can_be_searched(text: str) -> None:
    found = metric_in_text(text)
    assert found is None or found in BUILT_IN
