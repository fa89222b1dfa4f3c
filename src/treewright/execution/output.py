"""What a script printed: a log file that cannot grow without end, and the excerpt that a node carries.

A script may print for hours, in any bytes it likes. The log keeps the first and the last ``cap / 2`` bytes: the head
says how it began, the tail has the metric or the traceback. The head goes to the file as it comes, so that it can be
followed; the tail waits in memory until the script has ended. A disk that fills up meanwhile costs the file, not the
excerpt.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Self

from treewright.tree import OUTPUT_CHARS
from treewright.workdir import remove

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

LOG_BYTES = 10_000_000
HEAD_CHARS = OUTPUT_CHARS // 4
"""The beginning gets a quarter of the excerpt: what went wrong is usually said at the end."""
EXCEPTION_CHARS = 500
SYNTAX_ERROR_LINES = 20

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
_CONTROL = dict.fromkeys(code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n")
_TRACEBACK = "Traceback (most recent call last):\n"
_EXCEPTION = re.compile(r"(?:[^\W\d]\w*\.)*[^\W\d]\w*(?::.*)?")
_ERROR = re.compile(r"(?:[^\W\d]\w*\.)*\w*(?:Error|Exception|Exit|Interrupt)(?::.*)?")


class CappedLog:
    """Writes what a script prints to ``path``, at most ``cap`` bytes of it, and remembers the same bytes.

    ``dropped`` counts the bytes left out in the middle.

    A context manager: the tail reaches the file when it closes. Trouble with the file is not raised.
    """

    def __init__(self, path: Path, cap: int = LOG_BYTES) -> None:
        self._half = (cap - len(_gap(10**15, "bytes").encode())) // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.dropped = 0
        self._file: BinaryIO | None = None
        with suppress(OSError):
            remove(path)  # an earlier script may have left a link here
            self._file = path.open("xb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._trim(self._half)
        if self.dropped:
            self._save(_gap(self.dropped, "bytes").encode())
        self._save(self._tail)
        self._close()

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            self._save(data[:room])
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:  # trimming seldom keeps the cost linear
            self._trim(self._half)

    def text(self) -> str:
        """All that was kept, as a terminal would show it, with a line for what was left out."""
        if not self.dropped:
            return clean(bytes(self._head + self._tail))
        return clean(bytes(self._head)) + _gap(self.dropped, "bytes") + clean(bytes(self._tail))

    def _trim(self, size: int) -> None:
        surplus = len(self._tail) - size
        if surplus > 0:
            del self._tail[:surplus]
            self.dropped += surplus

    def _save(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        try:
            while self._file is not None and view:
                view = view[self._file.write(view) :]
        except OSError:
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()


def clean(data: bytes) -> str:
    """Plain text: no escape sequences, no control characters, and of a redrawn line only what stood there last."""
    text = _ESCAPE.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return text.translate(_CONTROL)


def excerpt(text: str, dropped: int = 0) -> str:
    """The head and the tail of a text, at most ``OUTPUT_CHARS`` characters with the line that says what is missing.

    ``dropped`` is what the text itself already lacks; its bytes are counted as characters.
    """
    if len(text) <= OUTPUT_CHARS:
        return text
    tail = OUTPUT_CHARS - HEAD_CHARS - len(_gap(len(text) + dropped, "characters"))
    return text[:HEAD_CHARS] + _gap(len(text) + dropped - HEAD_CHARS - tail, "characters") + text[-tail:]


def exception(text: str) -> str | None:
    """The line that names the exception of the last traceback, at most ``EXCEPTION_CHARS`` characters.

    A message that starts on the next line is brought up; a syntax error, which Python prints without the usual
    header, is found by its name.
    """
    _, header, rest = text.rpartition(_TRACEBACK)
    lines = rest.split("\n") if header else rest.split("\n")[-SYNTAX_ERROR_LINES:]
    candidates = range(len(lines)) if header else reversed(range(len(lines)))
    pattern = _EXCEPTION if header else _ERROR
    found = next((i for i in candidates if pattern.fullmatch(lines[i])), None)
    if found is None:
        return None
    line = lines[found].rstrip()
    if line.endswith(":"):
        line = " ".join([line, *(more.strip() for more in lines[found + 1 :] if more.strip())][:2])
    return line[:EXCEPTION_CHARS]


def _gap(count: int, unit: str) -> str:
    return f"\n… {count:,} {unit} left out …\n"
