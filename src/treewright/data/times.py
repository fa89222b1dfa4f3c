"""Reading columns of dates and times, without being told their format."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 1_000
"""Values looked at to decide whether a column holds dates."""

SHARE = 0.95
"""A column holds dates where more than this share of its values can be read as dates."""

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_LOOKS_LIKE_A_DATE = re.compile(
    r"^\D{0,5}(1[6-9]|2[01])\d\d[-/. ]?\d\d?(\D|\d\d(\D|$)|$)"  # 2014-01-31, 2014/1, 20140131T1200
    r"|^\d\d?[-/. ]\d\d?[-/. ]((1[6-9]|2[01])\d\d|\d\d)(\D|$)"  # 31.01.2014, 1/31/14
    rf"|\d.*\b({_MONTHS})|\b({_MONTHS})[a-z]*\b.*\d",  # 31 January 2014, Jan 31, 2014
    re.IGNORECASE,
)

_DAY_FIRST = r"\s*((1[3-9]|2\d|3[01])[-/. ]\d\d?[-/. ]|\d\d?\.\d\d?\.)"  # 31/01/2014; with points always


def parse_times(values: pd.Series) -> pd.Series | None:
    """The values as naive UTC timestamps (``NaT`` where one cannot be read), or ``None`` if they are no dates.

    Plain numbers are never dates. Days come before months where a value shows it, as ``13/02/2024`` does.
    """
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.to_datetime(values, utc=True).dt.tz_localize(None)
    if pd.api.types.is_numeric_dtype(values) or isinstance(values.dtype, pd.CategoricalDtype):
        return None
    present = values.dropna()
    sample = present.iloc[:: max(1, len(present) // SAMPLE)].astype(str)
    if sample.empty or sample.str.fullmatch(r"[-+]?\d*\.?\d*").mean() > 1 - SHARE:
        return None
    if sample.map(lambda text: bool(_LOOKS_LIKE_A_DATE.search(text))).mean() <= SHARE:
        return None
    day_first = is_day_first(sample)
    for form in (None, "mixed"):
        if _parse(sample, form, day_first=day_first).notna().mean() > SHARE:
            return _parse(values.astype("str"), form, day_first=day_first).where(values.notna())
    return None


def is_day_first(texts: pd.Series) -> bool:
    """Whether a value shows that days come before months."""
    return bool(texts.str.match(_DAY_FIRST).any())


def _parse(texts: pd.Series, form: str | None, *, day_first: bool) -> pd.Series:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pandas tells that it guesses the format; so do we
        times = pd.to_datetime(texts, format=form, dayfirst=day_first, errors="coerce", utc=True)
    return times.dt.tz_localize(None)
