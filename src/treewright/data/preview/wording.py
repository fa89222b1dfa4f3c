"""Names, values and sizes in lines of text that nothing in them can break."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME_CHARS = 100
TIMES = "\u00d7"

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def quoted(name: str) -> str:
    """A name as it is, cut at ``NAME_CHARS``; in quotes and with escapes where a line of text could not show it."""
    shown = name if name.isprintable() and name == name.strip() and name else repr(name)
    return shortened(shown, NAME_CHARS)


def plain(text: str, chars: int) -> str:
    """A value in one line of at most so many characters, with a blank for all white space and what cannot be shown."""
    visible = "".join(char if char.isprintable() else " " for char in text[: 4 * chars])
    return shortened(" ".join(visible.split()), chars)


def shortened(text: str, chars: int) -> str:
    """The text, with its end cut off where it is longer than so many characters."""
    return text if len(text) <= chars else text[: max(0, chars - 1)] + "…"


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 row``, ``12,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(quoted(name) for name in names[:most]) + more


def pattern(name: str) -> str:
    """The name with each digit replaced by ``#``."""
    return re.sub(r"\d", "#", name)


def told(name: str, *, samples: bool) -> str:
    """The name of a file as it may be told: without ``samples`` its digits may be data."""
    return name if samples else pattern(name)


def size_text(size: float) -> str:
    """A number of bytes for people: ``1.2 MB``."""
    power = 0
    while size >= 999.5 and power < len(_UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.1f} {_UNITS[power]}" if power and size < 99.5 else f"{size:.0f} {_UNITS[power]}"


def share_text(share: float) -> str:
    """A share above 0 in per cent: ``2.1 %``, never ``0.0 %``."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %" if share >= 0.0005 else "under 0.1 %"
