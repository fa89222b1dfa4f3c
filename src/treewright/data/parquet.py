"""Parquet files as tables: their cells as text, or as they are. Needs pyarrow, the extra ``parquet``."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from treewright.errors import TaskError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

SUFFIX = ".parquet"

_INDEX = "__index_level_"


def is_parquet(path: Path) -> bool:
    """Whether the name is that of a Parquet file."""
    return path.name.lower().endswith(SUFFIX)


def read_parquet_as_text(path: Path) -> pd.DataFrame:
    """All cells as text, as pandas would write them into a CSV file; missing ones are empty. ``TaskError``."""
    import pandas as pd

    table = _read(path)
    if not len(table):
        raise TaskError(f"{path.name} has columns but no rows; give it some")
    return pd.DataFrame({name: _as_text(table.column(name)) for name in table.column_names})


def read_parquet(path: Path) -> pd.DataFrame:
    """The table with its own types, which ``write_parquet`` keeps; ``TaskError``."""
    import pandas as pd

    return _read(path).to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write what ``read_parquet`` read, or some of its rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # without what pandas notes down, for it cannot read its own notes on lists
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None), path)


def parquet_columns(path: Path) -> tuple[str, ...]:
    """The column names alone; ``TaskError``."""
    _need_pyarrow(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _data_columns(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise TaskError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None


def _read(path: Path) -> pa.Table:
    columns = parquet_columns(path)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise TaskError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None


def _data_columns(names: list[str]) -> tuple[str, ...]:
    """All but the nameless index that pandas keeps."""
    return tuple(name for name in names if not name.startswith(_INDEX))


def _need_pyarrow(path: Path) -> None:
    if not path.exists():
        raise TaskError(f"{path}: there is no such file")
    if find_spec("pyarrow") is None:
        raise TaskError(f"{path.name} needs pyarrow to be read: pip install 'treewright[parquet]', or save it as CSV")


def _as_text(column: pa.ChunkedArray) -> pd.Series:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_boolean(kind):
        cells = pc.if_else(column, "True", "False")
    elif pa.types.is_floating(kind):  # numpy writes the shortest text, in single precision too
        cells = pa.array(["" if number != number else str(number) for number in column.to_numpy()])  # noqa: PLR0124
    elif pa.types.is_nested(kind) or pa.types.is_binary(kind):
        cells = pa.array(["" if value is None else str(value) for value in column.to_pylist()], pa.string())
    else:
        cells = column.cast(pa.string())
        if pa.types.is_timestamp(kind):
            cells = pc.replace_substring_regex(cells, r"(\.\d*?)0+(Z?)$", r"\1\2")
            cells = pc.replace_substring_regex(cells, r"\.(Z?)$", r"\1")
    return pd.Series(pc.fill_null(cells, "").to_pylist(), dtype=object)
