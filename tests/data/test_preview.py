"""What the overview says of tables and folders, and that it stays within its bounds."""

# ruff: noqa: RUF001 -- the sign between rows and columns is what is shown

from __future__ import annotations

import itertools
import os
import random
import tempfile
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treewright.data import profile_table
from treewright.data.preview import listing, preview
from treewright.data.preview.overview import _harmless
from treewright.task import ColumnKind, ColumnProfile, TableProfile

COLOURS = ("teal", "umber", "ochre")


def csv_text(rows: int, columns: tuple[str, ...] = ("id", "weight", "colour")) -> str:
    """A table of rows like ``7,4.3,umber``, whatever its columns are called."""
    return (
        "\n".join([",".join(columns), *(f"{i},{i % 90 / 10 + 1.05:.2f},{COLOURS[i % 3]}" for i in range(rows))]) + "\n"
    )


def line_of(overview: str, start: str) -> str:
    return next(line for line in overview.splitlines() if line.startswith(start))


class Clock:
    """A clock that goes on by the same step whenever it is looked at."""

    def __init__(self, step: float) -> None:
        self.ticks = itertools.count(step=step)

    def __call__(self) -> float:
        return next(self.ticks)


def test_a_table_is_told_with_its_size_and_each_column_with_type_missing_share_range_and_examples(
    tmp_path: Path,
) -> None:
    rows = (f"{i},{'' if i % 4 == 0 else i / 8},{COLOURS[i % 3]},2024-03-{i % 28 + 1:02d}" for i in range(40))
    (tmp_path / "train.csv").write_text("\n".join(["id,weight,colour,day", *rows]))
    size = (tmp_path / "train.csv").stat().st_size
    overview = preview(tmp_path)
    assert line_of(overview, "train.csv") == f"train.csv: 40 rows × 4 columns, {size} B"
    assert line_of(overview, "- id") == "- id: identifier, e.g. 0, 1, 2"
    assert line_of(overview, "- weight") == (
        "- weight: number, 25 % missing, 0.125 to 4.875, 30 distinct, e.g. 0.125, 0.25, 0.375"
    )
    assert line_of(overview, "- colour") == "- colour: category, 3 distinct, values teal, umber, ochre"
    assert line_of(overview, "- day") == "- day: date, 28 distinct, e.g. 2024-03-01, 2024-03-02, 2024-03-03"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([str(i % 7 + 1) for i in range(30)], "integer, 1 to 7"),
        ([str(i / 3) for i in range(30)], "number"),
        (["True", "False"] * 15, "boolean"),
        (["only"] * 30, "constant, always only"),
        ([""] * 30, "constant, 100 % missing"),
        ([f"u{i:04x}" for i in range(30)], "identifier"),
        ([f"the {i} quick brown foxes" for i in range(30)], "text, 30 distinct"),
        ([f"{i % 28 + 1}.02.2023 10:00" for i in range(30)], "date, day before month"),
        ([f"Mar {i % 28 + 1}, 2023" for i in range(30)], "date"),
        ([*map(str, range(0, 3000, 100)), "?"], "integer, stored as text: other values stand among the numbers"),
        ([f"{i},5" for i in range(30)], "number, decimal comma"),
        (["yes", "no"] * 15, "category"),
    ],
)
def test_a_column_is_judged_by_the_sample(tmp_path: Path, values: list[str], told: str) -> None:
    pd.DataFrame({"x": values, "y": 1}).to_csv(tmp_path / "some.csv", index=False)
    assert line_of(preview(tmp_path), "- x").startswith(f"- x: {told}")


def test_the_test_table_is_told_by_its_differences_from_the_training_table(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(30))
    (tmp_path / "test.csv").write_text(csv_text(20, ("id", "weight", "depth")))
    overview = preview(tmp_path)
    tail = overview[overview.index("test.csv: 20 rows × 3 columns") :].splitlines()
    assert tail[1] == "  the columns of train.csv without colour, and besides"
    assert [line.split(":")[0] for line in tail[2:]] == ["- depth"]


def test_a_table_with_the_columns_of_another_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(30))
    (tmp_path / "extra.csv").write_text(csv_text(20))
    block = preview(tmp_path).split("\n\n")[-1].splitlines()
    assert block[0].startswith("extra.csv: 20 rows × 3 columns")
    assert block[1:] == ["  the columns of train.csv"]


def test_main_tables_come_first_and_all_others_by_name(tmp_path: Path) -> None:
    for i, name in enumerate(["a", "train", "test", "sample_submission", "b"]):
        (tmp_path / f"{name}.csv").write_text(csv_text(5, ("id", f"c{i}", f"d{i}")))
    blocks = [block.split(":")[0] for block in preview(tmp_path).split("\n\n")[1:]]
    assert blocks == ["train.csv", "test.csv", "sample_submission.csv", "a.csv", "b.csv"]


def test_a_profile_of_the_whole_table_is_told_instead_of_a_sample(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(3))
    (tmp_path / "test.csv").write_text(csv_text(3))
    columns = (
        ColumnProfile("id", ColumnKind.IDENTIFIER, 0.0, 900, ("17",), sorted=True),
        ColumnProfile("fee", ColumnKind.NUMERIC, 0.25, 77, ("5",), integer=True, low=5, high=80, as_text=True),
        ColumnProfile("seen", ColumnKind.DATETIME, 0.0, 400, ("31.12.2023",), day_first=True),
        ColumnProfile("spot", ColumnKind.CATEGORICAL, 0.0, 9, ("a/1",), delimiter="/", parts=2, unseen=0.04),
        ColumnProfile("after", ColumnKind.TEXT, 0.0, 900, ("so it went",), in_test=False, words=12.3),
    )
    target = ColumnProfile("sold", ColumnKind.BOOLEAN, 0.0, 2, ("True", "False"), in_test=False)
    table = TableProfile(train_rows=900, test_rows=50, columns=columns, targets=(target,))
    overview = preview(tmp_path, table=table)
    assert "train.csv: 900 rows × 6 columns" in overview
    assert line_of(overview, "- id") == "- id: identifier, rows are in its order, e.g. 17"
    assert line_of(overview, "- fee") == (
        "- fee: integer, stored as text: other values stand among the numbers, "
        "25 % missing, 5 to 80, 77 distinct, e.g. 5"
    )
    assert line_of(overview, "- seen") == "- seen: date, day before month, 400 distinct, e.g. 31.12.2023"
    assert line_of(overview, "- spot") == (
        "- spot: category, 4 % of test rows have a value that is not in train, "
        "9 distinct, 2 parts between '/', e.g. a/1"
    )
    assert line_of(overview, "- after") == (
        '- after: text, not in test.csv, 900 distinct, about 12 words, e.g. "so it went"'
    )
    assert line_of(overview, "- sold") == "- sold: boolean, target, 2 distinct, values True, False"
    assert "test.csv: 50 rows × 4 columns" in overview
    assert "  the columns of train.csv without after, sold" in overview


def test_a_real_profile_names_every_column_and_the_target(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(60, ("id", "weight", "goal")))
    train = pd.read_csv(tmp_path / "train.csv")
    table = profile_table(train, train.drop(columns="goal"), ["goal"], ["id"])
    overview = preview(tmp_path, table=table)
    assert line_of(overview, "- weight").startswith("- weight: number, rows are in its order, 1.05 to 6.95")
    assert line_of(overview, "- goal") == "- goal: category, target, 3 distinct, values teal, umber, ochre"


@pytest.mark.parametrize("chars", [3_000, 5_000, 8_000, 20_000])
def test_each_of_150_columns_is_named_with_its_type_and_missing_share(tmp_path: Path, chars: int) -> None:
    letters = random.Random(3)
    names = ["".join(letters.choices("abcdefghij", k=9)) for _ in range(150)]
    rows = [",".join("" if (i + j) % 8 == 0 else f"{i * j + 0.5}" for j in range(150)) for i in range(80)]
    (tmp_path / "train.csv").write_text("\n".join([",".join(names), *rows]))
    (tmp_path / "test.csv").write_text("\n".join([",".join(names), *rows]))
    overview = preview(tmp_path, chars=chars)
    assert all(name in overview for name in names)
    if chars > 3_000:
        assert overview.count(" % missing") == 150
    if chars > 5_000:
        assert all(f"- {name}: number, " in overview for name in names)
    if chars > 8_000:
        assert overview.count("e.g.") == 150


def test_examples_go_before_ranges_and_ranges_before_types(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(100))
    by_room = [preview(tmp_path, chars=chars) for chars in range(500, 100, -10)]
    has = [
        ("e.g." in overview, "distinct" in overview, "- weight: number" in overview, "weight" in overview)
        for overview in by_room
    ]
    assert has[0] == (True, True, True, True)
    assert has == sorted(has, reverse=True)
    assert len(set(has)) >= 4


def test_numbered_columns_of_a_wide_table_are_told_as_one(tmp_path: Path) -> None:
    header = ",".join(["id", *(f"pixel{i}" for i in range(784)), "digit"])
    rows = [",".join([str(i), *(str(j % 5 * (i % 7 + j % 3)) for j in range(784)), str(i % 10)]) for i in range(40)]
    (tmp_path / "train.csv").write_text("\n".join([header, *rows]))
    overview = preview(tmp_path)
    assert "train.csv: 40 rows × 786 columns" in overview
    assert "- pixel0 … pixel783: integer (627), constant (157), 784 columns, 0 to 32" in overview
    assert "- digit: integer, 0 to 9" in overview


def test_of_10_000_columns_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    letters = random.Random(4)
    names = ["".join(letters.choices("abcdefghij", k=9)) for _ in range(10_000)]
    (tmp_path / "train.csv").write_text("\n".join([",".join(names), *[",".join(["0.5"] * 10_000)] * 3]))
    overview = preview(tmp_path)
    named = sum(name in overview for name in names)
    assert 500 < named < 1_000
    assert f"- … and {10_000 - named:,} columns more" in overview
    assert len(overview) > 7_500


def test_2_000_files_with_one_header_are_told_as_one(tmp_path: Path) -> None:
    for i in range(2_000):
        (tmp_path / f"part-{i:04d}.csv").write_text(csv_text(3))
    overview = preview(tmp_path, seconds=60)
    assert "2,000 files like part-0000.csv with the same 3 columns: about 6,000 rows, 110 kB in all" in overview
    assert overview.count("- weight: number") == 1


def test_of_many_tables_each_schema_is_told_once_and_the_rest_counted(tmp_path: Path) -> None:
    for i in range(90):
        (tmp_path / f"wide{i}.csv").write_text(csv_text(4, (f"first{i}", f"second{i}", f"third{i}")))
    overview = preview(tmp_path, chars=3_000, seconds=60)
    told = sum(f"wide{i}.csv: 4 rows" in overview for i in range(90))
    assert told > 20
    assert f"Not described, for lack of room: {90 - told} files." in overview
    assert len(overview) <= 3_000


def test_the_most_urgent_table_is_told_in_more_detail_than_others(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(30, ("serial", "mass", "hue")))
    for i in range(60):
        (tmp_path / f"other{i}.csv").write_text(csv_text(4, (f"first{i}", f"second{i}", f"third{i}")))
    overview = preview(tmp_path, chars=3_000, seconds=60)
    assert "- mass: number" in overview
    assert "- second59: number" not in overview


def test_a_5_gb_table_is_judged_by_a_sample_in_little_memory(tmp_path: Path) -> None:
    table = tmp_path / "train.csv"
    table.write_text(csv_text(40_000))
    os.truncate(table, 5_000_000_000)
    tracemalloc.start()
    overview = preview(tmp_path, seconds=60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "train.csv: about 3" in overview
    assert "5.0 GB, sampled: 262 kB of it read" in overview
    assert "- colour: category, at least 3 distinct" in overview
    assert peak < 40_000_000


def test_the_rows_of_a_large_table_are_estimated_from_its_head_middle_and_end(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(150_000) + "150000,1.00,violet\n")
    overview = preview(tmp_path, seconds=60)
    rows = int(line_of(overview, "train.csv: about ").split()[2].replace(",", ""))
    assert 0.95 * 150_000 < rows < 1.05 * 150_000
    assert "- colour: category, at least 4 distinct" in overview  # the last row was read


def test_thousands_of_images_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for i in range(3_000):
        (tmp_path / "images" / f"{i:06d}.png").touch()
    (tmp_path / "train.csv").write_text(csv_text(3))
    overview = preview(tmp_path, seconds=60)
    assert overview.startswith("3,001 files, 55 B\n")
    assert "- images/*.png: 3,000 files, 0 B, like 000000.png" in overview
    assert len(overview) < 600


def test_a_walk_that_finds_too_much_says_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_ENTRIES", 300)
    for i in range(2_000):
        (tmp_path / f"a{i:04d}.bin").touch()
    (tmp_path / "train.csv").write_text(csv_text(3))
    overview = preview(tmp_path)
    assert overview.startswith("more than 30")
    assert "the listing stopped there" in overview
    assert "train.csv: 3 rows × 3 columns" in overview


def test_many_folders_that_hold_the_same_are_told_as_one(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / "photos" / f"bird {i}").mkdir(parents=True)
        for j in range(3):
            (tmp_path / "photos" / f"bird {i}" / f"{j}.jpg").touch()
    assert "- photos/*/*.jpg: 120 files" in preview(tmp_path)


def test_without_time_nothing_is_opened_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(csv_text(3))
    overview = preview(tmp_path, seconds=0)
    assert overview.startswith("more than 1 file")
    assert "train.csv: 55 B, not opened, for lack of time" in overview


@pytest.mark.parametrize("step", [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5])
def test_the_clock_is_looked_at_all_the_time(tmp_path: Path, step: float) -> None:
    for i in range(30):
        (tmp_path / f"t{i}.csv").write_text(csv_text(500, (f"first{i}", f"second{i}", f"third{i}")))
        (tmp_path / f"j{i}.jsonl").write_text('{"a": 1}\n' * 500)
    clock = Clock(step)
    overview = preview(tmp_path, clock=clock)
    looks = next(clock.ticks) / step
    assert looks * step < 2 or looks < 800  # what is left to look at, once all time is gone, does not take long
    assert len(overview) <= 8_000


def test_a_table_that_takes_too_long_still_has_its_columns_named(tmp_path: Path) -> None:
    names = tuple(f"{letter}{other}" for letter in "abcdefghij" for other in "klmnopqrst")
    (tmp_path / "train.csv").write_text("\n".join([",".join(names), *[",".join(["1", "2"] * 50)] * 200]))
    overview = preview(tmp_path, clock=Clock(0.008))
    assert "about" in line_of(overview, "train.csv")
    assert all(name in overview for name in names)


@pytest.mark.parametrize("chars", [0, 1, 2, 10, 60, 61, 200, 999])
def test_however_few_characters_there_are_no_more_are_used(tmp_path: Path, chars: int) -> None:
    for i in range(12):
        (tmp_path / f"t{i}.csv").write_text(csv_text(5, (f"first{i}", f"second{i}", f"third{i}")))
    overview = preview(tmp_path, chars=chars)
    assert len(overview) <= chars
    assert overview.startswith("12 files"[: max(0, chars - 1)])


def test_a_folder_that_is_empty_or_missing_is_told_of(tmp_path: Path) -> None:
    assert preview(tmp_path) == "The folder is empty."
    assert "./: cannot be read (No such file or directory)" in preview(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert "cannot be read (Not a directory)" in preview(tmp_path / "file")


def test_nothing_leaves_that_could_end_a_fence_or_show_as_something_else() -> None:
    assert _harmless("a ````b\x1b[31m\u202ec\n```", 100) == "a '''`b [31m c\n'''"


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20).filter(
    lambda name: name.encode().strip(b".") and len(name.encode()) < 200
)
suffixes = st.sampled_from([".csv", ".tsv", ".json", ".jsonl", ".txt", ".zip", ".tar", ".png", ".jpg", ".csv.gz", ""])
cells = st.text(st.sampled_from(" ,;\t\"'\n\r`~#-.0123456789abeéNaT/:{}[]\0\x1b\u202e"), max_size=12)
texts = st.lists(cells, max_size=30).map(lambda parts: ",".join(parts).encode())
contents = st.one_of(st.binary(max_size=300), texts)


@settings(max_examples=150)
@given(
    files=st.dictionaries(st.tuples(names, suffixes).map("".join), contents, max_size=6),
    chars=st.integers(0, 3_000),
    samples=st.booleans(),
)
def test_whatever_lies_there_the_overview_is_short_and_harmless(
    files: dict[str, bytes], chars: int, samples: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        overview = preview(Path(folder), chars=chars, samples=samples)
    assert len(overview) <= chars
    assert "```" not in overview
    assert overview.replace("\n", "").isprintable()


@settings(max_examples=60)
@given(
    header=st.lists(st.text("abcdefgh_", min_size=2, max_size=12), min_size=2, max_size=40, unique=True),
    rows=st.lists(
        st.lists(st.sampled_from(["", "1", "2.5", "x y", "z", '"q, r"']), min_size=40, max_size=40), max_size=12
    ),
)
def test_all_columns_of_a_normal_table_are_named(header: list[str], rows: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = [",".join(header), *(",".join(row[: len(header)]) for row in rows)]
        (Path(folder) / "table.csv").write_text("\n".join(lines))
        overview = preview(Path(folder))
    assert [line[2:].split(":")[0] for line in overview.splitlines()[3:] if line.startswith("- ")] == header
