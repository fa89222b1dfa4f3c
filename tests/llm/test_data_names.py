"""Names of columns in another case than theirs, and of files that are not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llm_support import column
from treewright.coders.llm.data_names import check_data_names
from treewright.task import TableProfile

TABLE = TableProfile(
    9,
    9,
    tuple(map(column, ("family_history", "Age", "x", "Objective", "Name", "Type"))),
    (column("Target"),),
    (("sample_submission.csv", 1), ("description.md", 1)),
)
READ = "import pandas as pd\nt = pd.read_csv('./input/train.csv')\n"
AGE = "there is no column 'age'; did you mean 'Age'?"


def test_a_column_in_another_case_is_found_with_its_line_and_its_true_name():
    code = READ + "t['Family_History'].fillna(0)\nt[['age', 'Age']]\nt['age']\n"
    assert check_data_names(code, TABLE) == (
        "line 3: there is no column 'Family_History'; did you mean 'family_history'?",
        f"line 4: {AGE}",
    )


@pytest.mark.parametrize(
    "code",
    [
        "t.loc[t.x > 1, 'age']",
        "t.loc[:, ['x', 'age']]",
        "t.groupby('x')['age'].mean()",
        "t.groupby(['age']).mean()",
        "t.drop(['age', 'Target'], axis=1)",
        "t.drop(columns=['age'])",
        "t.drop(columns='age')",
        "t.dropna(subset=['age'])",
        "t.sort_values(by='age')",
        "pd.read_csv('./input/test.csv', usecols=['x', 'age'])",
        "t.copy()['age']",
        "part = t[t.x > 1].reset_index(drop=True)\npart['age']",
        "both = pd.concat([t, pd.read_csv('input/test.csv')])\nboth['age']",
        "def prepare(df, how):\n    df = df.copy()\n    return df['age']\n\nprepare(t, 1)",
        "for df in (t, t.copy()):\n    df['age'].mean()",
        "FOLDER = './input'\nfrom pathlib import Path\nu = pd.read_csv(Path(FOLDER) / 'test.csv')\nu['age']",
        "PATH = './input/' + 'train.csv'\nu, v = pd.read_csv(PATH), 1\nu['age']",
    ],
)
def test_a_column_is_read_in_many_ways(code):
    (finding,) = check_data_names(READ + code, TABLE)
    assert finding.endswith(AGE)


@pytest.mark.parametrize(
    "code",
    [
        "t['Age'], t['family_history'], t['Target'], t['X']",
        "t['age'] = t['Age'] + 1\nt['age'].mean()",
        "t.columns = t.columns.str.lower()\nt['age']",
        "t = t.rename(columns=str.lower)\nt['age']",
        "t['age'",
        "t['else']",
        "import lightgbm as lgb\nlgb.train({'objective': 'binary', 'type': 1}, d)",
        "params = {'objective': 'binary'}\nparams['objective']",
        "a = t.groupby('x').size()\na.reset_index(name='name')['name']",
        "c == 'age' or 'age' in t",
        "if 'age' in t:\n    t['age']",
        "t = t.assign(age=1)\nt['age']",
        "t.insert(0, 'age', 1)\nt['age']",
        "best = study.best_params\nbest['objective']",
        "for batch in loader:\n    batch['target']",
        "u = pd.read_csv('./working/shops.csv')\nu['type']",
        "u = pd.read_csv('./working/latest.csv')\nu['type']",
        "u = pd.read_csv('./input/sample_submission.csv')\nu['target']",
        "pd.DataFrame(t, columns=['age'])",
        "t.drop(columns=['age'], errors='ignore')",
        "t.drop(index='age')",
        "t = load()\nt['age']",
        "def get(params):\n    params = params.copy()\n    return params['type']",
        "def get(row, key):\n    return row['type']\n\nget(t, 1)\nget(d, 2)",
        "t.apply(print, args=('age',))",
    ],
)
def test_what_is_right_or_made_or_no_column_of_the_data_is_no_finding(code):
    assert check_data_names(READ + code, TABLE) == ()


def test_where_columns_of_other_tables_may_have_come_in_nothing_is_said():
    table = replace(TABLE, files=(*TABLE.files, ("shops.csv", 9)))
    joined = "t = t.merge(pd.read_csv('./input/shops.csv'), on='x')\nt['type']"
    assert check_data_names(READ + joined, table) == ()
    (finding,) = check_data_names(READ + "t['type']", table)
    assert "did you mean 'Type'" in finding


def test_a_file_that_is_not_there_is_found_and_those_that_are_there_are_named():
    table = TableProfile(9, 9, (), (), (("notes.md", 1), ("shops/", 1)))
    code = "read('./input/valid.csv')\nread('input/shops/a.csv')\nread('./input/train.csv')\nglob('./input/*.csv')\n"
    there = "notes.md, sample_submission.csv, shops/, test.csv, train.csv"
    assert check_data_names(code, table) == (f"line 1: there is no file './input/valid.csv'; there are {there}",)


def test_a_file_that_the_program_writes_elsewhere_is_none_of_the_input():
    assert check_data_names("write('./working/model.bin')\nread('input')\n", TABLE) == ()


def test_without_samples_no_digit_in_the_name_of_a_file_is_told():
    table = TableProfile(9, 9, (), (), (("ward 71.csv", 1), ("ward 72.csv", 1)))
    code = "read('./input/wards.csv')"
    (finding,) = check_data_names(code, table, samples=False)
    assert finding.endswith("there are sample_submission.csv, test.csv, train.csv, ward ##.csv")
    assert "ward 71.csv, ward 72.csv" in check_data_names(code, table)[0]
