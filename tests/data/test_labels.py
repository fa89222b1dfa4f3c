"""Several labels for a row, and classes with hardly any rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.making import hide, plain_tables, text
from treewright.data import Role, read_task
from treewright.errors import CannotSplit
from treewright.evaluation import Grader
from treewright.evaluation.predictions import average, read_predictions, write_submission
from treewright.evaluation.scoring import score_with_replicates
from treewright.task import TargetKind

if TYPE_CHECKING:
    from pathlib import Path

    from data.making import MakeFolder

LABELS = ("toxic", "rude", "threat")


def several_labels(rows: int = 600, threats: int = 12) -> dict[str, pd.DataFrame]:
    tables, rng = plain_tables(rows, 100), np.random.default_rng(0)
    toxic = rng.random(rows) < 0.3
    rude = toxic & (rng.random(rows) < 0.5)
    threat = np.isin(np.arange(rows), rng.choice(rows, threats, replace=False))
    labels = dict(zip(LABELS, (column.astype(int) for column in (toxic, rude, threat)), strict=True))
    tables["train"] = tables["train"].drop(columns="weight").assign(**labels)
    tables["sample"] = tables["test"][["Id"]].assign(**dict.fromkeys(LABELS, 0))
    return tables


def test_several_label_columns_are_read_as_one_task(folder: MakeFolder) -> None:
    task = read_task(folder(**several_labels()), metric="auc")
    assert (task.kind, task.targets, task.submission_columns) == (TargetKind.BINARY, LABELS, LABELS)
    assert task.classes == ("0", "1")


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_label_and_frequent_combinations_are_shared_out(folder: MakeFolder, seed: int) -> None:
    path = folder(**several_labels())
    train = text(path / "train.csv")
    holdout = hide(path, seed)
    for fold in holdout.folds:
        rows = fold.rows()
        search = train.iloc[rows.positions[rows.roles == Role.SEARCH]]
        assert 1 <= (search["threat"] == "1").sum() <= 3
        both = ((search["toxic"] == "1") & (search["rude"] == "1")).mean()
        assert both == pytest.approx(((train["toxic"] == "1") & (train["rude"] == "1")).mean(), abs=0.02)


@given(threats=st.integers(1, 8), seed=st.integers(0, 100))
def test_no_label_is_hidden_wholly(tmp_path_factory: pytest.TempPathFactory, threats: int, seed: int) -> None:
    path = tmp_path_factory.mktemp("task")
    tables = several_labels(60, threats)
    tables["train"]["threat"] = 1 - tables["train"]["threat"]
    for name, file in (("train", "train"), ("test", "test"), ("sample", "sample_submission")):
        tables[name].to_csv(path / f"{file}.csv", index=False)
    for fold in hide(path, seed).folds:
        visible = text(fold.input / "train.csv")
        assert all(set(visible[name]) == {"0", "1"} for name in LABELS)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc", "f1"])
def test_a_script_that_knows_the_labels_is_scored_as_perfect(folder: MakeFolder, tmp_path: Path, metric: str) -> None:
    path = folder(**several_labels(), toml=f'metric = "{metric}"')
    task = read_task(path)
    grader = Grader.from_holdout(task, hide(path))
    assert grader.sample is not None
    truth, test = text(path / "train.csv").set_index("Id"), {}
    for fold in grader.folds:
        answer = text(fold.input / "sample_submission.csv").set_index("Id")
        answer.update(truth[list(LABELS)])
        working = tmp_path / str(fold.index) / "working"
        working.mkdir(parents=True)
        answer.reset_index().to_csv(working / "submission.csv", index=False)
        predictions = read_predictions(working.parent, fold.form, task)
        known = predictions.answer[fold.search]
        value, _ = score_with_replicates(task.metric, fold.truth[fold.search], known, task.classes, seed=0)
        assert value == pytest.approx(0.0 if metric == "log_loss" else 1.0, abs=1e-9)
        test[fold.index] = predictions.rows(fold.test)
    write_submission(tmp_path / "out.csv", task, grader.sample, average(task, list(test.values())).answer)
    written = pd.read_csv(tmp_path / "out.csv")
    assert list(written.columns) == ["Id", *LABELS]
    assert (written[list(LABELS)] == 0).all(axis=None)


@given(counts=st.lists(st.integers(1, 4), min_size=2, max_size=12), seed=st.integers(0, 100))
def test_classes_of_a_few_rows_do_not_break_anything(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], seed: int
) -> None:
    labels = [f"c{i}" for i, count in enumerate([*counts, 20]) for _ in range(count)]
    rows = len(labels)
    tables = plain_tables(rows, 10)
    train = tables["train"].drop(columns="weight").assign(kind=np.random.default_rng(seed).permutation(labels))
    path = tmp_path_factory.mktemp("task")
    train.to_csv(path / "train.csv", index=False)
    tables["test"].to_csv(path / "test.csv", index=False)
    grader = Grader.from_holdout(read_task(path), hide(path, seed))
    for fold in grader.folds:
        assert len(fold.search)
        assert len(fold.selection)
        assert set(text(fold.input / "train.csv")["kind"]) == set(labels)


def test_where_every_row_is_needed_nothing_can_be_hidden(folder: MakeFolder) -> None:
    tables = plain_tables(20, 10)
    tables["train"] = tables["train"].drop(columns="weight").assign(kind=np.arange(20))
    del tables["sample"]
    with pytest.raises(CannotSplit, match="would hide all rows of some class"):
        hide(folder(**tables))
