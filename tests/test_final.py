"""The final procedure, stage by stage: further splits, the race, the choice; going on after an interruption."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation_support import classification, closing, make_evaluator, predict, regression, trial, write_task
from treewright.data import Role, load_holdout
from treewright.evaluation import Grader
from treewright.events import Confirmed, Evaluated, Refitted, RunStarted, Started, Written, apply, replay
from treewright.metrics import Direction
from treewright.tree import Action, Operator, Proposal


def blurred(noise, seed):
    """A program that knows the truth but for some noise of its own."""

    def script(job):
        rng = np.random.default_rng(seed)
        predict(job, lambda test: 3 * test["x"] + noise * rng.normal(size=len(test)))

    return script


def grow(evaluator, codes, direction=Direction.MINIMIZE):
    """Evaluate these programs as the drafts of a tree."""
    events = [RunStarted("run", 0, "metric", direction, {})]
    for node, code in enumerate(codes, 1):
        execution, evaluation = evaluator.evaluate(trial(node, code))
        events += [Started(node, Action(Operator.DRAFT)), Written(node, Proposal(code, code, "test"))]
        events.append(Evaluated(node, replace(execution, seconds=1.0), evaluation))
    return replay(events)


def recorded(evaluator, tree, **terms):
    """The selection, and what was recorded on the way."""
    events = []
    return evaluator.select(tree, closing(record=events.append, **terms)), events


class TestFurtherSplits:
    @pytest.mark.parametrize("rows", [11_000, 900])
    def test_they_hide_other_rows_and_keep_the_selection_rows_hidden(self, tmp_path, rows):
        evaluator = make_evaluator(regression(tmp_path / "task", rows), tmp_path / "run", {}, confirm=2)
        own, race = evaluator.grader.folds[0], evaluator.final.race
        folds = [race.fold(number) for number in (1, 2)]
        kept = set(own.positions[own.selection])
        for fold in folds:
            assert set(fold.positions[fold.selection]) == kept
            assert not kept & set(fold.positions[fold.search])
            assert len(fold.search) == pytest.approx(len(own.search), rel=0.2)
            visible = pd.read_csv(fold.input / "train.csv")
            hidden = set(fold.positions[fold.search]) | kept
            train = pd.read_csv(tmp_path / "task" / "train.csv")
            assert sorted(visible["id"]) == sorted(train["id"].drop(list(hidden)))
        assert set(folds[0].positions[folds[0].search]) != set(folds[1].positions[folds[1].search])

    def test_in_time_they_hide_the_stretch_before_and_show_nothing_after_it(self, tmp_path):
        days = pd.date_range("2024-01-01", periods=400, freq="D")
        table = pd.DataFrame({"id": range(400), "day": days.strftime("%Y-%m-%d"), "x": range(400)})
        task = write_task(tmp_path / "task", table.assign(y=1.0 * table["x"]), "y", "rmse", test_rows=40)
        (task / "task.toml").write_text('metric = "rmse"\n')
        evaluator = make_evaluator(task, tmp_path / "run", {}, confirm=2)
        last = min(evaluator.grader.folds[0].positions[evaluator.grader.folds[0].search])
        for number in (1, 2):
            fold = evaluator.final.race.fold(number)
            visible = pd.read_csv(fold.input / "train.csv")["id"]
            hidden = fold.positions[fold.search]
            assert len(fold.selection) == 0
            assert max(visible) < min(hidden) and max(hidden) < last
            last = min(hidden)

    def test_they_are_made_once_and_always_the_same(self, tmp_path):
        answers = []
        for name in ("one", "other"):
            evaluator = make_evaluator(regression(tmp_path / f"{name}-task"), tmp_path / name, {}, confirm=1)
            fold = evaluator.final.race.fold(1)
            assert (evaluator.final.race.fold(1).positions == fold.positions).all()
            answers.append((tmp_path / name / "data" / "answers" / "further1.csv").read_bytes())
        assert answers[0] == answers[1]

    def test_several_workers_may_ask_for_one_at_once(self, tmp_path):
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {}, confirm=1)
        with ThreadPoolExecutor(4) as pool:
            folds = list(pool.map(evaluator.final.race.fold, [1] * 4))
        assert len({fold.positions.tobytes() for fold in folds}) == 1

    def test_no_hidden_label_of_theirs_can_be_read(self, tmp_path):
        rng = np.random.default_rng(5)
        canaries = rng.integers(10**11, 10**12, 3_000)
        table = pd.DataFrame({"id": range(3_000), "x": range(3_000), "y": canaries})
        evaluator = make_evaluator(write_task(tmp_path / "task", table, "y", "rmse"), tmp_path / "run", {}, confirm=1)
        fold = evaluator.final.race.fold(1)
        rows = pd.read_csv(tmp_path / "run" / "data" / "answers" / "further1.csv")
        hidden = rows.loc[rows["role"] != Role.TEST, "truth:y"].astype(int).astype(str)
        content = b"".join(path.read_bytes() for path in fold.input.rglob("*") if path.is_file())
        assert len(hidden) > 500
        assert not [canary for canary in hidden if canary.encode() in content]


class TestRace:
    def test_few_days_make_no_clusters_and_no_trouble(self, tmp_path):
        """The last stretch of 55 days has enough days to be drawn whole, the one before has not."""
        days = pd.date_range("2024-01-01", periods=65, freq="D").repeat(8)
        rng = np.random.default_rng(0)
        table = pd.DataFrame({"id": range(520), "day": days.strftime("%Y-%m-%d"), "x": rng.normal(size=520).round(3)})
        task = write_task(tmp_path / "task", table.assign(y=3 * table["x"]), "y", "rmse", test_rows=80)
        (task / "task.toml").write_text('metric = "rmse"\n')
        functions = {"best": blurred(0.2, 1), "close": blurred(0.21, 2)}
        evaluator = make_evaluator(task, tmp_path / "run", functions, confirm=2)
        selected, events = recorded(evaluator, grow(evaluator, functions))
        grader, race = evaluator.grader, evaluator.final.race
        assert grader.clusters is not None and race.fold(1).clusters is None
        assert any(isinstance(event, Confirmed) for event in events)
        assert selected.reported is not None

    def test_the_best_nodes_are_run_on_further_splits_and_one_clearly_behind_drops_out(self, tmp_path):
        functions = {"best": blurred(0.2, 1), "close": blurred(0.21, 2), "behind": blurred(2.0, 3)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions, confirm=2)
        _, events = recorded(evaluator, grow(evaluator, functions))
        ran = [(e.node, e.confirmation.split) for e in events if isinstance(e, Confirmed)]
        assert sorted(ran) == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
        assert all(event.confirmation.score for event in events if isinstance(event, Confirmed))

    def test_without_time_for_it_there_is_no_race(self, tmp_path):
        functions = {"best": blurred(0.2, 1), "close": blurred(0.21, 2)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions, confirm=2)
        tree = grow(evaluator, functions)
        assert not [event for event in recorded(evaluator, tree, seconds=0.0)[1] if isinstance(event, Confirmed)]

    def test_a_lucky_node_is_found_out(self, tmp_path):
        """It scores well by the rows that the search sees alone; on others it is poor."""
        lucky = []

        def fits_the_search_rows(job):
            frame = predict(job, lambda test: 3 * test["x"] + 1.0)
            known = frame["id"].isin(lucky[0].index)
            frame.loc[known, "y"] = lucky[0].reindex(frame["id"][known]).to_numpy()
            frame.to_csv(job.workdir / "working" / "submission.csv", index=False)

        functions = {"lucky": fits_the_search_rows, "good": blurred(0.0, 1)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions, confirm=1)
        fold, train = evaluator.grader.folds[0], pd.read_csv(tmp_path / "task" / "train.csv")
        truth = train.iloc[fold.positions[fold.search]]
        lucky.append(truth.set_index("id")["y"] + 0.9)
        tree = grow(evaluator, functions)
        assert tree.ranking[0] == 1
        selected, _ = recorded(evaluator, tree)
        assert [member.node for member in selected.members] == [2]

    def test_a_node_that_fails_on_a_further_split_is_told_and_does_not_win(self, tmp_path):
        def fragile(job):
            if "further" in job.input.name:
                raise KeyError("a row that it knew")
            predict(job, lambda test: 3 * test["x"])

        functions = {"fragile": fragile, "good": blurred(0.3, 1), "poor": blurred(0.5, 2)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions, confirm=1, blend=False)
        selected, events = recorded(evaluator, grow(evaluator, functions))
        told = {e.node: e.confirmation.reason for e in events if isinstance(e, Confirmed)}
        assert "KeyError" in told[1] and told[2] is None
        assert [member.node for member in selected.members] == [2]


class TestInterruptions:
    def test_what_was_run_before_one_is_not_run_again(self, tmp_path):
        functions = {"best": blurred(0.2, 1), "close": blurred(0.21, 2)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions, confirm=1)
        tree = grow(evaluator, functions)
        whole, events = recorded(evaluator, tree)
        assert {type(event) for event in events} == {Confirmed, Refitted}
        for cut in range(len(events) + 1):
            evaluator.executor.jobs.clear()
            resumed = tree
            for event in events[:cut]:
                resumed = apply(resumed, event)
            again, more = recorded(evaluator, resumed)
            assert len(evaluator.executor.jobs) == len(events) - cut
            assert again == whole
            assert [type(event) for event in more] == [type(event) for event in events[cut:]]

    def test_a_run_of_the_race_that_was_cut_short_is_not_held_against_the_node(self, tmp_path):
        cancel = threading.Event()

        def interrupted(job):
            if "further" in job.input.name:
                cancel.set()
                raise InterruptedError("was cancelled")
            predict(job, lambda test: 3 * test["x"])

        functions = {"best": interrupted, "close": blurred(0.3, 2)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions, confirm=1)
        assert recorded(evaluator, grow(evaluator, functions), cancel=cancel)[1] == []

    def test_answers_without_clusters_can_still_be_graded(self, tmp_path):
        """As the first runs wrote them."""
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", {"good": blurred(0.1, 1)})
        _, before = evaluator.evaluate(trial(1, "good"))
        path = tmp_path / "run" / "data" / "answers" / "fold0.csv"
        pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="cluster").to_csv(path, index=False)
        task = evaluator.grader.task
        grader = Grader.from_holdout(task, load_holdout(tmp_path / "run" / "data"))
        _, after = replace(evaluator, grader=grader).evaluate(trial(1, "good"))
        assert after.folds == before.folds

    def test_haste_is_made_once_the_run_is_called_off(self, tmp_path):
        functions = {"best": blurred(0.2, 1), "close": blurred(0.21, 2)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions, confirm=1)
        tree, cancel = grow(evaluator, functions), threading.Event()
        cancel.set()
        _, events = recorded(evaluator, tree, cancel=cancel)
        assert events == []


class TestThresholds:
    def test_the_threshold_is_tuned_where_the_metric_gains_by_it(self, tmp_path):
        rng = np.random.default_rng(0)
        table = pd.DataFrame({"id": np.arange(12_000), "x": rng.normal(size=12_000).round(4)})
        chance = 1 / (1 + np.exp(3.5 - 1.5 * table["x"]))
        table["y"] = (rng.random(12_000) < chance).astype(int)
        task = write_task(tmp_path / "task", table, "y", "f1")

        def timid(job):
            test = pd.read_csv(job.input / "test.csv")
            p = 1 / (1 + np.exp(3.5 - 1.5 * test["x"]))
            predict(job, lambda _: (p > 0.5).astype(int))
            frame = pd.DataFrame({"id": test["id"], "0": 1 - p, "1": p})
            frame.to_csv(job.workdir / "working" / "probabilities.csv", index=False)

        evaluator = make_evaluator(task, tmp_path / "run", {"timid": timid})
        tree = grow(evaluator, ["timid"], Direction.MAXIMIZE)
        selected, _ = recorded(evaluator, tree)
        assert selected.factors
        assert selected.reported > selected.selection_scores[1] + 0.05
        submission = pd.read_csv(tmp_path / "run" / "best" / "submission.csv")
        plain = pd.read_csv(tmp_path / "run" / "nodes" / "0001" / "submission.csv")
        assert submission["y"].sum() > plain["y"].sum()
        assert "favoured" in (tmp_path / "run" / "best" / "solution.py").read_text()


class TestSecondLook:
    def test_a_leap_that_does_not_hold_elsewhere_is_a_bug(self, tmp_path):
        known = []

        def cheats(job):
            frame = predict(job, lambda test: 0 * test["x"])
            mine = frame["id"].isin(known[0].index)
            frame.loc[mine, "y"] = known[0].reindex(frame["id"][mine]).to_numpy()
            frame.to_csv(job.workdir / "working" / "submission.csv", index=False)

        functions = {"parent": blurred(0.5, 1), "cheats": cheats}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions)
        fold, train = evaluator.grader.folds[0], pd.read_csv(tmp_path / "task" / "train.csv")
        known.append(train.iloc[fold.positions[fold.search]].set_index("id")["y"] + 0.01)
        _, parent = evaluator.evaluate(trial(1, "parent"))
        _, found = evaluator.evaluate(trial(2, "cheats", parent=parent))
        assert found.score is None
        assert "does not hold on another split" in found.reason

    def test_a_leap_that_holds_stands_with_a_remark(self, tmp_path):
        functions = {"parent": blurred(3.0, 1), "better": blurred(0.0, 2)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions)
        _, parent = evaluator.evaluate(trial(1, "parent"))
        _, found = evaluator.evaluate(trial(2, "better", parent=parent))
        assert found.score is not None
        assert "held on another split" in found.remark

    def test_a_leap_that_does_not_reach_the_best_is_not_looked_at(self, tmp_path):
        functions = {"parent": blurred(3.0, 1), "better": blurred(0.5, 2), "best": blurred(0.0, 3)}
        evaluator = make_evaluator(regression(tmp_path / "task"), tmp_path / "run", functions)
        (_, parent), (_, best) = (evaluator.evaluate(trial(node, code)) for node, code in ((1, "parent"), (3, "best")))
        evaluator.executor.jobs.clear()
        evaluator.evaluate(trial(2, "better", parent=parent, rival=best))
        assert len(evaluator.executor.jobs) == 1

    def test_a_perfect_score_is_looked_at_twice(self, tmp_path):
        table = pd.DataFrame({"id": range(3000), "x": range(3000), "y": [1, 0] * 1500})
        task = write_task(tmp_path / "task", table, "y", "accuracy")
        functions = {"even": lambda job: predict(job, lambda test: (test["x"] % 2 == 0).astype(int))}
        evaluator = make_evaluator(task, tmp_path / "run", functions)
        _, found = evaluator.evaluate(trial(1, "even"))
        assert found.score == 1.0
        assert "perfect, and held on another split" in found.remark

    def test_the_same_answer_for_all_rows_is_remarked(self, tmp_path):
        functions = {"constant": lambda job: predict(job, lambda _: "low")}
        evaluator = make_evaluator(classification(tmp_path / "task"), tmp_path / "run", functions)
        _, found = evaluator.evaluate(trial(1, "constant"))
        assert "predicts the same for all rows" in found.remark
