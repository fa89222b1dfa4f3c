"""Names of columns in another case than theirs, and of files that are not there."""

from __future__ import annotations

import pytest

from llm_support import column
from treewright.coders.llm.data_names import check_data_names
from treewright.task import TableProfile

TABLE = TableProfile(9, 9, (column("family_history"), column("Age"), column("x")), (column("Target"),))


def test_a_column_in_another_case_is_found_with_its_line_and_its_true_name():
    code = "import pandas as pd\nt = pd.read_csv('t')\nt['Family_History'].fillna(0)\nt[['age', 'Age']]\n"
    assert check_data_names(code, TABLE) == (
        "line 3: there is no column 'Family_History'; did you mean 'family_history'?",
        "line 4: there is no column 'age'; did you mean 'Age'?",
    )


@pytest.mark.parametrize(
    "code",
    [
        "t['Age'], t['family_history'], t['Target'], t['X']",
        "t['age'] = t['Age'] + 1\nt['age'].mean()",
        "t.columns = t.columns.str.lower()\nt['age']",
        "t = t.rename(columns=str.lower)\nt['age']",
        "t['age'",
        "something['else']",
    ],
    ids=["right", "made", "lowered", "renamed", "broken", "other"],
)
def test_what_is_right_or_renamed_or_made_is_no_finding(code):
    assert check_data_names(code, TABLE) == ()


def test_a_file_that_is_not_there_is_found_and_those_that_are_there_are_named():
    table = TableProfile(9, 9, (), (), (("notes.md", 1), ("shops/", 1)))
    code = "read('./input/valid.csv')\nread('input/shops/a.csv')\nread('./input/train.csv')\nglob('./input/*.csv')\n"
    there = "notes.md, sample_submission.csv, shops/, test.csv, train.csv"
    assert check_data_names(code, table) == (f"line 1: there is no file './input/valid.csv'; there are {there}",)


def test_a_file_that_the_program_writes_elsewhere_is_none_of_the_input():
    assert check_data_names("write('./working/model.bin')\nread('input')\n", TABLE) == ()
