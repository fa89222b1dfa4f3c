"""Dates and the time axis."""

from itertools import combinations

import numpy as np
import pandas as pd


def read_times(texts: pd.Series) -> pd.Series:
    """Read dates and times of any usual format; what cannot be read is missing."""
    return pd.to_datetime(texts, format="mixed", errors="coerce", utc=True).dt.tz_localize(None)


def read_days_first(texts: pd.Series) -> pd.Series:
    """Read dates that name the day before the month; what cannot be read is missing."""
    return pd.to_datetime(texts, format="mixed", dayfirst=True, errors="coerce", utc=True).dt.tz_localize(None)


def read_dates(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Read these columns as dates and times."""
    return table.assign(**{name: read_times(table[name]) for name in columns})


def read_day_first(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Read these columns as dates and times, the day before the month."""
    return table.assign(**{name: read_days_first(table[name]) for name in columns})


def add_calendar(table: pd.DataFrame, columns: list[str], parts: list[str]) -> pd.DataFrame:
    """Add parts of dates, such as ``month`` or ``day_of_week``, by their names in ``Series.dt``."""
    found = {f"{name}_{part}": getattr(table[name].dt, part) for name in columns for part in parts}
    return table.assign(**found)


def add_time_of_day(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add the time of day in hours."""
    return table.assign(**{f"{name}_time": table[name].dt.hour + table[name].dt.minute / 60 for name in columns})


def add_day_of_year(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add the day of the year: the season, more finely than by months."""
    return table.assign(**{f"{name}_day_of_year": table[name].dt.day_of_year for name in columns})


def add_elapsed(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add the days since the first date, so that a trend can be followed."""
    day = pd.Timedelta(days=1)
    return table.assign(**{f"{name}_days": (table[name] - table[name].min()) / day for name in columns})


def add_durations(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Add the days between each pair of dates."""
    day = pd.Timedelta(days=1)
    return table.assign(**{f"{a}_to_{b}": (table[b] - table[a]) / day for a, b in combinations(columns, 2)})


def add_cycles(table: pd.DataFrame, periods: dict[str, float]) -> pd.DataFrame:
    """Put calendar numbers on a circle, so that the end of a period is next to its beginning."""
    circle = {}
    for name, period in periods.items():
        angle = 2 * np.pi * table[name] / period
        circle[f"{name}_sin"], circle[f"{name}_cos"] = np.sin(angle), np.cos(angle)
    return table.assign(**circle)


def add_rolling_means(table: pd.DataFrame, time: str, columns: list[str], windows: list[int]) -> pd.DataFrame:
    """Add means over the rows before and around each row.

    These columns are known for the test rows too, so the whole time axis may be used.
    """
    ordered = table.sort_values(time)[columns]
    means = {}
    for window in windows:
        for name in columns:
            means[f"{name}_last{window}"] = ordered[name].rolling(window, min_periods=1).mean()
            means[f"{name}_around{window}"] = ordered[name].rolling(window, min_periods=1, center=True).mean()
    return table.assign(**means)


def add_lags(table: pd.DataFrame, time: str, columns: list[str], steps: list[int]) -> pd.DataFrame:
    """Add the values some rows earlier and later, and the change since; they are known for the test rows too."""
    ordered = table.sort_values(time)[columns]
    lags = {}
    for step in steps:
        for name in columns:
            lags[f"{name}_before{step}"] = ordered[name].shift(step)
            lags[f"{name}_after{step}"] = ordered[name].shift(-step)
            lags[f"{name}_change{step}"] = ordered[name] - ordered[name].shift(step)
    return table.assign(**lags)
