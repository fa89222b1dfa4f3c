from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treewright.data.tables import MISSING, read_table, write_table
from treewright.data.times import parse_times
from treewright.errors import TaskError

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, content: str | bytes, name: str = "train.csv") -> tuple[pd.DataFrame, tuple[str, ...]]:
    file = path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(file)


def test_cells_keep_their_text(tmp_path: Path) -> None:
    table, notes = read(tmp_path, "id,x,y\n007,1.50,NA\n0013_01,1e3,\n")
    assert table.to_numpy().tolist() == [["007", "1.50", "NA"], ["0013_01", "1e3", ""]]
    assert notes == ()


cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_a_written_table_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    table = pd.DataFrame(rows, columns=["a", "b"], dtype=object)
    write_table(table, path)
    assert read_table(path)[0].to_numpy().tolist() == table.to_numpy().tolist()


def test_the_missing_values_are_those_of_pandas() -> None:
    for cell in MISSING:
        assert pd.read_csv(io.StringIO(f"a,b\n{cell},1\n"))["a"].isna().all(), cell
    for cell in ("-", "?", "none", "NAN", "missing", "0", "None."):
        assert cell not in MISSING
        assert pd.read_csv(io.StringIO(f"a,b\n{cell},1\n"))["a"].notna().all(), cell


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_other_separators_are_found_and_told(tmp_path: Path, separator: str, name: str) -> None:
    table, notes = read(tmp_path, f"a{separator}b\n1,2{separator}x\n")
    assert list(table.columns) == ["a", "b"]
    assert f"separated by {name}" in notes[0]


def test_a_comma_inside_a_quoted_name_does_not_mislead(tmp_path: Path) -> None:
    table, _ = read(tmp_path, '"length, in mm";"width, in mm, or so"\n1;2\n')
    assert list(table.columns) == ["length, in mm", "width, in mm, or so"]


def test_decimal_commas_become_points(tmp_path: Path) -> None:
    table, notes = read(tmp_path, 'size;count;note\n1,5;3;"a, b"\n-0,25;4;\n')
    assert table.to_numpy().tolist() == [["1.5", "3", "a, b"], ["-0.25", "4", ""]]
    assert "decimal comma (size)" in notes[-1]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert list(read(tmp_path, "\ufeffid,x\n1,2\n")[0].columns) == ["id", "x"]
    assert list(read(tmp_path, "id\tx\n1\t2\n".encode("utf-16"))[0].columns) == ["id", "x"]


def test_latin_1_is_read_and_told(tmp_path: Path) -> None:
    table, notes = read(tmp_path, "town,x\nZürich,1\n".encode("latin-1"))
    assert table["town"][0] == "Zürich"
    assert "not UTF-8" in notes[0]


def test_gzip_is_read(tmp_path: Path) -> None:
    table, _ = read(tmp_path, gzip.compress(b"a,b\n1,2\n"), "train.csv.gz")
    assert table.to_numpy().tolist() == [["1", "2"]]


def test_a_damaged_gzip_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"train\.csv\.gz cannot be read"):
        read(tmp_path, gzip.compress(b"a,b\n1,2\n" * 100)[:-20], "train.csv.gz")


def test_an_unnamed_column_is_called_as_pandas_calls_it(tmp_path: Path) -> None:
    assert list(read(tmp_path, ",x\n0,5\n")[0].columns) == ["Unnamed: 0", "x"]


def test_blank_lines_are_no_rows_and_very_long_cells_are_fine(tmp_path: Path) -> None:
    table, _ = read(tmp_path, f"a,b\n1,2\n\n{'x' * 300_000},4\n\n")
    assert len(table) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"train\.csv is empty"),
        ("\n\n", r"train\.csv is empty"),
        ("a,b\n", r"train\.csv has a header but no rows"),
        ("a,b\n1,2\n1,2,3\n", r"train\.csv, line 3: 3 cells where the header has 2"),
        ("a,b\n1,2,3\n4,5,6\n", r"train\.csv, line 2: 3 cells where the header has 2"),
        ('a,b\n1,"2\n3,4\n', r"train\.csv cannot be read: .*EOF inside string"),
        ("a,b\n1,2\n1\n", r"train\.csv, line 3: 1 cells where the header has 2"),
        ('a,b\n"two\nlines",2\n1\n', r"train\.csv, line 4: 1 cells"),
        ("a,b,a\n1,2,3\n", r"train\.csv has more than one column called a"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["2024-03-01 10:00", "2024-03-02 10:30"], "2024-03-01 10:00"),
        (["2024-03-01T10:00:00Z", "2024-03-01T12:00:00+01:00"], "2024-03-01 10:00"),
        (["03/04/2024", "13/04/2024", "14/04/2024"], "2024-04-03"),
        (["03/14/2024", "04/01/2024"], "2024-03-14"),
        (["20240301T0930", "20240302T0930"], "2024-03-01 09:30"),
        (["March 1, 2024", "April 12, 2024"], "2024-03-01"),
        (["2024-03", "2024-04"], "2024-03-01"),
    ],
)
def test_dates_are_read_in_many_forms(texts: list[str], first: str) -> None:
    times = parse_times(pd.Series(texts, dtype=object))
    assert times is not None
    assert times.iloc[0] == pd.Timestamp(first)
    assert times.notna().all()


@pytest.mark.parametrize(
    "texts",
    [
        ["20240101", "20240102"],
        ["0013_01", "0013_02"],
        ["B/0/P", "C/12/S"],
        ["may be", "march on"],
        ["12:30", "13:00"],
        ["555-123-4567", "555-987-6543"],
        ["1.2.3", "10.4.1"],
        ["", ""],
    ],
)
def test_other_texts_are_no_dates(texts: list[str]) -> None:
    assert parse_times(pd.Series(texts, dtype=object)) is None


def test_a_few_bad_dates_become_gaps() -> None:
    texts = [f"2024-01-{1 + i % 28:02d}" for i in range(99)]
    times = parse_times(pd.Series([*texts, "unknown"], dtype=object))
    assert times is not None
    assert times.isna().sum() == 1
