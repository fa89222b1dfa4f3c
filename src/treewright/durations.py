"""Lengths of time as people write them."""

from __future__ import annotations

import re

from treewright.errors import UsageError

_AMOUNT = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_TIMES = re.compile(rf"(?:(?P<h>{_AMOUNT})h)?(?:(?P<m>{_AMOUNT})m)?(?:(?P<s>{_AMOUNT})s?)?")


def parse_time(text: str) -> float:
    """Seconds in ``90``, ``90s``, ``30m``, ``1h30m``; ``UsageError`` for anything else."""
    match = _TIMES.fullmatch(text.strip().lower())
    if not match or not text.strip():
        raise UsageError(f"{text!r} is no time; write it like 90s, 30m or 1h30m")
    return sum(float(match[unit] or 0) * seconds for unit, seconds in (("h", 3600), ("m", 60), ("s", 1)))
