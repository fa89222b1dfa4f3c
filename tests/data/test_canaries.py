"""No byte of a hidden label, or of what was derived from it, is where a script can read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.making import hide, text
from treewright.data import Role, read_task
from treewright.errors import CannotSplit

if TYPE_CHECKING:
    from pathlib import Path

ROWS, TEST_ROWS = 80, 40
TOML = {
    "random": '[holdout]\nkind = "random"\n',
    "time": '[holdout]\nkind = "time"\ncolumn = "day"\n',
    "blocks": '[holdout]\nkind = "blocks"\ncolumn = "day"\n',
    "group": '[holdout]\nkind = "group"\ncolumn = "team"\n',
    "folds": '[holdout]\nkind = "folds"\ncolumn = "part"\n',
}


def canaries(rng: np.random.Generator, count: int) -> np.ndarray:
    """Different numbers of 12 digits, which stand nowhere by chance."""
    return rng.choice(np.arange(10**11, 10**12, 1_234_567), count, replace=False)


def in_bytes(number: int) -> list[bytes]:
    """A number as text and as it stands in binary files."""
    return [str(number).encode(), np.int64(number).tobytes(), np.float64(number).tobytes()]


def write_task(path: Path, kind: str, ids: str, seed: int, *, gaps: bool) -> np.ndarray:
    """A task whose target and derived values stand in side files of every sort; the canaries of each training row."""
    rng = np.random.default_rng(seed)
    numbers = {"apart": np.arange(ROWS, ROWS + TEST_ROWS), "same": np.arange(TEST_ROWS), "half": np.arange(60, 100)}
    mine, theirs = [f"r{i:04d}" for i in range(ROWS)], [f"r{i:04d}" for i in numbers[ids]]
    secret = canaries(rng, 4 * ROWS).reshape(4, ROWS)
    count = ROWS + TEST_ROWS
    features = pd.DataFrame(
        {
            "day": [f"{pd.Timestamp('2024-01-01') + pd.Timedelta(days=int(i)):%Y-%m-%d}" for i in range(count)],
            "team": [f"t{i}" for i in rng.integers(40, size=count)],
            "x": rng.normal(size=count).round(5),
        }
    )
    train = features[:ROWS].assign(id=mine, y=secret[0], derived=secret[1], part=np.arange(ROWS) % 4, echo=secret[3])
    test = features[ROWS:].assign(id=theirs, echo=None)
    if gaps:
        train.loc[::17, "y"] = None
    train.astype({"y": "Int64"}).to_csv(path / "train.csv", index=False)
    test.to_csv(path / "test.csv", index=False)
    test[["id"]].assign(y=0).to_csv(path / "sample_submission.csv", index=False)
    (path / "task.toml").write_text('target = "y"\n' + TOML[kind])
    write_side_files(path, mine, theirs, secret)
    return secret


def write_side_files(path: Path, mine: list[str], theirs: list[str], secret: np.ndarray) -> None:
    target, derived, other, _ = secret
    answers = pd.DataFrame({"id": mine, "y": target})
    answers.to_csv(path / "answers.csv", index=False)
    hints = pd.DataFrame({"id": mine, "hint": derived, "other": other})
    hints.to_csv(path / "hints.csv", index=False)
    hints.rename(columns={"id": "key"}).to_csv(path / "hints_under_another_name.tsv", sep="\t", index=False)
    hints[["hint"]].to_csv(path / "hints_in_order.csv", index=False)
    hints.to_parquet(path / "hints.parquet", index=False)
    both = pd.DataFrame({"id": [*mine, *theirs], "hint": [*map(str, derived), *[""] * len(theirs)], "size": 1})
    both.drop_duplicates("id").to_csv(path / "about_both.csv", index=False)
    hints.to_csv(path / "train_more.csv", index=False)
    pd.DataFrame({"id": theirs, "hint": "", "other": ""}).to_csv(path / "test_more.csv", index=False)
    hints.assign(wide=1).to_parquet(path / "train_wide.parquet", index=False)
    pd.DataFrame({"id": theirs, "wide": 1}).to_parquet(path / "test_wide.parquet", index=False)
    np.save(path / "train_y.npy", target)
    np.save(path / "test_y.npy", np.zeros(len(theirs), dtype=np.int64))
    np.save(path / "train_hint.npy", derived)
    np.savez(path / "train_z.npz", a=derived)
    np.savez(path / "test_z.npz", a=np.zeros(len(theirs), dtype=np.int64))
    (path / "hints.json").write_text(json.dumps(dict(zip(mine, map(int, derived), strict=True))))
    (path / "hints.txt").write_text("\n".join(map(str, derived)))
    (path / "numbers").write_text(" ".join(map(str, target)))
    for folder in ("train", "test", "pictures", "notes", "pairs"):
        (path / folder).mkdir()
    for row, value in zip(mine, derived, strict=True):
        (path / "train" / f"{row}.png").write_bytes(b"png of " + row.encode())
        (path / "train" / f"{row}.txt").write_text(str(value))
        (path / "pictures" / f"{row}.png").write_bytes(b"png of " + row.encode())
        (path / "notes" / f"{row}_note.txt").write_text(str(value))
        np.save(path / "notes" / f"{row}.npy", np.array([value]))
        (path / "pairs" / f"train_{row}.json").write_text(json.dumps({"a": 1, "b": int(value)}))
    for row in theirs:
        (path / "test" / f"{row}.png").write_bytes(b"png of test row " + row.encode())
        (path / "pictures" / f"{row}.png").write_bytes(b"png of " + row.encode())
        (path / "pairs" / f"test_{row}.json").write_text('{"a": 2}')


@settings(max_examples=12)
@given(
    kind=st.sampled_from(sorted(TOML)),
    ids=st.sampled_from(["apart", "half", "same"]),
    seed=st.integers(0, 1000),
    gaps=st.booleans(),
)
def test_no_canary_of_a_hidden_row_is_below_inputs(
    tmp_path_factory: pytest.TempPathFactory, kind: str, ids: str, seed: int, gaps: bool
) -> None:
    path = tmp_path_factory.mktemp("task") / "mine"
    path.mkdir()
    secret = write_task(path, kind, ids, seed, gaps=gaps)
    holdout = hide(path, seed)
    for fold in holdout.folds:
        rows = fold.rows()
        hidden = rows.positions[rows.roles != Role.TEST]
        assert len(hidden)
        files = [file for file in sorted(fold.input.rglob("*")) if file.is_file()]
        seen = b"\n".join(file.read_bytes() + str(file.name).encode() for file in files)
        visible = set(range(ROWS)) - set(hidden) - (set(range(0, ROWS, 17)) if gaps else set())
        assert any(str(secret[0][row]).encode() in seen for row in visible), "canaries are found where they may be"
        for row in hidden:
            for value in secret[:, row]:
                for form in in_bytes(value):
                    assert form not in seen, next(f for f in files if form in f.read_bytes())


def test_what_was_done_with_each_file_is_announced(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.mkdir()
    write_task(path, "random", "apart", 0, gaps=False)
    notes = " ".join(read_task(path).notes)
    for part in (
        "answers.csv has the target's column",
        "hints.csv is about training rows, so its lines on hidden rows are left out",
        "about_both.csv goes by id",
        "hints_in_order.csv has as many rows as train.csv, but nothing tells which is which",
        "train_more.csv and test_more.csv follow the rows",
        "train_y.npy has values for training rows only (its counterpart is test_y.npy)",
        "train_hint.npy cannot be looked into",
        "hints.json speaks of most rows in a form that cannot be split",
        "hints.txt has a line for each row of train.csv",
        "numbers speaks of most rows",
        "test rows have none like them, so those of hidden rows are left out",
        "those of hidden rows lie where test rows have theirs, in test",
    ):
        assert part in notes


def test_where_all_that_rows_are_like_cannot_be_split_the_task_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"id": range(60), "y": np.arange(60) / 8}).to_csv(tmp_path / "train.csv", index=False)
    pd.DataFrame({"id": range(60, 90)}).to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "images.zip").write_bytes(b"PK")
    task = read_task(tmp_path)
    assert [file.name for file in task.withheld] == ["images.zip"]
    with pytest.raises(CannotSplit, match=r"what the rows are like is in images\.zip, which cannot be split"):
        hide(tmp_path)
    assert text(tmp_path / "train.csv").shape == (60, 2)
