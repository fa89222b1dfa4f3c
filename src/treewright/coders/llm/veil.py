"""Data values kept out of what a model is told of a script's output (``--no-samples``).

Of an output only the last traceback is left: its frames are places in programs, and of its message what is quoted goes
unless it is a name that the model knows anyway, as do all digits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_TRACEBACK = "Traceback (most recent call last):"
_MESSAGE_LINES = 3


def veil(text: str, names: Collection[str]) -> str:
    """The text without values: a traceback's frames and its veiled message, or a veiled line without one."""
    before, header, frames = text.rpartition(_TRACEBACK)
    lines = frames.splitlines() if header else before.splitlines()[-1:] or text.splitlines()[-1:]
    kept, said = ([header] if header else []), 0
    for line in lines:
        if header and (line.startswith("  ") or not line.strip()):
            kept.append(line)
        elif said < _MESSAGE_LINES:
            kept.append(_veil_line(line, names))
            said += 1
    return "\n".join(kept)


def _veil_line(line: str, names: Collection[str]) -> str:
    parts, at = [], 0
    for quoted in _QUOTED.finditer(line):
        parts += [_no_digits(line[at : quoted.start()]), quoted[0] if (quoted[1] or quoted[2]) in names else "'…'"]
        at = quoted.end()
    return "".join([*parts, _no_digits(line[at:])])


def _no_digits(text: str) -> str:
    return re.sub(r"\d+(?:\.\d+)?", "#", text)
