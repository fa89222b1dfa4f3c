"""The command line, as a user runs it: real processes, real files."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import csv

rows = list(csv.reader(open("input/test.csv")))
x = rows[0].index("x")
with open("working/submission.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["id", "y"])
    for row in rows[1:]:
        out.writerow([row[0], {slope} * float(row[x])])
print("score: 1.0")
"""

BROKEN = "raise ValueError('no luck')\n"


def treewright(*arguments, cwd: Path, check: bool = True, **settings) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, "-m", "treewright", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=120, **settings,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


def write_csv(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n")


@pytest.fixture(scope="session")
def task(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tasks") / "line"
    folder.mkdir()
    rng = random.Random(0)
    rows = [(i, round(rng.gauss(0, 1), 4)) for i in range(10_400)]
    write_csv(folder / "train.csv", "id,x,y", [f"{i},{x},{3 * x + rng.gauss(0, 1):.4f}" for i, x in rows[:10_000]])
    write_csv(folder / "test.csv", "id,x", [f"{i},{x}" for i, x in rows[10_000:]])
    write_csv(folder / "sample_submission.csv", "id,y", [f"{i},0" for i, _ in rows[10_000:]])
    (folder / "description.md").write_text("# Line\n\nPredict y.\n\n## Evaluation\n\nRoot mean squared error.\n")
    return folder


@pytest.fixture(scope="session")
def programs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for i, slope in enumerate((1.0, 2.0, 3.0, 2.5)):
        (folder / f"{i}.py").write_text(PROGRAM.replace("{slope}", str(slope)))
    (folder / "2b.py").write_text(BROKEN)
    return folder


@pytest.fixture(scope="session")
def finished(task, programs, tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("home")
    treewright("run", task, "--coder", f"folder:{programs}", "--name", "first", "--quiet", cwd=home)
    return home


def test_a_run_ends_with_a_script_and_the_submission_of_the_best_program(finished, task):
    best = finished / "runs" / "first" / "best"
    assert "3.0 * float" in (best / "solution.py").read_text()
    ids = [line.split(",")[0] for line in (best / "submission.csv").read_text().splitlines()[1:]]
    assert ids == [line.split(",")[0] for line in (task / "test.csv").read_text().splitlines()[1:]]
    assert "Expected rmse" in (best / "README.md").read_text()


def test_the_result_goes_to_stdout_and_progress_to_stderr(task, programs, tmp_path):
    done = treewright("run", task, "--coder", f"folder:{programs}", "--steps", "2", cwd=tmp_path)
    assert done.stdout.startswith("rmse ")
    assert "submission.csv" in done.stdout
    assert "coder: folder" in done.stderr.splitlines()[1]


def test_json_is_one_object_with_the_promised_keys(task, programs, tmp_path):
    done = treewright("run", task, "--coder", f"folder:{programs}", "--json", cwd=tmp_path)
    result = json.loads(done.stdout)
    assert list(result) == [
        "run", "dir", "metric", "direction", "best", "nodes", "buggy", "llm", "seconds", "stopped_by",
    ]  # fmt: skip
    assert result["nodes"] == 5
    assert result["buggy"] == 1
    assert result["stopped_by"] == "steps"
    keys = {"kind", "node", "members", "score", "score_se", "selection_score", "self_reported"}
    assert keys == set(result["best"])
    assert result["best"]["self_reported"] is False
    assert not done.stderr


def test_show_tells_all_nodes_and_why_one_is_buggy(finished):
    assert "ValueError: no luck" in treewright("show", "first", cwd=finished).stdout.replace("\n", " ")
    shown = json.loads(treewright("show", "first", "--json", cwd=finished).stdout)
    assert [node["id"] for node in shown["nodes"]] == [1, 2, 3, 4, 5]
    buggy = shown["nodes"][3]
    assert buggy["buggy"]
    assert buggy["reason"] == "raised ValueError: no luck"
    assert shown["nodes"][2]["selection_score"] is not None


def test_show_of_a_node_has_its_program(finished):
    assert "3.0 * float" in treewright("show", "first", "3", cwd=finished).stdout
    assert "3.0 * float" in json.loads(treewright("show", "first", "3", "--json", cwd=finished).stdout)["code"]


def test_diff_shows_what_changed(finished):
    lines = treewright("diff", "first", "1", "2", cwd=finished).stdout.splitlines()
    assert [line for line in lines if line[:1] in "+-" and line[1:2] == " "] == [
        "-        out.writerow([row[0], 1.0 * float(row[x])])",
        "+        out.writerow([row[0], 2.0 * float(row[x])])",
    ]


def test_log_prints_what_a_program_printed(finished):
    assert treewright("log", "first", "1", cwd=finished).stdout == "score: 1.0\n"


def test_list_shows_the_runs(finished):
    assert "first" in treewright("list", cwd=finished).stdout
    assert json.loads(treewright("list", "--json", cwd=finished).stdout)["runs"][0]["run"] == "first"


def test_export_copies_the_answer_to_a_folder_of_one_s_own(finished, tmp_path):
    treewright("export", "first", "--to", tmp_path / "answer", cwd=finished)
    assert {"solution.py", "submission.csv", "README.md"} <= {f.name for f in (tmp_path / "answer").iterdir()}
    refused = treewright("export", "first", "--to", tmp_path / "answer", cwd=finished, check=False)
    assert refused.returncode == 2
    assert "not empty" in refused.stderr


def test_a_finished_run_can_be_extended(finished, programs, tmp_path):
    shutil.copytree(finished / "runs", tmp_path / "runs", symlinks=True)
    more = shutil.copytree(programs, tmp_path / "programs")
    (more / "9.py").write_text(PROGRAM.replace("{slope}", "3.01"))
    arguments = ("resume", "first", "--steps", "+1", "--set", f"coder=folder:{more}", "--json")
    result = json.loads(treewright(*arguments, cwd=tmp_path).stdout)
    assert result["nodes"] == 6


def test_what_cannot_change_in_a_resumed_run_is_refused(finished):
    done = treewright("resume", "first", "--set", "seed=3", cwd=finished, check=False)
    assert done.returncode == 2
    assert "seed belongs to the run" in done.stderr


def test_inspect_tells_what_was_understood(task, tmp_path):
    understood = json.loads(treewright("inspect", task, "--json", cwd=tmp_path).stdout)
    assert understood["metric"] == "rmse"
    assert understood["targets"] == ["y"]
    assert understood["ids"] == ["id"]
    assert understood["rows"]["test"] == 400
    assert all(abs(understood["rows"][role] - 1000) < 20 for role in ("search", "selection"))
    assert "y (regression)" in treewright("inspect", task, cwd=tmp_path).stdout
    assert not list(tmp_path.iterdir())


def test_grade_scores_a_file_against_answers_that_one_holds(task, tmp_path):
    rows = (task / "test.csv").read_text().splitlines()[1:]
    write_csv(tmp_path / "answers.csv", "id,y", [f"{row.split(',')[0]},1" for row in rows])
    write_csv(tmp_path / "mine.csv", "id,y", [f"{row.split(',')[0]},3" for row in reversed(rows)])
    arguments = ("grade", task, tmp_path / "mine.csv", "--answers", tmp_path / "answers.csv", "--json")
    graded = json.loads(treewright(*arguments, cwd=tmp_path).stdout)
    assert graded["score"] == 2.0
    assert graded["rows"] == 400


def test_one_s_own_script_can_be_the_first_node(task, programs, tmp_path):
    arguments = ("--coder", f"folder:{programs}", "--init", programs / "2.py", "--steps", "2", "--json")
    result = json.loads(treewright("run", task, *arguments, cwd=tmp_path).stdout)
    shown = json.loads(treewright("show", result["dir"], "--json", cwd=tmp_path).stdout)
    assert [node["coder"] for node in shown["nodes"]] == ["init", "folder"]
    first = min(programs.glob("*.py")).name
    assert shown["nodes"][1]["plan"].startswith(first), "none of the folder's programs is left out"


def test_without_a_valid_program_the_exit_status_is_one(task, tmp_path):
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "a.py").write_text(BROKEN)
    done = treewright("run", task, "--coder", "folder:programs", "--quiet", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "No valid solution" in done.stdout


def test_help_is_quick_to_import(tmp_path):
    code = (
        "import sys; sys.argv = ['treewright', '--help']\n"
        "from treewright.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'sklearn', 'pydantic', 'pydantic_ai', 'openai', 'anthropic', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr.strip() == "[]"


def test_no_key_of_the_environment_reaches_a_program(task, tmp_path):
    (tmp_path / "programs").mkdir()
    spy = "import os\nassert not any('KEY' in name for name in os.environ), sorted(os.environ)\n" + PROGRAM
    (tmp_path / "programs" / "a.py").write_text(spy.replace("{slope}", "3"))
    environment = os.environ | {"OPENAI_API_KEY": "sk-secret", "MY_KEY": "1"}
    done = treewright("run", task, "--coder", "folder:programs", "--json", cwd=tmp_path, env=environment)
    assert json.loads(done.stdout)["buggy"] == 0


# -- interruptions -------------------------------------------------------------------------------------------------

ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(1000)\n"


def wait_for(condition, process: subprocess.Popen) -> None:
    while not condition():
        assert process.poll() is None, "the run ended before its time"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_the_run_in_order_and_it_can_be_resumed(task, programs, tmp_path, number):
    mine = shutil.copytree(programs, tmp_path / "programs")
    (mine / "1.py").write_text(ENDLESS)
    command = [sys.executable, "-m", "treewright", "run", task, "--coder", "folder:programs", "--name", "a", "--quiet"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = tmp_path / "runs/a/nodes/0002/.run-0/output.log"
    wait_for(lambda: log.exists() and "begun" in log.read_text(), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "treewright resume" in out
    (mine / "1.py").write_text(PROGRAM.replace("{slope}", "2.0"))
    assert (tmp_path / "runs/a/best/submission.csv").exists()
    resumed = treewright("resume", "a", "--json", "--set", "script_time=5", cwd=tmp_path)
    result = json.loads(resumed.stdout)
    assert (result["nodes"], result["stopped_by"]) == (5, "steps")


def test_a_second_process_is_kept_out_while_the_first_one_works(task, tmp_path):
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "a.py").write_text(ENDLESS)
    command = [sys.executable, "-m", "treewright", "run", task, "--coder", "folder:programs", "--name", "a", "--quiet"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for((tmp_path / "runs/a/nodes/0001/.run-0/output.log").exists, process)
        second = treewright("resume", "a", cwd=tmp_path, check=False)
        assert second.returncode == 2
        assert "another process" in second.stderr
        assert json.loads(treewright("show", "a", "--json", cwd=tmp_path).stdout)["nodes"][0]["score"] is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def outcome(home: Path, name: str) -> list[tuple]:
    shown = json.loads(treewright("show", name, "--json", cwd=home).stdout)
    return [(node["id"], node["action"], node["parent"], node["score"]) for node in shown["nodes"]]


def kill_and_resume(task: Path, programs: Path, home: Path, seed: int) -> None:
    """Kill a run after a random time, again and again, until it comes to its end."""
    rng = random.Random(seed)
    command = [
        sys.executable,
        "-m",
        "treewright",
        "run",
        task,
        "--coder",
        f"folder:{programs}",
        "--name",
        "a",
        "--quiet",
    ]
    kills = 0
    while True:
        process = subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, err = process.communicate(timeout=rng.uniform(0.5, 3.5) if kills < 2 else 60)
            assert process.returncode == 0, err
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
        if (home / "runs/a").exists():
            command = [sys.executable, "-m", "treewright", "resume", "a", "--quiet"]


def random_kills(count: int):
    return pytest.mark.parametrize("seed", range(count))


def check_kills(task, programs, finished, home, seed):
    kill_and_resume(task, programs, home, seed)
    assert outcome(home, "a") == outcome(finished, "first")
    best = "best/submission.csv"
    assert (home / "runs/a" / best).read_bytes() == (finished / "runs/first" / best).read_bytes()


@random_kills(20)
def test_a_run_killed_at_any_moment_and_resumed_ends_as_if_nothing_had_happened(
    task, programs, finished, tmp_path, seed
):
    check_kills(task, programs, finished, tmp_path, seed)


@pytest.mark.soak
@random_kills(200)
def test_two_hundred_kills(task, programs, finished, tmp_path, seed):
    check_kills(task, programs, finished, tmp_path, 1000 + seed)
