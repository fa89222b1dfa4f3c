"""Scripts that really run: every draft, and one script with every feature and model at once, for each sort of task."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from recipe_support import scoring_itself, tasks
from treewright.coders.recipes.catalogue import IDEAS, offer, preparations
from treewright.coders.recipes.drafts import draft
from treewright.coders.recipes.families import available, start, text_models
from treewright.coders.recipes.recipe import Recipe, Validation
from treewright.coders.recipes.script import render
from treewright.evaluation.predictions import read_predictions
from treewright.evaluation.printed import read_score
from treewright.evaluation.submission import Form

if TYPE_CHECKING:
    from pathlib import Path

    from treewright.coders.recipes.situation import Situation

TASKS = tasks()


def everything(situation: Situation) -> Recipe:
    """All features that make sense, all models that are installed and quick."""
    plain, _ = draft(0, situation)
    offered = [block for name in IDEAS if (block := offer(name, situation))]
    families = [name for name in available(situation) if name != "catboost"]
    models = text_models(situation) if situation.only_text else [start(name, situation) for name in families]
    return replace(plain, models=tuple(models), blocks=(*preparations(situation), *offered))


def run(recipe: Recipe, name: str, folder: Path, *, scores_itself: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the recipe's script on its task's tables; deprecated calls are errors."""
    situation, train, test = TASKS[name]
    situation = scoring_itself(situation) if scores_itself else situation
    for part in ("input", "working"):
        (folder / part).mkdir()
    train.to_csv(folder / "input/train.csv", index=False)
    test.to_csv(folder / "input/test.csv", index=False)
    (folder / "solution.py").write_text(render(recipe, situation), encoding="utf-8")
    strict = ["-W", "error::DeprecationWarning", "-W", "error::FutureWarning", "-W", "error:::pandas"]
    return subprocess.run(
        [sys.executable, *strict, "solution.py"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def lighter(recipe: Recipe) -> Recipe:
    """The same with fewer trees and folds, and without what is not installed here."""
    quick = {"n_estimators": 20, "max_iter": 20}
    models = tuple(
        replace(model, options={**model.options, **{k: v for k, v in quick.items() if k in model.options}})
        for model in recipe.models
        if model.family != "catboost"
    )
    return replace(recipe, models=models, validation=Validation(recipe.validation.kind, folds=2))


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, "everything"])
@pytest.mark.parametrize("name", TASKS)
def test_a_script_runs_and_hands_in_a_valid_submission(name: str, number: int | str, tmp_path: Path) -> None:
    situation, _, test = TASKS[name]
    recipe = everything(situation) if isinstance(number, str) else draft(number, situation)[0]
    done = run(lighter(recipe), name, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("validation ")
    task = situation.setting.task
    ids = test[list(task.ids)].astype(str) if task.ids else pd.DataFrame(index=test.index)
    predictions = read_predictions(tmp_path, Form.of(ids, task, 10_000), task)
    assert len(predictions.answer) == len(test)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed, log error", "ranking", "classes, kappa", "several targets", "no ids"])
def test_a_script_that_nobody_else_scores_prints_its_score_last(name: str, tmp_path: Path) -> None:
    situation, _, _ = TASKS[name]
    done = run(lighter(draft(2, situation)[0]), name, tmp_path, scores_itself=True)
    assert done.returncode == 0, done.stderr
    (tmp_path / "output.log").write_text(done.stdout)
    assert done.stdout.splitlines()[-1].startswith("metric: ")
    read_score(tmp_path / "output.log", situation.setting.task.metric)
