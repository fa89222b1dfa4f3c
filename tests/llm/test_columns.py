"""Names of columns in another case than theirs."""

from __future__ import annotations

import pytest

from llm_support import column
from treewright.coders.llm.columns import check_columns
from treewright.task import TableProfile

TABLE = TableProfile(9, 9, (column("family_history"), column("Age"), column("x")), (column("Target"),))


def test_a_column_in_another_case_is_found_with_its_line_and_its_true_name():
    code = "import pandas as pd\nt = pd.read_csv('t')\nt['Family_History'].fillna(0)\nt[['age', 'Age']]\n"
    assert check_columns(code, TABLE) == (
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
    assert check_columns(code, TABLE) == ()
