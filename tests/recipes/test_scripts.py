"""The text of the scripts, over many recipes; ``test_running.py`` runs a few of them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from recipe_support import (
    PACKAGES,
    brief_for,
    divided,
    mixed_table,
    scoring_itself,
    setting_of,
    situations,
    task_of,
    walk,
)
from treewright.coders.recipes import RecipeCoder
from treewright.coders.recipes.layout import WIDTH
from treewright.coders.recipes.script import render
from treewright.coders.recipes.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RULES = "E,F,W,I,B,UP,SIM,C4,RET,PIE,RUF"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Path, str]:
    """Some 300 scripts in a folder: for each sort of task, walks of random changes from a random draft.

    Those of the last walk score themselves.
    """
    folder = tmp_path_factory.mktemp("scripts")
    written = {}
    for name, situation in situations().items():
        for seed in range(4):
            scored = situation if seed < 3 else scoring_itself(situation)
            for step, recipe in enumerate(walk(situation, 6, seed)):
                path = folder / f"{re.sub(r'[^a-z]+', '_', name)}_{seed}_{step}.py"
                written[path] = render(recipe, scored)
                path.write_text(written[path], encoding="utf-8")
    return written


def ruff(command: str, *flags: str, folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "ruff", command, "--isolated", f"--line-length={WIDTH}", *flags, str(folder)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_scripts_hold_nothing_unused_and_lack_nothing(scripts: Mapping[Path, str]) -> None:
    done = ruff("check", f"--select={RULES}", "--target-version=py311", folder=next(iter(scripts)).parent)
    assert done.returncode == 0, done.stdout[-3000:]


def test_scripts_need_no_formatter(scripts: Mapping[Path, str]) -> None:
    done = ruff("format", "--check", folder=next(iter(scripts)).parent)
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_function_of_a_script_is_used(scripts: Mapping[Path, str]) -> None:
    for path, code in scripts.items():
        tree = ast.parse(code)
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert defined <= used, path.name


def test_functions_are_short_and_say_what_they_do(scripts: Mapping[Path, str]) -> None:
    for path, code in scripts.items():
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.FunctionDef) and node.name != "__init__":
                assert ast.get_docstring(node), f"{path.name}: {node.name}"
            if isinstance(node, ast.FunctionDef) and node.name != "predict":  # as long as its models have options
                assert (node.end_lineno or 0) - node.lineno < 40, f"{path.name}: {node.name}"


def test_scripts_do_not_know_how_many_rows_there_are(scripts: Mapping[Path, str]) -> None:
    for path, code in scripts.items():
        assert not re.search(r"\b(314|83|397)\b", code), path.name


def test_scripts_write_only_where_they_may(scripts: Mapping[Path, str]) -> None:
    for code in scripts.values():
        assert set(re.findall(r'to_csv\("([^"]+)"', code)) <= {"working/submission.csv", "working/probabilities.csv"}
        assert set(re.findall(r'read_csv\("([^"]+)"', code)) == {"input/train.csv", "input/test.csv"}


@pytest.mark.parametrize(
    "packages",
    [
        {"scikit-learn": "1.6.0"},
        {"scikit-learn": "1.6.0", "xgboost": "3.0.0"},
        {"scikit-learn": "1.6.0", "lightgbm": "4.6.0"},
    ],
    ids=["scikit-learn alone", "with xgboost", "with an older lightgbm"],
)
def test_scripts_import_only_what_is_installed(packages: dict[str, str]) -> None:
    train, test = divided(mixed_table(300).drop(columns=["level", "won"]), 60)
    situation = Situation(setting_of(train, test, task_of(mixed_table(300), "amount", metric="rmse"), packages))
    allowed = {
        "numpy",
        "pandas",
        "sklearn",
        "scipy",
        "joblib",
        "threadpoolctl",
        *(name.partition("-")[0] for name in packages),
    }
    for seed in range(6):
        for recipe in walk(situation, 8, seed):
            code = render(recipe, situation)
            imported = {m[1].partition(".")[0] for m in re.finditer(r"^(?:import|from) (\S+)", code, re.MULTILINE)}
            assert imported <= allowed | set(sys.stdlib_module_names)
            assert "eval_X" not in code or packages.get("lightgbm") == "4.7.0"


@pytest.mark.parametrize("situation", situations().values(), ids=situations())
def test_the_same_brief_gets_the_same_script(situation: Situation) -> None:
    brief = brief_for(situation, draft=1, seed=5)
    assert RecipeCoder().write(brief) == RecipeCoder().write(brief)


@pytest.mark.parametrize("situation", situations().values(), ids=situations())
def test_drafts_differ_from_each_other(situation: Situation) -> None:
    drafts = [RecipeCoder().write(brief_for(situation, draft=number)) for number in range(7)]
    assert len({draft.code for draft in drafts}) == 7
    assert len({draft.notes["change"] for draft in drafts}) == 7


def test_column_names_are_quoted_whatever_they_hold() -> None:
    table = mixed_table(200).rename(columns={"size": "si\"ze's \\ {x}", "kind": '"""kind"""', "town": "to\nwn"})
    train, test = divided(table.drop(columns=["level", "won"]), 40)
    situation = Situation(setting_of(train, test, task_of(table, "amount", metric="rmse"), PACKAGES))
    for recipe in walk(situation, 10, seed=1):
        assert ast.parse(render(recipe, situation)).body
