"""A run says nothing that cannot be recomputed from what its scripts predicted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from evaluation_support import make_evaluator, regression
from test_final import blurred, grow, recorded
from treewright.evaluation import Audit
from treewright.events import apply


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """An evaluator with a finished run, its tree and its answer."""
    place = tmp_path_factory.mktemp("audit")
    functions = {"best": blurred(0.5, 1), "close": blurred(0.5, 2), "other": blurred(0.6, 3)}
    evaluator = make_evaluator(regression(place / "task"), place / "run", functions, confirm=1)
    tree = grow(evaluator, functions)
    selected, events = recorded(evaluator, tree)
    for event in events:
        tree = apply(tree, event)
    return evaluator, tree, selected


def false_claims(evaluator, tree, selected):
    claims = list(Audit(evaluator.final.chooser, evaluator.final.race).claims(tree, selected))
    assert len(claims) >= 10
    return [claim.about for claim in claims if not claim.holds]


def test_an_honest_run_holds(audited):
    evaluator, tree, selected = audited
    assert len(selected.members) > 1
    assert false_claims(evaluator, tree, selected) == []


LIES = {
    "a score": lambda tree, selected: (_with_score(tree, 1, 0.001), selected),
    "the reported score": lambda tree, selected: (tree, replace(selected, reported=selected.reported * 0.9)),
    "its error": lambda tree, selected: (tree, replace(selected, reported_se=0.001)),
    "a selection score": lambda tree, selected: (
        tree,
        replace(selected, selection_scores=dict(selected.selection_scores) | {1: 0.5}),
    ),
    "a weight": lambda tree, selected: (
        tree,
        replace(selected, members=(replace(selected.members[0], weight=0.01), *selected.members[1:])),
    ),
}


def _with_score(tree, node, score):
    found = tree[node]
    fold = replace(found.evaluation.folds[0], score=score)
    changed = replace(found, evaluation=replace(found.evaluation, folds=(fold,)))
    return replace(tree, nodes=(*tree.nodes[: node - 1], changed, *tree.nodes[node:]))


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_of_the_log_is_found(audited, lie):
    evaluator, tree, selected = audited
    assert false_claims(evaluator, *lie(tree, selected))


@pytest.mark.parametrize("name", ["best/submission.csv", "nodes/0001/predictions.npz", "nodes/0001/further1.npz"])
def test_a_changed_or_lost_file_is_found(audited, tmp_path, name):
    evaluator, tree, selected = audited
    path = evaluator.folder.path / name
    shutil.copy(path, tmp_path / "kept")
    try:
        path.write_bytes(path.read_bytes().replace(b"0", b"1", 1)[:-40])
        assert false_claims(evaluator, tree, selected)
    finally:
        shutil.copy(tmp_path / "kept", path)
    assert np.isfinite(selected.reported)


@pytest.mark.slow
def test_a_real_run_is_audited_from_the_command_line(tmp_path):
    task = regression(tmp_path / "task", rows=3_000)

    def treewright(*arguments):
        command = [sys.executable, "-m", "treewright", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert treewright("run", task, "--steps", 4, "--name", "first", "--sandbox", "none").returncode == 0
    honest = treewright("audit", "first", "--json")
    assert honest.returncode == 0, honest.stdout
    assert json.loads(honest.stdout)["false"] == []
    submission = tmp_path / "runs" / "first" / "best" / "submission.csv"
    submission.write_text(submission.read_text().replace("id", "ID"))
    false = treewright("audit", "first")
    assert false.returncode == 1
    assert "best/submission.csv" in false.stdout
