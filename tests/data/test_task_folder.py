from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from treewright.data import read_task
from treewright.errors import ConfigError, MetricError, TaskError
from treewright.metrics import Direction
from treewright.task import HoldoutSpec, SplitKind, TargetKind

if TYPE_CHECKING:
    from pathlib import Path

    from data.making import MakeFolder

    Tables = dict[str, pd.DataFrame]


def with_target(tables: Tables, values: object, name: str = "weight") -> Tables:
    """The same task with other target values."""
    train = tables["train"].drop(columns="weight")
    values = np.resize(np.asarray(values, dtype=object), len(train))
    sample = tables["sample"][["Id"]].assign(**{name: values[0]})
    return {"train": train.assign(**{name: values}), "test": tables["test"], "sample": sample}


def test_the_kaggle_layout_needs_no_configuration(folder: MakeFolder, tables: Tables) -> None:
    task = read_task(folder(**tables, description="# Puffins\n\nHow heavy is each?\n\n## Evaluation\n\nMAE."))
    assert (task.name, task.goal) == ("puffins", "How heavy is each?")
    assert (task.ids, task.targets, task.submission_columns) == (("Id",), ("weight",), ("weight",))
    assert (task.kind, task.metric.name, task.classes) == (TargetKind.REGRESSION, "mae", ())
    assert task.train.name == "train.csv"
    assert task.test is not None
    assert task.sample is not None


@pytest.mark.parametrize(
    "name", ["sampleSubmission.csv", "sample_submission.csv", "gender_submission.csv", "Sample_Submission.csv.gz"]
)
def test_the_sample_submission_is_found_under_its_usual_names(folder: MakeFolder, tables: Tables, name: str) -> None:
    sample = tables.pop("sample").to_csv(index=False).encode()
    task = read_task(folder(**tables, **{name: gzip.compress(sample) if name.endswith(".gz") else sample}))
    assert task.sample is not None
    assert task.sample.name == name


def test_gzipped_tables_are_a_task_too(folder: MakeFolder, tables: Tables) -> None:
    files = {f"{name}.csv.gz": gzip.compress(table.to_csv(index=False).encode()) for name, table in tables.items()}
    files["sample_submission.csv.gz"] = files.pop("sample.csv.gz")
    assert read_task(folder(**files)).targets == ("weight",)


def test_without_a_sample_the_target_is_the_column_that_test_lacks(folder: MakeFolder, tables: Tables) -> None:
    del tables["sample"]
    task = read_task(folder(**tables))
    assert (task.ids, task.targets, task.sample) == (("Id",), ("weight",), None)


def test_one_table_needs_a_target(folder: MakeFolder, tables: Tables) -> None:
    table = folder(train=tables["train"]) / "train.csv"
    with pytest.raises(TaskError, match=r"add --target COLUMN, one of Id, width, colour, weight"):
        read_task(table)
    task = read_task(table, target="weight")
    assert (task.name, task.test, task.sample, task.targets) == ("train", None, None, ("weight",))
    assert "There is no test.csv: scripts predict hidden rows only." in task.notes


def test_class_names_in_the_sample_mean_probabilities_of_one_column(folder: MakeFolder, tables: Tables) -> None:
    tables = with_target(tables, ["wolf", "ant", "moth"], "animal")
    tables["sample"] = tables["sample"][["Id"]].assign(moth=0.2, wolf=0.3, ant=0.5)
    task = read_task(folder(**tables))
    assert (task.targets, task.kind) == (("animal",), TargetKind.MULTICLASS)
    assert task.submission_columns == task.classes == ("moth", "wolf", "ant")
    assert task.metric.name == "log_loss"


def test_a_class_without_training_rows_has_its_column_all_the_same(folder: MakeFolder, tables: Tables) -> None:
    tables = with_target(tables, ["wolf", "ant"], "animal")
    tables["sample"] = tables["sample"][["Id"]].assign(moth=0.2, wolf=0.3, ant=0.5)
    task = read_task(folder(**tables))
    assert task.submission_columns == task.classes == ("moth", "wolf", "ant")
    assert task.kind is TargetKind.MULTICLASS


def test_class_columns_may_have_a_common_prefix(folder: MakeFolder, tables: Tables) -> None:
    tables = with_target(tables, ["C", "D", "CL"], "Status")
    tables["sample"] = tables["sample"][["Id"]].assign(Status_C=0.2, Status_CL=0.3, Status_D=0.5)
    task = read_task(folder(**tables))
    assert task.targets == ("Status",)
    assert task.submission_columns == ("Status_C", "Status_CL", "Status_D")
    assert task.classes == ("C", "CL", "D")


def test_a_target_may_have_another_name_in_the_sample(folder: MakeFolder, tables: Tables) -> None:
    tables["sample"] = tables["sample"].rename(columns={"weight": "prediction"})
    task = read_task(folder(**tables))
    assert (task.targets, task.submission_columns) == (("weight",), ("prediction",))
    assert "Predict weight, which sample_submission.csv calls prediction." in task.notes


def test_rows_that_only_the_sample_numbers_get_that_number_as_their_id(folder: MakeFolder, tables: Tables) -> None:
    tables = {"train": tables["train"].drop(columns="Id"), "test": tables["test"].drop(columns="Id")}
    sample = pd.DataFrame({"RowId": np.arange(1, 31), "weight": 0})
    task = read_task(folder(**tables, sample=sample))
    assert (task.ids, task.targets) == (("RowId",), ("weight",))
    assert "train.csv has no RowId, so its rows get made-up ones." in task.notes
    fails(folder(sample=sample.assign(RowId=sample["RowId"] * 3)), "asks for RowId, weight, but train.csv has no such")


def test_training_rows_without_ids_get_some(folder: MakeFolder, tables: Tables) -> None:
    task = read_task(folder(**{**tables, "train": tables["train"].drop(columns="Id")}))
    assert (task.ids, task.targets) == (("Id",), ("weight",))


def test_there_may_be_several_targets(folder: MakeFolder, tables: Tables) -> None:
    tables["train"]["height"] = tables["train"]["weight"] * 2 + 1
    tables["sample"] = tables["sample"].assign(height=1)
    assert read_task(folder(**tables)).targets == ("weight", "height")
    del tables["sample"]
    (folder() / "sample_submission.csv").unlink()
    assert read_task(folder(), target="weight, height").targets == ("weight", "height")


def test_columns_of_train_alone_are_announced(folder: MakeFolder, tables: Tables) -> None:
    tables["train"] = tables["train"].assign(casual=1, registered=2)
    notes = read_task(folder(**tables)).notes
    assert any(note.startswith("Train-only columns stay in train: casual, registered;") for note in notes)


def test_several_id_columns_identify_rows_together(folder: MakeFolder) -> None:
    rows = pd.DataFrame({"store": ["north", "south"] * 20, "day": np.arange(40) // 2})
    train, test = rows.assign(sales=np.arange(40) / 8), rows.assign(day=rows["day"] + 20)
    assert read_task(folder(train=train, test=test, sample=test.assign(sales=0))).ids == ("store", "day")


def test_a_description_goes_by_other_names_too(folder: MakeFolder, tables: Tables) -> None:
    task = read_task(folder(**tables, **{"README.md": "Weigh the puffins.", "data_description.txt": "x: a column"}))
    assert (task.goal, task.description) == ("Weigh the puffins.", "Weigh the puffins.")
    assert [path.name for path in task.side_files] == ["data_description.txt"]


def test_the_goal_is_the_paragraph_under_its_heading(folder: MakeFolder, tables: Tables) -> None:
    text = "# Puffins\n\nSome history.\n\n## Goal\nWeigh them,\nall of them.\n\n## Evaluation\n\nMAE"
    assert read_task(folder(**tables, description=text)).goal == "Weigh them, all of them."
    (folder() / "description.md").unlink()
    assert read_task(folder()).goal == "Predict weight."


def test_flags_override_the_file_and_the_file_overrides_the_description(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables, description="Evaluation: MAE", toml='goal = "Weigh"\nmetric = "r2"\ntarget = "weight"')
    assert (read_task(path).goal, read_task(path).metric.name) == ("Weigh", "r2")
    task = read_task(path, goal="Measure", metric="rmse")
    assert (task.goal, task.metric.name) == ("Measure", "rmse")


def test_the_holdout_is_read_from_the_file(folder: MakeFolder, tables: Tables) -> None:
    toml = '[holdout]\nkind = "group"\ncolumn = "Id"\nprefix = "_"\nfraction = 0.2\nfolds = 3'
    task = read_task(folder(**tables, toml=toml))
    assert task.holdout == HoldoutSpec(SplitKind.GROUP, "Id", "_", 0.2, 3)
    assert read_task(folder(toml="")).holdout == HoldoutSpec()


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('metrik = "mae"', "unknown key 'metrik'; did you mean 'metric'"),
        ("[holdout]\nfolfs = 3", r"\[holdout\]: unknown key 'folfs'; did you mean 'folds'"),
        ('[holdout]\nkind = "tyme"', "unknown kind 'tyme'; did you mean 'time'"),
        ("[holdout]\nfraction = 0.5", "fraction is 0.5; it must be above 0 and at most 0.3"),
        ("[holdout]\nfolds = 1.5", "folds is 1.5; it must be a whole number from 1 to 20"),
        ("[holdout]\nfolds = true", "folds is True"),
        ("holdout = 3", "holdout must be a table"),
        ("goal = 3", "goal is 3; it must be a text in quotes"),
        ("goal = ", "is not valid TOML"),
    ],
)
def test_mistakes_in_task_toml_are_named(folder: MakeFolder, tables: Tables, toml: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_task(folder(**tables, toml=toml))


def test_an_evaluation_by_command_is_not_promised_in_silence(folder: MakeFolder, tables: Tables) -> None:
    with pytest.raises(ConfigError, match="evaluate"):
        read_task(folder(**tables, toml='[evaluate]\ncommand = "make"'))


# Kind and metric ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "metric", "expected"),
    [
        ([0.5, 1.25, 3.0], None, (TargetKind.REGRESSION, ())),
        (["b", "a"], None, (TargetKind.BINARY, ("a", "b"))),
        ([True, False], None, (TargetKind.BINARY, ("False", "True"))),
        (["b", "a", "c"], None, (TargetKind.MULTICLASS, ("a", "b", "c"))),
        ([10, 9, 2], None, (TargetKind.MULTICLASS, ("2", "9", "10"))),
        (list(range(30)), None, (TargetKind.REGRESSION, ())),
        ([10, 9, 2], "rmse", (TargetKind.REGRESSION, ())),
        (list(range(30)), "qwk", (TargetKind.MULTICLASS, tuple(map(str, range(30))))),
        ([1, 0], "auc", (TargetKind.BINARY, ("0", "1"))),
        ([1.0, 0.0], "accuracy", (TargetKind.BINARY, ("0.0", "1.0"))),
    ],
)
def test_the_kind_follows_from_the_values_and_the_metric(
    folder: MakeFolder,
    tables: Tables,
    values: list[object],
    metric: str | None,
    expected: tuple[TargetKind, tuple[str, ...]],
) -> None:
    task = read_task(folder(**with_target(tables, values)), metric=metric)
    assert (task.kind, task.classes) == expected


def test_the_description_decides_whether_few_numbers_are_classes(folder: MakeFolder, tables: Tables) -> None:
    tables = with_target(tables, [1, 2, 3, 4, 5])
    assert read_task(folder(**tables, description="Evaluation: RMSE")).kind is TargetKind.REGRESSION
    task = read_task(folder(description="Evaluation: quadratic weighted kappa"))
    assert (task.kind, task.metric.name) == (TargetKind.MULTICLASS, "qwk")


def test_a_metric_in_the_description_that_cannot_be_meant_is_passed_over(folder: MakeFolder, tables: Tables) -> None:
    task = read_task(folder(**tables, description="Evaluation: accuracy and care."))
    assert (task.kind, task.metric.name) == (TargetKind.REGRESSION, "rmse")
    tables["train"]["weight"] -= 60
    task = read_task(folder(**tables, description="Evaluation: RMSLE"))
    assert task.metric.name == "rmse"
    assert any("rmsle does not fit" in note for note in task.notes)


@pytest.mark.parametrize(
    ("values", "metric", "message"),
    [
        (["a", "b"], "rmse", "rmse is for regression targets, but the target is binary"),
        (["a", "b", "c"], "f1", "f1 is for binary targets, but the target is multiclass"),
        (list(np.linspace(0, 1, 50)), "accuracy", "the target is regression"),
        ([-1.5, 2.5, 3.25], "rmsle", r"defined for numbers >= 0, but the lowest weight is -1\.5"),
        (["a", "b", "c"], "log_loss", "needs a column of probabilities for each class"),
        ([1.5, 2.5], "rmsee", "did you mean rmse"),
    ],
)
def test_a_named_metric_that_does_not_fit_is_an_error(
    folder: MakeFolder, tables: Tables, values: list[object], metric: str, message: str
) -> None:
    with pytest.raises(MetricError, match=message):
        read_task(folder(**with_target(tables, values)), metric=metric)


def test_a_metric_for_labels_does_not_go_with_class_columns(folder: MakeFolder, tables: Tables) -> None:
    tables = with_target(tables, ["a", "b", "c"])
    tables["sample"] = tables["sample"][["Id"]].assign(a=0.2, b=0.3, c=0.5)
    with pytest.raises(MetricError, match="accuracy needs labels"):
        read_task(folder(**tables), metric="accuracy")
    assert read_task(folder(description="Evaluation: accuracy")).metric.name == "log_loss"


def test_a_probability_in_one_column_is_that_of_the_last_class(folder: MakeFolder, tables: Tables) -> None:
    tables = with_target(tables, [False, True])
    task = read_task(folder(**tables), metric="auc")
    assert task.submission_columns == ("weight",)
    assert "A prediction is the probability of True." in task.notes


def test_without_a_sample_a_multiclass_probability_has_a_column_a_class(folder: MakeFolder, tables: Tables) -> None:
    tables = with_target(tables, ["b", "a", "c"])
    del tables["sample"]
    assert read_task(folder(**tables), metric="log_loss").submission_columns == ("a", "b", "c")


def test_ones_own_metric_is_found_beside_task_toml(folder: MakeFolder, tables: Tables) -> None:
    own = 'def cost(truth, answer):\n    return 0.0\n\n\ncost.direction = "minimize"\n'
    task = read_task(folder(**tables, toml='metric = "own.py:cost"', **{"own.py": own}))
    assert (task.metric.name, task.metric.direction) == ("cost", Direction.MINIMIZE)


# What cannot be used ------------------------------------------------------------------------------------------------


def fails(path: Path, message: str, target: str | None = None) -> None:
    with pytest.raises(TaskError, match=message) as caught:
        read_task(path, target=target)
    assert len(str(caught.value).splitlines()) == 1


def test_a_path_that_is_no_task_is_told(tmp_path: Path) -> None:
    fails(tmp_path / "nowhere", "nowhere: there is no such folder or file")
    fails(tmp_path, r"has no train\.csv \(it has nothing\)")
    (tmp_path / "train.xlsx").write_bytes(b"")
    fails(tmp_path, r"has no train\.csv \(it has train\.xlsx\)")
    fails(tmp_path / "train.xlsx", "is not a table that can be read")


def test_a_target_that_cannot_be_told_is_asked_for(folder: MakeFolder, tables: Tables) -> None:
    del tables["sample"]
    tables["train"]["height"] = 1.5
    fails(folder(**tables), "lacks several columns of train.csv: weight, height; choose with --target COLUMN")
    fails(folder(), "there is no column 'wieght' to predict; did you mean weight", target="wieght")
    fails(folder(), "test.csv has the column 'width' that is to be predicted", target="width")
    fails(folder(test=tables["train"]), "train.csv has no column that test.csv lacks")


def test_a_sample_that_fits_nothing_is_told(folder: MakeFolder, tables: Tables) -> None:
    tables["train"]["height"] = 1.5
    tables["sample"] = tables["sample"].rename(columns={"weight": "mass"})
    fails(folder(**tables), "asks for mass, but train.csv has no such columns")
    fails(folder(sample=tables["sample"][["Id"]]), "has no column for predictions")
    fails(folder(sample=tables["sample"].assign(a=1, b=2)), "is not --target weight", target="weight")


def test_a_target_without_information_is_told(folder: MakeFolder, tables: Tables) -> None:
    fails(folder(**with_target(tables, [7])), "weight is '7' in every row")
    fails(folder(**with_target(tables, [f"text {i}" for i in range(60)])), "60 different texts in 60 rows")
    fails(
        folder(**with_target(tables, [*np.arange(59) / 8, "many"])), "no finite numbers among numbers, 'many' for one"
    )


def test_too_few_rows_are_told(folder: MakeFolder, tables: Tables) -> None:
    fails(folder(**{**tables, "train": tables["train"][:3]}), "has 3 rows with a target; at least 20 are needed")


def test_rows_without_a_target_are_left_out(folder: MakeFolder, tables: Tables) -> None:
    tables["train"].loc[:4, "weight"] = None
    notes = read_task(folder(**tables)).notes
    assert "5 rows of train.csv have no weight and are left out." in notes


def test_test_columns_that_train_lacks_are_told(folder: MakeFolder, tables: Tables) -> None:
    fails(folder(**{**tables, "test": tables["test"].assign(age=1, size=2)}), "columns that train.csv lacks: age, size")


def test_ids_that_are_not_unique_are_told(folder: MakeFolder, tables: Tables) -> None:
    tables["test"].iloc[1, 0] = tables["test"].iloc[0, 0]
    fails(folder(**tables), r"test\.csv has the Id 61 more than once \(1 rows too many\)")
    tables["test"].iloc[1, 0] = 62
    tables["train"].iloc[1, 0] = tables["train"].iloc[0, 0]
    assert "1 rows of train.csv repeat the Id of an earlier row." in read_task(folder(**tables)).notes


def test_a_sample_with_other_rows_than_test_is_told(folder: MakeFolder, tables: Tables) -> None:
    sample = tables["sample"]
    fails(folder(**{**tables, "sample": sample[1:]}), "lacks 1 ids of test.csv, 61 for one")
    fails(folder(sample=sample.replace({"Id": {61: 9}})), r"has 1 ids that test\.csv lacks, 9 for one")
    fails(folder(sample=pd.concat([sample, sample[:1]])), r"has 31 rows for the 30 of test\.csv")
    fails(folder(sample=sample[1:][["weight"]]), "has no id column and 29 rows, but test.csv has 30")
    folder(sample=sample[::-1])
    assert any("in another order" in note for note in read_task(folder()).notes)


def test_trouble_in_a_file_is_told_with_its_line(folder: MakeFolder, tables: Tables) -> None:
    train = tables["train"].to_csv(index=False).replace("\n5,", "\n5,spare,", 1)
    fails(folder(**{**tables, "train": train}), r"train\.csv, line 6: 5 cells where the header has 4")


# Side files ---------------------------------------------------------------------------------------------------------


def test_files_that_could_show_hidden_labels_stay_out(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables)
    for name in ("regions.csv", "old_answers.csv", "everything.zip", "train.parquet", "notes.txt", ".hidden"):
        (path / name).write_text("Id,weight\n1,2\n" if name == "old_answers.csv" else "Id,region\n1,north\n")
    (path / "pictures").mkdir()
    (path / "pictures" / "1.png").write_bytes(b"png")
    (path / "folds").mkdir()
    (path / "folds" / "first.csv").write_text("Id,weight\n1,2\n")
    (path / "runs").mkdir()
    task = read_task(path)
    assert [file.name for file in task.side_files] == ["notes.txt", "pictures", "regions.csv"]
    left_out = " ".join(note for note in task.notes if "scripts do not see it" in note)
    for reason in (
        "old_answers.csv has the target's column",
        "everything.zip cannot be looked into",
        "train.parquet cannot be read",
        "folds contains first.csv, which has the target's column",
    ):
        assert re.search(reason, left_out)
