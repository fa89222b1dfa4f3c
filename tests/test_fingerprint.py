"""Programs that are the same but for their seeds."""

from __future__ import annotations

import pytest

from treewright.fingerprint import fingerprint

PROGRAM = '''
"""Fits a forest."""
import numpy as np
from sklearn.ensemble import RandomForestRegressor

SEED = 42
rng = np.random.default_rng(7)
params = {"n_estimators": 300, "random_state": 1, "bagging_seed": 2}


def fit(x, y, seed=3):
    """Fit."""
    return RandomForestRegressor(max_depth=8, random_state=SEED).fit(x, y)  # deep


for seed in [1, 2, 3]:
    fit(1, 2, seed=9)
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SEED = 42", "SEED = 43"),
        ("default_rng(7)", "default_rng(2024)"),
        ('"random_state": 1', '"random_state": 5'),
        ('"bagging_seed": 2', '"bagging_seed": 22'),
        ("seed=3", "seed=33"),
        ("seed=9", "seed=10"),
        ("random_state=SEED", "random_state =  SEED"),
        ("  # deep", ""),
        ('"""Fits a forest."""\n', ""),
        ('    """Fit."""\n', '    """Fit it all."""\n'),
    ],
)
def test_another_seed_comment_or_docstring_makes_no_other_program(old, new):
    assert old in PROGRAM
    assert fingerprint(PROGRAM.replace(old, new)) == fingerprint(PROGRAM)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_depth=8", "max_depth=9"),
        ('"n_estimators": 300', '"n_estimators": 301'),
        ("[1, 2, 3]", "[1, 2, 3, 4]"),
        ("RandomForestRegressor(", "ExtraTreesRegressor("),
        ("fit(1, 2,", "fit(1, 3,"),
        ("SEED = 42", "N_SEEDS = 42"),
    ],
)
def test_anything_else_does(old, new):
    assert old in PROGRAM
    assert fingerprint(PROGRAM.replace(old, new)) != fingerprint(PROGRAM)


@pytest.mark.parametrize("program", ["N_SEEDS = {}", "SEEDS = range({})", "run(n_seeds={})", "seeds = list(range({}))"])
def test_how_many_seeds_there_are_is_no_seed(program):
    assert fingerprint(program.format(3)) != fingerprint(program.format(20))


@pytest.mark.parametrize("code", ["x = (", "", "# nothing but a comment", "x = 1\0", "(" * 5_000 + ")" * 5_000])
def test_what_is_no_program_is_known_by_its_text(code):
    assert fingerprint(code) == fingerprint(code)
    assert fingerprint(code) != fingerprint(code + "# more")
