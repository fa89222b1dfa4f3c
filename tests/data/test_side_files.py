"""Files beside the tables: how they follow the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from data.making import hide, plain_tables, text
from treewright.data import Holdout, Role, read_task
from treewright.data.row_files import _Names
from treewright.errors import TaskError

if TYPE_CHECKING:
    from pathlib import Path

    from data.making import MakeFolder

    Tables = dict[str, pd.DataFrame]


def with_ids(train: list[object], test: list[object]) -> Tables:
    tables = plain_tables(len(train), len(test))
    tables["train"]["Id"], tables["test"]["Id"] = train, test
    return {**tables, "sample": tables["test"][["Id"]].assign(weight=0)}


def apart() -> Tables:
    return with_ids([f"r{i:03d}" for i in range(100)], [f"r{i:03d}" for i in range(100, 150)])


def overlapping() -> Tables:
    return with_ids([f"r{i:03d}" for i in range(100)], [f"r{i:03d}" for i in range(50, 150)])


def alike() -> Tables:
    """Training and test rows counted from 1."""
    return with_ids(list(range(1, 101)), list(range(1, 51)))


def shown_names(holdout: Holdout) -> list[tuple[Path, dict[str, str], set[str], set[str]]]:
    """Of each fold the folder, the new name of each hidden row by its old one, the visible and the real test ids."""
    shown = []
    for fold in holdout.folds:
        rows = fold.rows()
        ids, hidden = rows.ids["Id"].to_numpy(), rows.roles != Role.TEST
        own = text(holdout.full / "train.csv")["Id"].to_numpy() if holdout.full else ids
        names = dict(zip(own[rows.positions[hidden]], ids[hidden], strict=True))
        shown.append((fold.input, names, set(text(fold.input / "train.csv")["Id"]), set(ids[~hidden])))
    return shown


# Tables -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [apart, overlapping])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz", "parquet"])
def test_every_row_finds_its_line_in_a_table_about_all_rows(folder: MakeFolder, make, suffix: str) -> None:
    tables = make()
    path = folder(**tables)
    ids = sorted({*tables["train"]["Id"], *tables["test"]["Id"]})
    sizes = pd.DataFrame({"Id": ids, "size": [int(name[1:]) for name in ids]})
    if suffix == "parquet":
        sizes.to_parquet(path / "sizes.parquet", index=False)
    else:
        sizes.to_csv(path / f"sizes.{suffix}", index=False, sep="\t" if suffix == "tsv" else ",")
    for place, names, visible, real in shown_names(hide(path)):
        seen = text(place / f"sizes.{suffix}").set_index("Id")["size"].astype(int)
        assert seen.index.is_unique
        assert seen.index.is_monotonic_increasing or make is overlapping
        for old, new in names.items():
            assert seen[new] == int(old[1:])
        assert all(seen[name] == int(name[1:]) for name in visible | real)


def test_a_table_that_needs_no_change_is_linked_to(folder: MakeFolder) -> None:
    tables = apart()
    ids = pd.concat([tables["train"]["Id"], tables["test"]["Id"]])
    holdout = hide(folder(**tables, **{"sizes.csv": ids.to_frame().assign(size=1)}))
    assert len({(fold.input / "sizes.csv").stat().st_ino for fold in holdout.folds}) == 1


def test_what_is_the_same_for_all_test_rows_is_so_for_hidden_rows(folder: MakeFolder) -> None:
    tables = apart()
    of_train, of_test = tables["train"][["Id"]].assign(animal=range(len(tables["train"]))), tables["test"][["Id"]]
    holdout = hide(folder(**tables, **{"meta.csv": pd.concat([of_train, of_test.assign(animal="?")])}))
    for place, names, visible, _ in shown_names(holdout):
        meta = text(place / "meta.csv").set_index("Id")["animal"]
        assert set(meta[list(names.values())]) == {"?"}
        assert "?" not in set(meta[list(visible)])


def test_a_table_with_ids_in_another_form_stays_out(folder: MakeFolder) -> None:
    tables = apart()
    other = tables["train"]["Id"].str.removeprefix("r").to_frame().assign(animal=1)
    assert read_task(folder(**tables, **{"train_meta.csv": other})).side_files == ()


@pytest.mark.parametrize("name", ["labels.bak", "all.psv", "notes.md", "labels"])
def test_a_copy_of_the_training_table_under_any_name_stays_out(folder: MakeFolder, name: str) -> None:
    tables = apart()
    path = folder(**tables)
    (path / name).write_bytes((path / "train.csv").read_bytes())
    assert read_task(path).side_files == ()


def test_a_binary_file_of_unknown_kind_stays_out(folder: MakeFolder) -> None:
    path = folder(**apart())
    (path / "labels.pq").write_bytes(b"PAR1\0\0\1labels")
    assert read_task(path).side_files == ()


def test_a_table_about_training_rows_loses_the_hidden_ones(folder: MakeFolder) -> None:
    tables = apart()
    path = folder(**tables, **{"history.csv": tables["train"][["Id"]].assign(spent=7)})
    holdout = hide(path)
    for place, names, visible, _ in shown_names(holdout):
        assert set(text(place / "history.csv")["Id"]) == visible
        assert not visible & set(names)
    assert holdout.full is not None
    assert (holdout.full / "history.csv").read_bytes() == (path / "history.csv").read_bytes()


@pytest.mark.parametrize("make", [apart, alike])
def test_lines_of_hidden_rows_move_to_the_counterpart_for_test_rows(folder: MakeFolder, make) -> None:
    tables = make()
    several = pd.concat([tables["train"][["Id"]]] * 2).assign(event=range(200), only_train=1)
    others = tables["test"][["Id"]].assign(event=range(1_000, 1_000 + len(tables["test"])))
    path = folder(**tables, **{"train_events.csv": several, "test_events.csv": others})
    events = several.astype(str).groupby("Id")["event"].apply(set)
    for place, names, visible, real in shown_names(hide(path)):
        mine, theirs = text(place / "train_events.csv"), text(place / "test_events.csv")
        assert set(mine["Id"]) == visible
        assert set(mine["event"]) == set().union(*events[list(visible)])
        assert list(theirs.columns) == ["Id", "event"]
        assert set(theirs["Id"]) == {*names.values(), *real}
        for old, new in names.items():
            assert set(theirs["event"][theirs["Id"] == new]) == events[old]


def test_a_table_whose_ids_could_mean_either_stays_out(folder: MakeFolder) -> None:
    tables = alike()
    task = read_task(folder(**tables, **{"sizes.csv": tables["train"][["Id"]].assign(size=1)}))
    assert task.side_files == ()
    assert any("sizes.csv has a Id that training and test rows share" in note for note in task.notes)


def test_a_table_in_the_order_of_the_rows_follows_them(folder: MakeFolder, tables: Tables) -> None:
    tables["train"].loc[[3, 30], "weight"] = None
    more = {"train_more.csv": pd.DataFrame({"n": range(60)}), "test_more.csv": pd.DataFrame({"n": range(100, 130)})}
    holdout = hide(folder(**tables, **more))
    train = text(holdout.full.parents[2] / "puffins" / "train.csv") if holdout.full else None
    assert train is not None
    for fold in holdout.folds:
        rows = fold.rows()
        expected = rows.positions + 100 * (rows.roles == Role.TEST)
        assert text(fold.input / "test_more.csv")["n"].astype(int).tolist() == expected.tolist()
        visible = text(fold.input / "train.csv")["Id"].astype(int) - 1
        assert text(fold.input / "train_more.csv")["n"].astype(int).tolist() == visible.tolist()


def test_a_lookup_table_goes_in_as_it_is(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables, **{"colours.csv": "colour,hue\nred,0\ngreen,120\nblue,240\n"})
    holdout = hide(path)
    assert (holdout.folds[0].input / "colours.csv").read_bytes() == (path / "colours.csv").read_bytes()
    assert not any("colours.csv" in note for note in read_task(path).notes)


# Files named after rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [apart, alike])
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("train/{}.png", "test/{}.png"),
        ("images/train/{}.png", "images/test/{}.png"),
        ("train_images/{}_left.png", "test_images/{}_left.png"),
        ("Training/{}/scan.png", "Testing/{}/scan.png"),
        ("all/train_{}.png", "all/test_{}.png"),
    ],
)
def test_a_hidden_rows_file_is_where_a_test_rows_file_would_be(
    folder: MakeFolder, make, mine: str, theirs: str
) -> None:
    tables = make()
    path = folder(**tables)
    for pattern, name in ((mine, "train"), (theirs, "test")):
        for row in tables[name]["Id"]:
            file = path / pattern.format(row)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{name} {row}")
    for place, names, visible, real in shown_names(hide(path)):
        assert all((place / mine.format(row)).read_text() == f"train {row}" for row in visible)
        assert all((place / theirs.format(row)).read_text() == f"test {row}" for row in real)
        assert all((place / theirs.format(new)).read_text() == f"train {old}" for old, new in names.items())
        assert len(list(place.rglob("*.png"))) == len(visible) + len(real) + len(names)


def test_files_of_all_rows_in_one_folder_are_found_under_new_names(folder: MakeFolder) -> None:
    tables = overlapping()
    path = folder(**tables)
    (path / "images").mkdir()
    for row in {*tables["train"]["Id"], *tables["test"]["Id"]}:
        (path / "images" / f"{row}.png").write_text(row)
        (path / f"{row}.txt").write_text(row)
    for place, names, visible, real in shown_names(hide(path)):
        for old, new in names.items():
            assert (place / "images" / f"{new}.png").read_text() == old
            assert (place / f"{new}.txt").read_text() == old
        assert all((place / "images" / f"{row}.png").read_text() == row for row in visible | real)


def test_each_fold_links_to_the_same_files(folder: MakeFolder) -> None:
    tables = apart()
    path = folder(**tables)
    for name in ("train", "test"):
        (path / name).mkdir()
        for row in tables[name]["Id"]:
            (path / name / f"{row}.png").write_text(row)
    inodes: dict[str, set[int]] = {}
    for fold in hide(path).folds:
        for file in fold.input.rglob("*.png"):
            inodes.setdefault(file.name, set()).add(file.stat().st_ino)
    assert {len(some) for some in inodes.values()} == {1}


def test_folders_that_are_the_classes_do_not_show_the_class_of_a_hidden_row(folder: MakeFolder) -> None:
    tables = apart()
    kinds = np.resize(["cat", "dog"], 100)
    tables["train"] = tables["train"].drop(columns="weight").assign(kind=kinds)
    path = folder(**{**tables, "sample": tables["test"][["Id"]].assign(kind="cat")})
    for row, kind in zip(tables["train"]["Id"], kinds, strict=True):
        (path / "train" / kind).mkdir(parents=True, exist_ok=True)
        (path / "train" / kind / f"{row}.png").write_text(row)
    (path / "test").mkdir()
    for row in tables["test"]["Id"]:
        (path / "test" / f"{row}.png").write_text(row)
    for place, names, visible, real in shown_names(hide(path)):
        assert {file.stem for file in (place / "train").rglob("*.png")} == visible
        assert {file.stem for file in (place / "test").iterdir()} == {*names.values(), *real}


def test_files_that_only_training_rows_have_are_not_shown_for_hidden_rows(folder: MakeFolder) -> None:
    tables = apart()
    path = folder(**tables)
    (path / "masks").mkdir()
    for row in tables["train"]["Id"]:
        (path / "masks" / f"{row}_mask.png").write_text(row)
    for place, _, visible, _ in shown_names(hide(path)):
        assert {file.name[:4] for file in (place / "masks").iterdir()} == visible


def test_numbers_in_file_names_may_have_leading_zeros(folder: MakeFolder) -> None:
    tables = alike()
    path = folder(**tables)
    for name in ("train", "test"):
        (path / name).mkdir()
        for row in tables[name]["Id"]:
            (path / name / f"{row:05d}.png").write_text(f"{name} {row}")
    for place, names, _, _ in shown_names(hide(path)):
        for old, new in names.items():
            assert (place / "test" / f"{int(new):05d}.png").read_text() == f"train {old}"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("r1.png", (0, 2, "r1")),
        ("r1.nii.gz", (0, 2, "r1")),
        ("scan_r1.png", (5, 7, "r1")),
        ("r1_2_left.png", (0, 4, "r1_2")),
        ("a b.png", (0, 7, "a b.png")),
        ("r10.png", None),
        ("cover.png", None),
    ],
)
def test_an_id_is_found_in_a_name(name: str, found: tuple[int, int, str] | None) -> None:
    assert _Names({"r1", "r1_2", "a b.png"}).within(name) == found


# Arrays -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_follow_the_rows(folder: MakeFolder, tables: Tables, suffix: str) -> None:
    tables["train"].loc[[3, 30], "weight"] = None
    path = folder(**tables)
    rng = np.random.default_rng(0)
    mine, theirs = (rng.normal(size=(count, 2, 3)).astype("float32") for count in (60, 30))
    for name, array in (("train_x", mine), ("test_x", theirs)):
        if suffix == "npy":
            np.save(path / f"{name}.npy", array)
        else:
            np.savez(path / f"{name}.npz", a=array)
    holdout = hide(path)
    assert holdout.full is not None

    def load(place: Path, name: str) -> np.ndarray:
        loaded = np.load(place / f"{name}.{suffix}")
        return loaded if suffix == "npy" else loaded["a"]

    for fold in holdout.folds:
        rows = fold.rows()
        is_test = rows.roles == Role.TEST
        shown = load(fold.input, "test_x")
        assert shown.dtype == np.float32
        assert (shown[is_test] == theirs[rows.positions[is_test]]).all()
        assert (shown[~is_test] == mine[rows.positions[~is_test]]).all()
        visible = text(fold.input / "train.csv")["Id"].astype(int).to_numpy() - 1
        assert (load(fold.input, "train_x") == mine[visible]).all()
    assert (load(holdout.full, "train_x") == np.delete(mine, [3, 30], axis=0)).all()
    assert (load(holdout.full, "test_x") == theirs).all()


@pytest.mark.parametrize(
    ("mine", "theirs", "why"),
    [
        (np.zeros((59, 2)), np.zeros((30, 2)), "is not as long as the tables"),
        (np.ones((60, 2)), np.ones((30, 3)), "has another form for test rows"),
        (np.arange(60), np.zeros(30, dtype=int), "has values for training rows only"),
        (np.array([{}] * 60), np.ones(30), "cannot be looked into"),
    ],
)
def test_arrays_that_cannot_follow_stay_out(
    folder: MakeFolder, tables: Tables, mine: np.ndarray, theirs: np.ndarray, why: str
) -> None:
    path = folder(**tables)
    np.save(path / "x_train.npy", mine)
    np.save(path / "x_test.npy", theirs)
    assert f"x_train.npy {why}" in " ".join(read_task(path).notes)


def test_an_array_that_orders_rows_as_the_target_does_stays_out(folder: MakeFolder, tables: Tables) -> None:
    path = folder(**tables)
    np.save(path / "train_x.npy", np.log(tables["train"]["weight"].to_numpy()))
    np.save(path / "test_x.npy", np.arange(30.0))
    assert "train_x.npy repeats the target" in " ".join(read_task(path).notes)


# Parquet ------------------------------------------------------------------------------------------------------------


def test_tables_may_be_parquet_files(folder: MakeFolder, tables: Tables) -> None:
    path = folder()
    tables["train"]["when"] = pd.Timestamp("2024-01-02 03:04:05.5")
    tables["train"]["fair"] = True
    tables["train"]["size"] = pd.array([None, *range(59)], dtype="Int64")
    tables["train"]["small"] = np.float32(0.1)
    tables["train"]["sort"] = pd.Categorical(["a"] * 60)
    for name, file in (("train", "train"), ("test", "test"), ("sample", "sample_submission")):
        tables[name].to_parquet(path / f"{file}.parquet")
    task = read_task(path)
    assert (task.ids, task.targets) == (("Id",), ("weight",))
    assert "train.parquet is a Parquet file; scripts see the table as CSV." in task.notes
    holdout = hide(path)
    assert holdout.full is not None
    assert {file.name for file in holdout.full.iterdir()} == {"train.csv", "test.csv", "sample_submission.csv"}
    seen = text(holdout.full / "train.csv")
    assert seen[["when", "fair", "size", "small", "sort"]].iloc[0].tolist() == [
        "2024-01-02 03:04:05.5", "True", "", "0.1", "a",
    ]  # fmt: skip
    assert seen["weight"].astype(float).tolist() == tables["train"]["weight"].tolist()
    assert seen["size"].tolist() == ["", *map(str, range(59))]


def test_a_parquet_side_table_keeps_its_types(folder: MakeFolder) -> None:
    tables = alike()
    path = folder(**tables)
    for name in ("train", "test"):
        count = len(tables[name])
        vectors = [np.full(3, i, dtype="float32") for i in range(count)]
        frame = pd.DataFrame({"Id": tables[name]["Id"], "vector": vectors, "at": pd.Timestamp("2024-01-01")})
        frame.to_parquet(path / f"{name}_vectors.parquet", index=False)
    for place, names, visible, real in shown_names(hide(path)):
        theirs = pd.read_parquet(place / "test_vectors.parquet").set_index("Id")
        assert theirs["at"].dtype.kind == "M"
        assert len(theirs) == len(real) + len(names)
        assert all(theirs["vector"][int(new)][0] == int(old) - 1 for old, new in names.items())
        assert set(pd.read_parquet(place / "train_vectors.parquet")["Id"]) == set(map(int, visible))


def test_without_pyarrow_a_parquet_file_says_how_to_mend_it(
    folder: MakeFolder, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder()
    tables["train"].to_parquet(path / "train.parquet")
    monkeypatch.setattr("treewright.data.parquet.find_spec", lambda _: None)
    with pytest.raises(
        TaskError, match=r"train\.parquet needs pyarrow to be read: pip install 'treewright\[parquet\]'"
    ):
        read_task(path)
