"""Tables as text: what stands in a cell is what is moved, hidden and written.

``pandas.read_csv`` turns ``007`` into ``7`` and ``1.50`` into ``1.5``. So the files that scripts see are made from
cells that were never anything but text, and only the judging of columns reads numbers. Whatever a user's file comes
in (a byte-order mark, Latin-1, semicolons or tabs, gzip, Parquet), scripts find plain UTF-8 with commas.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
import zlib
from collections import Counter
from itertools import chain, islice
from typing import TYPE_CHECKING, TextIO

from treewright.data.parquet import SUFFIX, is_parquet, parquet_columns, read_parquet_as_text
from treewright.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader
    from pathlib import Path

    import pandas as pd

# fmt: off
MISSING = frozenset([
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
])
# fmt: on
"""The cells that ``pandas.read_csv``, and so a script, takes for missing values."""

SEPARATORS = ",;\t|"
SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", SUFFIX)
MOST_COLUMNS = 100_000
PIECE = 50_000
"""Rows that are written at a time, so that writing takes hardly any memory."""

_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def read_table(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """All cells of a table as text, and a sentence on everything that had to be put right on the way.

    ``TaskError`` for a file that is missing, no text, empty, ragged (with the line) or has two columns of one name.
    """
    if is_parquet(path):
        return read_parquet_as_text(path), (f"{path.name} is a Parquet file; scripts see the table as CSV.",)
    encoding = _encoding(path)
    with _open(path, encoding) as file:
        header, separator = _header(path, file)
    frame = _read_cells(path, encoding, header, separator)
    notes = []
    if encoding not in {"utf-8-sig", "utf-16"}:
        notes.append(f"{path.name} is not UTF-8, so it was read as {encoding}; scripts see it in UTF-8.")
    if separator != ",":
        notes.append(f"{path.name} is separated by {_NAMES[separator]}; scripts see it with commas.")
    if separator == ";" and (commas := [name for name in header if _has_decimal_commas(frame[name])]):
        frame = frame.assign(**{name: frame[name].str.replace(",", ".", regex=False) for name in commas})
        notes.append(f"{path.name} writes numbers with a decimal comma ({', '.join(commas)}); scripts see a point.")
    return frame, tuple(notes)


def read_header(path: Path) -> tuple[str, ...]:
    """The column names alone; ``TaskError`` as ``read_table``."""
    if is_parquet(path):
        return parquet_columns(path)
    with _open(path, _encoding(path, only_first_line=True)) as file:
        return tuple(_header(path, file)[0])


def write_table(frame: pd.DataFrame, path: Path, separator: str = ",") -> None:
    """Write text cells as plain UTF-8 CSV that reads back the same."""
    parts = [slice(start, start + PIECE) for start in range(0, len(frame), PIECE)]
    # csv puts quotes around what is in its line end only
    returns = any("\r" in "".join(frame[name].iloc[part]) for name in frame.columns for part in parts)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator="\r\n" if returns else "\n")
        writer.writerow(frame.columns)
        for part in parts:
            writer.writerows(frame.iloc[part].to_numpy(dtype=object).tolist())


def is_missing(cells: pd.Series) -> pd.Series:
    """Which text cells a script reads as missing values."""
    return cells.isin(MISSING)


def without_missing(cells: pd.Series) -> pd.Series:
    """The text cells with missing values as ``None``, as ``parse_times`` wants them."""
    return cells.where(~is_missing(cells), None)


def is_table(path: Path) -> bool:
    """Whether the name is that of a table that ``read_table`` reads."""
    return path.name.lower().endswith(SUFFIXES)


def _encoding(path: Path, *, only_first_line: bool = False) -> str:
    try:
        with _open_bytes(path) as file:
            wide = file.read(2) in {b"\xff\xfe", b"\xfe\xff"}
        for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252", "latin-1"):
            try:
                with _open(path, encoding) as file:
                    is_text = not any("\0" in line for line in islice(file, 1 if only_first_line else None))
            except UnicodeError:
                continue
            if is_text:
                return encoding
            break
    except FileNotFoundError:
        raise TaskError(f"{path}: there is no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise TaskError(f"{path} cannot be read: {error}") from None
    raise TaskError(f"{path.name} is not a text file, or in an unknown encoding; save it as CSV in UTF-8")


def _open_bytes(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _open(path: Path, encoding: str) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _read_cells(path: Path, encoding: str, header: list[str], separator: str) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_csv(
            path, sep=separator, header=0, names=header, dtype=object, na_filter=False, encoding=encoding
        )
    except ValueError as error:
        _check_lines(path, encoding, len(header), separator)
        raise TaskError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None
    if frame.empty:
        raise TaskError(f"{path.name} has a header but no rows; give it some")
    # pandas fills short lines up, and makes an index of the first column where all lines are one cell too long
    if not isinstance(frame.index, pd.RangeIndex) or (frame.iloc[:, -1] == "").any():
        _check_lines(path, encoding, len(header), separator)
    return frame


def _check_lines(path: Path, encoding: str, width: int, separator: str) -> None:
    """``TaskError`` for the first line that has not ``width`` cells; a blank line is none."""
    with _open(path, encoding) as file:
        for line, row in _rows(file, separator):
            if row and len(row) != width:
                raise TaskError(
                    f"{path.name}, line {line}: {len(row):,} cells where the header has {width:,}; "
                    "mend that line (a value with a comma, a quote or a line break in it needs quotes around it)"
                )


def _rows(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, with the number of the line that it ends on."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a cell may be a whole article
    reader = csv.reader(lines, delimiter=separator)
    for row in reader:
        yield reader.line_num, row


def _header(path: Path, lines: Iterable[str]) -> tuple[list[str], str]:
    rest = iter(lines)
    first = next((line for line in rest if line.strip()), None)
    if first is None:
        raise TaskError(f"{path.name} is empty; it needs a header line and rows")
    bare = re.sub(r'"[^"]*"', "", first)
    separator = max(SEPARATORS, key=bare.count)
    _, names = next(_rows(chain([first], rest), separator))  # a name in quotes may go on in the next line
    if len(names) > MOST_COLUMNS:
        raise TaskError(
            f"{path.name} has {len(names):,} columns, more than {MOST_COLUMNS:,}; are its line breaks missing?"
        )
    header = [name or f"Unnamed: {i}" for i, name in enumerate(names)]  # what pandas calls them
    if twice := sorted(name for name, count in Counter(header).items() if count > 1)[:8]:
        raise TaskError(f"{path.name} has more than one column called {', '.join(twice)}; rename or drop one of each")
    return header, separator


def _has_decimal_commas(cells: pd.Series) -> bool:
    present = cells[~is_missing(cells)]
    return bool(present.str.contains(",", regex=False).any()) and bool(
        present.map(lambda cell: bool(_DECIMAL_COMMA.fullmatch(cell)) or cell.lstrip("-").isdigit()).all()
    )
