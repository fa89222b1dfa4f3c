"""Whole runs whose scripts score themselves: real processes, real files."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from evaluation_support import regression, write_task
from test_cli import BROKEN, ENDLESS, treewright, wait_for
from treewright import Search, Task
from treewright.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import pandas as pd

answer = pd.read_csv("input/sample_submission.csv")
answer.assign(y={value}).to_csv("working/submission.csv", index=False)
print("rows", len(pd.read_csv("input/train.csv")))
print("metric: {value}")
"""
WHY = "too few rows of some class to hide some of them and score by auc"


@pytest.fixture(scope="session")
def task(tmp_path_factory) -> Path:
    """One row of the rarer class, so that nothing is left to rank where it is hidden."""
    table = pd.DataFrame({"id": range(160), "x": [i % 9 / 2 for i in range(160)]})
    table["y"] = [int(i == 50) for i in range(160)]
    return write_task(tmp_path_factory.mktemp("tasks") / "rare", table, "y", "auc", test_rows=40)


@pytest.fixture(scope="session")
def programs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for i, value in enumerate((0.5, 0.75, 0.25)):
        (folder / f"{i}.py").write_text(PROGRAM.format(value=value))
    (folder / "1b.py").write_text(BROKEN)
    return folder


@pytest.fixture(scope="session")
def finished(task, programs, tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("home")
    arguments = ("run", task, "--coder", f"folder:{programs}", "--name", "own")
    done = treewright(*arguments, cwd=home)
    (home / "stdout").write_text(done.stdout)
    (home / "stderr").write_text(done.stderr)
    return home


def shown(home: Path, *arguments: str) -> str:
    return re.sub(r"\s+", " ", treewright(*arguments, cwd=home).stdout)


def test_the_run_says_why_nothing_is_hidden_and_whose_word_the_score_is(finished):
    said = (finished / "stderr").read_text()
    assert re.search(f"{WHY}.*, so scores are those that scripts print: self-reported", said)
    assert "node 2: auc 0.75 self-reported in" in said
    assert "final answer: node 2, auc 0.75 self-reported" in said
    assert (finished / "stdout").read_text().startswith("auc 0.75 self-reported by node 2 (4 nodes, 1 of them buggy")


def test_every_place_that_shows_the_score_calls_it_self_reported(finished):
    assert "auc 0.75 self-reported by node 2" in shown(finished, "show", "own")
    assert shown(finished, "show", "own").count("self-reported") == 1 + 3
    assert "auc 0.75 self-reported in" in shown(finished, "show", "own", "2")
    assert "0.75 self-reported" in shown(finished, "list")
    page = (finished / "runs/own/best/README.md").read_text()
    assert page.startswith("# The answer to rare: node 2") and "- auc: 0.75, self-reported" in page


def test_json_says_so_too_and_knows_no_noise(finished):
    head = json.loads(treewright("show", "own", "--json", cwd=finished).stdout)
    for best in (head["best"], json.loads(treewright("list", "--json", cwd=finished).stdout)["runs"][0]["best"]):
        assert best["self_reported"] is True
        assert (best["node"], best["score"], best["score_se"], best["selection_score"]) == (2, 0.75, None, None)
    assert [node["self_reported"] for node in head["nodes"]] == [True, True, False, True]


def test_the_answer_is_the_best_script_with_its_own_submission(finished, task):
    best = finished / "runs/own/best"
    assert "metric: 0.75" in (best / "solution.py").read_text()
    submission = pd.read_csv(best / "submission.csv")
    assert list(submission["id"]) == list(pd.read_csv(task / "test.csv")["id"])
    assert set(submission["y"]) == {0.75}
    assert "rows 120" in treewright("log", "own", "1", cwd=finished).stdout


def test_who_asks_for_hidden_rows_by_name_gets_an_error_and_no_run(task, programs, tmp_path):
    arguments = ("run", task, "--coder", f"folder:{programs}", "--evaluate", "holdout")
    done = treewright(*arguments, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert WHY in done.stderr
    assert not list(tmp_path.glob("runs/*"))


def test_evaluation_by_a_command_is_refused_in_one_line(task, tmp_path):
    done = treewright("run", task, "--evaluate", "command", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "is not there yet" in done.stderr and done.stderr.count("\n") == 1


def test_inspect_tells_it_before_anything_runs(task, tmp_path):
    understood = json.loads(treewright("inspect", task, "--json", cwd=tmp_path).stdout)
    assert understood["evaluate"] == "printed"
    assert WHY in understood["split"]["reason"]
    assert understood["rows"] == {"train": 120, "search": 0, "selection": 0, "test": 40}
    assert "self-reported" in treewright("inspect", task, cwd=tmp_path).stdout


def test_what_scores_a_run_cannot_change(finished):
    done = treewright("resume", "own", "--set", "evaluate=holdout", cwd=finished, check=False)
    assert done.returncode == 2
    assert "evaluate belongs to the run" in done.stderr


def test_a_run_that_was_killed_is_resumed_with_the_evaluation_that_it_began_with(task, programs, tmp_path):
    mine = shutil.copytree(programs, tmp_path / "programs")
    (mine / "1.py").write_text(ENDLESS)
    command = [sys.executable, "-m", "treewright", "run", task, "--coder", "folder:programs", "--name", "own", "-q"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = tmp_path / "runs/own/nodes/0002/.run-0/output.log"
    wait_for(lambda: log.exists() and "begun" in log.read_text(), process)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    so_far = (tmp_path / "runs/own/best/README.md").read_text()
    assert so_far.startswith("# The best of rare so far: node 1") and "self-reported" in so_far
    assert 'evaluate = "printed"' in (tmp_path / "runs/own/config.toml").read_text()
    (mine / "1.py").write_text(PROGRAM.format(value=0.75))
    # what was in flight had been written, and is run as it was; a shorter limit ends it
    result = json.loads(treewright("resume", "own", "--json", "--set", "script_time=5", cwd=tmp_path).stdout)
    assert (result["nodes"], result["buggy"], result["stopped_by"]) == (4, 2, "steps")
    assert (result["best"]["node"], result["best"]["self_reported"]) == (1, True)
    more = treewright("resume", "own", "--steps", "+0", "--json", cwd=tmp_path)
    assert json.loads(more.stdout)["best"] == result["best"]


def test_a_run_of_an_older_version_did_hide_rows(programs, tmp_path):
    task = regression(tmp_path / "task", rows=900)
    arguments = ("run", task, "--coder", f"folder:{programs}", "--steps", "1", "--name", "old", "-q")
    treewright(*arguments, cwd=tmp_path)
    config = tmp_path / "runs/old/config.toml"
    assert 'evaluate = "holdout"\n' in config.read_text()
    config.write_text(config.read_text().replace('evaluate = "holdout"\n', ""))
    result = json.loads(treewright("resume", "old", "--steps", "+1", "--json", cwd=tmp_path).stdout)
    assert (result["nodes"], result["best"]["self_reported"]) == (2, False)
    assert result["best"]["score_se"] > 0


def test_from_python_a_run_falls_back_too_and_goes_on_under_its_name(task, programs, tmp_path):
    for steps in (1, 3):
        search = Search(Task.from_folder(task), coder=f"folder:{programs}", out=tmp_path, name="own")
        search.run(steps)
    assert search.best.score == 0.75 and search.best.self_reported
    with pytest.raises(ConfigError, match="evaluate belongs to the run"):
        Search(Task.from_folder(task), coder=f"folder:{programs}", out=tmp_path, name="own", evaluate="holdout")


@pytest.mark.slow
def test_recipes_score_themselves_where_nobody_else_does(task, tmp_path):
    result = json.loads(treewright("run", task, "--steps", "2", "--json", cwd=tmp_path).stdout)
    assert (result["buggy"], result["best"]["self_reported"]) == (0, True)
    assert 0 <= result["best"]["score"] <= 1


@pytest.mark.slow
def test_recipes_need_neither_a_test_table_nor_a_folder(tmp_path):
    table = regression(tmp_path / "task", rows=900) / "train.csv"
    arguments = ("--target", "y", "--metric", "mae", "--evaluate", "printed", "--steps", "1", "--json")
    result = json.loads(treewright("run", table, *arguments, cwd=tmp_path).stdout)
    assert result["best"]["self_reported"] is True
    assert result["best"]["score"] == pytest.approx(0.8, abs=0.3)
    assert not (tmp_path / "runs/train-1/best/submission.csv").exists()


def test_recipes_cannot_print_a_metric_that_they_do_not_know(tmp_path):
    (tmp_path / "late.py").write_text("def late(t, p):\n    return 0.0\n\n\nlate.direction = 'minimize'\n")
    arguments = ("--metric", "late.py:late", "--evaluate", "printed")
    done = treewright("run", regression(tmp_path / "task", rows=900), *arguments, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "recipes cannot score themselves by late" in done.stderr
