"""New ids for hidden rows whose own id is taken, of the same type and form.

A hidden row joins ``test.csv``, where an id must be unique. Many data sets count their training and their test rows
from 1, so hidden rows then need other ids, and these must not show which rows are hidden: numbers come from the range
of the ids in use, texts keep their form (``AB-0417`` becomes something like ``KC-9052``).
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from treewright.data.tables import without_missing
from treewright.data.times import parse_times

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from treewright.task import Task

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
ATTEMPTS = 20


def taken(train: pd.DataFrame, test: pd.DataFrame | None, ids: Sequence[str]) -> NDArray[np.bool_]:
    """Which training rows have an id of a test row or of an earlier training row."""
    import numpy as np
    import pandas as pd

    if not ids:
        return np.zeros(len(train), dtype=bool)
    mine = pd.MultiIndex.from_frame(train[list(ids)])
    clash = np.asarray(mine.duplicated(), dtype=bool)
    return clash if test is None else clash | mine.isin(pd.MultiIndex.from_frame(test[list(ids)]))


def why_fixed(task: Task, train: pd.DataFrame) -> str | None:
    """Why a row's id cannot be changed without breaking what the id refers to, ``None`` if it can."""
    if len(task.ids) > 1:
        return "ids of several columns cannot be replaced by others of the same meaning"
    if parse_times(without_missing(train[task.ids[0]])) is not None:
        return f"{task.ids[0]} is a date, which cannot be replaced"
    return None


def fresh_ids(count: int, used: Collection[str], rng: np.random.Generator) -> list[str]:
    """``count`` ids that are not among ``used``, differ from each other, and look like them."""
    texts, seen = sorted(used), set(used)
    if all(_WHOLE.fullmatch(text) for text in texts):
        return _numbers(count, seen, rng)
    letters = sorted({char for text in texts[:1_000] for char in text if char.isalpha()})
    alphabets = ("0123456789", [c for c in letters if c.islower()], [c for c in letters if c.isupper()])
    fixed = len(_common_prefix(texts))
    made: list[str] = []
    while len(made) < count:
        template = texts[int(rng.integers(len(texts)))]
        for attempt in range(ATTEMPTS):
            grown = template + "0" * max(0, attempt - ATTEMPTS // 2)  # the form may have no free ids left
            text = _like(grown, fixed, alphabets, rng)
            if text not in seen:
                seen.add(text)
                made.append(text)
                break
    return made


def _numbers(count: int, seen: set[str], rng: np.random.Generator) -> list[str]:
    """Free numbers from the range of those seen; beyond it once fewer than half of its numbers are free."""
    numbers = [int(text) for text in seen]
    low, high = min(numbers), max(numbers)
    if high - low + 1 - len(seen) < 2 * count:
        high += 2 * count
    made: list[str] = []
    while len(made) < count:
        text = str(int(rng.integers(low, high, endpoint=True)))
        if text not in seen:
            seen.add(text)
            made.append(text)
    return made


def _like(text: str, fixed: int, alphabets: Sequence[Sequence[str]], rng: np.random.Generator) -> str:
    digits, lower, upper = alphabets

    def other(char: str) -> str:
        alphabet = digits if char.isdigit() else lower if char.islower() else upper if char.isupper() else char
        return alphabet[int(rng.integers(len(alphabet)))] if alphabet else char

    return text[:fixed] + "".join(other(char) for char in text[fixed:])


def _common_prefix(texts: Sequence[str]) -> str:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(min(texts), max(texts), strict=False))
    return "".join(char for char, _ in same).rstrip("0123456789")
