"""The capped log, and what an excerpt shows of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treewright.execution.output import CappedLog, clean, exception, excerpt
from treewright.tree import OUTPUT_CHARS

GAP = "… "


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@given(chunks=st.lists(st.binary(max_size=400), max_size=40), cap=st.integers(200, 3000))
def test_a_log_never_exceeds_its_cap_and_keeps_both_ends(folder, chunks, cap):
    path, printed = folder / "output.log", b"".join(chunks)
    with CappedLog(path, cap) as log:
        for chunk in chunks:
            log.write(chunk)
    written = path.read_bytes()
    assert len(written) <= cap
    half = (cap - 100) // 2
    assert written[:half] == printed[:half]
    assert written[-half:] == printed[-half:]
    if log.dropped == 0:
        assert written == printed
    else:
        assert f"{GAP}{log.dropped:,} bytes left out".encode() in written


def test_the_head_can_be_followed_while_the_script_runs(folder):
    with CappedLog(folder / "live.log") as log:
        log.write(b"epoch 1\n")
        assert (folder / "live.log").read_bytes() == b"epoch 1\n"


def test_a_log_that_cannot_be_written_costs_the_file_and_not_the_text(folder):
    with CappedLog(folder / "missing" / "output.log") as log:
        log.write(b"still here\n")
    assert log.text() == "still here\n"


def test_a_full_disk_costs_the_file_and_not_the_text():
    class Full:
        def write(self, _):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    log = CappedLog.__new__(CappedLog)
    log.__dict__ |= {"_half": 100, "_head": bytearray(), "_tail": bytearray(), "dropped": 0, "_file": Full()}
    with log:
        log.write(b"still here\n")
    assert log.text() == "still here\n"


@given(st.text())
def test_an_excerpt_of_a_short_text_is_the_text(text):
    assert excerpt(text) == text


@given(length=st.integers(OUTPUT_CHARS + 1, 10 * OUTPUT_CHARS), dropped=st.integers(0, 10**12))
def test_an_excerpt_fits_and_counts_what_it_leaves_out(length, dropped):
    text = "".join(chr(0x4E00 + i % 1000) for i in range(length))
    head, middle, tail = excerpt(text, dropped).split("\n")
    assert len(head) + len(middle) + len(tail) + 2 <= OUTPUT_CHARS
    assert text.startswith(head)
    assert text.endswith(tail)
    assert middle == f"{GAP}{length + dropped - len(head) - len(tail):,} characters left out …"


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link", "textlink"),
        (b"a\0b\x07\x08\x9b", "ab\ufffd"),
        (b"\x1b(Bplain\x1bM", "plain"),
        (b" 10%\r 50%\r100%\ndone\n", "100%\ndone\n"),
        (b"100%\r", "100%"),
        (b"one\r\ntwo\r\n", "one\ntwo\n"),
        (b"tab\there", "tab\there"),
        (b"unfinished \x1b[", "unfinished ["),
    ],
)
def test_text_is_cleaned_as_a_terminal_would_show_it(printed, shown):
    assert clean(printed) == shown


@given(st.binary())
def test_clean_text_holds_no_control_character(data):
    text = clean(data)
    assert all(char in "\t\n" or ord(char) >= 0x20 for char in text)
    assert "\x1b" not in text


@pytest.mark.parametrize("unit", [b"x", b"\x1b", b"\x1b]", b"\x1b[1", b"\r", b"a\r", b"\xff", b"\n"])
def test_cleaning_takes_linear_time(unit):
    started = time.process_time()
    text = clean(unit * (2_000_000 // len(unit)))
    exception(text)
    assert time.process_time() - started < 5


PLAIN = """start
Traceback (most recent call last):
  File "/tmp/node/solution.py", line 3, in <module>
    fit(x)
{0}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PLAIN.format("ValueError: no such column: 'a'"), "ValueError: no such column: 'a'"),
        (PLAIN.format("KeyboardInterrupt"), "KeyboardInterrupt"),
        (PLAIN.format("lightgbm.basic.LightGBMError: bad"), "lightgbm.basic.LightGBMError: bad"),
        (PLAIN.format("ValueError: \nAll the 5 fits failed.\nIt is likely"), "ValueError: All the 5 fits failed."),
        (
            PLAIN.format("ValueError: first")
            + "\nDuring handling of the above exception, another exception occurred:\n\n"
            + PLAIN.format("KeyError: 'second'"),
            "KeyError: 'second'",
        ),
        (PLAIN.format("ValueError: first") + "bye\n", "ValueError: first"),
        (
            '  File "solution.py", line 1\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n',
            "SyntaxError: invalid syntax",
        ),
        ("all is well\nfor now: yes\n", None),
        ("", None),
    ],
)
def test_the_exception_is_found(text, expected):
    assert exception(text) == expected


def test_a_long_message_is_cut():
    assert len(exception(PLAIN.format("ValueError: " + "x" * 10_000))) == 500
