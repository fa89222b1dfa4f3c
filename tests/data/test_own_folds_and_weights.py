from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from data.making import hide, plain_tables, text
from treewright.data import Role, read_task
from treewright.errors import ConfigError
from treewright.evaluation import Grader
from treewright.evaluation.ensemble import score_by_run
from treewright.evaluation.grading import grade_file
from treewright.task import HoldoutSpec, SplitKind

if TYPE_CHECKING:
    import pandas as pd

    from data.making import MakeFolder

OWN_FOLDS = '[holdout]\nkind = "folds"\ncolumn = "part"\n'


def with_parts(rows: int = 60, values: tuple[object, ...] = (10, 9, 2)) -> dict[str, pd.DataFrame]:
    tables = plain_tables(rows, 30)
    tables["train"] = tables["train"].assign(part=np.resize(np.array(values, dtype=object), rows))
    return tables


# One's own folds ----------------------------------------------------------------------------------------------------


def test_the_rows_of_one_value_are_hidden_together_and_the_last_is_for_the_selection(folder: MakeFolder) -> None:
    path = folder(**with_parts(), toml=OWN_FOLDS)
    part = text(path / "train.csv")["part"].to_numpy()
    holdout = hide(path)
    hidden = []
    for fold in holdout.folds:
        rows = fold.rows()
        assert set(part[rows.positions[rows.roles == Role.SELECTION]]) == {"10"}
        hidden.append(set(part[rows.positions[rows.roles == Role.SEARCH]]))
        assert len(text(fold.input / "train.csv")) == 20
    assert hidden == [{"2"}, {"9"}]
    assert holdout.kind is SplitKind.FOLDS
    assert holdout.spec == HoldoutSpec(SplitKind.FOLDS, "part", folds=2)


def test_the_part_for_the_selection_can_be_named(folder: MakeFolder) -> None:
    path = folder(**with_parts(), toml=f"{OWN_FOLDS}selection = 2\n")
    part = text(path / "train.csv")["part"].to_numpy()
    rows = hide(path).folds[0].rows()
    assert set(part[rows.positions[rows.roles == Role.SELECTION]]) == {"2"}


def test_scripts_see_the_parts_only_if_test_rows_have_them(folder: MakeFolder) -> None:
    tables = with_parts()
    del tables["sample"]
    holdout = hide(folder(**tables, toml=OWN_FOLDS))
    for place in (holdout.full, *(fold.input for fold in holdout.folds)):
        assert list(text(place / "train.csv").columns) == ["Id", "width", "colour", "weight"]
    tables["test"] = tables["test"].assign(part=9)
    holdout = hide(folder(**tables), seed=1)
    shown = text(holdout.folds[0].input / "test.csv")
    assert set(shown["part"]) == {"2", "9", "10"}


def test_rows_without_a_part_are_never_hidden(folder: MakeFolder) -> None:
    path = folder(**with_parts(values=("a", "b", None)), toml=OWN_FOLDS)
    part = text(path / "train.csv")["part"].to_numpy()
    (fold,) = hide(path).folds
    rows = fold.rows()
    assert set(part[rows.positions[rows.roles != Role.TEST]]) == {"a", "b"}


def test_parts_of_one_table(folder: MakeFolder) -> None:
    tables = with_parts()
    holdout = hide(folder(train=tables["train"], toml=f'target = "weight"\n{OWN_FOLDS}'))
    assert list(text(holdout.folds[0].input / "test.csv").columns) == ["Id", "width", "colour"]


@pytest.mark.parametrize(
    ("values", "more", "message"),
    [
        (tuple(range(21)), "", r"part has 21 different values \(0, 1, 2, 3, 4, 5, 6, 7 \.\.\.\); .* needs 2 to 20"),
        ((1,), "", "part has 1 different values"),
        ((1, 2), "", "part has two values only, one for the search and one for the selection"),
        ((1, 2, 3), 'selection = "4"', "selection: part has no value '4'; it has 1, 2, 3"),
        ((1, 2, 3), "folds = 3", 'folds does not go with kind = "folds"'),
        ((1, 2, 3), "selection = true", "selection is True; it must be one of the values"),
    ],
)
def test_parts_that_cannot_be_used_are_told(
    folder: MakeFolder, values: tuple[object, ...], more: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        hide(folder(**with_parts(63, values), toml=OWN_FOLDS + more))


def test_parts_need_their_column(folder: MakeFolder) -> None:
    with pytest.raises(ConfigError, match=r'kind = "folds" needs column = '):
        read_task(folder(**with_parts(), toml='[holdout]\nkind = "folds"'))
    with pytest.raises(ConfigError, match='goes with kind = "folds"'):
        read_task(folder(toml='[holdout]\ncolumn = "part"\nselection = 1'))


# Weights ------------------------------------------------------------------------------------------------------------


def with_weights(rows: int = 60) -> dict[str, pd.DataFrame]:
    tables = plain_tables(rows, 30)
    return {**tables, "train": tables["train"].assign(importance=np.arange(rows) % 5 + 0.5)}


def test_hidden_rows_count_by_their_weight_and_come_without_it(folder: MakeFolder) -> None:
    path = folder(**with_weights(), toml='weight = "importance"')
    holdout = hide(path)
    train = text(path / "train.csv")
    grader = Grader.from_holdout(read_task(path), holdout)
    for fold, graded in zip(holdout.folds, grader.folds, strict=True):
        rows = fold.rows()
        hidden = rows.roles != Role.TEST
        assert "importance" not in text(fold.input / "test.csv")
        assert rows.weights is not None
        assert graded.weights is not None
        assert rows.weights[hidden].tolist() == train["importance"].astype(float).iloc[rows.positions[hidden]].tolist()
    assert grader.weights is not None
    assert len(grader.weights) == len(grader.truth)
    predictions = np.zeros(len(grader.truth))
    plain = score_by_run(grader.task, grader.truth, predictions, grader.runs)
    weighted = score_by_run(grader.task, grader.truth, predictions, grader.runs, grader.weights)
    assert weighted == pytest.approx(np.sqrt(np.average(grader.truth**2, weights=grader.weights)))
    assert weighted != plain


def test_a_weight_is_no_target_and_is_announced(folder: MakeFolder) -> None:
    tables = with_weights()
    del tables["sample"]
    task = read_task(folder(**tables, toml='weight = "importance"'))
    assert task.targets == ("weight",)
    assert any("Scores weigh each row by importance" in note for note in task.notes)


def test_without_weights_all_rows_count_alike(folder: MakeFolder) -> None:
    path = folder(**with_weights())
    assert Grader.from_holdout(read_task(path), hide(path)).weights is None


def test_answers_that_have_the_weights_are_graded_by_them(folder: MakeFolder) -> None:
    tables = with_weights()
    path = folder(**tables, toml='weight = "importance"')
    task = read_task(path)
    answers = tables["test"][["Id"]].assign(weight=np.arange(30.0), importance=[1] + [0] * 29)
    answers.to_csv(path.parent / "answers.csv", index=False)
    answers[["Id"]].assign(weight=2.0).to_csv(path.parent / "submission.csv", index=False)
    graded = grade_file(task, path.parent / "submission.csv", path.parent / "answers.csv")
    assert graded["score"] == 2.0
    unweighted = grade_file(replace(task, weight=None), path.parent / "submission.csv", path.parent / "answers.csv")
    assert unweighted["score"] > 10


@pytest.mark.parametrize(
    ("weights", "name", "message"),
    [
        (1.0, "importnace", "the column 'importnace' is not in train.csv"),
        (1.0, "weight", "the column 'weight' is to be predicted"),
        (-1.0, "importance", "60 rows have a importance that is no number from 0 on, '-1.0' for one"),
        (0, "importance", "importance is 0 in every row"),
    ],
)
def test_weights_that_cannot_be_used_are_told(folder: MakeFolder, weights: float, name: str, message: str) -> None:
    tables = with_weights()
    tables["train"]["importance"] = weights
    with pytest.raises(ConfigError, match=message):
        read_task(folder(**tables, toml=f'weight = "{name}"'))


def test_ones_own_metric_knows_no_weights(folder: MakeFolder) -> None:
    own = 'def cost(truth, answer):\n    return 0.0\n\n\ncost.direction = "minimize"\n'
    with pytest.raises(ConfigError, match="cost is a metric of your own, which knows no weights"):
        read_task(folder(**with_weights(), toml='weight = "importance"\nmetric = "own.py:cost"', **{"own.py": own}))
