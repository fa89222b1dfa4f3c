"""Search/replace edits: applied exactly, or refused with what the model needs to know to do better."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from treewright.coders.llm.edits import EditError, apply_edits, has_edits

PROGRAM = """\
import numpy as np


def fit(table):
    model = Ridge(alpha=1.0)
    model.fit(table)
    return model


def main():
    table = load()
    table = table.dropna()
    print(fit(table))
"""


def edit(search, replace):
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


ALPHA = edit("    model = Ridge(alpha=1.0)\n", "    model = Ridge(alpha=3.0)\n")
lines = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r<=>\u200b\u2060\ufeff")), max_size=12)


@given(st.data(), lines, lines)
def test_what_is_found_once_is_replaced_and_nothing_else(data, program, replacement):
    begin = data.draw(st.integers(0, len(program)))
    end = data.draw(st.integers(begin, len(program)))
    searched = program[begin:end]
    places = [at for at in range(len(program)) if program[at : at + len(searched)] == searched]
    assume(places == [begin] and any(map(str.strip, searched)) and searched != replacement)
    answer = edit("".join(f"{line}\n" for line in searched), "".join(f"{line}\n" for line in replacement))
    assert apply_edits("\n".join(program), answer) == "\n".join([*program[:begin], *replacement, *program[end:]])


@pytest.mark.parametrize(
    "answer",
    [
        ALPHA,
        f"Less shrinkage.\n\n```python\n{ALPHA}```\nThat is all.",
        f"<think><<<<<<< SEARCH\nnothing</think>\n{ALPHA}",
        ALPHA.replace("\n", "\r\n"),
        ALPHA.replace("<<<<<<<", "<<<<<<").replace("=======", "========="),
        "".join(f"  {line}\n" for line in ALPHA.splitlines()),
        ALPHA.replace("Ridge(alpha=1.0)", "Ridge(alpha=1.0)  \t"),
    ],
    ids=[
        "plain",
        "in a fence",
        "after thoughts",
        "from Windows",
        "other lengths",
        "indented",
        "spaces at a line's end",
    ],
)
def test_an_edit_is_found_in_the_forms_that_models_give_it(answer):
    assert has_edits(answer)
    assert apply_edits(PROGRAM, answer) == PROGRAM.replace("1.0", "3.0")


def test_several_edits_all_look_at_the_program_as_it_was():
    second = edit("import numpy as np\n", "import numpy as np\nfrom sklearn.linear_model import Ridge\n")
    third = edit("    table = table.dropna()\n", "")
    expected = "import numpy as np\nfrom sklearn.linear_model import Ridge\n" + PROGRAM.partition("\n")[2]
    expected = expected.replace("1.0", "3.0").replace("    table = table.dropna()\n", "")
    assert apply_edits(PROGRAM, ALPHA + second + third) == expected
    with pytest.raises(EditError, match="block 2 is not found"):
        apply_edits(PROGRAM, ALPHA + edit("    model = Ridge(alpha=3.0)\n", "    model = None\n"))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("Nothing to change.", "no <<<<<<< SEARCH"),
        (edit("", "x = 1\n"), "block 1 searches for nothing"),
        (edit("\n  \n", "x = 1\n"), "block 1 searches for nothing"),
        (ALPHA + edit("    return model\n", "    return model\n"), "block 2 changes nothing"),
        (edit("\n\n", "") + edit("def main():\n", "def run():\n"), "block 1 searches for nothing"),
        (edit("    table\n", ""), "block 1 is not found"),
        ("<<<<<<< SEARCH\nimport numpy as np\n=======\n", "block 1 has 0 lines of >>>>>>> REPLACE"),
        ("<<<<<<< SEARCH\nimport numpy as np\n>>>>>>> REPLACE\n", "block 1 has 0 lines of ======="),
        (ALPHA + "<<<<<<< SEARCH\na\n" + ALPHA, "block 2 has 0 lines of >>>>>>> REPLACE"),
        (edit("import numpy as np\n", "a\n=======\nb\n"), "block 1 has 2 lines of ======="),
        (
            edit("    model.fit(table)\n    return model\n", "")
            + edit("def fit(table):\n", "")
            + edit("    return model\n", ""),
            "blocks 1 and 3 change the same lines",
        ),
    ],
)
def test_what_cannot_be_applied_is_refused_by_the_number_of_its_block(answer, message):
    with pytest.raises(EditError, match=re.escape(message)):
        apply_edits(PROGRAM, answer)


def test_an_ambiguous_edit_is_refused_with_its_places():
    program = "x = 1\ny = 2\nx = 1\nx = 1 \n"
    with pytest.raises(EditError, match="block 1 occurs 2 times, at lines 1, 3: add lines around it"):
        apply_edits(program, edit("x = 1\n", "x = 2\n"))
    with pytest.raises(EditError, match="block 1 occurs 3 times"):
        apply_edits(program, edit("x = 1  \n", "x = 2\n"))
    assert apply_edits(program, edit("x = 1 \n", "x = 2\n")) == "x = 1\ny = 2\nx = 1\nx = 2\n"


@pytest.mark.parametrize(
    "search",
    [
        "def fit(table):\n    model = Lasso(alpha=1.0)\n",
        "def fit(data):\n    model = Ridge(alpha=1.0)\n",
        "def fitt(table):\n    pass\n",
        "def fit(table):\n  model = Ridge(alpha=1.0)\n",
    ],
)
def test_what_is_not_found_is_refused_with_the_nearest_lines(search):
    with pytest.raises(EditError) as caught:
        apply_edits(PROGRAM, edit(search, "x = 1\n"))
    assert str(caught.value) == (
        "block 1 is not found in the program; the nearest lines of it, from line 4, are:\n"
        "def fit(table):\n    model = Ridge(alpha=1.0)"
    )


def test_what_has_nothing_like_it_is_refused_as_such():
    with pytest.raises(EditError, match="block 1 is not found in the program, nor anything like it"):
        apply_edits(PROGRAM, edit("zzzzz\n", "x = 1\n"))


def test_all_the_refused_blocks_are_told_at_once():
    with pytest.raises(EditError) as caught:
        apply_edits(PROGRAM, edit("a\n", "b\n") + ALPHA + edit("c\n", "c\n"))
    assert [line[:7] for line in str(caught.value).splitlines()] == ["block 1", "block 3"]


@given(st.text(), st.text(alphabet="<=> \nSEARCHREPLACab`"))
def test_only_edit_errors_are_raised_whatever_the_texts(code, answer):
    for text in (answer, edit(answer, code), edit(f"{answer}\n", f"{code}\n")):
        try:
            apply_edits(code, text)
        except EditError as error:
            assert str(error)  # noqa: PT017


def test_a_program_has_no_edits():
    assert not has_edits(f"Plan: shift by x << 2.\n```python\n{PROGRAM}```")
