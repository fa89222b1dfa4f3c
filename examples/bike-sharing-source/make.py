"""Makes ``../bike-sharing`` from ``Bikeshare.csv`` of the Python package ISLP; it was run once, the result is kept.

::

    pip download --no-deps ISLP && unzip ISLP-*.whl ISLP/data/Bikeshare.csv
    python make.py ISLP/data/Bikeshare.csv

The last days of each month are the test rows: whoever runs the bikes knows the month so far and the weather to come,
and wants the riders of the days ahead. ``casual`` and ``registered`` add up to the target, so no test row has them.
"""

import sys
from pathlib import Path

import pandas as pd

FIRST_TEST_DAY = 25
TARGET = "bikers"
PARTS_OF_TARGET = ["casual", "registered"]

SOURCE = Path(__file__).parent
TASK = SOURCE.with_name("bike-sharing")


def main(bikeshare: str) -> None:
    """Write ``train.csv``, ``test.csv``, ``sample_submission.csv`` and the answers."""
    table = pd.read_csv(bikeshare)
    hours = pd.to_timedelta(table["day"] - 1, unit="D") + pd.to_timedelta(table["hr"], unit="h")
    table.insert(0, "datetime", pd.Timestamp("2011-01-01") + hours)
    is_test = table["datetime"].dt.day >= FIRST_TEST_DAY
    train, test = table[~is_test], table[is_test]

    train.to_csv(TASK / "train.csv", index=False)
    test.drop(columns=[*PARTS_OF_TARGET, TARGET]).to_csv(TASK / "test.csv", index=False)
    test[["datetime"]].assign(**{TARGET: 0}).to_csv(TASK / "sample_submission.csv", index=False)
    test[["datetime", TARGET]].to_csv(SOURCE / "answers.csv", index=False)
    print(f"{len(train)} train rows, {len(test)} test rows")


if __name__ == "__main__":
    main(sys.argv[1])
