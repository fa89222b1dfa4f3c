from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data.making import hours, make_task, table
from treewright.data.strategy import block_length, choose_strategy, time_axis
from treewright.errors import ConfigError
from treewright.task import SplitKind, Task


def column_and_kind(
    task: Task, train: pd.DataFrame, test: pd.DataFrame | None
) -> tuple[SplitKind, str | None, str | None]:
    strategy = choose_strategy(task, train, test)
    return strategy.kind, strategy.column, strategy.prefix


def test_rows_are_exchangeable_where_nothing_tells_train_from_test() -> None:
    rng = np.random.default_rng(0)
    rows = table(
        Id=range(90), x=rng.normal(size=90), shop=rng.choice(list("abcdefghijkl"), 90), day=hours(1, 2, 3, 4)[:90]
    )
    test = rows.sample(frac=0.3, random_state=0)
    assert column_and_kind(make_task(("Id",)), rows.drop(test.index), test) == (SplitKind.RANDOM, None, None)


def test_test_rows_after_all_training_rows_mean_time() -> None:
    train, test = table(x=range(72), at=hours(1, 2, 3)), table(x=range(24), at=hours(4))
    assert column_and_kind(make_task(), train, test) == (SplitKind.TIME, "at", None)
    assert column_and_kind(make_task(), train.sample(frac=1, random_state=0), test) == (SplitKind.TIME, "at", None)


def test_a_time_in_another_format_is_a_time_as_well() -> None:
    train, test = (
        table(at=[f"{day}.12.2023" for day in range(1, 32)]),
        table(at=[f"{day}.01.2024" for day in range(1, 9)]),
    )
    assert column_and_kind(make_task(), train, test) == (SplitKind.TIME, "at", None)


def test_a_counter_named_like_a_time_that_test_continues_means_time() -> None:
    train, test = table(week=np.arange(60) // 3, shop=np.arange(60) % 3), table(week=[20] * 3, shop=[0, 1, 2])
    assert column_and_kind(make_task(), train, test) == (SplitKind.TIME, "week", None)


def test_test_rows_in_blocks_between_training_rows_mean_blocks() -> None:
    train, test = table(at=hours(1, 2, 4, 5, 7, 8)), table(at=hours(3, 6, 9))
    assert column_and_kind(make_task(), train, test) == (SplitKind.BLOCKS, "at", None)


def test_test_times_scattered_among_training_times_mean_neither() -> None:
    at = pd.Series(hours(*range(1, 9)))
    for seed in range(20):
        chosen = np.random.default_rng(seed).random(len(at)) < 0.4
        assert column_and_kind(make_task(), table(at=at[~chosen]), table(at=at[chosen]))[0] is SplitKind.RANDOM


def test_blocks_are_as_long_as_test_rows_come() -> None:
    times = np.arange(90.0)
    is_test = times % 30 >= 20
    assert block_length(times[~is_test], times[is_test]) == 10
    assert block_length(np.repeat(times[~is_test], 4), times[is_test]) == 10
    assert block_length(times[:60], times[60:]) is None
    assert block_length(times, times[is_test]) is None


def test_id_prefixes_that_never_cross_mean_groups() -> None:
    ids = [f"{i // 3:04d}_{i % 3:02d}" for i in range(90)]
    train, test = table(Id=ids[:60]), table(Id=ids[60:])
    assert column_and_kind(make_task(("Id",)), train, test) == (SplitKind.GROUP, "Id", "_")
    crossing = table(Id=ids[:59]), table(Id=ids[59:])
    assert choose_strategy(make_task(("Id",)), *crossing).kind is SplitKind.RANDOM


def test_id_prefixes_of_single_rows_mean_nothing() -> None:
    train, test = table(Id=[f"{i}_01" for i in range(60)]), table(Id=[f"{i}_01" for i in range(60, 90)])
    assert choose_strategy(make_task(("Id",)), train, test).kind is SplitKind.RANDOM


def test_a_column_whose_values_never_cross_means_groups() -> None:
    rng = np.random.default_rng(0)
    train = table(patient=rng.integers(0, 20, 100), x=rng.normal(size=100))
    test = table(patient=rng.integers(20, 30, 50), x=rng.normal(size=50))
    assert column_and_kind(make_task(), train, test) == (SplitKind.GROUP, "patient", None)


def test_of_nested_groups_the_coarsest_is_taken() -> None:
    rows = table(patient=np.arange(120) // 3, clinic=np.arange(120) // 6)
    assert column_and_kind(make_task(), rows[:90], rows[90:])[1] == "clinic"


def test_different_real_numbers_are_no_groups() -> None:
    rows = table(x=np.repeat(np.arange(60) / 7, 2))
    assert choose_strategy(make_task(), rows[:80], rows[80:]).kind is SplitKind.RANDOM


def test_without_a_test_table_rows_are_exchangeable() -> None:
    assert choose_strategy(make_task(), table(at=hours(1, 2)), None).kind is SplitKind.RANDOM


@pytest.mark.parametrize(
    ("holdout", "expected"),
    [
        ({"kind": SplitKind.RANDOM}, (SplitKind.RANDOM, None, None)),
        ({"kind": SplitKind.TIME}, (SplitKind.TIME, "at", None)),
        ({"kind": SplitKind.TIME, "column": "x"}, (SplitKind.TIME, "x", None)),
        ({"kind": SplitKind.BLOCKS}, (SplitKind.BLOCKS, "at", None)),
        ({"kind": SplitKind.GROUP, "column": "shop"}, (SplitKind.GROUP, "shop", None)),
        ({"kind": SplitKind.GROUP, "prefix": "-"}, (SplitKind.GROUP, "Id", "-")),
        ({"prefix": "-"}, (SplitKind.GROUP, "Id", "-")),
        ({"column": "shop"}, (SplitKind.GROUP, "shop", None)),
        ({"column": "at"}, (SplitKind.TIME, "at", None)),
    ],
)
def test_what_task_toml_asks_for_goes_before_what_is_seen(
    holdout: dict[str, object], expected: tuple[SplitKind, str | None, str | None]
) -> None:
    train = table(Id=[f"a-{i}" for i in range(48)], at=hours(1, 2), x=range(48), shop=["n", "s"] * 24, y=range(48))
    test = table(Id=[f"b-{i}" for i in range(24)], at=hours(3), x=range(24), shop=["w"] * 24)
    assert column_and_kind(make_task(("Id",), **holdout), train, test) == expected


@pytest.mark.parametrize(
    ("holdout", "message"),
    [
        ({"column": "nowhere"}, "has no column 'nowhere'"),
        ({"kind": SplitKind.GROUP}, 'kind = "group" needs column'),
        ({"kind": SplitKind.TIME}, "no column holds dates"),
        ({"kind": SplitKind.TIME, "column": "shop"}, "shop holds fewer than 4 times"),
    ],
)
def test_what_cannot_be_hidden_as_asked_is_told(holdout: dict[str, object], message: str) -> None:
    train = table(shop=["n", "s"] * 24, y=range(48))
    with pytest.raises(ConfigError, match=message):
        choose_strategy(make_task(**holdout), train, None)


def test_an_infinite_number_is_no_place_in_time() -> None:
    axis = time_axis(pd.Series(["1", "inf", "", "2.5"], dtype=object))
    assert axis is not None
    assert axis.tolist() == pytest.approx([1, np.nan, np.nan, 2.5], nan_ok=True)
