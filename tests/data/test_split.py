from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.making import hours, make_task, table
from treewright.data.split import NEVER, SELECTION, Split, deal_rows
from treewright.data.strategy import Strategy
from treewright.errors import CannotSplit
from treewright.metrics import find_metric
from treewright.task import HoldoutSpec, SplitKind, TargetKind, Task

RANDOM = Strategy(SplitKind.RANDOM, "")


def deal(
    train: pd.DataFrame,
    test: pd.DataFrame | None = None,
    *,
    strategy: Strategy = RANDOM,
    task: Task | None = None,
    seed: int = 0,
    fixed: np.ndarray | None = None,
) -> Split:
    return deal_rows(
        task or make_task(("Id",)),
        strategy,
        train,
        test,
        fixed=np.zeros(len(train), dtype=bool) if fixed is None else fixed,
        rng=np.random.default_rng(seed),
    )


def numbers(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return table(Id=range(rows), x=rng.normal(size=rows), y=rng.normal(size=rows))


def classes(*counts: int) -> tuple[pd.DataFrame, Task]:
    labels = [f"c{i}" for i, count in enumerate(counts) for _ in range(count)]
    rng = np.random.default_rng(0)
    train = table(Id=range(len(labels)), x=rng.normal(size=len(labels)), y=rng.permutation(labels))
    metric, names = find_metric("accuracy"), tuple(sorted(set(labels)))
    return train, replace(make_task(("Id",)), kind=TargetKind.MULTICLASS, metric=metric, classes=names)


def with_holdout(task: Task, **holdout: object) -> Task:
    return replace(task, holdout=HoldoutSpec(**holdout))


def test_of_many_rows_a_tenth_is_hidden_for_each_purpose() -> None:
    split = deal(numbers(20_000))
    assert split.folds == 1
    assert (split.deal == SELECTION).sum() == pytest.approx(2000, abs=1)
    assert (split.deal == 1).sum() == pytest.approx(2000, abs=1)


@pytest.mark.parametrize(("rows", "folds"), [(20, 3), (49, 3), (50, 5), (2000, 5), (9990, 5), (10_010, 1)])
def test_the_fewer_the_rows_the_more_the_splits(rows: int, folds: int) -> None:
    assert deal(numbers(rows)).folds == folds


@given(
    rows=st.integers(20, 400),
    seed=st.integers(0, 2**32),
    fraction=st.floats(0.02, 0.3),
    folds=st.none() | st.integers(1, 8),
)
def test_every_row_is_dealt_exactly_once(rows: int, seed: int, fraction: float, folds: int | None) -> None:
    task = with_holdout(make_task(("Id",)), fraction=fraction, folds=folds)
    split = deal(numbers(rows), task=task, seed=seed)
    counts = {part: int((split.deal == part).sum()) for part in range(NEVER, split.folds + 1)}
    assert sum(counts.values()) == rows
    assert counts[SELECTION] == pytest.approx(fraction * rows, abs=1.01)
    if split.folds > 1:
        assert counts[NEVER] == 0
        search = [counts[fold] for fold in range(1, split.folds + 1)]
        assert max(search) - min(search) <= 1
    else:
        assert counts[1] == pytest.approx(fraction * rows, abs=1.01)


@given(seed=st.integers(0, 2**32))
def test_a_seed_gives_the_same_split_again_and_another_seed_another(seed: int) -> None:
    train = numbers(300)
    assert (deal(train, seed=seed).deal == deal(train, seed=seed).deal).all()
    assert (deal(train, seed=seed).deal != deal(train, seed=seed + 1).deal).any()


def test_every_class_has_its_share_everywhere() -> None:
    train, task = classes(600, 300, 100)
    split = deal(train, task=task)
    for part in range(SELECTION, split.folds + 1):
        hidden = train["y"][split.deal == part].value_counts(normalize=True)
        assert hidden["c0"] == pytest.approx(0.6, abs=0.02)
        assert hidden["c2"] == pytest.approx(0.1, abs=0.02)


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    st.integers(0, 1000),
    st.sampled_from([None, 1, 2, 5]),
    st.sampled_from([0.05, 0.1, 0.3]),
)
def test_a_rare_class_always_keeps_a_visible_row(
    rare: list[int], seed: int, folds: int | None, fraction: float
) -> None:
    train, task = classes(40, *rare)
    split = deal(train, task=with_holdout(task, folds=folds, fraction=fraction), seed=seed)
    for fold in range(1, split.folds + 1):
        visible = (split.deal != SELECTION) & (split.deal != fold)
        assert set(train["y"][visible]) == set(task.classes)


def test_numbers_are_stratified_by_their_size() -> None:
    train = numbers(2000)
    y = train["y"].astype(float)
    split = deal(train)
    for part in range(SELECTION, split.folds + 1):
        assert y[split.deal == part].median() == pytest.approx(y.median(), abs=0.1)
        assert y[split.deal == part].quantile(0.9) == pytest.approx(y.quantile(0.9), abs=0.15)


@given(seed=st.integers(0, 1000))
def test_identical_rows_stay_on_the_same_side(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.concatenate([np.arange(200), rng.integers(0, 200, 60)])
    train = table(Id=range(260), x=x, y=rng.normal(size=260))
    split = deal(train, seed=seed)
    assert pd.Series(split.deal).groupby(x).nunique().max() == 1


def test_rows_of_few_coarse_features_are_not_kept_together() -> None:
    train = table(Id=range(400), x=np.arange(400) % 3, y=np.random.default_rng(0).normal(size=400))
    assert (deal(train).deal == SELECTION).sum() == pytest.approx(40, abs=1)


@given(seed=st.integers(0, 1000), size=st.integers(1, 9))
def test_groups_are_hidden_whole(seed: int, size: int) -> None:
    group = np.arange(400) // size
    train = numbers(400).assign(g=group.astype(str))
    split = deal(train, strategy=Strategy(SplitKind.GROUP, "", "g"), seed=seed)
    assert pd.Series(split.deal).groupby(group).nunique().max() == 1
    assert (split.deal == SELECTION).sum() == pytest.approx(40, abs=size + 1)


def test_groups_by_prefix_and_identical_rows_across_groups_stay_together() -> None:
    rng = np.random.default_rng(0)
    ids = [f"{i // 3:03d}_{i % 3}" for i in range(300)]
    x = rng.normal(size=300)
    x[50] = x[200]
    train = table(Id=ids, x=x, y=rng.normal(size=300))
    for seed in range(20):
        split = deal(train, strategy=Strategy(SplitKind.GROUP, "", "Id", "_"), seed=seed)
        assert pd.Series(split.deal).groupby([i[:3] for i in ids]).nunique().max() == 1
        assert split.deal[50] == split.deal[200]


def test_a_row_without_a_group_is_a_group_of_its_own() -> None:
    train = numbers(300).assign(g=np.where(np.arange(300) < 200, "", (np.arange(300) // 5).astype(str)))
    split = deal(train, strategy=Strategy(SplitKind.GROUP, "", "g"))
    assert 0 < (split.deal[:200] == SELECTION).sum() < 100


def test_too_few_groups_are_told() -> None:
    train = numbers(60).assign(g=["a", "b"] * 30)
    with pytest.raises(CannotSplit, match="only 2 parts of the rows can be hidden by g, but 3 are needed"):
        deal(train, strategy=Strategy(SplitKind.GROUP, "", "g"))


def test_rows_that_must_not_be_hidden_are_not() -> None:
    fixed = np.arange(200) % 4 == 0
    split = deal(numbers(200), fixed=fixed)
    assert (split.deal[fixed] == NEVER).all()
    assert (split.deal[~fixed] != NEVER).all()


# Time ---------------------------------------------------------------------------------------------------------------

TIME = Strategy(SplitKind.TIME, "", "at")
BLOCKS = Strategy(SplitKind.BLOCKS, "", "at")


def series(at: list[str]) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return table(at=at, x=rng.normal(size=len(at)), y=rng.normal(size=len(at)))


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_the_last_fifth_of_the_time_is_hidden_in_turns_of_days(seed: int) -> None:
    at = pd.date_range("2024-01-01", periods=24 * 100, freq="h").astype(str).tolist()
    split = deal(series(at), strategy=TIME, seed=seed)
    assert split.folds == 1
    hidden = np.flatnonzero(split.deal != NEVER)
    assert (hidden == np.arange(24 * 80, 24 * 100)).all()
    days = split.deal[hidden].reshape(20, 24)
    assert (days == days[:, :1]).all()
    assert (days[::2, 0] != days[1::2, 0]).all()


def test_which_day_is_for_the_search_depends_on_the_seed() -> None:
    at = pd.date_range("2024-01-01", periods=200, freq="D").astype(str).tolist()
    assert len({tuple(deal(series(at), strategy=TIME, seed=seed).deal) for seed in range(5)}) == 5


def test_the_order_of_the_file_does_not_matter_for_time() -> None:
    at = pd.date_range("2024-01-01", periods=200, freq="D").astype(str).to_numpy()
    shuffled = np.random.default_rng(0).permutation(200)
    straight, mixed = deal(series(list(at)), strategy=TIME), deal(series(list(at[shuffled])), strategy=TIME)
    assert (mixed.deal == straight.deal[shuffled]).all()


def test_rows_of_one_time_are_hidden_together() -> None:
    at = np.repeat(np.arange(40), 30)
    split = deal(series(at.tolist()), strategy=TIME)
    assert pd.Series(split.deal).groupby(at).nunique().max() == 1
    assert set(np.unique(split.deal[at >= 32])) == {SELECTION, 1}


def test_where_time_has_few_steps_the_last_is_shared_by_rows() -> None:
    at = np.repeat(np.arange(5), 100)
    split = deal(series(at.tolist()), strategy=TIME)
    assert (split.deal[at < 4] == NEVER).all()
    assert (split.deal[at == 4] == SELECTION).sum() == 50


def test_rows_without_a_time_stay_visible() -> None:
    at = pd.date_range("2024-01-01", periods=100, freq="D").astype(str).tolist()
    at[97] = ""
    assert deal(series(at), strategy=TIME).deal[97] == NEVER


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_blocks_are_the_ends_of_runs_of_training_days(seed: int) -> None:
    days = pd.date_range("2023-01-01", "2024-12-31 23:00", freq="h")
    late = days.day >= 20
    train, test = series(days[~late].astype(str).tolist()), series(days[late].astype(str).tolist())
    split = deal(train, test, strategy=BLOCKS, seed=seed)
    rows = pd.DataFrame({"month": days[~late].strftime("%Y-%m"), "day": days[~late].day, "part": split.deal})
    assert split.folds == 1
    for _, month in rows.groupby("month"):
        hidden = month[month["part"] != NEVER]
        assert len(set(hidden["part"])) <= 1
        assert hidden.empty or (hidden["day"].min(), hidden["day"].max(), len(hidden)) == (11, 19, 9 * 24)
    for part in (SELECTION, 1):
        assert (split.deal == part).mean() == pytest.approx(0.1, abs=0.03)
        months = rows["month"][split.deal == part]
        assert {month[:4] for month in months} == {"2023", "2024"}


def test_in_few_long_runs_blocks_are_cut_inside() -> None:
    at = np.arange(600)
    in_test = (at >= 300) & (at < 320)
    split = deal(series(at[~in_test].tolist()), series(at[in_test].tolist()), strategy=BLOCKS)
    hidden = at[~in_test][split.deal == SELECTION]
    assert len(hidden) == pytest.approx(58, abs=20)
    assert len(hidden) % 20 == 0
    assert (split.deal[:20] == NEVER).all()


def test_one_test_block_as_long_as_the_runs_beside_it_leaves_shorter_blocks_to_hide() -> None:
    at = np.arange(300)
    in_test = (at >= 100) & (at < 200)
    split = deal(series(at[~in_test].tolist()), series(at[in_test].tolist()), strategy=BLOCKS)
    assert split.folds == 5
    assert (split.deal == SELECTION).sum() == pytest.approx(20, abs=10)
    assert (split.deal == NEVER).sum() == 20


def test_blocks_can_be_asked_for_without_a_test_table() -> None:
    split = deal(series(list(map(str, range(12_000)))), strategy=BLOCKS)
    assert (split.deal == SELECTION).sum() == pytest.approx(1200, abs=300)
    assert np.diff(np.flatnonzero(np.diff(split.deal))).min() >= 300


def test_few_rows_in_blocks_are_cross_validated_by_blocks() -> None:
    days = pd.date_range("2015-01-01", "2024-12-31", freq="D")
    late = days.day >= 20
    train, test = series(days[~late].astype(str).tolist()), series(days[late].astype(str).tolist())
    split = deal(train, test, strategy=BLOCKS)
    assert split.folds == 5
    ends = pd.Series(split.deal).groupby(days[~late].strftime("%Y-%m")).last()
    assert (ends != NEVER).all()


def test_hours_are_hidden_by_whole_days() -> None:
    split = deal(series(hours(*range(1, 31))), strategy=TIME)
    assert (split.deal[: 24 * 24] == NEVER).all()
    assert (split.deal[24 * 24 :] != NEVER).all()
