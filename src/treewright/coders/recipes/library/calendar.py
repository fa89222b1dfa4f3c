"""Dates and the time axis."""

import numpy as np
import pandas as pd


def read_dates(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Read dates and times of any usual format; what cannot be read is missing."""
    dates = {
        name: pd.to_datetime(table[name], format="mixed", errors="coerce", utc=True).dt.tz_localize(None)
        for name in columns
    }
    return table.assign(**dates)


def read_day_first(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Read dates written with the day before the month; what cannot be read is missing."""
    dates = {
        name: pd.to_datetime(table[name], format="mixed", dayfirst=True, errors="coerce", utc=True).dt.tz_localize(None)
        for name in columns
    }
    return table.assign(**dates)


def add_calendar(table: pd.DataFrame, column: str, parts: list[str]) -> pd.DataFrame:
    """Add parts of the date, such as ``month`` or ``dayofweek``, by their names in ``Series.dt``."""
    return table.assign(**{f"{column}_{part}": getattr(table[column].dt, part) for part in parts})


def add_time_of_day(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Add the time of day in hours."""
    times = table[column].dt
    return table.assign(**{f"{column}_time": times.hour + times.minute / 60})


def add_elapsed(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Add the days since the first row, so that a trend can be followed."""
    return table.assign(**{f"{column}_days": (table[column] - table[column].min()) / pd.Timedelta(days=1)})


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
