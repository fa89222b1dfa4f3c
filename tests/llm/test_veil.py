"""Without samples, nothing of the data gets out by way of what scripts print or raise."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from treewright.coders.llm.veil import known_words, veil_line, veil_output

CODE = 'import numpy as np\nX = train["Age"]\nread("./input/wards.csv")\n'
KNOWN = known_words(["Age", "Family History", "y"], CODE)
FRAMES = """\
Traceback (most recent call last):
  File "/tmp/node/solution.py", line 31, in <module>
    X = prepare(train)
        ^^^^^^^^^^^^^^
  File "/tmp/node/solution.py", line 7, in prepare
    return table["Age"].map(parse)
  [Previous line repeated 2 more times]
"""


@pytest.mark.parametrize(
    "reason",
    [
        "raised KeyError: 'Age'",
        "raised AssertionError",
        "raised ValueError: Input X contains NaN.",
        "raised ValueError: y contains NaN",
        "raised TypeError: '<' not supported between instances of 'str' and 'float'",
        "raised ValueError: Columns must be same length as key",
        "raised ValueError: cannot reindex on an axis with duplicate labels",
        "raised KeyError: 'Family History'",
        "raised FileNotFoundError: No such file or directory: './input/wards.csv'",
        "was killed, most likely because the machine ran out of memory",
        "crashed with a segmentation fault",
        "not written: the budget of tokens does not allow for it",
        "submission.csv lacks 'y'; its columns must be 'Age', 'y'",
    ],
)
def test_of_a_reason_class_usual_words_and_known_names_stay(reason):
    assert veil_line(reason, KNOWN) == reason


@pytest.mark.parametrize(
    ("reason", "safe"),
    [
        ("raised KeyError: 'Bob'", "raised KeyError: '…'"),
        ("raised KeyError: \"['Bob', 'Age'] not in index\"", "raised KeyError: ['…', 'Age'] not in index"),
        (
            "8 of 9 values of 'y' are no known class, 'Bob' for one; the classes are 'Ann', 'Eve'",
            "# of # values of 'y' are no known class, '…' for one; the classes are '…', '…'",
        ),
        ("raised ValueError: could not convert 'Zoe' at 17.5", "raised ValueError: could not convert '…' at #"),
        ("raised ValueError: could not convert: 'Zoe, who was cut o", "raised ValueError: could not convert: …"),
        ("raised KeyError: 'it\\'s \"John\" Smith of Leeds'", "raised KeyError: '…'"),
        (
            "raised pandas.errors.DateParseError: Unknown datetime string format, unable to parse: Owen Harris, at 0",
            "raised pandas.errors.DateParseError: Unknown datetime string format, unable to parse: …",
        ),
        ("raised ValueError: unable to parse: Will", "raised ValueError: unable to parse: …"),
        ("raised TypeError: a new category (Owen), set it", "raised TypeError: a new category (…"),
        ("raised ValueError: [np.str_('Bob')]", "raised ValueError: [np.str_('…')]"),
        ("Bob: raised ValueError", "…"),
        ("BobError was in the file", "…"),
        ("", ""),
    ],
)
def test_what_may_be_data_goes_and_with_it_all_that_follows_an_unknown_word(reason, safe):
    assert veil_line(reason, KNOWN) == safe


def test_of_an_output_the_last_traceback_s_frames_stay_as_they_are_and_nothing_else():
    output = (
        f"3 rows of Bob\n{FRAMES}ValueError: the first\n\nDuring handling\n\n{FRAMES}KeyError: 'Bob'\n  Bob\n    Bob\n"
    )
    assert veil_output(output, KNOWN) == f"{FRAMES}KeyError: '…'"


@pytest.mark.parametrize(
    "output", ["", "Bob\n", "done\n", "KeyError: 'Age'\n", "Traceback (most recent call last):\nBob\n"]
)
def test_without_frames_nothing_is_told(output):
    assert veil_output(output, KNOWN) == ""


def test_frames_whose_header_was_left_out_are_found():
    end = FRAMES.partition("\n")[2]
    assert veil_output(f"Bob\n… 9,000 characters left out …\nob)\n{end}KeyError: 'Age'", KNOWN).endswith(
        "KeyError: 'Age'"
    )


def test_a_cell_that_was_to_be_parsed_as_python_is_no_line_of_a_program():
    parsed = '  File "<unknown>", line 1\n    Owen Harris\n         ^^^^^^\nSyntaxError: invalid syntax'
    told = veil_output(FRAMES + parsed, KNOWN)
    assert "line 31" in told and "Owen" not in told and "Harris" not in told
    assert told.endswith("SyntaxError: invalid syntax")


def test_a_message_that_begins_on_the_next_line_is_told():
    assert veil_output(f"{FRAMES}ValueError:\nColumns must be same length\nas key", KNOWN).endswith(
        "ValueError:\nColumns must be same length"
    )


secrets = st.text(min_size=1, max_size=30).filter(lambda text: re.search(r"[^\W\d_]", text)) | st.sampled_from(
    [
        "Owen Harris",
        'it\'s "John" Smith of Leeds',
        "O'Brien's 'file'",
        "no\n  Mr. Cut",
        "    indented Bob",
        "\\'Bob\\",
        "4711-Bob",
        "Bob: Ann",
        "BobError: Ann",
        "raised BobError",
        "['Bob'] not in index",
    ]
)
PLACES = {
    "before": "salary of {secret}\n" + FRAMES + "KeyError: 'Age'\n",
    "alone": "salary of {secret}\n",
    "message": FRAMES + "ValueError: unable to parse: {secret}, at position 7\n",
    "quoted": FRAMES + "ValueError: could not convert string to float: {secret!r}\n",
    "in quotes": FRAMES + "ValueError: could not convert string to float: '{secret}'\n",
    "cut": FRAMES + "ValueError: could not convert string to float: '{secret}",
    "next line": FRAMES + "ValueError:\n{secret}\n",
    "after": FRAMES + "KeyError: 'Age'\n       Age    y\n0  {secret}    1\n    {secret}\n",
    "interrupted": FRAMES + "{secret}\n",
}


@given(secret=secrets, place=st.sampled_from(sorted(PLACES)))
@example(secret="Owen Harris", place="message")
def test_a_value_never_gets_out_of_an_output_and_the_line_numbers_stay(secret, place):
    unknown = unknown_words(secret)
    assume(unknown)
    output = PLACES[place].format(secret=secret)
    told = veil_output(output, KNOWN)
    assert secret not in told
    assert not [word for word in unknown if word in told.replace(FRAMES, "")]
    assert told.startswith(FRAMES) or place == "alone"


REASONS = [
    "raised ValueError: unable to parse: {secret}, at position 7",
    "raised KeyError: {secret!r}",
    "raised ValueError: '{secret}' is no number",
    "8 of 9 values of 'y' are no known class, {secret!r} for one; the classes are 'a', {secret!r}",
    "cannot be scored: the metric mine raised ValueError: {secret}",
    "no program was written: {secret}",
    "{secret}",
]


@given(secret=secrets, reason=st.sampled_from(REASONS), cut=st.integers(1, 60))
def test_a_value_never_gets_out_of_a_reason_wherever_it_is_cut(secret, reason, cut):
    unknown = unknown_words(secret)
    assume(unknown)
    text = reason.format(secret=secret)
    for told in (veil_line(text, KNOWN), veil_line(text[:-cut], KNOWN)):
        assert not [word for word in unknown if word in told]


def unknown_words(secret: str) -> list[str]:
    """The words of a secret that are neither known nor usual in messages, long enough not to be part of one."""
    words = re.findall(r"[^\W\d_]{3,}", secret)
    usual = {*KNOWN, *re.findall(r"\w+", FRAMES + " ".join(PLACES.values()) + " ".join(REASONS))}
    return [word for word in words if veil_line(word, KNOWN) == "…" and not any(word in other for other in usual)]
