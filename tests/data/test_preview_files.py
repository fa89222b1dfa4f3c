"""What the overview says of one file: any kind, any state, and never a value where none is wanted."""

# ruff: noqa: RUF001 -- the sign between rows and columns is what is shown

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import struct
import sys
import tarfile
import threading
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from treewright.data.preview import preview, reading

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 28, 30) + b"\x08\0\0\0\0"
GIF = b"GIF89a" + struct.pack("<HH", 5, 6)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF" + b"\0" * 10 + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 40, 60) + b"\3"


def told(folder: Path, name: str, content: bytes | str, **options: object) -> list[str]:
    """The lines of the block on one file in a folder of its own."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return preview(folder, **options).split("\n\n")[1].splitlines()


def records(count: int) -> list[dict[str, object]]:
    return [{"id": i, "note": f"it was day {i} at sea", "depth": None if i % 4 == 0 else i / 8} for i in range(count)]


@pytest.mark.parametrize(
    ("encoding", "remark"),
    [("utf-8", ""), ("utf-8-sig", ""), ("latin-1", ", in cp1252"), ("utf-16", ", in utf-16")],
)
def test_a_table_in_another_encoding_is_read(tmp_path: Path, encoding: str, remark: str) -> None:
    block = told(tmp_path, "birds.csv", "nähe,vogel\n1,Möwe\n2,Krähe\n".encode(encoding))
    assert block[0].startswith("birds.csv: 2 rows × 2 columns")
    assert block[0].endswith(f" B{remark}")
    assert block[1:] == [
        "- nähe: integer, 1 to 2, 2 distinct, e.g. 1, 2",
        "- vogel: category, 2 distinct, values Möwe, Krähe",
    ]


def test_a_byte_that_is_no_utf_8_far_down_makes_the_whole_file_latin(tmp_path: Path) -> None:
    table = b"a,b\n" + b"1,plain\n" * 200_000 + b"2,M\xf6we\n"
    assert "in cp1252" in told(tmp_path, "birds.csv", table)[0]


@pytest.mark.parametrize(
    ("separator", "remark"), [(";", "separated by semicolons"), ("\t", "separated by tabs"), ("|", "separated by bars")]
)
def test_the_separator_is_found_and_told(tmp_path: Path, separator: str, remark: str) -> None:
    rows = (separator.join([str(i), f"so, {i}", "x"]) for i in range(20))
    block = told(tmp_path, "birds.csv", "\n".join([separator.join(["id", "text", "kind"]), *rows]))
    assert block[0].startswith("birds.csv: 20 rows × 3 columns")
    assert block[0].endswith(remark)
    assert "- kind: constant, always x" in block


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_quoted_line_ends_and_separators_do_not_end_a_cell(tmp_path: Path, line_end: str) -> None:
    table = line_end.join(["id,text", f'1,"two{line_end}lines, one cell"', '2,"a ""word"""'])
    block = told(tmp_path, "birds.csv", table)
    assert block[0].startswith("birds.csv: 2 rows × 2 columns")
    assert block[2] == '- text: category, 2 distinct, values "two lines, one cell", a "word"'


def test_a_part_that_begins_inside_a_quoted_cell_does_not_spoil_the_columns(tmp_path: Path) -> None:
    long = '"' + "a line of prose, with commas, in it\n" * 40_000 + '"'
    rows = [f"{i},no" for i in range(1000)]
    block = told(tmp_path, "birds.csv", "\n".join(["id,text", *rows, f"1000,{long}", *rows]))
    assert "- id: integer, 0 to 999" in "\n".join(block) or "- id: identifier" in "\n".join(block)
    assert "ragged" not in block[0]


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        (b"", "empty"),
        (b"\n \n\n", "blank"),
        (bytes(range(256)) * 20, "binary: not what its name says"),
        (b"a,b\n1,\0\n", "binary: not what its name says"),
        (b"a,b,c\n1,2\n1,2,3,4\n1,2,3\n", "2 of 3 rows read have another number of cells than the header"),
        (b"a,a,b\n1,2,3\n4,5,6\n", "1 column name more than once"),
        (b"5.1,3.5,setosa\n4.9,3.0,setosa\n", "without a header line"),
        (b"Kowalski,3.5,2020-01-01\nBolivar,3.7,2020-01-02\n", "without a header line"),
        (b"x,y\nz,y\nx,w\nx,y\n", "without a header line"),
    ],
)
def test_what_is_odd_about_a_table_is_told(tmp_path: Path, content: bytes, remark: str) -> None:
    assert told(tmp_path, "birds.csv", content)[0].endswith(f", {remark}")


def test_a_header_without_rows_is_named(tmp_path: Path) -> None:
    block = told(tmp_path, "birds.csv", "id,wing,beak\n")
    assert block == ["birds.csv: 0 rows × 3 columns, 13 B", "- id", "- wing", "- beak"]


def test_a_control_character_before_a_number_does_no_harm(tmp_path: Path) -> None:
    assert told(tmp_path, "birds.csv", "\x1f019,2.5,3.5,some long text\n1,2,3,x\n")[0].startswith("birds.csv: ")


def test_years_are_a_header_and_a_column_without_a_name_is_called_what_pandas_calls_it(tmp_path: Path) -> None:
    block = told(tmp_path, "birds.csv", ",2019,2020,2021\nFaroes,4.5,5.5,1.5\nIceland,2.5,3.5,8.5\n")
    assert [line.split(":")[0] for line in block[1:]] == ["- Unnamed", "- 2019", "- 2020", "- 2021"]


def test_a_header_longer_than_the_sample_is_told_as_far_as_it_was_read(tmp_path: Path) -> None:
    header = ",".join(f"c{i}x" for i in range(200_000))
    block = told(tmp_path, "birds.csv", header + "\n" + "1," * 199_999 + "1\n")
    assert block[0].endswith("the header is longer than what was read")
    assert block[1].startswith("- c0x … c3")


def test_a_file_that_may_not_be_read_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reading.os, "open", refuse)
    assert told(tmp_path, "birds.csv", "a,b\n1,2\n") == ["birds.csv: 8 B, cannot be read (Permission denied)"]


def test_json_records_are_told_as_a_table(tmp_path: Path) -> None:
    rows = [{**record, "tags": ["a"] * (i % 3), "at": {"x": 1.5}} for i, record in enumerate(records(40))]
    block = told(tmp_path, "birds.json", json.dumps(rows))
    assert block[0].startswith("birds.json: 40 rows × 5 columns")
    assert block[1] == "- id: identifier, e.g. 0, 1, 2"
    assert block[2].startswith("- note: text, 40 distinct, e.g. ")
    assert block[3].startswith("- depth: number, 25 % missing, 0.125 to 4.875")
    assert block[4:] == ["- tags: [0 to 2 × text]", "- at: {x: number}"]


def test_json_is_told_by_its_shape(tmp_path: Path) -> None:
    value = {
        "name": "x",
        "sizes": [1, 2.5],
        "deep": {"list": [{"a": 1}, {"b": None}]},
        "map": dict.fromkeys("abcd" * 9),
    }
    value["map"] = {f"key {i}": True for i in range(99)}
    assert told(tmp_path, "birds.json", json.dumps(value))[1] == (
        "  {name: text, sizes: [2 × integer or number], deep: {list: [2 × {a: integer, b: null}]}, "
        "map: {99 keys like key 0, key 1: each boolean}}"
    )


def test_json_that_is_cut_off_is_told_as_far_as_it_was_read(tmp_path: Path) -> None:
    images = [{"id": i, "file": f"{i}.jpg"} for i in range(60_000)]
    (shape,) = told(tmp_path, "birds.json", json.dumps({"info": {"year": 2020}, "images": images}))[1:]
    assert shape.startswith("  {info: {year: integer}, images: [")
    assert shape.endswith(" × {id: integer, file: text}]}")
    block = told(tmp_path, "birds.json", json.dumps(images))
    rows = int(block[0].split()[2].replace(",", ""))
    assert 0.9 * 60_000 < rows < 1.1 * 60_000
    assert block[1].startswith("- id: identifier")


@pytest.mark.parametrize(
    "content", ["[" * 60_000 + "]" * 60_000, '{"a":' * 60_000 + "1" + "}" * 60_000, "{'a': 1}", '{"a": 1,,}']
)
def test_json_that_is_damaged_or_nested_too_deeply_is_told_as_such(tmp_path: Path, content: str) -> None:
    assert told(tmp_path, "birds.json", content)[0].endswith("damaged, or nested too deeply: read up to there")


def test_what_is_no_json_at_all_is_told_as_such(tmp_path: Path) -> None:
    assert told(tmp_path, "birds.json", "hello")[0].endswith("damaged, or not what its name says")


@pytest.mark.parametrize("name", ["birds.jsonl", "birds.ndjson", "birds.json"])
def test_json_lines_are_told_as_a_table_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    block = told(tmp_path, name, "\n".join(map(json.dumps, records(40))) + "\n{broken\n")
    assert block[0].startswith(f"{name}: 40 rows × 3 columns")
    assert block[0].endswith("1 line without JSON")
    assert block[3].startswith("- depth: number, 25 % missing, 0.125 to 4.875")


def test_the_rows_of_large_json_lines_are_estimated(tmp_path: Path) -> None:
    block = told(tmp_path, "birds.jsonl", "\n".join(map(json.dumps, records(30_000))), seconds=60)
    assert "columns judged by" in block[0]
    assert 0.9 * 30_000 < int(block[0].split()[2].replace(",", "")) < 1.1 * 30_000


def test_a_compressed_table_is_read(tmp_path: Path) -> None:
    table = "id,wing\n" + "".join(f"{i},{i % 7 / 2}\n" for i in range(60_000))
    block = told(tmp_path, "birds.csv.gz", gzip.compress(table.encode()))
    assert block[2].startswith("- wing: number, 0 to 3")
    assert 0.8 * 60_000 < int(block[0].split()[2].replace(",", "")) < 1.2 * 60_000
    small = told(tmp_path, "birds.csv.gz", gzip.compress(b"id,wing\n1,0.5\n2,0.7\n"))
    assert small[0].startswith("birds.csv.gz: 2 rows × 2 columns")


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.json.gz", "bomb.txt.gz", "bomb.tgz", "bomb.gz"])
def test_a_bomb_does_not_go_off(tmp_path: Path, name: str) -> None:
    bomb = gzip.compress(b"[1, 2]," * 12_000_000, compresslevel=1)
    tracemalloc.start()
    told(tmp_path, name, bomb, seconds=60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000


def zipped(count: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(count):
            archive.writestr(f"img/{i}.txt", "x" * 1000)
    return target.getvalue()


def tarred(count: int, mode: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        for i in range(count):
            member = tarfile.TarInfo(f"img/{i}.csv")
            member.size = 3_000
            archive.addfile(member, io.BytesIO(b"1" * 3_000))
    return target.getvalue()


def test_the_first_members_of_archives_are_listed(tmp_path: Path) -> None:
    block = told(tmp_path, "birds.zip", b"#!/bin/sh\n" + zipped(40))
    assert block[0].endswith("a zip archive of 40 members, 40.0 kB unpacked")
    assert block[1].startswith("  img/0.txt (1.0 kB), img/1.txt (1.0 kB), ")
    assert block[1].endswith("img/10.txt (1.0 kB), …")
    (tmp_path / "birds.zip").unlink()
    assert told(tmp_path, "birds.tar", tarred(2))[1] == "  img/0.csv (3.0 kB), img/1.csv (3.0 kB)"
    (tmp_path / "birds.tar").unlink()
    assert told(tmp_path, "birds.tgz", tarred(40, "w:gz"))[1].startswith("  img/0.csv (3.0 kB), ")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("birds.zip", b"hello"),
        ("birds.zip", b"PK\5\6" + b"\xff" * 18),
        ("birds.zip", zipped(3)[:-30]),
        ("birds.tar", b"x" * 2_000),
        ("birds.tar.gz", b"\x1f\x8b\x08\0 garbage"),
        ("birds.csv.gz", b"no gzip"),
        ("birds.png", b"no picture"),
        ("birds.jpg", JPEG[:8]),
        ("birds.parquet", b"PAR1" * 4),
    ],
)
def test_a_damaged_file_is_told_as_such(tmp_path: Path, name: str, content: bytes) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (line,) = told(tmp_path, name, content)
    assert "damaged" in line or "not what its name says" in line


def test_images_are_told_by_their_number_and_the_size_of_some(tmp_path: Path) -> None:
    for i, (name, content) in enumerate([("a.png", PNG), ("b.gif", GIF), ("c.jpg", JPEG)]):
        assert told(tmp_path, name, content)[0].endswith(["28 × 30 pixels", "5 × 6 pixels", "60 × 40 pixels"][i])
        (tmp_path / name).unlink()
    for i in range(40):
        (tmp_path / f"{i}.png").write_bytes(PNG)
    assert "40 files like 0.png: 1.2 kB in all, 28 × 30 pixels, 5 looked at" in preview(tmp_path)


def test_the_first_lines_of_texts_are_shown(tmp_path: Path) -> None:
    lines = [f"Line {i} of the field notes." for i in range(100)]
    block = told(tmp_path, "notes.txt", "\n\n".join(lines))
    assert block[1:6] == [f"  {line}" for line in lines[:5]]
    assert len(block) < 60


def test_parquet_without_pyarrow_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    block = told(tmp_path, "birds.parquet", b"PAR1")
    assert block == ["birds.parquet: 4 B, Parquet, which cannot be read here without pyarrow"]


def test_parquet_is_told_as_a_table_nested_columns_and_all(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    count = 4_000
    columns = {
        "id": range(count),
        "depth": [i / 8 if i % 5 else None for i in range(count)],
        "tags": [["a"] * (i % 3) for i in range(count)],
        "at": [{"x": i} for i in range(count)],
        "raw": [b"\0"] * count,
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "birds.parquet", row_group_size=500)
    content = (tmp_path / "birds.parquet").read_bytes()
    block = told(tmp_path, "birds.parquet", content)
    assert block[0].startswith("birds.parquet: 4,000 rows × 5 columns")
    assert block[2].startswith("- depth: number, 20 % missing")
    assert block[3:] == ["- tags: [0 to 2 × text]", "- at: {x: integer}", "- raw: bytes"]
    assert "damaged" in told(tmp_path, "birds.parquet", content[: len(content) // 2])[0]
    assert "damaged" in told(tmp_path, "birds.parquet", content[:-300] + b"\xee" * 200 + content[-100:])[0]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.csv")
    done: list[str] = []
    reader = threading.Thread(target=lambda: done.append(preview(tmp_path)), daemon=True)
    reader.start()
    reader.join(timeout=30)
    assert done and "- train.csv: no regular file, not opened" in done[0]
    with pytest.raises(OSError, match="no regular file"):
        reading.open_regular(tmp_path / "train.csv")


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (outside / "secret.csv").write_text("password\nhunter2\n")
    (folder / "train.csv").symlink_to(outside / "secret.csv")
    (folder / "more").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    overview = preview(folder)
    (line,) = (line for line in overview.splitlines() if line.endswith(": a link, not followed"))
    assert sorted(line.removeprefix("- ").split(":")[0].split(", ")) == ["loop", "more", "train.csv"]
    assert "password" not in overview
    assert "secret" not in overview
    with pytest.raises(OSError, match="symbolic links"):
        reading.open_regular(folder / "train.csv")


@pytest.mark.parametrize(
    "name", ["two\nlines", "```", "\x1b[31mred", "\u202egnp", " edge ", b"\xff\xfe", "a" * 200, "`'\"\\"]
)
def test_hostile_names_stay_in_their_line(tmp_path: Path, name: str | bytes) -> None:
    path = tmp_path / f"{os.fsdecode(name)}.csv"
    path.write_bytes(f"{os.fsdecode(name).strip('.')!s:.30}\t```\tb\n1\t```\t~~~\n".encode(errors="replace"))
    overview = preview(tmp_path)
    assert "```" not in overview
    assert overview.encode()
    assert overview.replace("\n", "").isprintable()
    assert all(
        line.startswith(("1 file", "- ")) or ".csv" in line or "…" in line for line in overview.split("\n") if line
    )


def test_values_stay_in_their_line_and_are_shortened(tmp_path: Path) -> None:
    rows = [f'{i},"first{i}\n\n```\n\x1b[31m{"long " * 400}"' for i in range(12)]
    block = told(tmp_path, "birds.csv", "\n".join(["id,text", *rows]))
    assert block[0].startswith("birds.csv: 12 rows × 2 columns")
    assert block[2].startswith("- text: text, 12 distinct, e.g. \"first0 ''' [31mlong long")
    assert len(block) == 3
    assert len(block[2]) < 200


def test_without_samples_no_value_is_shown_and_names_types_and_counts_stay(tmp_path: Path) -> None:
    values = [f"secret{word}" for word in ("Ash", "Birch", "Cedar")]
    rows = [
        f"{7130 + i * 13},{values[i % 3]},{values[0]},2031-05-{i % 28 + 1:02d},{values[1]} is {i} tall"
        for i in range(30)
    ]
    (tmp_path / "train.csv").write_text("\n".join(["height,species,same,day,remark", *rows]))
    (tmp_path / "bare.csv").write_text("7131.5,7132.5,secretOak\n7133.5,7134.5,secretElm\n")
    (tmp_path / "one.json").write_text(
        json.dumps({"tree": "secretFir", "ages": [7135], "by": {f"secret{i}": i for i in range(99)}})
    )
    (tmp_path / "two.jsonl").write_text(
        "\n".join(json.dumps({"tree": f"secret{i}", "age": 7130 + i}) for i in range(40))
    )
    (tmp_path / "notes.txt").write_text("secretYew\n")
    for i in range(7130, 7140):
        (tmp_path / f"photo{i}.png").write_bytes(PNG)
        (tmp_path / f"day{i}.csv").write_text("hour,place\n1,secretGarden\n")
    (tmp_path / "night.csv").write_text("hour,place\n1,secretGarden\n\n")
    (tmp_path / "day7130.csv").write_text("hour,place\n" + "1,secretGarden\n" * 9)
    overview = preview(tmp_path, samples=False)
    assert not [word for word in ("secret", "713", "714", "2031", "tall") if word in overview]
    assert "- species: category, 3 distinct" in overview
    assert "- height: integer, 30 distinct" in overview
    assert "- same: constant\n" in overview
    assert "bare.csv: 2 rows × 3 columns" in overview
    assert "{3 keys: each text or {99 keys: each integer} or [1 × integer]}" in overview
    assert "two.jsonl: 40 rows × 2 columns" in overview
    assert "- *.png: 10 files, 290 B, like photo####.png" in overview
    assert "11 files like day####.csv with the same 2 columns" in overview
    assert "secretAsh" in preview(tmp_path)


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ({"secret Ash": 3, "secret Elm": 4}, "{2 keys: each integer}"),
        ({"secret Ash": 3, "secret Elm": "n/a"}, "{2 keys: each integer or text}"),
        (
            {"secret Ash": {"age": 3}, "secret Elm": {"age": 4, "height": 2}},
            "{2 keys: each {age: integer, 1 key: each integer}}",
        ),
        ([{"secret Ash": 3, "secret Elm": 4}], "[1 × {2 keys: each integer}]"),
        ([{"secret Ash": 3}, {"secret Elm": 4}], "[2 × {1 key: each integer}]"),
        ([], ""),
    ],
)
def test_without_samples_a_key_that_only_one_object_has_is_counted_for_it_may_be_data(
    tmp_path: Path, content: object, shape: str
) -> None:
    block = told(tmp_path, "birds.json", json.dumps(content), samples=False)
    assert [line.strip() for line in block[1:]] == ([shape] if shape else [])


def test_without_samples_the_fields_of_records_stay_and_what_only_some_rows_have_is_counted(tmp_path: Path) -> None:
    rows = [{"tree": "ash", "votes": {"yes": i, f"secret{i}": 1}, f"secret{i}": i} for i in range(30)]
    for name, content in (("birds.json", json.dumps(rows)), ("birds.jsonl", "\n".join(map(json.dumps, rows)))):
        block = told(tmp_path, name, content, samples=False)
        assert block[1:] == [
            "  besides 30 keys that most rows lack",
            "- tree: constant",
            "- votes: {yes: integer, 1 key: each integer}",
        ]
        (tmp_path / name).unlink()
    assert "secret7" in "\n".join(told(tmp_path, "birds.json", json.dumps(rows)))


def test_without_samples_no_digit_in_the_name_of_a_file_or_a_folder_is_shown(tmp_path: Path) -> None:
    (tmp_path / "ward 71").mkdir()
    (tmp_path / "ward 71" / "patient 72.csv").write_text("a,b\nx,y\n")
    (tmp_path / "train.csv").write_text("a,b\nx,y\n")
    for i in (73, 74, 75):
        (tmp_path / f"scan {i}.png").write_bytes(PNG)
    (tmp_path / "link 76.csv").symlink_to(tmp_path / "train.csv")
    (tmp_path / ".hidden 77").touch()
    (tmp_path / "78.json").write_text("[1]")
    overview = preview(tmp_path, samples=False)
    assert not [number for number in range(71, 79) if str(number) in overview]
    assert "ward ##/patient ##.csv" in overview
    assert "scan ##.png" in overview
    assert "a # in a name stands for a digit" in overview
    assert "stands for a digit" not in preview(tmp_path)
    assert "patient 72.csv" in preview(tmp_path)


def test_without_samples_a_profile_shows_no_value_either(tmp_path: Path) -> None:
    from treewright.task import ColumnKind, ColumnProfile, TableProfile

    label = ColumnProfile("label", ColumnKind.CATEGORICAL, 0.1, 2, ("secretA", "secretB"), delimiter="~", parts=2)
    size = ColumnProfile("size", ColumnKind.NUMERIC, 0.0, 9, ("7131",), low=7131, high=7139, mean=7135, words=7.0)
    (tmp_path / "train.csv").touch()
    overview = preview(tmp_path, table=TableProfile(50, 20, (size,), (label,)), samples=False)
    assert "- size: number, 9 distinct" in overview
    assert "- label: category, target, 10 % missing, 2 distinct" in overview
    assert not [word for word in ("secret", "713", "~", "words") if word in overview]


def test_a_slow_damaged_json_ends_with_the_clock(tmp_path: Path) -> None:
    ticks = itertools.count(step=0.001)
    broken = "{" + ",".join(f'"k{i}": {i}' for i in range(40_000)) + ",}"
    block = told(tmp_path, "birds.json", broken, clock=lambda: next(ticks))
    keys = int(block[1].split()[0].strip("{").replace(",", ""))
    assert 100 < keys < 2_000
