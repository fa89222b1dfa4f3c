"""Scores are those of scikit-learn, and their noise is that of the bootstrap."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from treewright.errors import MetricError
from treewright.evaluation import bootstrap
from treewright.evaluation.bootstrap import draw_resamples
from treewright.evaluation.formulas import FORMULAS
from treewright.evaluation.scoring import load_metric, score, score_with_replicates
from treewright.metrics import BUILT_IN, Direction, Metric, Needs, find_metric
from treewright.scores import REPLICATES, FoldScore, Verdict, compare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Array = NDArray[Any]
NAMES = [metric.name for metric in BUILT_IN]
ORDERED = ["auc", "average_precision", "medae"]


def mean(values: Array, weights: Array | None) -> float:
    return float(np.average(values, weights=weights))


def probabilities(p: Array) -> Array:
    return np.clip(p, 1e-15, 1 - 1e-15)


REFERENCE: dict[str, Callable[[Array, Array, Array | None], float]] = {
    "rmse": lambda t, p, w: sk.root_mean_squared_error(t, p, sample_weight=w),
    "mse": lambda t, p, w: sk.mean_squared_error(t, p, sample_weight=w),
    "mae": lambda t, p, w: sk.mean_absolute_error(t, p, sample_weight=w),
    "medae": lambda t, p, w: sk.median_absolute_error(t, p, sample_weight=w),
    "mape": lambda t, p, w: sk.mean_absolute_percentage_error(t, p, sample_weight=w),
    "smape": lambda t, p, w: mean(200 * abs(t - p) / np.where((t == 0) & (p == 0), 1, abs(t) + abs(p)), w),
    "rmsle": lambda t, p, w: sk.root_mean_squared_log_error(t, p, sample_weight=w),
    "msle": lambda t, p, w: sk.mean_squared_log_error(t, p, sample_weight=w),
    "rmse_log": lambda t, p, w: sk.root_mean_squared_error(np.log(t), np.log(p), sample_weight=w),
    "mcrmse": lambda t, p, w: sk.root_mean_squared_error(t, p, sample_weight=w),
    "mcrmsle": lambda t, p, w: sk.root_mean_squared_log_error(t, p, sample_weight=w),
    "r2": lambda t, p, w: sk.r2_score(t, p, sample_weight=w),
    "accuracy": lambda t, p, w: sk.accuracy_score(t, p, sample_weight=w),
    "balanced_accuracy": lambda t, p, w: sk.balanced_accuracy_score(t, p, sample_weight=w),
    "f1": lambda t, p, w: sk.f1_score(t, p, sample_weight=w, zero_division=0),
    "f1_macro": lambda t, p, w: sk.f1_score(t, p, sample_weight=w, zero_division=0, average="macro"),
    "f1_micro": lambda t, p, w: sk.f1_score(t, p, sample_weight=w, zero_division=0, average="micro"),
    "f1_weighted": lambda t, p, w: sk.f1_score(t, p, sample_weight=w, zero_division=0, average="weighted"),
    "precision": lambda t, p, w: sk.precision_score(t, p, sample_weight=w, zero_division=0),
    "recall": lambda t, p, w: sk.recall_score(t, p, sample_weight=w, zero_division=0),
    "mcc": lambda t, p, w: sk.matthews_corrcoef(t, p, sample_weight=w),
    "kappa": lambda t, p, w: sk.cohen_kappa_score(t, p, sample_weight=w),
    "qwk": lambda t, p, w: sk.cohen_kappa_score(t, p, sample_weight=w, weights="quadratic", labels=range(t.max() + 1)),
    "auc": lambda t, p, w: sk.roc_auc_score(t, p, sample_weight=w, multi_class="ovr"),
    "average_precision": lambda t, p, w: sk.average_precision_score(t, p, sample_weight=w),
    "log_loss": lambda t, p, w: sk.log_loss(t, probabilities(p), sample_weight=w, labels=range(max(2, p[0].size))),
    "brier": lambda t, p, w: sk.brier_score_loss(t, p, sample_weight=w, labels=range(max(2, p[0].size))),
}


def reference(metric: Metric, truth: Array, predictions: Array, weights: Array | None = None) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(REFERENCE[metric.name](truth, predictions, weights))


def example(metric: Metric, rows: int, seed: int, classes: int = 2) -> tuple[Array, Array, tuple[str, ...]]:
    """Truth and related predictions, with ties; every class occurs in the truth."""
    rng = np.random.default_rng(seed)
    if metric.needs is Needs.NUMBERS:
        truth = np.round(rng.gamma(2, size=rows), 1) + 0.1
        return truth, np.round(truth * rng.lognormal(0, 0.4, size=rows), 2) + 0.01, ()
    classes = 2 if metric.two_classes else classes
    labels = tuple(str(code) for code in range(classes))
    truth = rng.permutation(np.arange(rows) % classes)
    if metric.needs is Needs.LABELS:
        return truth, np.where(rng.random(rows) < 0.6, truth, rng.integers(classes, size=rows)), labels
    raw = np.round(rng.random((rows, classes)) + 0.5 * np.eye(classes)[truth], 1) + 0.05
    shares = raw / raw.sum(axis=1, keepdims=True)
    return truth, shares[:, 1] if classes == 2 else shares, labels


@pytest.fixture(params=NAMES)
def metric(request: pytest.FixtureRequest) -> Metric:
    return find_metric(request.param)


# The score ----------------------------------------------------------------------------------------------------------


def test_every_built_in_metric_has_a_formula_and_a_reference() -> None:
    assert set(NAMES) == set(FORMULAS) == set(REFERENCE)


@settings(max_examples=400, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    rows=st.integers(8, 60),
    classes=st.integers(2, 4),
    seed=st.integers(0, 10_000),
    weighted=st.booleans(),
)
def test_scores_are_those_of_scikit_learn(name: str, rows: int, classes: int, seed: int, weighted: bool) -> None:
    metric = find_metric(name)
    truth, predictions, labels = example(metric, rows, seed, classes)
    weights = np.random.default_rng(seed).integers(1, 5, size=rows) / 2 if weighted else None
    expected = reference(metric, truth, predictions, weights)
    assert score(metric, truth, predictions, labels, weights=weights) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_perfect_prediction_has_the_best_score(metric: Metric) -> None:
    truth, _, labels = example(metric, 40, seed=0, classes=3)
    predictions = np.eye(len(labels))[truth] if metric.needs is Needs.PROBABILITIES else truth
    best = 1 if metric.direction is Direction.MAXIMIZE else 0
    assert score(metric, truth, predictions, labels) == pytest.approx(best, abs=1e-12)


def test_several_targets_are_scored_by_their_mean(metric: Metric) -> None:
    columns = [example(metric, 50, seed) for seed in (1, 2, 3)]
    truth = np.column_stack([column[0] for column in columns])
    predictions = np.column_stack([column[1] for column in columns])
    value, replicates = score_with_replicates(metric, truth, predictions, columns[0][2], seed=0)
    alone = [score_with_replicates(metric, *column, seed=0) for column in columns]
    assert value == pytest.approx(np.mean([each[0] for each in alone]))
    assert replicates == pytest.approx(np.mean([each[1] for each in alone], axis=0))


def test_one_column_of_predictions_may_stand_as_a_table(metric: Metric) -> None:
    truth, predictions, labels = example(metric, 30, seed=0)
    assert score(metric, truth, predictions[:, None], labels) == score(metric, truth, predictions, labels)


@pytest.mark.parametrize("name", ["log_loss", "brier"])
@pytest.mark.parametrize("classes", [2, 3])
def test_rows_of_probabilities_are_rescaled_to_sum_to_one(name: str, classes: int) -> None:
    metric = find_metric(name)
    truth, predictions, labels = example(metric, 30, seed=0, classes=classes)
    table = np.column_stack([1 - predictions, predictions]) if classes == 2 else predictions
    factors = np.random.default_rng(0).uniform(0.1, 9, size=(30, 1))
    assert score(metric, truth, factors * table, labels) == pytest.approx(score(metric, truth, predictions, labels))


@pytest.mark.parametrize("name", ["auc", "average_precision"])
@pytest.mark.parametrize("classes", [2, 3])
def test_what_is_ranked_need_not_be_probabilities(name: str, classes: int) -> None:
    metric = find_metric(name)
    truth, predictions, labels = example(metric, 30, seed=0, classes=classes)
    table = np.column_stack([1 - predictions, predictions]) if classes == 2 else predictions
    assert score(metric, truth, 7 * table - 3, labels) == score(metric, truth, predictions, labels)


def test_log_loss_is_clipped_as_on_kaggle() -> None:
    metric = find_metric("log_loss")
    assert score(metric, [0, 1], [1.0, 1.0], ("no", "yes")) == pytest.approx(-np.log(1e-15) / 2)


def test_smape_is_in_per_cent_and_zero_for_zero() -> None:
    assert score(find_metric("smape"), [0, 0, 1], [0, 2, 1]) == pytest.approx(200 / 3)


def test_weighted_kappa_knows_the_distance_of_ratings_that_are_numbers() -> None:
    qwk = find_metric("qwk")
    truth, predictions = np.array([0, 1, 2, 3, 0, 1, 2, 3]), np.array([1, 1, 2, 3, 1, 1, 2, 3])
    ratings = np.array([1, 10, 2, 3])
    observed = np.mean((ratings[truth] - ratings[predictions]) ** 2)
    chance = np.mean((ratings[truth][:, None] - ratings[predictions][None]) ** 2)
    assert score(qwk, truth, predictions, ("1", "10", "2", "3")) == pytest.approx(1 - observed / chance)
    by_position = sk.cohen_kappa_score(truth, predictions, weights="quadratic")
    assert score(qwk, truth, predictions, ("bad", "fair", "good", "top")) == pytest.approx(by_position)


LIKE_ONE_MORE_CLASS: dict[str, Callable[[Array, Array, Array | None], float]] = {
    **{name: REFERENCE[name] for name in ("accuracy", "balanced_accuracy", "f1_micro", "f1_weighted", "mcc", "kappa")},
    "f1_macro": lambda t, p, _: sk.f1_score(t, p, labels=range(t.max() + 1), average="macro"),
    "f1": lambda t, p, _: sk.f1_score(t, p, labels=[1], average="micro"),
    "precision": lambda t, p, _: sk.precision_score(t, p, labels=[1], average="micro"),
    "recall": lambda t, p, _: sk.recall_score(t, p, labels=[1], average="micro"),
}


@pytest.mark.parametrize("name", LIKE_ONE_MORE_CLASS)
def test_a_label_of_no_class_is_simply_wrong(name: str) -> None:
    metric = find_metric(name)
    truth, predictions, labels = example(metric, 40, seed=0, classes=3)
    unknown = np.arange(40) % 5 == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = LIKE_ONE_MORE_CLASS[name](truth, np.where(unknown, len(labels), predictions), None)
    assert score(metric, truth, np.where(unknown, -1, predictions), labels) == pytest.approx(expected)


def test_a_rating_off_the_scale_is_as_wrong_as_can_be() -> None:
    qwk, labels = find_metric("qwk"), ("1", "2", "3", "4")
    assert score(qwk, [0, 1, 2, 3], [-1, 1, 2, -1], labels) == score(qwk, [0, 1, 2, 3], [3, 1, 2, 0], labels)


def test_the_average_is_over_the_classes_that_occur() -> None:
    truth, predictions = np.array([0, 0, 1, 1]), np.array([[0.6, 0.4, 0], [0.3, 0.7, 0], [0.4, 0.6, 0], [0.2, 0.8, 0]])
    assert score(find_metric("auc"), truth, predictions, ("a", "b", "rare")) == pytest.approx(0.75)
    assert score(find_metric("f1_macro"), truth, truth, ("a", "b", "rare")) == 1
    assert score(find_metric("balanced_accuracy"), truth, truth, ("a", "b", "rare")) == 1


# What has no score --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "truth", "predictions", "reason"),
    [
        ("rmsle", [1, 2], [3, -1], r"rmsle: predictions must be >= 0, but 1 are not, -1 for one"),
        ("rmse_log", [1, 2], [0, 0], r"rmse_log: predictions must be > 0, but 2 are not, 0 for one"),
        ("mcrmsle", [-1, 2], [3, 1], r"mcrmsle: true values must be >= 0, but 1 are not"),
        ("auc", [1, 1], [0.2, 0.3], r"auc is nan on these 2 rows: all are of one class"),
        ("average_precision", [0, 0], [0.2, 0.3], r"none is of the positive class"),
        ("r2", [0.1, 0.1, 0.1], [1, 2, 3], r"r2 is nan on these 3 rows: the truth is the same for all"),
        ("kappa", [1, 1], [1, 1], r"kappa is nan .* one class"),
        ("qwk", [1, 1], [1, 1], r"qwk is nan .* one class"),
        ("rmse", [1, 2], [1e200, 2], r"rmse is inf on these 2 rows: the predictions are too large"),
        ("mae", [1, 2], [np.nan, 2], r"the predictions are not all finite"),
        ("mae", [1, 2], [1, 2, 3], r"3 predictions for 2 rows"),
        ("mae", [], [], r"there are no rows to score"),
        ("log_loss", [0, 1], [[0, 0], [0.1, 0.9]], r"the probabilities of a row sum to zero"),
        ("log_loss", [0, 1], [[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], r"shape \(2, 3\) for 2 rows and 2 classes"),
    ],
)
def test_where_there_is_no_finite_score_the_reason_is_told(
    name: str, truth: list[float], predictions: list[float], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        score(find_metric(name), truth, predictions, ("no", "yes"))


def test_one_column_of_probabilities_is_too_few_for_three_classes() -> None:
    with pytest.raises(ValueError, match=r"predictions of shape \(3,\) for 3 rows and 3 classes"):
        score(find_metric("auc"), [0, 1, 2], [0.1, 0.2, 0.3], ("a", "b", "c"))


# The replicates -----------------------------------------------------------------------------------------------------


def check_replicates(metric: Metric, rows: int, tolerance: float) -> None:
    """Each replicate is the score of a resample's rows, computed by scikit-learn."""
    truth, predictions, labels = example(metric, rows, seed=3, classes=3)
    value, replicates = score_with_replicates(metric, truth, predictions, labels, seed=5)
    assert value == score(metric, truth, predictions, labels)
    assert len(replicates) == REPLICATES
    resamples = draw_resamples(rows, 5)
    for b in (0, 50, 99):
        chosen = resamples.rows(b)
        expected = reference(metric, truth[chosen], predictions[chosen])
        assert replicates[b] - value == pytest.approx(expected - value, rel=tolerance, abs=1e-9)


def test_a_replicate_is_the_score_of_the_resampled_rows(metric: Metric) -> None:
    check_replicates(metric, 200, tolerance=1e-6)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ORDERED])
def test_a_replicate_of_blocks_is_the_score_of_the_resampled_blocks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "PLAIN_ROWS", 1_000)
    check_replicates(find_metric(name), 3_456, tolerance=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ORDERED)
def test_linearised_replicates_are_close_to_the_scores_of_the_resampled_blocks(name: str, classes: int) -> None:
    metric = find_metric(name)
    truth, predictions, labels = example(metric, 20_000, seed=3, classes=classes)
    if metric.needs is Needs.NUMBERS:
        predictions = predictions + np.random.default_rng(0).uniform(0, 0.02, 20_000)  # a median of ties moves in jumps
    value, replicates = score_with_replicates(metric, truth, predictions, labels, seed=5)
    resamples = draw_resamples(20_000, 5)
    chosen = [resamples.rows(b) for b in range(20)]
    exact = [score(metric, truth[rows], predictions[rows], labels) for rows in chosen]
    assert value == score(metric, truth, predictions, labels)
    error = np.array(replicates[:20]) - exact
    assert np.std(error) < 0.15 * np.std(exact)


def test_rare_positives_keep_their_noise_when_linearised(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth = (np.arange(20_000) < 60).astype(int)
    predictions = 1 / (1 + np.exp(-(rng.normal(size=20_000) + 2 * truth - 4)))
    for name in ("auc", "average_precision"):
        monkeypatch.setattr(bootstrap, "PLAIN_ROWS", 10_000)
        linear = score_with_replicates(find_metric(name), truth, predictions, ("0", "1"), 0)[1]
        monkeypatch.setattr(bootstrap, "PLAIN_ROWS", 20_000)
        plain = score_with_replicates(find_metric(name), truth, predictions, ("0", "1"), 0)[1]
        assert np.std(linear) == pytest.approx(np.std(plain), rel=0.3)


def test_blocks_give_the_noise_of_the_plain_bootstrap(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "REPLICATES", 400)
    rows = 21_000
    truth, predictions, labels = example(metric, rows, seed=1)
    assert draw_resamples(rows, 0).block is not None
    blocks = score_with_replicates(metric, truth, predictions, labels, 0)[1]
    monkeypatch.setattr(bootstrap, "PLAIN_ROWS", rows)
    plain = score_with_replicates(metric, truth, predictions, labels, 0)[1]
    assert np.std(blocks) == pytest.approx(np.std(plain), rel=0.2)


@pytest.mark.parametrize("rows", [750, 30_000])
def test_the_standard_error_of_a_mean_is_the_known_one(rows: int) -> None:
    rng = np.random.default_rng(0)
    truth, predictions = np.zeros(rows), rng.gamma(2, size=rows)
    _, replicates = score_with_replicates(find_metric("mae"), truth, predictions, (), 1)
    assert np.std(replicates) == pytest.approx(np.std(predictions) / np.sqrt(rows), rel=0.25)


@pytest.mark.parametrize("rows", [750, 30_000])
def test_two_nodes_on_the_same_rows_share_their_resamples(rows: int) -> None:
    """So a steady gain far below the noise of either score is seen."""
    metric = find_metric("mae")
    rng = np.random.default_rng(0)
    truth = rng.normal(size=rows)
    errors = rng.gamma(2, size=rows)
    worse = score_with_replicates(metric, truth, truth + errors, (), 7)
    better = score_with_replicates(metric, truth, truth + errors - 0.001, (), 7)
    other = score_with_replicates(metric, truth, truth + errors - 0.001, (), 8)

    def against(one: tuple[float, tuple[float, ...]]) -> Verdict:
        return compare([FoldScore(0, *one)], [FoldScore(0, *worse)], metric.direction).verdict

    assert against(better) is Verdict.BETTER
    assert against(other) is Verdict.NOISE


def test_the_same_seed_and_rows_give_the_same_replicates(metric: Metric) -> None:
    truth, predictions, labels = example(metric, 100, seed=0)
    one, again, other = (score_with_replicates(metric, truth, predictions, labels, seed) for seed in (1, 1, 2))
    assert one == again
    assert one[1] != other[1]


def test_a_resample_without_a_score_counts_as_the_score_itself() -> None:
    truth, predictions = np.arange(30) == 0, np.linspace(0.2, 0.4, 30)
    value, replicates = score_with_replicates(find_metric("auc"), truth, predictions, ("0", "1"), 0)
    resamples = draw_resamples(30, 0)
    lacking = [b for b in range(REPLICATES) if 0 not in resamples.rows(b)]
    assert lacking
    assert all(replicates[b] == value for b in lacking)
    assert np.isfinite(replicates).all()


@given(st.integers(1, 12_000), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_a_resample_has_about_as_many_rows_as_the_sample(rows: int, seed: int) -> None:
    resamples = draw_resamples(rows, seed)
    counts = resamples.sums(np.ones((rows, 1)))[:, 0]
    assert counts[0] == rows
    assert np.allclose(counts, rows, rtol=0.01)
    assert len(resamples.rows(0)) == counts[1]


# One's own metric ---------------------------------------------------------------------------------------------------


def own(folder: Path, text: str, needs: str) -> Metric:
    path = folder / "own.py"
    path.write_text(f"{text}\nneeds = {needs!r}\ndirection = 'minimize'\n")
    return find_metric(f"{path}:cost")


def test_ones_own_metric_is_called_on_every_resample(tmp_path: Path) -> None:
    metric = own(tmp_path, "def cost(truth, predictions):\n    return abs(truth - predictions).mean()", "numbers")
    truth, predictions, _ = example(metric, 120, seed=0)
    mine = score_with_replicates(metric, truth, predictions, (), 3)
    built_in = score_with_replicates(find_metric("mae"), truth, predictions, (), 3)
    assert mine[0] == pytest.approx(built_in[0])
    assert mine[1] == pytest.approx(built_in[1])


@pytest.mark.parametrize(
    ("classes", "kind"), [(("0", "1"), "i"), (("0.5", "1.0"), "f"), (("no", "yes"), "U"), (("0", "none"), "U")]
)
def test_ones_own_metric_gets_labels_as_they_are_written(tmp_path: Path, classes: tuple[str, ...], kind: str) -> None:
    text = (
        "def cost(truth, predictions):\n"
        f"    assert truth.dtype.kind == predictions.dtype.kind == {kind!r}\n"
        "    return (truth != predictions).mean()"
    )
    assert score(own(tmp_path, text, "labels"), [0, 1, 1, 0], [0, 1, 0, 1], classes) == 0.5


def test_ones_own_metric_gets_probabilities_with_labels(tmp_path: Path) -> None:
    text = "from sklearn.metrics import log_loss\ndef cost(t, p):\n    return log_loss(t, p, labels=['a', 'b', 'c'])"
    metric = own(tmp_path, text, "probabilities")
    truth, predictions, _ = example(find_metric("log_loss"), 60, seed=0, classes=3)
    expected = score(find_metric("log_loss"), truth, predictions, ("a", "b", "c"))
    assert score(metric, truth, predictions, ("a", "b", "c")) == pytest.approx(expected)


def test_a_resample_on_which_ones_own_metric_fails_counts_as_the_score_itself(tmp_path: Path) -> None:
    text = "def cost(t, p):\n    assert 0 in t\n    return p.mean()"
    metric = own(tmp_path, text, "numbers")
    value, replicates = score_with_replicates(metric, np.arange(20.0), np.arange(20.0), (), 0)
    assert value == 9.5
    assert sum(replicate == value for replicate in replicates) > 20


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise KeyError('price')", "the metric cost raised KeyError: 'price'"),
        ("return 'good'", "the metric cost raised ValueError: could not convert"),
        ("return float('nan')", "cost is nan on these 2 rows"),
    ],
)
def test_ones_own_metric_without_a_finite_score_is_a_failure_with_its_reason(
    tmp_path: Path, body: str, reason: str
) -> None:
    metric = own(tmp_path, f"def cost(t, p):\n    {body}", "numbers")
    with pytest.raises(ValueError, match=reason):
        score(metric, [1, 2], [1, 2])


def test_ones_own_metric_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    metric = own(tmp_path, "def cost(t, p):\n    return 0", "labels")
    with pytest.raises(ValueError, match="1 predictions are none of the classes"):
        score(metric, [0, 1], [0, -1], ("a", "b"))
    with pytest.raises(ValueError, match="knows no weights"):
        score(metric, [0, 1], [0, 1], ("a", "b"), weights=[1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module_at_all\ndef cost(t, p): ...", "fails when run: ModuleNotFoundError: No module named"),
        ("cost = 5", "defines no function 'cost'"),
        ("def cost(t, p): ...\ndel cost", "defines no function 'cost'"),
    ],
)
def test_ones_own_metric_that_cannot_be_loaded_is_a_usage_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        load_metric(own(tmp_path, text, "numbers"))
