"""The frame runs as it is, given a model, and puts each prediction in its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from llm_support import setting
from treewright.coders.llm.frame import GAP, frame
from treewright.coders.llm.goal import MOST_NAMES
from treewright.metrics import Direction, Metric, Needs


class Model:
    """Fits anything; predicts the smallest value, and of each class its place as its chance."""

    def fit(self, features, y):
        assert len(features) == len(y) and y.ndim == 1
        self.classes_ = np.unique(y)

    def predict(self, features):
        return np.repeat(self.classes_[:1], len(features))

    def predict_proba(self, features):
        return np.tile(np.arange(len(self.classes_)) + 1.0, (len(features), 1))


WIDE = tuple(f"t{i}" for i in range(MOST_NAMES + 5))
COUNTRIES = tuple(f"land {i}" for i in range(MOST_NAMES + 5))


def run(folder, monkeypatch, needs: Needs, truth: dict[str, list], **changes) -> pd.DataFrame:
    targets = tuple(truth)
    task = replace(
        setting().task,
        metric=Metric("score", Direction.MAXIMIZE, needs),
        **({"targets": targets, "submission_columns": targets, "ids": ("id",)} | changes),
    )
    rows = len(truth[targets[0]])
    for name in ("input", "working"):
        (folder / name).mkdir()
    ids = {name: range(rows) for name in task.ids}
    pd.DataFrame({**ids, "x": 1, **truth}).to_csv(folder / "input/train.csv", index=False)
    pd.DataFrame({**ids, "x": 1}, index=range(rows)).to_csv(folder / "input/test.csv", index=False)
    sample = pd.DataFrame({**ids, **dict.fromkeys(task.submission_columns, 0)}, index=range(rows))
    sample.to_csv(folder / "input/sample_submission.csv", index=False)
    monkeypatch.chdir(folder)
    code = frame(task).replace(GAP, "")
    assert max(map(len, code.splitlines())) < 1_500
    exec(code, {"model": Model()})
    submission = pd.read_csv("working/submission.csv")
    assert list(submission.columns) == [*task.ids, *task.submission_columns]
    return submission


@pytest.mark.parametrize("ids", [("id",), (), ("shop", "day")])
def test_numbers_whatever_the_ids(tmp_path, monkeypatch, ids):
    assert (run(tmp_path, monkeypatch, Needs.NUMBERS, {"y": [2.5, 7.5]}, ids=ids)["y"] == 2.5).all()


def test_a_target_that_the_sample_calls_otherwise(tmp_path, monkeypatch):
    done = run(tmp_path, monkeypatch, Needs.NUMBERS, {"y": [2.5, 7.5]}, submission_columns=("answer",))
    assert (done["answer"] == 2.5).all()


@pytest.mark.parametrize("names", [("a", "b"), ("it's", 'a "b"\n#'), WIDE], ids=["two", "odd", "many"])
def test_several_targets_each_with_its_own_fit(tmp_path, monkeypatch, names):
    truth = {name: [i + 0.5, i + 1.5] for i, name in enumerate(names)}
    done = run(tmp_path, monkeypatch, Needs.NUMBERS, truth)
    assert [done[name][0] for name in names] == [values[0] for values in truth.values()]


def test_labels_of_one_target_and_of_several(tmp_path, monkeypatch):
    (tmp_path / "several").mkdir()
    done = run(tmp_path, monkeypatch, Needs.LABELS, {"y": ["no", "yes"]}, classes=("no", "yes"))
    assert (done["y"] == "no").all()
    done = run(tmp_path / "several", monkeypatch, Needs.LABELS, {"y": ["no", "yes"], "z": ["yes", "yes"]})
    assert (done["z"] == "yes").all()


def test_the_probability_of_the_second_class_of_one_target_and_of_several(tmp_path, monkeypatch):
    (tmp_path / "several").mkdir()
    classes = {"classes": ("0", "1")}
    assert (run(tmp_path, monkeypatch, Needs.PROBABILITIES, {"y": [0, 1]}, **classes)["y"] == 2).all()
    many = {name: [0, 1] for name in WIDE}
    done = run(tmp_path / "several", monkeypatch, Needs.PROBABILITIES, many, **classes)
    assert (done[list(WIDE)] == 2).all(axis=None)


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        (("no", "yes"), ("no", "yes")),
        (("red", "blue", "green"), ("red", "blue", "green")),
        (("C", "D", "A"), ("Status_C", "Status_D", "Status_A")),
        (("2", "10", "1"), ("class 2", "class 10", "class 1")),
        (COUNTRIES, COUNTRIES),
        (tuple(sorted(COUNTRIES)), tuple(sorted(COUNTRIES))),
        (COUNTRIES[::-1], tuple(f"p {name}" for name in COUNTRIES[::-1])),
        (tuple(map(str, range(40, 0, -1))), tuple(f"c{i}" for i in range(40, 0, -1))),
    ],
)
def test_one_column_a_class_in_whatever_order_the_sample_has_them(tmp_path, monkeypatch, labels, columns):
    truth = {"y": [int(label) if label.isdecimal() else label for label in labels]}
    done = run(tmp_path, monkeypatch, Needs.PROBABILITIES, truth, classes=labels, submission_columns=columns)
    place = {label: i + 1 for i, label in enumerate(sorted(truth["y"]))}
    assert [done[name][0] for name in columns] == [place[label] for label in truth["y"]]


def test_a_program_that_scores_itself_ends_with_its_score():
    lines = frame(setting().task, self_reported=True).splitlines()
    assert lines[-2].startswith("score = ...  # rmse of predictions") and lines[-1] == 'print(f"metric: {score}")'
