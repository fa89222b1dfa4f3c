"""The bootstrap over rows (Efron and Tibshirani 1993), drawn alike for all that is scored on the same rows.

Rows that err together, as those of a group or a day do, are drawn together: their clusters are then what a resample
holds. The resamples depend on the seed, the number of rows and the clusters alone. So two nodes scored on the same
rows are scored on the same resamples, and the spread of their differences is a paired bootstrap.

Nothing is copied: a resample is how often it holds each row, and the metrics are computed from weighted sums, for all
resamples at once by one product of matrices. With more than ``PLAIN_ROWS`` rows that product would be what scoring
waits for. There the rows are parted at random into ``BLOCKS`` blocks of equal size, and whole blocks are drawn. As the
blocks are random, their sums are independent and alike, and drawing 1,000 of them with replacement gives a weighted
mean the same expectation and, but for one part in a thousand, the same variance as drawing its rows: the standard
error is then known to about 2 %, which is less than what 100 resamples leave open (7 %).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treewright.scores import REPLICATES

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

PLAIN_ROWS = 10_000
BLOCKS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Resamples:
    """The sample itself and its resamples.

    ``counts`` has the shape (resamples, units): how often a resample holds each unit. Units are the rows, or the
    blocks of rows where ``block`` gives each row's block, shape (rows,). Whatever is summed comes back with one line
    for the sample itself, first, and then one for each resample.
    """

    counts: Array
    block: Codes | None = None

    @property
    def can_weigh(self) -> bool:
        """Whether the rows are few enough for ``weigh``, which has a number for each row of each resample."""
        return (self.counts.shape[1] if self.block is None else len(self.block)) <= PLAIN_ROWS or not len(self.counts)

    def sums(self, values: Array) -> Array:
        """Sums over rows: (rows, m) to (1 + resamples, m)."""
        units = values
        if self.block is not None:
            size = self.counts.shape[1]
            units = np.column_stack([np.bincount(self.block, column, size) for column in values.T])
        return np.vstack([values.sum(axis=0), self.counts @ units])

    def tallies(self, codes: Codes, weights: Array, size: int) -> Array:
        """The weight of the rows with each code in ``range(size)``: (rows,) to (1 + resamples, size)."""
        whole = np.bincount(codes, weights, size)
        if self.block is None:
            return np.array([whole, *(np.bincount(codes, count * weights, size) for count in self.counts)])
        units = self.counts.shape[1]
        by_block = np.bincount(self.block * size + codes, weights, units * size).reshape(units, size)
        return np.vstack([whole, self.counts @ by_block])

    def weigh(self, weights: Array) -> Array:
        """The weight of each row in each resample, (1 + resamples, rows)."""
        counts = self.counts if self.block is None else self.counts[:, self.block]
        return np.vstack([weights, counts * weights])

    def rows(self, resample: int) -> Codes:
        """The row numbers that a resample holds, in the sample's order."""
        counts = self.counts[resample].astype(np.intp)
        times = counts if self.block is None else counts[self.block]
        return np.repeat(np.arange(len(times)), times)


def no_resamples(rows: int) -> Resamples:
    """The sample alone."""
    return Resamples(np.empty((0, rows)))


def draw_resamples(rows: int, seed: int, clusters: Codes | None = None) -> Resamples:
    """``REPLICATES`` resamples of this many rows, always the same for the same arguments.

    ``clusters`` (rows,) gives rows that belong together the same number; they are drawn together.
    """
    rng = np.random.default_rng([seed, rows])
    if clusters is not None:
        distinct, block = np.unique(clusters, return_inverse=True)
        if len(distinct) > PLAIN_ROWS:
            block = (rng.permutation(len(distinct)) % BLOCKS)[block]
            return Resamples(_draw(BLOCKS, rng), block)
        if len(distinct) < rows:
            return Resamples(_draw(len(distinct), rng), block)
    if rows <= PLAIN_ROWS:
        return Resamples(_draw(rows, rng))
    block = rng.permutation(rows) % BLOCKS
    return Resamples(_draw(BLOCKS, rng), block)


def _draw(units: int, rng: np.random.Generator) -> Array:
    drawn = rng.integers(units, size=(REPLICATES, units)) + np.arange(REPLICATES)[:, None] * units
    return np.bincount(drawn.ravel(), minlength=REPLICATES * units).reshape(REPLICATES, units).astype(np.float64)
