"""Describing the columns that a script will see.

A column is judged by its values: a number that names its row is an identifier although it is stored as a number, and
a text of numbers with a few stray words in it is a numeric column with dirt. Missing values, distinct values and the
range are counted on all rows; whatever has to look into texts does so on evenly spaced rows, at most ``SAMPLE``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from treewright.data.times import is_day_first, parse_times
from treewright.task import ColumnKind, ColumnProfile, TableProfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

SAMPLE = 20_000
EXAMPLES = 4
EXAMPLE_CHARS = 80

ALMOST_UNIQUE = 0.95
"""Texts with a larger share of distinct values name their rows."""

TEXT_WORDS = 3.5
"""Mean number of words from which a column of mostly distinct strings counts as text."""

FEW_VALUES = 50
DELIMITERS = "/|;:_-.,"


def profile_table(
    train: pd.DataFrame,
    test: pd.DataFrame,
    targets: Sequence[str],
    ids: Sequence[str],
    files: Iterable[tuple[str, int]] = (),
) -> TableProfile:
    """Describe the visible data, as ``pandas.read_csv`` reads it by default.

    An id column that is different in every row is an ``IDENTIFIER`` unless it holds dates. A ``NUMERIC`` column may
    be stored as text where under 5 % of its values are not numbers (``" "`` or ``"?"``), so coerce when reading it.
    """
    return TableProfile(
        train_rows=len(train),
        test_rows=len(test),
        columns=tuple(
            _profile(train[name], test[name] if name in test.columns else None, is_id=name in ids)
            for name in train.columns
            if name not in targets
        ),
        targets=tuple(_profile(train[name], None, is_target=True) for name in targets),
        files=tuple(files),
    )


def _profile(
    column: pd.Series, in_test: pd.Series | None, *, is_id: bool = False, is_target: bool = False
) -> ColumnProfile:
    present = column.dropna()
    unique = int(present.nunique())
    kind = _kind(column, present, unique, is_id=is_id)
    if is_target and kind is ColumnKind.IDENTIFIER:
        kind = ColumnKind.NUMERIC if _is_number(column) else ColumnKind.CATEGORICAL
    common = ColumnProfile(
        name=str(column.name),
        kind=kind,
        missing=float(column.isna().mean()) if len(column) else 0.0,
        unique=unique,
        examples=tuple(str(value)[:EXAMPLE_CHARS] for value in present.drop_duplicates().iloc[:EXAMPLES]),
        in_test=in_test is not None,
        sorted=_in_order(column, kind),
    )
    return replace(common, **_details(present, in_test, kind))


def _kind(column: pd.Series, present: pd.Series, unique: int, *, is_id: bool) -> ColumnKind:
    import pandas as pd

    names_rows = unique == len(column)
    if unique + (len(present) < len(column)) <= 1:
        return ColumnKind.CONSTANT
    if pd.api.types.infer_dtype(present, skipna=True) == "boolean":
        return ColumnKind.BOOLEAN
    if _is_number(column):
        return ColumnKind.IDENTIFIER if names_rows and (is_id or _counts_rows(present)) else ColumnKind.NUMERIC
    if parse_times(_sample(present)) is not None:
        return ColumnKind.DATETIME
    return ColumnKind.IDENTIFIER if names_rows and is_id else _kind_of_texts(_sample(present))


def _kind_of_texts(texts: pd.Series) -> ColumnKind:
    import pandas as pd

    if pd.to_numeric(texts, errors="coerce").notna().mean() > ALMOST_UNIQUE:
        return ColumnKind.NUMERIC
    share = texts.nunique() / len(texts)
    if share > 0.5 and _mean_words(texts) >= TEXT_WORDS:
        return ColumnKind.TEXT
    return ColumnKind.IDENTIFIER if share > ALMOST_UNIQUE else ColumnKind.CATEGORICAL


def _details(present: pd.Series, in_test: pd.Series | None, kind: ColumnKind) -> dict[str, Any]:
    if kind is ColumnKind.NUMERIC:
        numbers = _is_number(present) and (in_test is None or _is_number(in_test))
        return {"as_text": not numbers, **_numeric_details(present)}
    if kind is ColumnKind.DATETIME:
        return {"day_first": is_day_first(_sample(present).astype(str))}
    if kind is ColumnKind.TEXT:
        return {"words": _mean_words(_sample(present))}
    details: dict[str, Any] = {}
    if kind in {ColumnKind.CATEGORICAL, ColumnKind.IDENTIFIER} and not _is_number(present):
        delimiter, parts = _structure(_sample(present))
        details |= {"delimiter": delimiter, "parts": parts}
    if kind is ColumnKind.CATEGORICAL and in_test is not None and len(in_test):
        details["unseen"] = float((in_test.notna() & ~in_test.isin(present.unique())).mean())
    return details


def _numeric_details(present: pd.Series) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    numbers = pd.to_numeric(present, errors="coerce").astype(float)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.empty:
        return {}
    skew = float(numbers.skew()) if len(numbers) > 2 else 0.0
    return {
        "integer": bool((numbers % 1 == 0).all()),
        "low": float(numbers.min()),
        "high": float(numbers.max()),
        "mean": float(numbers.mean()),
        "skew": skew if np.isfinite(skew) else 0.0,
    }


def _in_order(column: pd.Series, kind: ColumnKind) -> bool:
    """Whether the file is in the order of this column; a constant is in no order."""
    if kind is ColumnKind.DATETIME:
        times = parse_times(column)
        return times is not None and bool(times.dropna().is_monotonic_increasing)
    if kind is ColumnKind.IDENTIFIER or (kind is ColumnKind.NUMERIC and _is_number(column)):
        return bool(column.dropna().is_monotonic_increasing)
    return False


def _counts_rows(numbers: pd.Series) -> bool:
    """Whether different whole numbers only number the rows: they lie densely, or the column is called an id."""
    import pandas as pd

    if not pd.api.types.is_integer_dtype(numbers):
        return False
    span = int(numbers.max()) - int(numbers.min()) + 1
    name = str(numbers.name)
    return span <= 2 * len(numbers) or name.lower() == "id" or name.endswith(("_id", "Id", "ID"))


def _structure(texts: pd.Series) -> tuple[str | None, int]:
    """The delimiter and the number of parts of values like ``B/0/P``, or ``(None, 1)``.

    Every value has the same number of parts, at least two of them vary, and each is numeric or has few values: so
    neither names nor words with a hyphen are structured.
    """
    import pandas as pd

    values = pd.Series(texts.astype(str).unique())
    for delimiter in DELIMITERS:
        counts = values.str.count(rf"\{delimiter}")
        if counts.iloc[0] == 0 or (counts != counts.iloc[0]).any():
            continue
        parts = values.str.split(delimiter, expand=True, regex=False)
        distinct = parts.nunique()
        few = min(FEW_VALUES, len(values) / 2)
        told = [distinct[i] <= few or parts[i].str.fullmatch(r"\d+").all() for i in parts.columns]
        if (distinct > 1).sum() > 1 and all(told):
            return delimiter, len(told)
    return None, 1


def _mean_words(texts: pd.Series) -> float:
    return float((texts.astype(str).str.count(r"\S+")).mean()) if len(texts) else 0.0


def _sample(values: pd.Series) -> pd.Series:
    return values.iloc[:: -(-len(values) // SAMPLE) or 1]


def _is_number(column: pd.Series) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_bool_dtype(column)
