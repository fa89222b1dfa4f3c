"""Scores that scripts print of themselves: how they are read, what they are worth, and where nothing can be hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics

from evaluation_support import closing, predict, regression, trial, write_task
from recipe_support import task_of
from treewright.coders.recipes import answer as recipe_answer
from treewright.coders.recipes.library import answers as recipe_library
from treewright.coders.recipes.situation import Situation
from treewright.config import make_config
from treewright.data import load_holdout, read_task
from treewright.errors import CannotSplit, ConfigError
from treewright.evaluating import prepare_data, read_asked_task
from treewright.evaluation import PrintedEvaluator
from treewright.evaluation.printed import NoScore, read_score
from treewright.evaluation.resources import Resources
from treewright.evaluation.scoring import score
from treewright.events import Evaluated, RunStarted, Started, Written, replay
from treewright.folder import RunFolder
from treewright.metrics import BUILT_IN, Direction, Metric, Needs, find_metric
from treewright.protocols import Job, Machine, Setting
from treewright.scores import FoldScore, Verdict, compare
from treewright.task import EvaluationKind, TableProfile
from treewright.tree import Action, Evaluation, Execution, Operator, Proposal

if TYPE_CHECKING:
    from pathlib import Path

# Reading the number -------------------------------------------------------------------------------------------------

READ = [
    ("rmse", "metric: 0.25", 0.25),
    ("rmse", "Metric = 3", 3.0),
    ("rmse", "score: .5", 0.5),
    ("rmse", "Validation rmse: 0.12", 0.12),
    ("rmse", "RMSE: 1e-3 ± 0.1", 1e-3),
    ("rmse", "val_rmse=0.2, val_mae=0.1", 0.2),
    ("rmse", "OOF Root Mean Squared Error (RMSE): 12,345.50", 12345.5),
    ("rmse", "**metric: 0.5**", 0.5),
    ("rmse", "metric: **0.5**.", 0.5),
    ("rmse", "\x1b[32mmetric: 0.5\x1b[0m", 0.5),
    ("rmse", "2026-01-01 12:30:00,123 INFO rmse: 0.5", 0.5),
    ("rmse", "train rmse: 0.1, valid rmse: 0.4", 0.4),
    ("rmse", "10%|#     | 1/10\r100%|######| 10/10\rmetric: 0.4", 0.4),
    ("rmse", "rmse=np.float64(0.4)", 0.4),
    ("rmse", "metric: 0.5\nmetric: 0.4\nmae: 0.1", 0.4),
    ("rmse", "metric: 0.5\nrmse: 0.4\ndone", 0.4),
    ("rmse", "rmse: 0.4\nfold 5 rmse: 0.9\nFold_3: rmse: 0.8\nrmse std: 0.01\nrmsle: 0.1\nneg rmse: -0.4", 0.4),
    ("mse", "mse: 0.16\nroot mean squared error: 0.4", 0.16),
    ("accuracy", "Accuracy score: 1", 1.0),
    ("accuracy", "accuracy: 0.8\nbalanced accuracy: 0.7\naccuracy: 81.3%", 0.8),
    ("f1", "F1 score: 0.8\nmacro F1: 0.7", 0.8),
    ("f1_macro", "validation f1_macro: 0.7\nf1: 0.8", 0.7),
    ("log_loss", "Logloss: 0.4\nvalidation log_loss: 0.45", 0.45),
    ("auc", "ROC AUC: 0.9", 0.9),
    ("rmse_log", "rmse_log: 0.1\nrmse: 900", 0.1),
    ("r2", "R²: 0.5\nr2: -3.5", -3.5),
    ("mcc", "metric: -0.2", -0.2),
]


def log_of(folder: Path, text: str) -> Path:
    path = folder / "output.log"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "output", "value"), READ)
def test_the_last_number_that_is_called_the_score_is_read(tmp_path, name, output, value):
    assert read_score(log_of(tmp_path, output), find_metric(name)) == value


@pytest.mark.parametrize(
    "output",
    [
        "",
        "done",
        "metric:",
        "metric: none",
        "the metric: 0.5",
        "final score: 0.5",
        "metrics: 0.5",
        "rmsle: 0.5",
        "metric: 81%",
        "train rmse: 0.5",
        "score on the training rows: 0.5",
        "rmse 0.5",
        "metric: 0.5" + " " * 5_000,
    ],
)
def test_without_such_a_line_the_reason_tells_what_to_print(tmp_path, output):
    with pytest.raises(NoScore, match=r"printed no score; its last line must be `metric: <number>`, .* rmse"):
        read_score(log_of(tmp_path, output), find_metric("rmse"))


@pytest.mark.parametrize(
    ("name", "said"),
    [("rmse", "nan"), ("rmse", "inf"), ("rmse", "-0.5"), ("rmse", "1e999"), ("accuracy", "81.3"), ("auc", "-0.1"),
     ("qwk", "1.5"), ("log_loss", "-0.4")],
)  # fmt: skip
def test_a_number_that_the_metric_cannot_have_is_refused_with_its_reason(tmp_path, name, said):
    with pytest.raises(NoScore, match=f"printed the score {said}, which no {name} can be"):
        read_score(log_of(tmp_path, f"metric: 0.5\nmetric: {said}\n"), find_metric(name))


def test_one_s_own_metric_goes_by_its_function_s_name(tmp_path):
    own = Metric("late_share", Direction.MAXIMIZE, Needs.NUMBERS, source="late.py:late_share")
    assert read_score(log_of(tmp_path, "late_share: -7\nshare: 3\n"), own) == -7
    with pytest.raises(NoScore, match="nan"):
        read_score(log_of(tmp_path, "late share: nan\n"), own)


def test_the_number_is_found_in_the_middle_of_much_output(tmp_path):
    noise = "a line of noise: with = signs : and 1 number\n" * 20_000
    assert read_score(log_of(tmp_path, f"{noise}metric: 0.5\n{noise}"), find_metric("rmse")) == 0.5


def test_no_link_and_no_missing_file_is_read(tmp_path):
    (tmp_path / "link").symlink_to(log_of(tmp_path, "metric: 0.5\n"))
    for path in (tmp_path / "link", tmp_path / "nowhere"):
        with pytest.raises(NoScore):
            read_score(path, find_metric("rmse"))


# Evaluating ---------------------------------------------------------------------------------------------------------


@dataclass
class Printing:
    """Runs functions in place of programs; what they return is what they print."""

    functions: dict[str, Callable[[Job], str]]
    jobs: list[Job] = field(default_factory=list)

    def run(self, job: Job) -> Execution:
        self.jobs.append(job)
        (job.workdir / "working").mkdir()
        try:
            output = self.functions[job.code](job)
        except ZeroDivisionError:
            return Execution(0.1, 1, failure="raised ZeroDivisionError: division by zero")
        (job.workdir / "output.log").write_text(output)
        return Execution(0.1, 0, output=output[:10])


def saying(output: str) -> Callable[[Job], str]:
    def script(job: Job) -> str:
        predict(job, lambda test: 3 * test["x"])
        return output

    return script


def printed_evaluator(task: Path, run: Path, **functions: Callable[[Job], str]) -> PrintedEvaluator:
    run.mkdir()
    folder = RunFolder(run)
    config = make_config({"task": task, "evaluate": "printed"})
    _, read = prepare_data(config, read_asked_task(config), folder.data)
    return PrintedEvaluator.over(read, load_holdout(folder.data), Printing(functions), folder, Resources(2, 500))


def grown(evaluator: PrintedEvaluator, *codes: str):
    events = [RunStarted("run", 0, "rmse", Direction.MINIMIZE, {})]
    for node, code in enumerate(codes, 1):
        action = Action(Operator.IMPROVE, 1) if node > 1 else Action(Operator.DRAFT)
        events += [Started(node, action), Written(node, Proposal(f"plan of {code}", code, "test"))]
        events.append(Evaluated(node, *evaluator.evaluate(trial(node, code))))
    return replay(events)


def test_a_script_sees_all_labelled_rows_and_the_real_test_rows_and_is_believed(tmp_path):
    task = regression(tmp_path / "task", rows=1_000)
    evaluator = printed_evaluator(task, tmp_path / "run", good=saying("head " * 9 + "\nmetric: 0.5\n" + "tail " * 9))
    _, evaluation = evaluator.evaluate(trial(1, "good"))
    assert evaluation == Evaluation((FoldScore(0, 0.5, ()),), self_reported=True)
    assert (evaluation.score, evaluation.score_se) == (0.5, None)
    assert (evaluator.input / "train.csv").read_text() == (task / "train.csv").read_text()
    assert (evaluator.input / "test.csv").read_text() == (task / "test.csv").read_text()
    place = tmp_path / "run" / "nodes" / "0001"
    assert {file.name for file in place.iterdir()} == {"solution.py", "output.log", "submission.csv"}
    assert list(pd.read_csv(place / "submission.csv")["id"]) == list(pd.read_csv(task / "test.csv")["id"])


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (lambda _: 1 / 0, "raised ZeroDivisionError"),
        (lambda _: "metric: 0.5", "did not write working/submission.csv"),
        (saying("done"), "its last line must be `metric: <number>`"),
        (saying("metric: nan"), "the score nan, which no rmse can be"),
        (lambda job: f"metric: {len(predict(job, lambda t: t['x'].where(t['x'] > 0)))}", "no finite numbers"),
    ],
)
def test_what_is_wrong_is_a_buggy_node_with_its_reason(tmp_path, script, reason):
    evaluator = printed_evaluator(regression(tmp_path / "task", rows=1_000), tmp_path / "run", bad=script)
    _, evaluation = evaluator.evaluate(trial(1, "bad"))
    assert evaluation.score is None
    assert reason in evaluation.reason
    assert not (tmp_path / "run/nodes/0001/submission.csv").exists()


def test_the_answer_is_the_best_node_by_its_own_word_and_says_so(tmp_path):
    evaluator = printed_evaluator(
        regression(tmp_path / "task", rows=1_000),
        tmp_path / "run",
        fair=saying("metric: 0.5"),
        best=saying("metric: 0.25"),
        worst=saying("metric: 3"),
    )
    tree = grown(evaluator, "fair", "best", "worst")
    assert tree.best == 2
    selected = evaluator.select(tree, closing())
    assert [member.node for member in selected.members] == [2]
    assert (selected.reported, selected.reported_se, selected.selection_scores) == (0.25, None, {})
    best = tmp_path / "run" / "best"
    assert (best / "solution.py").read_text() == "best"
    assert (best / "submission.csv").exists()
    assert "- rmse: 0.25, self-reported" in (best / "README.md").read_text()
    assert evaluator.reserve(tree, 100.0) <= 1.0


def test_without_a_valid_node_there_is_no_answer(tmp_path):
    evaluator = printed_evaluator(regression(tmp_path / "task", rows=1_000), tmp_path / "run", bad=saying("none"))
    assert evaluator.select(grown(evaluator, "bad"), closing()).members == ()


def test_one_table_alone_needs_no_submission(tmp_path):
    task = regression(tmp_path / "task", rows=1_000)
    for name in ("test.csv", "sample_submission.csv"):
        (task / name).unlink()
    (task / "task.toml").write_text('target = "y"\n[evaluate]\nkind = "printed"\n')
    evaluator = printed_evaluator(task, tmp_path / "run", good=lambda _: "metric: 0.5")
    assert evaluator.evaluate(trial(1, "good"))[1].score == 0.5
    stand_ins = pd.read_csv(evaluator.input / "test.csv")
    assert list(stand_ins.columns) == ["id", "x"] and len(stand_ins) == 10


# What such scores are worth -----------------------------------------------------------------------------------------


def own(value: float) -> tuple[FoldScore, ...]:
    return (FoldScore(0, value, ()),)


@pytest.mark.parametrize(
    ("one", "other", "verdict"), [(0.4, 0.5, Verdict.BETTER), (0.5, 0.4, Verdict.WORSE), (0.5, 0.5, None)]
)
def test_the_plain_difference_decides_and_nothing_is_within_a_noise_that_nobody_knows(one, other, verdict):
    comparison = compare(own(one), own(other), Direction.MINIMIZE)
    assert comparison.standard_error is None
    assert comparison.verdict is verdict
    assert not comparison.tied


def test_a_simpler_program_does_not_stand_in_for_a_better_number(tmp_path):
    evaluator = printed_evaluator(
        regression(tmp_path / "task", rows=1_000),
        tmp_path / "run",
        **{"short": saying("metric: 0.5000001"), "a\nlong\nprogram": saying("metric: 0.5")},
    )
    assert grown(evaluator, "short", "a\nlong\nprogram").best == 2


@pytest.mark.parametrize("metric", BUILT_IN, ids=lambda metric: metric.name)
def test_recipes_compute_the_very_score_that_the_harness_would(metric):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2 if metric.two_classes else 3, 300)
    names = vars(sklearn_metrics) | vars(recipe_library)
    if metric.needs is Needs.NUMBERS:
        numbers, answer = rng.exponential(size=(2, 300)) + 0.1
        found = eval(recipe_answer._NUMBER_SCORES[metric.name], names)(numbers, answer)
        assert found == pytest.approx(score(metric, numbers, answer))
        return
    for classes in (2,) if metric.two_classes else (2, 3):
        truth = rng.integers(0, classes, 300)
        chances = rng.dirichlet(np.ones(classes), 300)
        labels = tuple("abc"[:classes])
        if metric.needs is Needs.LABELS:
            answer = chances.argmax(axis=1)
            found = eval(recipe_answer._LABEL_SCORES[metric.name], names)(truth, answer)
        else:
            table = pd.DataFrame({"id": [0, 1, 2], "y": [*labels, labels[0]][:3]})
            task = task_of(table, "y", metric=metric.name)
            situation = Situation(Setting(task, TableProfile(3, 3, (), ()), Machine("3.11", {}, 1, 100)))
            name, code = recipe_answer._score_of_chances(situation)
            assert name == metric.name
            found = eval(code, names | {"y": truth, "held_out": chances})
            answer = chances if classes > 2 else chances[:, 1]
        assert found == pytest.approx(score(metric, truth, answer, labels))


# Where nothing can be hidden ----------------------------------------------------------------------------------------


def rare(folder: Path) -> Path:
    """A task to be ranked with one row of its rarer class: hiding rows would leave nothing to rank."""
    table = pd.DataFrame({"id": range(160), "x": [f"{i % 7}.5" for i in range(160)]})
    return write_task(folder, table.assign(y=[int(i == 50) for i in range(160)]), "y", "auc", test_rows=40)


def test_where_rows_cannot_be_hidden_scripts_score_themselves_and_it_is_said_why(tmp_path):
    config = make_config({"task": rare(tmp_path / "task")})
    decided, _ = prepare_data(config, read_asked_task(config), tmp_path / "data")
    holdout = load_holdout(tmp_path / "data")
    assert decided.evaluate is EvaluationKind.PRINTED
    assert holdout.folds == () and holdout.input == tmp_path / "data/inputs/full"
    assert "too few rows of some class" in holdout.reason
    assert holdout.reason.endswith("so scores are those that scripts print: self-reported.")
    assert not (tmp_path / "data/answers").exists()


@pytest.mark.parametrize("by_flag", [True, False])
def test_who_asks_for_hidden_rows_by_name_is_told_that_there_can_be_none(tmp_path, by_flag):
    task = rare(tmp_path / "task")
    if not by_flag:
        (task / "task.toml").write_text('metric = "auc"\n[evaluate]\nkind = "holdout"\n')
    config = make_config({"task": task, "evaluate": "holdout" if by_flag else None})
    with pytest.raises(CannotSplit, match=r"too few rows of some class.*--evaluate printed"):
        prepare_data(config, read_asked_task(config), tmp_path / "data")


def test_the_flag_goes_before_the_file(tmp_path):
    task = regression(tmp_path / "task", rows=1_000)
    (task / "task.toml").write_text('[evaluate]\nkind = "printed"\n')
    assert read_task(task).evaluation is EvaluationKind.PRINTED
    config = make_config({"task": task, "evaluate": "holdout"})
    decided, _ = prepare_data(config, read_asked_task(config), tmp_path / "data")
    assert decided.evaluate is EvaluationKind.HOLDOUT
    assert load_holdout(tmp_path / "data").folds


@pytest.mark.parametrize(
    ("asked", "words"), [("command", "is not there yet"), ("prnted", "did you mean 'printed'"), ("", "known are")]
)
def test_an_evaluation_that_there_is_not_is_refused(asked, words):
    with pytest.raises(ConfigError, match=words):
        make_config({"task": ".", "evaluate": asked})


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[evaluate]\nkind = "command"', "is not there yet"),
        ('[evaluate]\nkind = "prnted"', r"\[evaluate\]: unknown evaluation 'prnted'; did you mean 'printed'"),
        ('[evaluate]\nkidn = "printed"', "did you mean 'kind'"),
        ('evaluate = "printed"', "must be a table"),
        ("[evaluate]\nkind = 3", "must be a text"),
    ],
)
def test_a_mistake_in_task_toml_is_told_with_its_place(tmp_path, toml, words):
    task = regression(tmp_path / "task", rows=1_000)
    (task / "task.toml").write_text(toml)
    with pytest.raises(ConfigError, match=words):
        read_task(task)


def test_a_task_that_was_read_for_printed_scores_is_read_again_where_rows_are_to_be_hidden(tmp_path):
    task = regression(tmp_path / "task", rows=1_000)
    (task / "task.toml").write_text('[evaluate]\nkind = "printed"\n')
    (task / "answers.npz").write_bytes(b"PK")
    config = make_config({"task": task, "evaluate": "holdout"})
    _, split = prepare_data(config, read_task(task), tmp_path / "data")
    assert split.side_files == () and split.evaluation is EvaluationKind.HOLDOUT
    assert not (tmp_path / "data/inputs/fold0/answers.npz").exists()


def test_files_that_cannot_be_looked_into_are_seen_where_nothing_is_hidden(tmp_path):
    task = rare(tmp_path / "task")
    (task / "images.npz").write_bytes(b"PK")
    (task / "more.csv").write_text("id,y\n1,0\n")
    config = make_config({"task": task})
    assert "images.npz" not in {file.name for file in read_asked_task(config).side_files}
    _, whole = prepare_data(config, read_asked_task(config), tmp_path / "data")
    seen = {file.name for file in (tmp_path / "data/inputs/full").iterdir()}
    assert seen == {"train.csv", "test.csv", "sample_submission.csv", "images.npz"}
    assert not any("images.npz" in note for note in whole.notes)
    assert any("more.csv has the target's column" in note for note in whole.notes)
