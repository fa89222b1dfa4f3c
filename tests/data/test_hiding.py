from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.making import hide, plain_tables, text
from treewright.data import Role, load_holdout, prepare, read_task
from treewright.data.ids import fresh_ids
from treewright.errors import CannotSplit, RunFormatError, StoreError, TaskError
from treewright.task import HoldoutSpec, SplitKind

if TYPE_CHECKING:
    from pathlib import Path

    from data.making import MakeFolder

    Tables = dict[str, pd.DataFrame]


def bytes_below(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


# What scripts see ---------------------------------------------------------------------------------------------------


def test_no_byte_of_a_hidden_label_is_in_a_folder_that_scripts_see(folder: MakeFolder) -> None:
    tables = plain_tables(300, 100)
    canaries = np.random.default_rng(0).choice(np.arange(10**11, 2 * 10**11, 7_777_777), 300, replace=False)
    tables["train"] = tables["train"].assign(weight=canaries, twice=2 * canaries)
    path = folder(**tables, description="MAE", **{"regions.csv": "Id,region\n1,north\n", "old.csv": tables["train"]})
    train = text(path / "train.csv")
    for fold in hide(path).folds:
        rows = fold.rows()
        hidden = train.iloc[rows.positions[rows.roles != Role.TEST]]
        seen = b"\n".join(bytes_below(fold.input).values())
        assert hidden["weight"].tolist() == rows.truth["weight"][rows.roles != Role.TEST].tolist()
        for label in (*hidden["weight"], *hidden["twice"]):
            assert label.encode() not in seen


@settings(max_examples=15)
@given(
    train_rows=st.integers(20, 150),
    test_rows=st.integers(1, 60),
    seed=st.integers(0, 1000),
    ids=st.sampled_from(["apart", "same", "shuffled", "text"]),
)
def test_every_labelled_row_is_either_visible_or_hidden_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, train_rows: int, test_rows: int, seed: int, ids: str
) -> None:
    tables = plain_tables(train_rows, test_rows, seed)
    for name, table in tables.items():
        if ids == "same" or (ids == "text" and name == "train"):
            table["Id"] = np.arange(len(table)) + 1
        if ids == "text":
            table["Id"] = "AB-" + table["Id"].map("{:04d}".format)
    if ids == "shuffled":
        tables = {"train": tables["train"].sample(frac=1, random_state=seed), **tables}
    path = tmp_path_factory.mktemp("task")
    for name, file in (("train", "train"), ("test", "test"), ("sample", "sample_submission")):
        tables[name].to_csv(path / f"{file}.csv", index=False)
    train, test = text(path / "train.csv"), text(path / "test.csv")
    holdout = prepare(read_task(path), seed, path / "split")
    times_hidden = np.zeros(train_rows, dtype=int)
    selections = []
    for fold in holdout.folds:
        visible, shown = text(fold.input / "train.csv"), text(fold.input / "test.csv")
        sample, rows = text(fold.input / "sample_submission.csv"), fold.rows()
        search, selection = (rows.positions[rows.roles == role] for role in (Role.SEARCH, Role.SELECTION))
        real = rows.roles == Role.TEST
        assert not set(search) & set(selection)
        assert list(shown.columns) == list(test.columns)
        assert list(visible.columns) == list(train.columns)
        assert sample["Id"].tolist() == shown["Id"].tolist() == rows.ids["Id"].tolist()
        assert sample["weight"].unique().tolist() == ["50"]
        assert shown["Id"].is_unique
        assert (shown[real].to_numpy() == test.iloc[rows.positions[real]].to_numpy()).all()
        assert sorted(rows.positions[real]) == list(range(test_rows))
        hidden = np.concatenate([search, selection])
        assert visible.to_numpy().tolist() == train.drop(index=hidden).to_numpy().tolist()
        features = ["width", "colour"]
        assert (shown[~real][features].to_numpy() == train.iloc[rows.positions[~real]][features].to_numpy()).all()
        truth = train["weight"].to_numpy()[rows.positions[~real]]
        assert rows.truth["weight"][~real].tolist() == truth.tolist()
        assert set(rows.truth["weight"][real]) == {""}
        times_hidden[search] += 1
        selections.append(sorted(selection))
    assert all(selection == selections[0] for selection in selections)
    assert times_hidden[selections[0]].tolist() == [0] * len(selections[0])
    assert (np.delete(times_hidden, selections[0]) == 1).all()


def test_the_text_of_cells_is_never_changed(folder: MakeFolder) -> None:
    train = "id,price,grade,y\n" + "".join(f"{i:03d},{i}.50,NA,{i % 7}.10\n" for i in range(60))
    test = "id,price,grade\n" + "".join(f"{900 + i},{i}.00,NA\n" for i in range(20))
    path = folder(train=train, test=test)
    original = text(path / "train.csv").set_index("id")
    for fold in hide(path).folds:
        shown = text(fold.input / "test.csv").set_index("id")
        both = shown.index.intersection(original.index)
        assert len(both) > 10
        assert (shown.loc[both] == original.loc[both, ["price", "grade"]]).all(axis=None)
        assert set(shown["grade"]) == {"NA"}


def test_hidden_rows_fall_in_line_where_test_is_sorted_by_id(folder: MakeFolder) -> None:
    rows = pd.DataFrame({"Id": np.arange(300), "x": np.random.default_rng(0).normal(size=300)})
    test = rows[rows["Id"] % 3 == 0]
    train = rows[rows["Id"] % 3 != 0].assign(y=np.arange(200) / 8)
    fold = hide(folder(train=train, test=test, sample=test[["Id"]].assign(y=0))).folds[0]
    shown = pd.read_csv(fold.input / "test.csv")
    assert shown["Id"].is_monotonic_increasing
    roles = fold.rows().roles
    assert len(set(roles[:40])) > 1


def test_hidden_rows_are_scattered_where_test_has_no_order(folder: MakeFolder) -> None:
    tables = plain_tables(400, 200)
    shuffled = tables["test"].sample(frac=1, random_state=0)
    fold = hide(folder(**{**tables, "test": shuffled, "sample": shuffled[["Id"]].assign(weight=0)})).folds[0]
    rows = fold.rows()
    real = rows.roles == Role.TEST
    assert rows.positions[real].tolist() == list(range(200))
    halves = real[: len(real) // 2].mean(), real[len(real) // 2 :].mean()
    assert halves[0] == pytest.approx(halves[1], abs=0.15)


def test_the_full_input_has_all_labelled_rows_and_the_real_test_rows(folder: MakeFolder, tables: Tables) -> None:
    tables["train"].loc[3, "weight"] = None
    path = folder(**tables, description="Weigh them. MAE.", **{"regions.csv": "Id,region\n1,north\n"})
    holdout = hide(path)
    assert holdout.full is not None
    train = text(path / "train.csv")
    assert text(holdout.full / "train.csv").to_numpy().tolist() == train.drop(index=3).to_numpy().tolist()
    assert (holdout.full / "test.csv").read_bytes() == (path / "test.csv").read_bytes()
    assert (holdout.full / "description.md").read_text() == "Weigh them. MAE."
    assert {file.name for file in holdout.full.iterdir()} == {
        "train.csv", "test.csv", "sample_submission.csv", "description.md", "regions.csv",
    }  # fmt: skip


def test_positions_count_the_rows_of_the_users_file_those_without_a_target_included(
    folder: MakeFolder, tables: Tables
) -> None:
    tables["train"].loc[[0, 3, 30], "weight"] = None
    path = folder(**tables)
    train = text(path / "train.csv")
    for fold in hide(path).folds:
        rows = fold.rows()
        hidden = rows.roles != Role.TEST
        assert not set(rows.positions[hidden]) & {0, 3, 30}
        assert rows.truth["weight"][hidden].tolist() == train["weight"].iloc[rows.positions[hidden]].tolist()


def test_one_table_alone_is_split_into_train_and_hidden_rows(folder: MakeFolder, tables: Tables) -> None:
    path = folder(train=tables["train"])
    holdout = prepare(read_task(path / "train.csv", target="weight"), 0, path / "split")
    assert holdout.full is None
    shown = text(holdout.folds[0].input / "test.csv")
    assert list(shown.columns) == ["Id", "width", "colour"]
    assert Role.TEST not in holdout.folds[0].rows().roles
    assert holdout.profile.test_rows == len(shown)


def test_a_sample_is_made_where_there_is_none(folder: MakeFolder, tables: Tables) -> None:
    del tables["sample"]
    fold = hide(folder(**tables)).folds[0]
    sample = text(fold.input / "sample_submission.csv")
    assert list(sample.columns) == ["Id", "weight"]
    assert set(sample["weight"]) == {"0"}


def test_rows_without_ids_count_by_their_order(folder: MakeFolder, tables: Tables) -> None:
    for table in tables.values():
        del table["Id"]
    fold = hide(folder(**tables)).folds[0]
    assert list(text(fold.input / "sample_submission.csv").columns) == ["weight"]
    assert fold.rows().ids.shape == (len(text(fold.input / "test.csv")), 0)


def test_rows_that_only_the_sample_numbers_are_told_apart_by_that_number(folder: MakeFolder, tables: Tables) -> None:
    tables = {"train": tables["train"].drop(columns="Id"), "test": tables["test"].drop(columns="Id")}
    sample = pd.DataFrame({"RowId": np.arange(1, 31), "weight": 0})
    for fold in hide(folder(**tables, sample=sample)).folds:
        rows, shown = fold.rows(), text(fold.input / "test.csv")
        real = rows.roles == Role.TEST
        assert rows.ids["RowId"][real].tolist() == [str(i + 1) for i in rows.positions[real]]
        assert shown["RowId"].is_unique
        assert list(text(fold.input / "sample_submission.csv").columns) == ["RowId", "weight"]


def test_class_columns_keep_their_placeholders(folder: MakeFolder) -> None:
    tables = plain_tables(60, 30)
    animals = np.resize(["ant", "moth"], 60)
    tables["train"] = tables["train"].drop(columns="weight").assign(animal=animals)
    tables["sample"] = tables["test"][["Id"]].assign(moth=0.25, ant=0.75)
    sample = text(hide(folder(**tables)).folds[0].input / "sample_submission.csv")
    assert list(sample.columns) == ["Id", "moth", "ant"]
    assert sample[["moth", "ant"]].drop_duplicates().to_numpy().tolist() == [["0.25", "0.75"]]


def test_damage_that_a_script_does_to_side_files_does_not_reach_the_users_own(
    folder: MakeFolder, tables: Tables
) -> None:
    path = folder(**tables, **{"notes.txt": "precious"})
    (path / "pictures").mkdir()
    (path / "pictures" / "1.png").write_text("picture")
    fold = hide(path).folds[0]
    for name in ("notes.txt", "pictures/1.png"):
        (fold.input / name).chmod(0o644)
        (fold.input / name).write_text("scribble")
    assert (path / "notes.txt").read_text() == "precious"
    assert (path / "pictures" / "1.png").read_text() == "picture"


def test_the_profile_describes_what_scripts_see(folder: MakeFolder, tables: Tables) -> None:
    holdout = hide(folder(**tables, **{"notes.txt": "seven b"}))
    fold = holdout.folds[0]
    assert holdout.profile.train_rows == len(text(fold.input / "train.csv"))
    assert holdout.profile.test_rows == len(text(fold.input / "test.csv"))
    assert [column.name for column in holdout.profile.columns] == ["Id", "width", "colour"]
    assert ("notes.txt", 7) in holdout.profile.files


# Ids ----------------------------------------------------------------------------------------------------------------


def test_an_id_changes_only_where_another_row_has_it(folder: MakeFolder) -> None:
    tables = plain_tables(100, 50)
    tables["test"] = tables["test"].assign(Id=np.arange(51, 101))
    tables["sample"] = tables["test"][["Id"]].assign(weight=0)
    path = folder(**tables)
    holdout = hide(path)
    for fold in holdout.folds:
        rows = fold.rows()
        hidden = rows.roles != Role.TEST
        ids, own = rows.ids["Id"][hidden].astype(int).to_numpy(), rows.positions[hidden] + 1
        assert (ids[own <= 50] == own[own <= 50]).all()
        assert not set(ids[own > 50]) & set(range(1, 101))
    assert any("go under a new id" in note for note in holdout.notes)


def test_hidden_rows_that_share_an_id_are_told_apart(folder: MakeFolder) -> None:
    tables = plain_tables(100, 50)
    tables["train"]["Id"] = 200 + np.arange(100) // 2
    for fold in hide(folder(**tables)).folds:
        assert text(fold.input / "test.csv")["Id"].is_unique


def dated(train_days: range, test_days: range) -> dict[str, pd.DataFrame]:
    """Ids that cannot be replaced, for they are dates."""
    tables = plain_tables(len(train_days), len(test_days))
    start = pd.Timestamp("2024-01-01")
    for name, days in (("train", train_days), ("test", test_days)):
        tables[name]["Id"] = [f"{start + pd.Timedelta(days=day):%Y-%m-%d}" for day in days]
    return {**tables, "sample": tables["test"][["Id"]].assign(weight=0)}


def test_rows_whose_id_cannot_change_are_never_hidden(folder: MakeFolder) -> None:
    holdout = hide(folder(**dated(range(100), range(50, 100)), toml='[holdout]\nkind = "random"'))
    for fold in holdout.folds:
        rows = fold.rows()
        assert rows.positions[rows.roles != Role.TEST].max() < 50
    assert any("Id is a date, which cannot be replaced" in note for note in holdout.notes)


def test_if_no_row_can_be_hidden_the_task_is_refused(folder: MakeFolder) -> None:
    path = folder(**dated(range(50), range(50)), toml='[holdout]\nkind = "random"')
    with pytest.raises(
        CannotSplit, match="only 0 parts of the rows can be hidden by rows, but 3 are needed; 50 rows have the id"
    ):
        hide(path)


@given(
    st.sets(st.integers(-50, 10**6), min_size=1, max_size=40).map(lambda ids: {str(i) for i in ids}),
    st.integers(1, 60),
    st.integers(0, 99),
)
def test_fresh_numbers_are_new_and_near_the_old(used: set[str], count: int, seed: int) -> None:
    made = fresh_ids(count, used, np.random.default_rng(seed))
    assert len({*made} - used) == count
    low, high = min(map(int, used)), max(map(int, used))
    assert all(low <= int(text) <= high + 2 * count for text in made)


@given(st.sets(st.from_regex(r"AB-[0-9]{2}[a-f][a-f0-9]", fullmatch=True), min_size=5, max_size=40), st.integers(0, 99))
def test_fresh_texts_have_the_form_of_the_old(used: set[str], seed: int) -> None:
    made = fresh_ids(30, used, np.random.default_rng(seed))
    assert len({*made} - used) == 30
    shapes = {"".join("9" if c.isdigit() else c if c in "AB-" else "x" for c in text) for text in used}
    extended = tuple(shapes)
    for new in made:
        shape = "".join("9" if c.isdigit() else c if c in "AB-" else "x" for c in new)
        assert shape.startswith(extended), new


def test_where_a_form_has_no_free_id_left_it_grows() -> None:
    used = {f"p{i}" for i in range(10)}
    made = fresh_ids(5, used, np.random.default_rng(0))
    assert len(set(made) - used) == 5
    assert all(text[0] == "p" and text[1:].isdigit() for text in made)


# Seeds, storage and resuming ----------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_files_again_and_another_seed_others(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables, **{"notes.txt": "n"})
    first = hide(path, 1).folds[0].input.parents[1]
    before = bytes_below(first)
    hide(path, 1)
    assert bytes_below(first) == before
    other = bytes_below(hide(path, 2).folds[0].input.parents[1])
    assert other["inputs/fold0/train.csv"] != before["inputs/fold0/train.csv"]


def test_a_split_is_loaded_as_it_was_made(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables)
    holdout = hide(path)
    assert load_holdout(holdout.folds[0].input.parents[1]) == holdout
    assert (holdout.kind, len(holdout.folds)) == (SplitKind.RANDOM, 5)


def test_loading_a_split_reads_no_table(folder: MakeFolder, tables: Tables) -> None:
    into = hide(folder(**tables)).folds[0].input.parents[1]
    code = "import sys; from pathlib import Path; from treewright.data import load_holdout\n"
    code += "load_holdout(Path(sys.argv[1])); assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(into)], check=True)


def test_a_run_folder_may_be_moved(folder: MakeFolder, tables: Tables) -> None:
    into = hide(folder(**tables)).folds[0].input.parents[1]
    moved = into.rename(into.with_name("elsewhere"))
    assert load_holdout(moved).folds[0].rows().roles.size > 0


def test_changed_data_is_noticed(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables)
    into = hide(path).folds[0].input.parents[1]
    train = path / "train.csv"
    old = train.read_bytes()
    train.write_bytes(old.replace(b"red", b"RED"))
    os.utime(train, ns=(0, 0))
    with pytest.raises(TaskError, match=r"train\.csv has changed since this run split it; put the old file back"):
        load_holdout(into)
    train.write_bytes(old)
    assert load_holdout(into)
    train.unlink()
    assert load_holdout(into), "the run has its own copy"


def test_a_damaged_split_is_told(folder: MakeFolder, tables: Tables) -> None:
    into = hide(folder(**tables)).folds[0].input.parents[1]
    shutil.rmtree(into / "inputs" / "fold1")
    with pytest.raises(RunFormatError, match="fold1 is gone; start a new run"):
        load_holdout(into)
    manifest = into / "holdout.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "version": 99}))
    with pytest.raises(RunFormatError, match="another version"):
        load_holdout(into)
    manifest.write_text("{")
    with pytest.raises(RunFormatError, match="is damaged"):
        load_holdout(into)
    with pytest.raises(RunFormatError, match="is damaged"):
        load_holdout(into / "nowhere")


def test_an_existing_folder_is_not_overwritten(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables)
    with pytest.raises(StoreError, match="already holds files"):
        prepare(read_task(path), 0, path)
    assert (path / "train.csv").exists()


def test_a_split_that_cannot_be_written_leaves_nothing_behind(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables)
    blocked = path / "train.csv" / "split"
    with pytest.raises(StoreError, match="cannot be written"):
        prepare(read_task(path), 0, blocked)


# Kinds of splits, from the file on ----------------------------------------------------------------------------------


def test_forecasting_hides_the_end_and_shows_it_before_the_test_rows(folder: MakeFolder) -> None:
    at = pd.date_range("2024-01-01", periods=24 * 120, freq="h").astype(str)
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"at": at, "x": rng.normal(size=len(at)).round(3)})
    train, test = rows[: 24 * 100], rows[24 * 100 :]
    path = folder(train=train.assign(y=rng.normal(size=len(train))), test=test, sample=test[["at"]].assign(y=0))
    holdout = hide(path)
    assert (holdout.kind, len(holdout.folds)) == (SplitKind.TIME, 1)
    fold = holdout.folds[0]
    shown = pd.read_csv(fold.input / "test.csv")
    assert shown["at"].is_monotonic_increasing
    assert pd.read_csv(fold.input / "train.csv")["at"].max() < shown["at"].min()
    assert len(shown) == 24 * 40


def test_travel_groups_stay_together(folder: MakeFolder) -> None:
    ids = [f"{group:04d}_{member:02d}" for group in range(200) for member in range(1 + group % 3)]
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"Id": ids, "x": rng.normal(size=len(ids))})
    group = rows["Id"].str[:4]
    in_test = group.astype(int) % 4 == 0
    train = rows[~in_test].assign(y=rng.choice(["yes", "no"], (~in_test).sum()))
    test = rows[in_test]
    holdout = hide(folder(train=train, test=test, sample=test[["Id"]].assign(y="no")))
    assert holdout.kind is SplitKind.GROUP
    assert holdout.spec == HoldoutSpec(SplitKind.GROUP, "Id", "_", 0.1, 5)
    for fold in holdout.folds:
        visible, shown = text(fold.input / "train.csv")["Id"], text(fold.input / "test.csv")["Id"]
        assert not set(visible.str[:4]) & set(shown.str[:4])


def test_fifteen_thousand_rows_are_split_in_seconds(folder: MakeFolder) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(20_000, 20)).round(4)).add_prefix("x").assign(Id=np.arange(20_000))
    train, test = rows[:15_000].assign(y=rng.normal(size=15_000)), rows[15_000:]
    holdout = hide(folder(train=train, test=test, sample=test[["Id"]].assign(y=0)))
    roles = holdout.folds[0].rows().roles
    assert {str(role): int((roles == role).sum()) for role in Role} == {
        "search": 1500,
        "selection": 1500,
        "test": 5000,
    }
