"""Reading a model's answer, in the many forms that models give it, whole or cut off."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from treewright.coders.llm.answer import join, read_answer
from treewright.coders.llm.syntax import parses

PROGRAM = '''\
"""Ridge regression."""
import numpy as np
import pandas as pd

train = pd.read_csv("./input/train.csv")


def features(table):
    """Numbers only."""
    if table.empty:
        return table

    return table.select_dtypes("number")


weights = {
    "ridge": 0.5,
    "mean": 0.5,
}
sample = pd.read_csv("./input/sample_submission.csv")
sample["y"] = np.mean(train["y"])
sample.to_csv("./working/submission.csv", index=False)
'''
PLAN = "Fit a ridge regression to the numbers."

STATEMENTS = [
    "import numpy as np",
    "from pathlib import Path",
    "x = 1",
    "names = ['a', 'b']",
    "table = {\n    'a': [1, 2],\n\n    'b': [3],\n}",
    "def double(value):\n    '''Twice.'''\n    return 2 * value",
    "class Model:\n    def fit(self, x):\n        self.x = x\n\n        return self",
    "for i in range(3):\n    if i:\n        print(i)\n    else:\n        continue",
    "try:\n    import lightgbm\nexcept ImportError:\n    lightgbm = None",
    'HELP = """\n```python\nimport this\n```\n"""',
    "QUERY = '''\n```\nno end\n'''",
    "text = 'ünïcode ✓ <b>'  # a remark: `x`",
    "pattern = '\\\\d+'",
    "print(f'{x!r}')",
]
programs = st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=8).map(
    lambda parts: "import os\n" + "\n\n".join(parts) + "\n"
)
prose = st.lists(
    st.sampled_from(
        [
            "## Plan",
            "Use a `Pipeline` and call fit(x).",
            "1. Load the data",
            "- It's simple: no tuning!",
            "Here is the code:",
            "",
            "**Note** that x = 3 (see above).",
            "a ```short``` word",
        ]
    ),
    max_size=4,
).map("\n".join)
infos = st.sampled_from(
    ["python", "Python", "py", "python3", "", "{.python}", "python title='solution.py'", " python "]
)


@st.composite
def wrapped(draw):
    """A program, and an answer that holds it in a fence longer than any in the program."""
    program = draw(programs)
    marks = draw(st.sampled_from("`~")) * draw(st.integers(4, 6))
    indent = draw(st.sampled_from(["", "  ", "    ", "\t"]))
    block = f"{marks}{draw(infos)}\n{program}{marks}"
    block = "\n".join(indent + line if line else line for line in block.split("\n"))
    answer = f"{draw(prose)}\n{block}\n{draw(prose)}"
    return program, answer.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


# Where the program is


@given(wrapped())
def test_a_program_comes_back_from_any_fence_and_any_prose(case):
    program, answer = case
    reading = read_answer(answer)
    assert reading.code == program
    assert not reading.cut_off


@given(programs, prose, prose, st.sampled_from(["```python", "```", "~~~", "```py"]))
def test_a_program_may_hold_the_very_fence_that_it_stands_in(program, before, after, fence):
    answer = f"{before}\n{fence}\n{program}{fence[:3]}\n{after}"
    assert read_answer(answer).code == program


@given(programs)
def test_a_program_without_any_fence_comes_back(program):
    assert read_answer(program).code == program


@pytest.mark.parametrize("before", ["", f"{PLAN}\n\n", f"## Plan\n{PLAN}\nThis imports numpy.\n\n"])
@pytest.mark.parametrize("after", ["", "\n\nThis program fits a ridge.\nIt needs no tuning, I hope.\n"])
def test_a_program_without_a_fence_is_told_from_the_prose_around_it(before, after):
    bare = PROGRAM.partition("\n")[2]
    reading = read_answer(before + bare + after)
    assert reading.code == bare


def test_a_broken_program_without_a_fence_is_kept_whole():
    broken = "import os\nx = = 1\ny = 2\nos.remove('a')\n"
    assert read_answer(f"{PLAN}\n\n{broken}").code == broken


@pytest.mark.parametrize(
    "text",
    [
        "",
        "word",
        "Sorry, I cannot help with that.",
        "Plan: ridge",
        "I import the data and fit.",
        "yes\nno",
        "```bash\npip install lightgbm\n```",
        "```json\n{}\n```",
        "```\n\n```",
        '{"plan": "ridge"}',
        "{",
        "[" * 100_000,
        "{" * 100_000,
        '{"code": ' * 100_000,
    ],
)
def test_words_are_no_program(text):
    assert read_answer(text).code is None


@pytest.mark.parametrize(
    "answer",
    [
        f"<think>Maybe\n```python\nimport nothing\n```\nor not.</think>\n{PLAN}\n```python\n{PROGRAM}```",
        f"Maybe ridge.\n```python\nimport nothing\n```\n</think>\n\n{PLAN}\n```python\n{PROGRAM}```",
        f"<think>\n{PLAN}\n```python\n{PROGRAM}```",
        f"{PLAN}\n<code>\n{PROGRAM}</code>",
        f"<plan>{PLAN}</plan>\n<code lang='python'>\n```python\n{PROGRAM}```\n</code>",
        json.dumps({"plan": PLAN, "code": PROGRAM}),
        json.dumps({"plan": PLAN, "code": f"```python\n{PROGRAM}```"}),
        "```json\n" + json.dumps({"plan": PLAN, "code": PROGRAM}, indent=2) + "\n```",
        f'{{"plan": "{PLAN}", "code": {json.dumps(PROGRAM)}}}'.replace("\\n", "\n"),
        f"```markdown\n{PLAN}\n```python\n{PROGRAM}```\n```",
        f"\N{ZERO WIDTH NO-BREAK SPACE}{PLAN}\n```python\n\N{ZERO WIDTH SPACE}{PROGRAM}```",
        f"{PLAN}\n<code>\nHELP = '''\n```\n'''\n{PROGRAM}</code>",
        f"{PLAN} ```python\n{PROGRAM}```",
        f"{PLAN}\n```python\n{PROGRAM.rstrip()}```",
        f"{PLAN}\n```python\n{PROGRAM}",
        f"{PLAN}\n```bash\npip install numpy\n```\n```python\n{PROGRAM}```\n```text\nscore = 3\n```",
        f"{PLAN}\n```\nInput: train.csv\n```\n\n```\n{PROGRAM}```",
        f"{PLAN}\n```code\n{PROGRAM}```",
        f"{PLAN}\n```bash\npip install numpy\n```\n" + PROGRAM.partition("\n")[2],
    ],
    ids=lambda answer: answer[:25],
)
def test_what_models_put_around_a_program_is_taken_off(answer):
    reading = read_answer(answer)
    assert reading.code is not None
    assert reading.code.endswith(PROGRAM.partition("\n")[2])
    assert reading.plan == PLAN
    assert not reading.cut_off


def test_the_prompts_of_the_interactive_interpreter_are_taken_off():
    answer = "```python\n>>> import os\n>>> for x in 'ab':\n...     print(x)\n...\na\nb\n>>> y = 1\n```"
    assert read_answer(answer).code == "import os\nfor x in 'ab':\n    print(x)\n\ny = 1\n"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("    import os\n    x = 1", "import os\nx = 1\n"),
        ("if 1:\n\tx = 1\n        y = 2", "if 1:\n    x = 1\n        y = 2\n"),
        ("x\N{NO-BREAK SPACE}= 1", "x = 1\n"),
        ("if 1:\n\tx = '\t'", "if 1:\n\tx = '\t'\n"),
    ],
)
def test_code_is_mended_only_where_that_makes_it_valid(written, meant):
    code = read_answer(f"```python\n{written}\n```").code
    assert code == (meant if parses(meant) else written + "\n")


# Several blocks


def fences(*codes):
    return "\n\nThen:\n".join(f"```python\n{code}\n```" for code in codes)


LOAD = "import pandas as pd\ntrain = pd.read_csv('./input/train.csv')"
FIT = "score = train['y'].mean()"
WRITE = "import os\npd.DataFrame({'y': [score]}).to_csv('./working/submission.csv')"


def test_parts_of_one_program_are_joined_in_order():
    assert read_answer(fences(LOAD, FIT, WRITE)).code == f"{LOAD}\n\n\n{FIT}\n\n\n{WRITE}\n"


def test_a_whole_program_needs_neither_its_parts_nor_a_look_at_its_result():
    whole = f"{LOAD}\n{FIT}\n{WRITE}\n"
    assert read_answer(fences("import pandas as pd", "x = 1", whole, "print(score)")).code == whole


def test_the_last_of_two_whole_programs_counts():
    first, second = f"{LOAD}\n{FIT}\n{WRITE}\nprint('the old one')\n", f"{LOAD}\n{FIT}\n{WRITE}\n"
    assert read_answer(f"You gave me:\n{fences(first)}\nBetter:\n{fences(second)}").code == second


def test_a_broken_program_counts_more_than_a_valid_line_about_it():
    broken = f"{LOAD}\n{FIT}\nx = = 1\n{WRITE}\n"
    assert read_answer(fences(broken, "print(1)")).code == broken


def test_the_longest_block_counts_where_the_blocks_have_nothing_to_do_with_each_other():
    longest = "import re\n" + "x = 1\n" * 5
    assert read_answer(fences("import os", longest, "y = 2")).code == longest


def test_a_fence_that_is_never_closed_ends_where_the_next_begins():
    answer = f"```python\n{LOAD}\n{FIT}\n\n```python\n{WRITE}\n```"
    assert read_answer(answer).code == f"{LOAD}\n{FIT}\n\n\n{WRITE}\n"


# The plan


@pytest.mark.parametrize(
    "prose",
    [
        PLAN,
        f"Plan: {PLAN}",
        f"## Plan\n\n{PLAN}\n\n## Code",
        f"**Plan**\n{PLAN}\n\n**Code:**",
        f"**Plan:** {PLAN}\n\nHere is the complete program:",
        f"1. **Plan**: {PLAN}\n2. **Implementation**",
        f"### My plan\n> {PLAN}",
        f"Plan - {PLAN}",
        f"<plan>{PLAN}</plan>",
    ],
)
def test_the_plan_is_the_prose_before_the_program(prose):
    assert read_answer(f"{prose}\n```python\n{PROGRAM}```\nGood luck!").plan == PLAN


@pytest.mark.parametrize(
    "prose", ["Plan-free: the floor plan - as given - is a feature.", "x: y", "- one\n- two:\n- three"]
)
def test_a_plan_loses_no_words(prose):
    assert read_answer(f"{prose}\n```python\n{PROGRAM}```").plan.replace("- ", "") == prose.replace("- ", "").replace(
        "\n", " "
    )


def test_the_plan_may_come_after_the_program():
    assert read_answer(f"```python\n{PROGRAM}```\n{PLAN}").plan == PLAN
    assert read_answer(f"Here is the Python code:\n```python\n{PROGRAM}```\n{PLAN}").plan == PLAN


def test_a_program_without_prose_tells_its_plan_itself():
    assert read_answer(f"```python\n{PROGRAM}```").plan == "Ridge regression."
    assert read_answer("```python\n#!/usr/bin/python\n# Fit a\n# ridge.\nimport os\n# Then\n```").plan == "Fit a ridge."
    assert not read_answer("```python\nimport os\n```").plan


@given(st.text(max_size=40), st.integers(1, 400))
def test_a_plan_is_one_paragraph_of_bounded_length(text, times):
    plan = read_answer(text * times).plan
    assert len(plan) <= 1000
    assert plan == " ".join(plan.split())


# Whatever comes


@given(st.text())
@example("```\n'''\n" * 3)
@example("<think>")
@example("<code>")
@example("\x00import os")
@example("```python\nx = '\ud800'\n```")
@example('{"code": "\\ud800"}')
@example(">>> ")
def test_nothing_is_raised_whatever_the_text(text):
    for finish in ("stop", "length", ""):
        reading = read_answer(text, finish=finish)
        assert reading.code is None or reading.code.endswith("\n")
        read_answer(join(text, text), finish=finish)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        " ",
        "\n",
        "`",
        "```\n",
        "```python\n",
        "'''\n```\n",
        "\"\"\"'''\n```\n",
        "~~~~\n'''\n```\n",
        "<think>",
        "<code>\n",
        ">>> x\n",
        "import x\n",
        "import os = \n",
        "[",
        "# ",
        "x = (\n",
        "**",
        "Plan: ",
        "</code>",
        "\t \n",
        "x[",
        "x(",
        "{'a':",
    ],
)
def test_the_time_to_read_grows_no_faster_than_the_text(piece):
    text = piece * (200_000 // len(piece))
    begun = time.process_time()
    read_answer(text)
    read_answer("```python\n" + text)
    join("```python\nimport os\n" + text[:20_000], text[:20_000])
    assert time.process_time() - begun < 8


# Answers that were cut off


@pytest.mark.parametrize(
    ("answer", "finish", "cut_off"),
    [
        (f"```python\n{PROGRAM}```", "stop", False),
        (f"```python\n{PROGRAM}```\nThis program f", "length", False),
        (f"```python\n{PROGRAM}", "stop", False),
        (f"```python\n{PROGRAM}", "length", True),
        (f"```python\n{PROGRAM[:200]}", "stop", True),
        (f"```python\n{PROGRAM[:200]}", "length", True),
        ("```python\nimport os\n```\nNext we", "length", True),
        (PROGRAM[:200], "length", True),
        ("I think that", "length", True),
        ("<think>I think that", "length", True),
        ("I think that", "stop", False),
    ],
)
def test_an_answer_is_cut_off_where_its_program_is_not_whole(answer, finish, cut_off):
    assert read_answer(answer, finish=finish).cut_off is cut_off


ANSWER = f"{PLAN}\n\n```python\n{PROGRAM}```\n"
BEGIN = ANSWER.index('"""Ridge')
CUTS = range(BEGIN + 40, len(ANSWER) - 5, 3)
OPENINGS = ["```python\n", "Sure, continuing:\n\n```python\n", "Here's the rest of it:\n\n```\n"]


def line_before(cut, lines=0):
    """Where the line begins that the cut is in, or that so many lines above it, within the program."""
    for _ in range(lines):
        cut = ANSWER.rindex("\n", 0, cut)
    return max(BEGIN, ANSWER.rindex("\n", 0, cut) + 1)


def wrong(cuts, continuation):
    """The ends of the first parts that are not mended by this continuation."""
    return [ANSWER[:cut][-30:] for cut in cuts if read_answer(join(ANSWER[:cut], continuation(cut))).code != PROGRAM]


def test_a_cut_anywhere_is_mended_by_going_on_exactly():
    assert wrong(range(len(ANSWER)), lambda cut: ANSWER[cut:]) == []


@given(wrapped(), st.data())
def test_a_cut_anywhere_in_any_answer_is_mended_by_going_on_exactly(case, data):
    program, answer = case
    code_lines = [line for line in program.split("\n") if line.strip()]
    assume(len(set(code_lines)) == len(code_lines))  # or else what goes on may look like what is repeated
    cut = data.draw(st.integers(0, len(answer)))
    assume(not re.match(r"\s*```(?!`)", answer[cut:]))  # the fence in a string: it may look like one opened anew
    assert read_answer(join(answer[:cut], answer[cut:])).code == program


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_a_model_may_repeat_the_line_that_broke_off_and_some_before_it(lines):
    cuts = [cut for cut in CUTS if len(ANSWER[line_before(cut, lines) : cut].strip()) > 1]
    assert wrong(cuts, lambda cut: ANSWER[line_before(cut, lines) :]) == []
    assert wrong(cuts, lambda cut: ANSWER[line_before(cut, lines) :].lstrip()) == []


@pytest.mark.parametrize("opening", OPENINGS)
def test_a_model_may_open_the_fence_anew(opening):
    assert wrong(CUTS, lambda cut: opening + ANSWER[cut:]) == []
    cuts = [cut for cut in CUTS if len(ANSWER[line_before(cut) : cut].strip()) > 1]
    assert wrong(cuts, lambda cut: opening + ANSWER[line_before(cut) :]) == []


@pytest.mark.parametrize("opening", ["", "```python\n", "Apologies. Here is the whole program:\n```python\n"])
def test_a_model_may_begin_again(opening):
    assert wrong(CUTS, lambda _: f"{opening}{PROGRAM}```") == []


def test_a_model_may_begin_again_in_other_words():
    again = PROGRAM.replace("weights", "shares")
    assert read_answer(join(ANSWER[: ANSWER.index("sample")], again)).code == again


def test_a_model_may_say_that_there_is_no_more():
    assert (
        read_answer(join(ANSWER.removesuffix("```\n"), "The program is complete, nothing is missing.")).code == PROGRAM
    )


def test_the_space_between_the_two_parts_may_be_lost():
    for cut in range(ANSWER.index("import numpy"), len(ANSWER) - 5):
        if ANSWER[cut - 1] in " \n":
            code = read_answer(join(ANSWER[:cut].rstrip(), ANSWER[cut:].lstrip())).code
            assert code is not None
            assert parses(code), ANSWER[:cut][-30:]


@pytest.mark.parametrize("cut", [5, 60, 300, 700])
def test_a_cut_is_mended_in_every_kind_of_answer(cut):
    for answer in (
        PROGRAM,
        f"<code>\n{PROGRAM}</code>",
        json.dumps({"plan": PLAN, "code": PROGRAM}),
        f"<think>Ridge, I think. It has always worked.</think>{ANSWER}",
        f"<think>Ridge.</think>~~~~\n{PROGRAM}~~~~",
    ):
        assert read_answer(join(answer[:cut], answer[cut:])).code == PROGRAM


def test_an_answer_may_be_cut_off_again():
    third, two_thirds = len(ANSWER) // 3, 2 * len(ANSWER) // 3
    first = join(ANSWER[:third], "```python\n" + ANSWER[third:two_thirds])
    assert read_answer(first, finish="length").cut_off
    assert read_answer(join(first, "```python\n" + ANSWER[two_thirds:])).code == PROGRAM
