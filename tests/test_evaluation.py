"""Holdout evaluation from a script's files to a score, and the final answer."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation_support import classification, closing, make_evaluator, predict, regression, trial, write_task
from treewright.errors import CannotSplit
from treewright.events import Evaluated, RunStarted, Started, Written, replay
from treewright.metrics import Direction
from treewright.tree import Action, Operator, Proposal


def good(job):
    predict(job, lambda test: 3 * test["x"])


def poor(job):
    predict(job, lambda test: 2 * test["x"])


def noisy(seed):
    def script(job):
        predict(job, lambda test: 3 * test["x"] + np.random.default_rng(seed).normal(size=len(test)))

    return script


def grow(evaluator, codes, direction=Direction.MINIMIZE):
    """Evaluate these programs as the drafts of a tree."""
    events = [RunStarted("run", 0, "metric", direction, {})]
    for node, code in enumerate(codes, 1):
        execution, evaluation = evaluator.evaluate(trial(node, code))
        events += [Started(node, Action(Operator.DRAFT)), Written(node, Proposal(code, code, "test"))]
        events.append(Evaluated(node, replace(execution, seconds=1.0), evaluation))  # the clock decides nothing here
    return replay(events)


def test_a_score_is_that_of_the_search_rows_with_its_bootstrap_error(tmp_path):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"good": good})
    _, evaluation = evaluator.evaluate(trial(1, "good"))
    assert evaluation.score == pytest.approx(1.0, abs=0.15)
    assert evaluation.score_se == pytest.approx(1 / np.sqrt(2 * 1060), rel=0.5)
    assert evaluation.complete


def test_what_a_script_prints_for_its_score_is_a_remark_and_decides_nothing(tmp_path):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"good": good})
    _, evaluation = evaluator.evaluate(trial(1, "good"))
    assert evaluation.remark == "validation rmse: 0.123"
    assert evaluation.score != 0.123


def test_a_node_s_folder_has_its_script_its_output_and_a_submission_of_the_real_test_rows_alone(tmp_path):
    task = regression(tmp_path / "task")
    evaluator = make_evaluator(task, tmp_path / "run", {"good": good})
    evaluator.evaluate(trial(1, "good"))
    place = tmp_path / "run" / "nodes" / "0001"
    assert {f.name for f in place.iterdir()} == {"solution.py", "output.log", "predictions.npz", "submission.csv"}
    submission, test = pd.read_csv(place / "submission.csv"), pd.read_csv(task / "test.csv")
    assert list(submission["id"]) == list(test["id"])
    assert np.allclose(submission["y"], 3 * test["x"])


def test_no_prediction_of_a_hidden_row_depends_on_the_order_a_script_writes_in(tmp_path):
    def shuffled(job):
        frame = predict(job, lambda test: 3 * test["x"])
        frame.sample(frac=1, random_state=1).to_csv(job.workdir / "working" / "submission.csv", index=False)

    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"good": good, "shuffled": shuffled})
    scores = [evaluator.evaluate(trial(i, code))[1].score for i, code in enumerate(("good", "shuffled"), 1)]
    assert scores[0] == scores[1]


def test_few_rows_are_scored_on_several_splits_that_hide_each_row_once(tmp_path):
    evaluator = make_evaluator(regression(tmp_path / "task", rows=900), tmp_path / "run", {"good": good})
    _, evaluation = evaluator.evaluate(trial(1, "good"))
    assert [fold.fold for fold in evaluation.folds] == [0, 1, 2, 3, 4]
    searched = sum(len(fold.search) for fold in evaluator.grader.folds)
    assert searched + len(evaluator.grader.folds[0].selection) == 500


def test_a_script_clearly_behind_is_not_run_on_the_other_splits_and_cannot_win(tmp_path):
    functions = {"good": good, "poor": lambda job: predict(job, lambda test: -9 * test["x"])}
    evaluator = make_evaluator(regression(tmp_path / "task", rows=900), tmp_path / "run", functions)
    _, best = evaluator.evaluate(trial(1, "good"))
    _, behind = evaluator.evaluate(trial(2, "poor", rival=best))
    assert len(behind.folds) < 5
    assert not behind.complete
    assert behind.score is not None


FAULTS = {
    "nothing written": (lambda _: None, "did not write working/submission.csv"),
    "an exception": (lambda _: 1 / 0, "ZeroDivisionError"),
    "missing values": (lambda job: predict(job, lambda t: t["x"].where(t["x"] > 0)), "no finite numbers"),
    "infinite values": (lambda job: predict(job, lambda t: t["x"] * np.inf), "no finite numbers"),
    "text for numbers": (lambda job: predict(job, lambda _: "high"), "'high' for one"),
    "an extra column": (lambda job: predict(job, lambda _: 1.0, column="z"), "has the extra 'z'"),
}


@pytest.mark.parametrize(("script", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_of_the_script_is_a_buggy_node_with_its_reason(tmp_path, script, reason):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"faulty": script})
    _, evaluation = evaluator.evaluate(trial(1, "faulty"))
    assert evaluation.score is None
    assert reason in evaluation.reason


def rewrite(change):
    def script(job):
        path = job.workdir / "working" / "submission.csv"
        change(predict(job, lambda test: 3 * test["x"])).to_csv(path, index=False)

    return script


FORMS = {
    "rows missing": (lambda f: f.iloc[:-3], "lacks 3 of the"),
    "an id twice": (lambda f: pd.concat([f, f.iloc[:1]]), "more than once"),
    "unknown ids": (lambda f: pd.concat([f, f.iloc[:1].assign(id=10**9)]), "not in test.csv, '1000000000' for one"),
    "other ids": (lambda f: f.assign(id=f["id"] + 10**6), "its own ids look like"),
    "no target": (lambda f: f[["id"]], "lacks 'y'"),
}


@pytest.mark.parametrize(("change", "reason"), FORMS.values(), ids=FORMS.keys())
def test_a_submission_that_is_out_of_form_is_told_exactly_why(tmp_path, change, reason):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"odd": rewrite(change)})
    assert reason in evaluator.evaluate(trial(1, "odd"))[1].reason


def test_ids_are_known_whatever_pandas_made_of_them(tmp_path):
    table = pd.DataFrame({"id": [f"{i:05d}" for i in range(3000)], "x": range(3000), "y": [1.0, 0.0] * 1500})
    task = write_task(tmp_path / "task", table, "y", "rmse")
    as_numbers = rewrite(lambda frame: frame.assign(id=frame["id"].astype(float)))
    assert make_evaluator(task, tmp_path / "run", {"n": as_numbers}).evaluate(trial(1, "n"))[1].reason is None


def test_a_submission_that_is_a_link_is_not_followed(tmp_path):
    def link(job):
        (tmp_path / "elsewhere.csv").write_text("id,y\n")
        (job.workdir / "working" / "submission.csv").symlink_to(tmp_path / "elsewhere.csv")

    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"link": link})
    assert "is a link, which is not followed" in evaluator.evaluate(trial(1, "link"))[1].reason


def test_a_number_too_large_for_the_metric_is_a_reason_and_no_score(tmp_path):
    functions = {"huge": lambda job: predict(job, lambda test: 1e200 * test["x"])}
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions)
    _, evaluation = evaluator.evaluate(trial(1, "huge"))
    assert evaluation.score is None
    assert "cannot be scored" in evaluation.reason


def test_labels_are_known_by_their_text_whatever_pandas_made_of_it(tmp_path):
    table = pd.DataFrame({"id": range(3000), "x": range(3000), "y": [1, 0] * 1500})
    task = write_task(tmp_path / "task", table, "y", "accuracy")
    functions = {"floats": lambda job: predict(job, lambda test: (test["x"] % 2 == 0).astype(float))}
    evaluator = make_evaluator(task, tmp_path / "run", functions)
    assert evaluator.evaluate(trial(1, "floats"))[1].score == 1.0


def test_an_unknown_label_is_named(tmp_path):
    functions = {"odd": lambda job: predict(job, lambda _: "medium")}
    evaluator = make_evaluator(classification(tmp_path / "task"), tmp_path / "run", functions)
    assert "'medium' for one; the classes are 'high', 'low', 'mid'" in evaluator.evaluate(trial(1, "odd"))[1].reason


# -- the final answer ----------------------------------------------------------------------------------------------


def test_the_final_answer_is_refitted_on_all_labelled_rows(tmp_path):
    def mean(job):
        train = pd.read_csv(job.input / "train.csv")
        predict(job, lambda test: 3 * test["x"] + len(train) / 1e6)

    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"mean": mean})
    tree = grow(evaluator, ["mean"])
    selected = evaluator.select(tree, closing())
    test = pd.read_csv(tmp_path / "task" / "test.csv")
    submission = pd.read_csv(tmp_path / "run" / "best" / "submission.csv")
    assert selected.refitted == (1,)
    assert np.allclose(submission["y"], 3 * test["x"] + 10600 / 1e6)


def test_programs_with_errors_of_their_own_are_blended(tmp_path):
    functions = {str(seed): noisy(seed) for seed in range(4)}
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions)
    selected = evaluator.select(grow(evaluator, list(functions)), closing())
    assert len(selected.members) == 4
    assert sum(member.weight for member in selected.members) == pytest.approx(1.0, abs=1e-5)
    assert selected.reported < min(selected.selection_scores.values())


def test_a_blend_that_does_not_win_is_not_taken(tmp_path):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"good": good, "poor": poor})
    selected = evaluator.select(grow(evaluator, ["good", "poor"]), closing())
    assert [member.node for member in selected.members] == [1]


def test_the_reported_score_is_honest_about_a_lucky_choice(tmp_path):
    """Many programs that know nothing: the best of them looks good by luck, the reported score does not."""

    def guess(seed):
        return lambda job: predict(job, lambda t: np.random.default_rng(seed).choice(["low", "mid", "high"], len(t)))

    functions = {str(seed): guess(seed) for seed in range(16)}
    evaluator = make_evaluator(classification(tmp_path / "task"), tmp_path / "run", functions)
    tree = grow(evaluator, list(functions), Direction.MAXIMIZE)
    selected = evaluator.select(tree, closing())
    luckiest = tree[tree.ranking[0]].score
    assert abs(selected.reported - 1 / 3) < 2.5 * selected.reported_se
    assert luckiest > selected.reported


def test_a_refit_that_fails_is_dropped_for_what_is_already_there(tmp_path):
    def fails_on_all_rows(job):
        if len(pd.read_csv(job.input / "train.csv")) == 10600:
            raise MemoryError("too many rows")
        good(job)

    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"fragile": fails_on_all_rows})
    selected = evaluator.select(grow(evaluator, ["fragile"]), closing())
    assert selected.refitted == ()
    assert "MemoryError" in selected.remarks[0]
    assert len(pd.read_csv(tmp_path / "run" / "best" / "submission.csv")) == 400


def test_a_refit_that_predicts_something_quite_different_is_dropped(tmp_path):
    def turns(job):
        sign = -1 if len(pd.read_csv(job.input / "train.csv")) == 10600 else 1
        predict(job, lambda test: sign * 3 * test["x"])

    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"turns": turns})
    selected = evaluator.select(grow(evaluator, ["turns"]), closing())
    assert selected.refitted == ()
    assert "quite different" in selected.remarks[0]


def test_without_time_for_a_refit_there_is_an_answer_all_the_same(tmp_path):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"good": good})
    selected = evaluator.select(grow(evaluator, ["good"]), closing(0.0))
    assert selected.refitted == ()
    assert "no time" in selected.remarks[0]
    assert (tmp_path / "run" / "best" / "submission.csv").exists()


def test_one_program_that_the_metric_does_not_take_does_not_silence_the_others(tmp_path):
    table = pd.DataFrame({"id": range(11_000), "x": np.arange(11_000) % 97})
    task = write_task(tmp_path / "task", table.assign(y=table["x"] + 1.0), "y", "rmsle")
    selection = []

    def negative(job):  # on one row that is graded at the end only
        frame = predict(job, lambda t: t["x"] + 1.0)
        frame.loc[frame["id"] == selection[0], "y"] = -0.5
        frame.to_csv(job.workdir / "working" / "submission.csv", index=False)

    functions = {"negative": negative, "good": lambda job: predict(job, lambda t: t["x"] + 1.01)}
    evaluator = make_evaluator(task, tmp_path / "run", functions)
    fold = evaluator.grader.folds[0]
    form = pd.read_csv(fold.input / "sample_submission.csv")
    selection.append(form["id"].iloc[fold.selection[0]])
    selected = evaluator.select(grow(evaluator, ["negative", "good"]), closing())
    assert [member.node for member in selected.members] == [2]
    assert selected.reported is not None


def test_a_metric_that_ranks_is_taken_run_by_run(tmp_path):
    """Each run of a script may put its predictions on a scale of its own, as a decision function does."""
    table = pd.DataFrame({"id": range(2000), "x": np.random.default_rng(0).normal(size=2000).round(4)})
    task = write_task(tmp_path / "task", table.assign(y=(table["x"] > 0).astype(int)), "y", "auc")
    scales = iter(range(1000))
    functions = {
        "shifting": lambda job: predict(job, lambda t: t["x"] + 100 * next(scales)),
        "blurred": lambda job: predict(job, lambda t: t["x"] + np.sin(7 * t["id"])),
    }
    evaluator = make_evaluator(task, tmp_path / "run", functions)
    assert len(evaluator.grader.folds) == 5
    tree = grow(evaluator, ["shifting", "blurred"], Direction.MAXIMIZE)
    selected = evaluator.select(tree, closing())
    assert [member.node for member in selected.members] == [1]
    assert selected.refitted == (1,), "what only ranks may come back on another scale"


def test_a_split_with_one_class_only_does_not_count_where_ranks_are_scored(tmp_path):
    table = pd.DataFrame(
        {"id": range(220), "x": range(220), "y": [int(i in {7, 60, 111, 150, 190}) for i in range(220)]}
    )
    task = write_task(tmp_path / "task", table, "y", "auc", test_rows=20)
    evaluator = make_evaluator(task, tmp_path / "run", {"up": lambda job: predict(job, lambda t: t["x"])})
    telling = [fold.index for fold in evaluator.grader.folds if fold.tells(evaluator.grader.task.metric)]
    assert 0 < len(telling) < 5
    _, evaluation = evaluator.evaluate(trial(1, "up"))
    assert [fold.fold for fold in evaluation.folds] == telling
    assert evaluation.complete


def test_too_few_rows_of_a_class_are_said_before_any_script_runs(tmp_path):
    table = pd.DataFrame({"id": range(120), "x": range(120), "y": [int(i == 50) for i in range(120)]})
    task = write_task(tmp_path / "task", table, "y", "auc", test_rows=20)
    with pytest.raises(CannotSplit, match="too few rows of some class"):
        make_evaluator(task, tmp_path / "run", {})


def test_a_damaged_file_of_one_node_does_not_keep_the_others_from_answering(tmp_path):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"good": good, "poor": poor})
    tree = grow(evaluator, ["good", "poor"])
    for node, content in ((1, b""), (2, b"PK\x03\x04 cut off")):
        (evaluator.folder.node(node) / "predictions.npz").write_bytes(content)
        selected = evaluator.select(tree, closing())
        assert [member.node for member in selected.members] == ([2] if node == 1 else [])


def test_several_targets_of_labels_vote_each_for_itself(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"id": range(1500), "x": rng.integers(0, 4, 1500)})
    table = table.assign(a=table["x"] // 2, b=table["x"] % 2)
    folder = write_task(tmp_path / "task", table, "a", "accuracy")
    test = pd.read_csv(folder / "test.csv").drop(columns="b")
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(a=0, b=0).to_csv(folder / "sample_submission.csv", index=False)

    def both(job):
        rows = pd.read_csv(job.input / "test.csv")
        frame = rows[["id"]].assign(a=rows["x"] // 2, b=rows["x"] % 2)
        frame.to_csv(job.workdir / "working" / "submission.csv", index=False)

    evaluator = make_evaluator(folder, tmp_path / "run", {"both": both, "again": both})
    selected = evaluator.select(grow(evaluator, ["both", "again"], Direction.MAXIMIZE), closing())
    submission = pd.read_csv(tmp_path / "run" / "best" / "submission.csv")
    assert selected.reported == 1.0
    assert (submission["a"] == test["x"] // 2).all()
    assert (submission["b"] == test["x"] % 2).all()


def test_a_run_that_was_copied_with_its_links_followed_still_gets_its_answer(tmp_path):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"good": good})
    tree = grow(evaluator, ["good"])
    (tmp_path / "run" / "best").mkdir()
    (tmp_path / "run" / "best" / "solution.py").write_text("old")
    evaluator.select(tree, closing())
    assert (tmp_path / "run" / "best" / "solution.py").read_text() == "good"


def test_hidden_rows_too_few_for_the_metric_still_give_an_answer(tmp_path):
    table = pd.DataFrame({"id": range(200), "x": range(200), "y": [1, *[0] * 4] * 40})
    task = write_task(tmp_path / "task", table, "y", "auc", test_rows=40)
    functions = {name: lambda job, k=k: predict(job, lambda t: t["x"] ** k / 1e6) for k, name in enumerate(["a", "b"])}
    evaluator = make_evaluator(task, tmp_path / "run", functions)
    grader = replace(evaluator.grader, truth=evaluator.grader.truth * 0)
    one_class = replace(evaluator.final, chooser=replace(evaluator.final.chooser, grader=grader))
    selected = one_class.make(grow(evaluator, functions, Direction.MAXIMIZE), closing())
    assert [member.weight for member in selected.members] == [1.0]
    assert (selected.reported, selected.selection_scores) == (None, {})
    assert (tmp_path / "run" / "best" / "submission.csv").exists()


def test_without_a_valid_node_there_is_no_answer(tmp_path):
    evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"bad": lambda _: 1 / 0})
    selected = evaluator.select(grow(evaluator, ["bad"]), closing())
    assert selected.members == ()
    assert not (tmp_path / "run" / "best").exists()


REAL_NUMBERS = """
import numpy as np, pandas as pd
test, frame = pd.read_csv("input/test.csv"), pd.read_csv("input/sample_submission.csv")
frame["y"] = 3 * test["x"] + np.sin(test["id"] * ({seed} + 1.7))
frame.to_csv("working/submission.csv", index=False)
"""

REAL_LABELS = """
import numpy as np, pandas as pd
test, frame = pd.read_csv("input/test.csv"), pd.read_csv("input/sample_submission.csv")
x = test["x"] + np.sin(test["id"] * ({seed} + 1.7))
frame["y"] = np.array(["low", "mid", "high"])[np.digitize(x, [-0.5, 0.5])]
frame.to_csv("working/submission.csv", index=False)
p = pd.DataFrame({{"high": x.clip(0.01), "low": (-x).clip(0.01), "mid": 0.5 + 0 * x}})
if {probabilities}:
    pd.concat([frame[["id"]], p.div(p.sum(axis=1), axis=0)], axis=1).to_csv("working/probabilities.csv", index=False)
"""


def run_really(job):
    (job.workdir / "input").symlink_to(job.input)
    subprocess.run([sys.executable, "-c", job.code], cwd=job.workdir, check=True)


class AnyProgram(dict):
    def __missing__(self, code):
        return run_really


@pytest.mark.parametrize(
    ("make_task", "program", "direction"),
    [
        (regression, REAL_NUMBERS, Direction.MINIMIZE),
        (classification, REAL_LABELS.replace("{probabilities}", "True"), Direction.MAXIMIZE),
        (classification, REAL_LABELS.replace("{probabilities}", "False"), Direction.MAXIMIZE),
    ],
    ids=["numbers", "probabilities", "votes"],
)
def test_best_alone_makes_its_submission_again(tmp_path, make_task, program, direction):
    task = make_task(tmp_path / "task")
    evaluator = make_evaluator(task, tmp_path / "run", AnyProgram())
    tree = grow(evaluator, [program.format(seed=seed) for seed in range(4)], direction)
    selected = evaluator.select(tree, closing())
    assert len(selected.members) > 1
    home = tmp_path / "home"
    home.mkdir()
    (home / "input").symlink_to(evaluator.grader.full)
    (home / "working").mkdir()
    subprocess.run([sys.executable, tmp_path / "run" / "best" / "solution.py"], cwd=home, check=True)
    again, answer = pd.read_csv(home / "working" / "submission.csv"), pd.read_csv(tmp_path / "run/best/submission.csv")
    if direction is Direction.MINIMIZE:
        assert np.allclose(again["y"], answer["y"], atol=1e-5)
    else:
        assert list(again["y"]) == list(answer["y"])
    assert json.dumps(list(again.columns)) == json.dumps(list(answer.columns))
