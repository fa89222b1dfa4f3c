from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from treewright.data import profile_table
from treewright.task import ColumnKind, ColumnProfile

ROWS = 40


def profile(
    values: list[object] | pd.Series, test: list[object] | None = None, *, is_id: bool = False, name: str = "x"
) -> ColumnProfile:
    """The profile of one column as a script would read it from a file."""

    def as_read(values: list[object] | pd.Series) -> pd.DataFrame:
        return pd.read_csv(io.StringIO(pd.DataFrame({name: values, "y": 1}).to_csv(index=False)))

    seen = as_read(values if test is None else test)
    table = profile_table(as_read(values), seen[[name]], ["y"], [name] if is_id else [])
    return table.columns[0]


def cycle(*values: object) -> list[object]:
    return [values[i % len(values)] for i in range(ROWS)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (cycle(1, 2, 5), ColumnKind.NUMERIC),
        (list(np.random.default_rng(0).normal(size=ROWS)), ColumnKind.NUMERIC),
        (list(np.random.default_rng(0).permutation(ROWS) * 1000), ColumnKind.NUMERIC),
        (cycle(True, False), ColumnKind.BOOLEAN),
        (cycle(True, False, None), ColumnKind.BOOLEAN),
        (cycle("yes", "no"), ColumnKind.CATEGORICAL),
        (cycle("red", "green", "blue"), ColumnKind.CATEGORICAL),
        ([f"the {i} quick brown foxes jumped" for i in range(ROWS)], ColumnKind.TEXT),
        (cycle("the quick brown fox", "a lazy old dog"), ColumnKind.CATEGORICAL),
        ([f"2024-01-{1 + i % 28:02d} 10:00" for i in range(ROWS)], ColumnKind.DATETIME),
        ([f"{1 + i % 28}.02.2023" for i in range(ROWS)], ColumnKind.DATETIME),
        ([f"Mar {1 + i % 28}, 2023" for i in range(ROWS)], ColumnKind.DATETIME),
        ([20240101 + i % 28 for i in range(ROWS)], ColumnKind.NUMERIC),
        (cycle("12:30", "13:45", "08:00"), ColumnKind.CATEGORICAL),
        (list(range(100, 100 + ROWS)), ColumnKind.IDENTIFIER),
        ([f"u{i:04x}" for i in range(ROWS)], ColumnKind.IDENTIFIER),
        (["only"] * ROWS, ColumnKind.CONSTANT),
        ([None] * ROWS, ColumnKind.CONSTANT),
        (cycle("there", None), ColumnKind.CATEGORICAL),
    ],
)
def test_a_column_is_judged_by_its_values(values: list[object], kind: ColumnKind) -> None:
    assert profile(values).kind is kind


def test_an_id_column_is_an_identifier_unless_it_holds_dates_or_repeats() -> None:
    scattered = list(np.random.default_rng(1).permutation(ROWS) * 1000)
    assert profile(scattered, is_id=True).kind is ColumnKind.IDENTIFIER
    assert (
        profile([f"2024-01-01 {i // 60:02d}:{i % 60:02d}" for i in range(ROWS)], is_id=True).kind is ColumnKind.DATETIME
    )
    assert profile(cycle("shop 1", "shop 2"), is_id=True).kind is ColumnKind.CATEGORICAL


def test_different_whole_numbers_are_an_identifier_where_the_name_says_so() -> None:
    scattered = list(np.random.default_rng(1).permutation(ROWS) * 1000)
    assert profile(scattered, name="customer_id").kind is ColumnKind.IDENTIFIER
    assert profile(scattered, name="population").kind is ColumnKind.NUMERIC


def test_numbers_with_a_little_dirt_are_still_numeric() -> None:
    column = profile([*range(0, 3000, 30), " "], name="charge")
    assert column.kind is ColumnKind.NUMERIC
    assert (column.low, column.high) == (0, 2970)


def test_numeric_columns_are_described_by_range_mean_and_skew() -> None:
    column = profile([1, 1, 1, 9] * 10)
    assert column.integer
    assert (column.low, column.high, column.mean) == (1, 9, 3)
    assert column.skew is not None
    assert column.skew > 1
    assert not profile([0.5, 1.5] * 20).integer


def test_infinite_values_do_not_spoil_the_range() -> None:
    column = profile(cycle(1.5, 2.5, float("inf")))
    assert (column.low, column.high, column.mean) == (1.5, 2.5, pytest.approx(2.0, abs=0.1))


def test_missing_values_are_counted_on_all_rows() -> None:
    assert profile(cycle(1, 2, 3, None)).missing == 0.25
    many = pd.Series(["a", "b"] * 30_000)
    many.iloc[1] = None
    assert profile(many).missing == 1 / 60_000


@pytest.mark.parametrize(
    ("values", "delimiter", "parts"),
    [
        ([f"{'ABC'[i % 3]}/{i}/{'PS'[i % 2]}" for i in range(ROWS)], "/", 3),
        ([f"{i // 3:04d}_{i % 3:02d}" for i in range(ROWS)], "_", 2),
        ([f"{'ABC'[i % 3]}-{i % 5}" for i in range(ROWS)], "-", 2),
        (cycle("low_risk", "high_risk"), None, 1),
        ([f"id_{i}" for i in range(ROWS)], None, 1),
        ([f"first{i} last{i}" for i in range(ROWS)], None, 1),
        ([f"first{i}_last{i}" for i in range(ROWS)], None, 1),
        (cycle("a/b", "a/b/c", "b/a"), None, 1),
    ],
)
def test_values_made_of_a_fixed_number_of_parts_are_structured(
    values: list[object], delimiter: str | None, parts: int
) -> None:
    column = profile(values)
    assert (column.delimiter, column.parts) == (delimiter, parts)


def test_a_file_in_the_order_of_a_column_is_noticed() -> None:
    assert profile([f"2024-01-{1 + i // 2:02d}" for i in range(ROWS)]).sorted
    assert profile(list(range(ROWS))).sorted
    assert not profile(list(range(ROWS))[::-1]).sorted
    assert not profile([7] * ROWS).sorted


def test_values_that_train_never_shows_are_told_as_a_share_of_test() -> None:
    assert profile(cycle("a", "b"), ["a", "b", "c", "c"]).unseen == 0.5


def test_targets_and_columns_of_the_training_table_alone_are_told_apart() -> None:
    train = pd.DataFrame({"x": [1, 2, 2], "leak": [5, 6, 6], "y": ["a", "b", "c"]})
    table = profile_table(train, train[["x"]], ["y"], [], [("notes.txt", 12)])
    assert [(column.name, column.in_test) for column in table.columns] == [("x", True), ("leak", False)]
    assert [(column.name, column.kind) for column in table.targets] == [("y", ColumnKind.CATEGORICAL)]
    assert (table.train_rows, table.test_rows, table.files) == (3, 3, (("notes.txt", 12),))


def test_examples_are_few_and_short() -> None:
    column = profile(["word " * 200 + str(i) for i in range(ROWS)])
    assert len(column.examples) == 4
    assert all(len(example) <= 80 for example in column.examples)
