"""Milliseconds per metric, bootstrap included: ``python benchmarks/scoring.py``."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from treewright.evaluation.scoring import score_with_replicates
from treewright.metrics import BUILT_IN, Metric, Needs

SIZES = (750, 20_000, 1_000_000)


def example(metric: Metric, rows: int) -> tuple[Any, Any, tuple[str, ...]]:
    """Truth and predictions that have something to do with each other, and the classes."""
    rng = np.random.default_rng(0)
    if metric.needs is Needs.NUMBERS:
        numbers = rng.gamma(2, size=rows)
        return numbers, numbers * rng.lognormal(0, 0.3, size=rows), ()
    classes = ("0", "1") if metric.two_classes or metric.needs is Needs.PROBABILITIES else ("a", "b", "c")
    truth = rng.integers(len(classes), size=rows)
    if metric.needs is Needs.LABELS:
        return truth, np.where(rng.random(rows) < 0.7, truth, rng.integers(len(classes), size=rows)), classes
    return truth, np.clip(0.5 + 0.2 * (2 * truth - 1) + rng.normal(0, 0.2, size=rows), 0, 1), classes


def milliseconds(metric: Metric, rows: int, repeats: int) -> float:
    """The fastest of some repeats."""
    truth, predictions, classes = example(metric, rows)
    times = []
    for _ in range(repeats):
        start = perf_counter()
        score_with_replicates(metric, truth, predictions, classes, 0)
        times.append(perf_counter() - start)
    return 1_000 * min(times)


if __name__ == "__main__":
    print(f"{'rows':20}" + "".join(f"{size:>12,}" for size in SIZES))
    for metric in BUILT_IN:
        times = [milliseconds(metric, size, repeats=3 if size > 100_000 else 10) for size in SIZES]
        print(f"{metric.name:20}" + "".join(f"{time:12.1f}" for time in times))
