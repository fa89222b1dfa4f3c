"""What a user may do wrong at the command line, one mistake a test: a line of advice, exit status 2, nothing left."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from treewright.cli import main, searching
from treewright.data import prepare, read_task
from treewright.evaluation import scoring
from treewright.execution import plain

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import csv

rows = list(csv.reader(open("input/test.csv")))
with open("working/submission.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["id", "y"])
    for row in rows[1:]:
        out.writerow([row[0], 3 * float(row[1])])
"""
STEERING = "\x1b[31m\x07\u202e"
"""Colours the terminal, rings its bell, and turns its text around."""

DIGITS = random.Random(0)
TRAIN = [(i, x := round(DIGITS.gauss(0, 1), 3), round(3 * x + DIGITS.gauss(0, 1), 3)) for i in range(120)]
TEST = [(i, round(DIGITS.gauss(0, 1), 3)) for i in range(120, 160)]


def table(header: str, rows) -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


TABLES = {
    "train.csv": table("id,x,y", TRAIN),
    "test.csv": table("id,x", TEST),
    "sample_submission.csv": table("id,y", [(i, 0) for i, _ in TEST]),
}


def make_task(folder: Path, **files: str | bytes | None) -> Path:
    """A small task; each of ``files`` (``__`` stands for the dot) replaces one of its own, or removes it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in (TABLES | {name.replace("__", "."): content for name, content in files.items()}).items():
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty current folder."""
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def call(home, monkeypatch, capsys):
    """The command line, in this process, in the empty folder: exit status, stdout, stderr."""
    monkeypatch.chdir(home)

    def call(*arguments) -> tuple[int, str, str]:
        scoring.load_metric.cache_clear()  # as a new process has it, and a clock that has just begun
        monkeypatch.setattr(searching, "OPENED", time.monotonic())
        monkeypatch.setattr(sys, "argv", ["treewright", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def refused(home, call):
    """Calls and expects to be refused: status 2, one line or two on stderr, nothing in ``runs/``. The advice."""

    def refused(*arguments) -> str:
        status, out, err = call(*arguments)
        assert (status, out) == (2, ""), err
        assert err.startswith("treewright: ")
        assert len(err.splitlines()) <= 2
        assert not list((home / "runs").glob("**/*"))
        return err

    return refused


@pytest.fixture
def programs(home) -> Path:
    (home / "programs").mkdir()
    (home / "programs" / "a.py").write_text(PROGRAM)
    return home / "programs"


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with a finished run, ``runs/first``."""
    home = tmp_path_factory.mktemp("finished")
    (home / "programs").mkdir()
    (home / "programs" / "a.py").write_text(PROGRAM + f"print('{STEERING} red')\n")
    (home / "programs" / "b.py").write_text(f"# {STEERING}\nraise ValueError('{STEERING} no luck')\n")
    process(home, "run", make_task(home / "task"), "--coder", "folder:programs", "--name", "first", "--quiet")
    return home


def process(home: Path, *arguments, **settings) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, "-m", "treewright", *map(str, arguments)],
        cwd=home, capture_output=True, text=True, check=False, timeout=120, **settings,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


# -- the data ------------------------------------------------------------------------------------------------------


def test_a_folder_without_data(home, refused):
    (home / "task").mkdir()
    assert "no train.csv (it has nothing)" in refused("run", "task")


def test_a_folder_that_does_not_exist(refused):
    assert "task: there is no such folder" in refused("run", "task")


@pytest.mark.parametrize("name", ["train.feather", "train.xlsx"])
def test_a_folder_with_another_kind_of_table(home, refused, name):
    (home / "task").mkdir()
    (home / "task" / name).write_bytes(b"PAR1")
    assert f"no train.csv (it has {name}); save that table as train.csv" in refused("run", "task")


def lines(content: str, *more: str) -> str:
    return content + "".join(f"{line}\n" for line in more)


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        ({"sample_submission__csv": None, "test__csv": TABLES["train.csv"]}, "nothing is left to predict"),
        (
            {"train__csv": table("id,x,y,z", [(*row, 1) for row in TRAIN]), "sample_submission__csv": None},
            "choose with --target COLUMN",
        ),
        ({"train__csv": table("id,x,y", [(i, x, 1) for i, x, _ in TRAIN])}, "y is '1' in every row"),
        ({"train__csv": table("id,x,y", [(i, x, "") for i, x, _ in TRAIN])}, "0 rows with a target; at least 20"),
        ({"train__csv": table("id,x,y", TRAIN[:3])}, "3 rows with a target; at least 20"),
        ({"train__csv": table("id,x,x", TRAIN)}, "more than one column called x"),
        ({"test__csv": table("id,q", TEST)}, "test.csv has columns that train.csv lacks: q"),
        ({"test__csv": lines(TABLES["test.csv"], "120,1")}, "test.csv has the id 120 more than once"),
        ({"sample_submission__csv": table("id,y", [(120, 0)])}, "sample_submission.csv lacks 39 ids"),
        ({"sample_submission__csv": lines(TABLES["sample_submission.csv"], "7,0")}, "1 ids that test.csv lacks, 7"),
        ({"train__csv": ""}, "train.csv is empty"),
        ({"train__csv": "\n\n"}, "train.csv is empty"),
        ({"train__csv": "id,x,y\n"}, "train.csv has a header but no rows"),
        ({"train__csv": lines(TABLES["train.csv"], "1,2,3,4")}, "line 122: 4 cells where the header has 3"),
        ({"train__csv": lines(TABLES["train.csv"], "1,2")}, "line 122: 2 cells where the header has 3"),
        ({"train__csv": lines(TABLES["train.csv"], '1,"2,3')}, "line 122: 2 cells where the header has 3"),
        ({"train__csv": bytes(5_000)}, "train.csv is not a text file"),
        ({"train__csv": random.Random(0).randbytes(20_000)}, "train.csv is not a text file"),
        ({"train__csv": TABLES["train.csv"].encode("utf-16-le")}, "save it as CSV in UTF-8"),
        ({"train__csv": TABLES["train.csv"].encode("utf-16")[:-1]}, "save it as CSV in UTF-8"),
        ({"train__csv": TABLES["train.csv"].encode("utf-32")}, "save it as CSV in UTF-8"),
        ({"train__csv": "a," * 5_000_000}, "5,000,001 columns, more than 100,000; are its line breaks missing"),
        ({"train__csv": "a" * 10_000_000}, "train.csv has a header but no rows"),
        ({"train__csv": None, "train__csv__gz": b"no gzip"}, "cannot be read: Not a gzipped file"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_used(home, refused, files, advice):
    assert advice in refused("run", make_task(home / "task", **files))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-16"])
def test_other_encodings_just_work(home, call, encoding):
    content = table("id,größe,y", [(i, "früh" if x > 0 else "spät", y) for i, x, y in TRAIN])
    test = table("id,größe", [(i, "früh") for i, _ in TEST])
    task = make_task(home / "task", train__csv=content.encode(encoding), test__csv=test)
    status, out, _ = call("inspect", task, "--json")
    assert status == 0
    assert [column["name"] for column in json.loads(out)["columns"]] == ["id", "größe"]


def test_a_very_long_cell_and_a_name_over_two_lines_just_work(home, call):
    rows = [(i, x, y, "a" * 5_000_000 if i == 7 else "b") for i, x, y in TRAIN]
    task = make_task(home / "task", train__csv=table('id,x,y,"a\nname"', rows))
    status, out, _ = call("inspect", task, "--json")
    assert status == 0
    assert json.loads(out)["columns"][-1]["name"] == "a\nname"


def test_a_side_file_that_would_never_end_is_left_out(home, call):
    task = make_task(home / "task")
    os.mkfifo(task / "pipe.csv")
    (task / "more").mkdir()
    (task / "more" / "again").symlink_to(task, target_is_directory=True)
    status, out, _ = call("inspect", task, "--json")
    assert status == 0
    notes = " ".join(json.loads(out)["notes"])
    assert "pipe.csv is no plain file" in notes
    assert "more contains again, which is no plain file" in notes


# -- target, metric, task.toml ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "advice"), [("Y", "did you mean y?"), ("q", "the table has id, x, y"), ("", "''")])
def test_a_target_that_is_no_column(home, refused, target, advice):
    assert advice in refused("run", make_task(home / "task"), "--target", target)


@pytest.mark.parametrize(
    ("metric", "advice"),
    [
        ("rsme", "did you mean rmse?"),
        ("", "unknown metric ''"),
        ("auc", "auc is for binary or multiclass targets, but the target is regression; choose one of rmse"),
        ("nowhere.py:f", "nowhere.py cannot be read"),
        ("nowhere.py", "write nowhere.py:FUNCTION"),
    ],
)
def test_a_metric_that_cannot_be_used(home, refused, metric, advice):
    assert advice in refused("run", make_task(home / "task"), "--metric", metric)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("def g(a, b): return 1", "defines no function 'f'"),
        ("def f(a, b", "is not valid Python"),
        ("def f(a, b): return 1", "does not say which way f is better"),
        ("def f(a, b): raise KeyError('gone')", "raised KeyError: 'gone'"),
        ("def f(a, b): return float('nan')", "f is nan"),
        ("def f(a, b): return None", "raised TypeError"),
        ("def f(a): return 1", "raised TypeError"),
        ("import nowhere\ndef f(a, b): return 1", "No module named 'nowhere'"),
        ("def f(a, b): raise SystemExit", "ends the program"),
        ("def f(a, b): return 1\nraise SystemExit", "ends the program"),
    ],
)
def test_a_metric_of_one_s_own_that_fails_is_found_before_the_search(home, programs, refused, code, advice):
    if not advice.startswith(("does not say", "is not valid")):
        code += "\nf.direction = 'minimize'" if "\nraise" not in code else ""
        code = f"def f(): pass\nf.direction = 'minimize'\n{code}" if "\nraise" in code else code
    (home / "own.py").write_text(code)
    advised = refused("run", make_task(home / "task"), "--coder", f"folder:{programs}", "--metric", "own.py:f")
    assert advice in advised


@pytest.mark.parametrize(
    ("toml", "advice"),
    [
        ('targt = "y"', "unknown key 'targt'; did you mean 'target'?"),
        ("target = ", "is not valid TOML"),
        (b"\xff\xfe", "is not valid TOML"),
        ("target = 3", "it must be a text in quotes"),
        ('metric = "rsme"', "did you mean rmse?"),
        ("holdout = 3", "holdout must be a table"),
        ('[holdout]\nkind = "tme"', "did you mean 'time'?"),
        ("[holdout]\nfraction = nan", "above 0 and at most"),
        ('[holdout]\ncolumn = "q"', "has no column 'q'"),
    ],
)
def test_a_task_toml_that_cannot_be_used(home, refused, toml, advice):
    assert advice in refused("run", make_task(home / "task", task__toml=toml))


def test_a_task_toml_that_is_a_folder(home, refused):
    task = make_task(home / "task")
    (task / "task.toml").mkdir()
    assert "task.toml cannot be read: Is a directory" in refused("run", task)


# -- flags -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "advice"),
    [
        (["--time", "0"], "time = 0.0: input should be greater than 0"),
        (["--time=-5"], "'-5' is no time"),
        (["--time", "soon"], "write it like 90s, 30m or 1h30m"),
        (["--time", ""], "'' is no time"),
        (["--time", "9" * 400], "is no time"),
        (["--set", "time=inf"], "time = inf: input should be a finite number"),
        (["--workers", "0"], "workers = 0"),
        (["--steps", "-1"], "steps = -1"),
        (["--seed", "-1"], "seed = -1"),
        (["--coder", "folder:nothing"], "there is no *.py in that folder"),
        (["--coder", "recipies"], "it is recipes, llm (with --model PROVIDER:NAME), or folder:DIR"),
        (["--init", "nowhere.py"], "nowhere.py: [Errno 2] No such file"),
        (["--python", "nowhere"], "no Python interpreter at nowhere"),
        (["--python", "/bin/cat"], "/bin/cat does not answer as Python does"),
        (["--policy", "mcts"], "there is no policy 'mcts'"),
        (["--preset", "news"], "there is no preset 'news'"),
        (["--sandbox", "wet"], "'auto', 'bwrap' or 'none'"),
        (["--set", "policy.num_draft=3"], "the nearest is 'num_drafts'"),
        (["--set", "steps"], "--set takes key=value"),
        (["--config", "nowhere.toml"], "there is no configuration file nowhere.toml"),
        (["--max-cost", "0"], "max_cost = 0.0"),
        (["--set", "coder.temperature=warm"], "coder.temperature = 'warm'"),
        (["--set", "coder.price.input=3"], "name both coder.price.input and coder.price.output"),
    ],
)
def test_a_flag_out_of_its_range(home, refused, flags, advice):
    (home / "nothing").mkdir()
    assert advice in refused("run", make_task(home / "task"), *flags)


MODEL = ["--model", "openai:test"]


@pytest.mark.parametrize("command", ["run", "doctor"])
@pytest.mark.parametrize(
    "address", ["foo", "ftp://x", "http://", "http://host:port", "http://host:0", "http://[", "//host"]
)
def test_an_address_that_is_none(home, refused, command, address):
    task = [make_task(home / "task")] if command == "run" else []
    advice = refused(command, *task, *MODEL, "--base-url", address)
    assert f"coder.base_url = {address!r}: it is no base URL, which looks like http://localhost:8080/v1" in advice


@pytest.mark.parametrize("address", ["https://bob:hush@host/v1", "https://hush@host", "http://bob:hu/hush@host/v1"])
@pytest.mark.parametrize("way", ["flag", "setting", "file"])
def test_an_address_with_a_password_in_it_is_not_taken_and_not_shown(home, refused, address, way):
    (home / "own.toml").write_text(f'[coder]\nbase_url = "{address}"\n')
    flags = {
        "flag": ["--base-url", address],
        "setting": ["--set", f"coder.base_url={address}"],
        "file": ["--config", "own.toml"],
    }
    advice = refused("run", make_task(home / "task"), *MODEL, *flags[way])
    assert "coder.base_url" in advice and "***@host" in advice
    assert "hush" not in advice
    if "hu/" not in address:
        assert "OPENAI_API_KEY" in advice and "OPENAI_BASE_URL" in advice


@pytest.mark.parametrize(
    ("flags", "advice"),
    [
        ([*MODEL, "--coder", "recipes"], "--model does nothing where the coder is recipes"),
        ([*MODEL, "--coder", "folder:nothing"], "--model does nothing where the coder is folder:"),
        (["--review-model", "openai:test"], "--review-model does nothing where the coder is recipes; name a model"),
        (["--review", "never"], "--review does nothing where the coder is recipes"),
        (["--base-url", "http://host/v1"], "--base-url does nothing where the coder is recipes"),
        (["--no-samples"], "--no-samples does nothing where the coder is recipes"),
        (["--rerun"], "--rerun does nothing without a replay"),
        ([*MODEL, "--rerun"], "--rerun does nothing without a replay"),
        ([*MODEL, "--review", "never", "--review-model", "openai:x"], "--review-model does nothing where nothing is"),
    ],
)
def test_a_flag_that_would_do_nothing(home, refused, flags, advice):
    assert advice in refused("run", make_task(home / "task"), *flags)


@pytest.mark.parametrize("flag", ["--review-model=openai:x", "--base-url=http://host/v1", "--no-samples"])
def test_a_replay_asks_no_model_that_a_flag_could_be_about(run, home, refused, flag):
    advice = refused("run", make_task(home / "task"), "--model", f"replay:{run}", flag)
    assert f"{flag.partition('=')[0]} does nothing in a replay" in advice


@pytest.mark.parametrize("flags", [["--no-samples"], ["--preset", "paper"], ["--set", "coder.samples=false"]])
def test_an_inspection_without_a_prompt_has_no_use_for_what_a_prompt_is_made_of(home, refused, flags):
    assert f"{flags[0]} does nothing without --prompt" in refused("inspect", make_task(home / "task"), *flags)


def test_a_model_that_a_file_names_may_lie_idle(home, programs, call):
    (home / "own.toml").write_text('[coder]\nmodel = "openai:test"\nreview = "never"\nbase_url = "http://host/v1"\n')
    flags = ("--config", "own.toml", "--coder", f"folder:{programs}", "--quiet")
    assert call("run", make_task(home / "task"), *flags)[0] == 0


@pytest.mark.parametrize("package", ["pydantic_ai", "pyflakes", "dotenv"])
def test_a_missing_package_for_language_models_is_one_line_with_its_mend(home, package):
    make_task(home / "task")
    (home / ".env").write_text("SOME=thing\n")  # what dotenv is for
    blocked = f"import sys; sys.modules[{package!r}] = None; from treewright.cli import main; main()"
    for command in (["run", "task"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-c", blocked, *command, *MODEL, "--sandbox", "none"],
            cwd=home, capture_output=True, text=True, check=False, env=os.environ | {"OPENAI_API_KEY": "sk-none"},
        )  # fmt: skip
        told = done.stderr if command[0] == "run" else done.stdout
        (line,) = (line for line in told.splitlines() if "treewright[llm]" in line)
        assert package in line and "pip install 'treewright[llm]'" in line
        assert "Traceback" not in done.stderr
        assert done.returncode == (2 if command[0] == "run" else 1)
    assert not list((home / "runs").glob("**/*"))


@pytest.mark.parametrize("arguments", [["rnu"], ["run", "task", "--stps", "3"], ["run", "task", "--seed", "a"]])
def test_an_unknown_command_or_option_or_a_text_for_a_number(call, arguments):
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert arguments[-1] in err or arguments[-2] in err


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", ".", "-x", "a\nb", ".hidden", " ", "x" * 300, f"a{STEERING}", "a\udc80"], ids=ascii
)
def test_a_name_that_is_no_name_for_a_run(home, refused, name):
    advice = refused("run", make_task(home / "task"), f"--name={name}")
    assert "cannot be the --name of a run" in advice
    assert advice.rstrip("\n").isprintable()
    assert {path.name for path in home.iterdir()} <= {"task", "runs"}


def test_a_folder_whose_name_is_not_utf_8(home, refused):
    task = make_task(home / "task").rename(home / "t\udc80")
    assert "is not valid UTF-8" in refused("run", task)


def test_runs_cannot_be_kept_in_a_file(home, refused):
    task = make_task(home / "task")
    assert "Not a directory" in refused("run", task, "--out", task / "train.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_runs_cannot_be_kept_where_one_may_not_write(home, refused):
    (home / "out").mkdir(mode=0o555)
    assert "Permission denied" in refused("run", make_task(home / "task"), "--out", "out")


# -- runs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(finished, home) -> Path:
    """A copy of the finished run, to be spoilt."""
    return shutil.copytree(finished / "runs" / "first", home / "other" / "first", symlinks=True)


def test_a_name_that_is_taken(home, finished, call):
    shutil.copytree(finished / "runs", home / "runs", symlinks=True)
    before = {path: path.stat().st_mtime_ns for path in (home / "runs").rglob("*")}
    status, _, err = call("run", make_task(home / "task"), "--name", "first")
    assert status == 2
    assert "treewright resume runs/first" in err
    assert {path: path.stat().st_mtime_ns for path in (home / "runs").rglob("*")} == before


@pytest.mark.parametrize("command", ["show", "log", "diff", "export", "resume"])
def test_what_is_no_run(home, refused, command):
    make_task(home / "task")
    assert "there is no run task" in refused(command, "task", *["1"] * {"log": 1, "diff": 2}.get(command, 0))


@pytest.mark.parametrize("arguments", [["show", "9"], ["log", "9"], ["diff", "1", "9"], ["export", "9"], ["show", "0"]])
def test_a_node_that_does_not_exist(run, refused, arguments):
    command, *nodes = arguments
    assert f"has no node {nodes[-1]}; its nodes are 1 to 2" in refused(command, run, *nodes)


@pytest.mark.slow
def test_a_run_can_be_resumed_from_another_folder(home, programs, call, monkeypatch):
    make_task(home / "task")
    (home / "own.py").write_text("def f(a, b): return abs(a - b).mean()\nf.direction = 'minimize'\n")
    own = ("--metric", "own.py:f", "--init", "programs/a.py")
    assert call("run", "task", "--coder", "folder:programs", "--name", "a", "--steps", "1", *own)[0] == 0
    shutil.copy(programs / "a.py", programs / "b.py")
    monkeypatch.chdir(home / "runs")
    status, out, err = call("resume", "a", "--steps", "+1", "--json")
    assert status == 0, err
    assert json.loads(out)["nodes"] == 2


def test_a_run_is_found_from_within_and_through_a_link(home, run, call, monkeypatch):
    (home / "latest").symlink_to(run)
    assert "2 nodes" in call("show", "latest")[1]
    monkeypatch.chdir(run)
    assert "2 nodes" in call("show", ".")[1]


def execute(*statements: str):
    def spoil(run: Path) -> None:
        database = sqlite3.connect(run / "run.db", isolation_level=None)
        for statement in (*statements, "PRAGMA wal_checkpoint(TRUNCATE)"):
            database.execute(statement).fetchall()
        database.close()

    return spoil


def overwrite(run: Path, data: bytes) -> None:
    (run / "run.db").write_bytes(data)


DAMAGES = {
    "another version": (execute("PRAGMA user_version = 99"), "written by a newer treewright (format 99)"),
    "garbage": (partial(overwrite, data=random.Random(0).randbytes(20_000)), "is not a run database, or it is damaged"),
    "an event that is no JSON": (execute("UPDATE events SET body = '{' WHERE seq = 3"), "damaged event"),
    "an unknown event": (execute("UPDATE events SET kind = 'Grown' WHERE seq = 3"), "an event 'Grown' unknown"),
    "no table": (execute("DROP TABLE events"), "no such table"),
}


@pytest.mark.parametrize("command", ["show", "log", "export", "resume"])
@pytest.mark.parametrize(("spoil", "advice"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_run(run, refused, spoil, advice, command):
    spoil(run)
    before = (run / "run.db").read_bytes()
    assert advice in refused(command, run, *["1"] * (command == "log"))
    assert (run / "run.db").read_bytes() == before
    assert (run / "best" / "submission.csv").is_file()


def test_a_log_that_lacks_an_event(run, refused):
    execute("DELETE FROM events WHERE seq = 2")(run)
    assert "missing or out of order" in refused("show", run)


def test_a_damaged_run_does_not_hide_the_others_from_the_list(run, call):
    shutil.copytree(run, run.with_name("second"), symlinks=True)
    overwrite(run.with_name("second"), b"garbage" * 1000)
    status, out, err = call("list", "other")
    assert (status, out.count("first")) == (0, 1)
    assert "other/second/run.db is not a run database" in err


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("config.toml", "config.toml does not fit this version"),
        ("data/holdout.json", "start a new run"),
        ("data/answers/fold0.csv", "start a new run"),
        ("data/inputs/fold0/sample_submission.csv", "start a new run"),
    ],
)
def test_a_run_with_a_damaged_file_cannot_be_resumed(run, refused, name, advice):
    (run / name).write_text("")
    assert advice in refused("resume", run)


def test_a_run_that_another_process_works_on(run, refused, call):
    with (run / "run.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another process is working on" in refused("resume", run)
        assert call("show", run)[0] == 0


@pytest.mark.parametrize(
    ("flags", "advice"),
    [
        (["--steps", "x"], "--steps takes a number"),
        (["--steps", "²"], "--steps takes a number"),
        (["--steps=-1"], "--steps takes a number"),
        (["--time", "0"], "greater than 0"),
        (["--time", "+soon"], "is no time"),
        (["--workers", "0"], "workers = 0"),
        (["--set", "polic=3"], "the nearest is 'policy'"),
        (["--max-cost", "much"], "--max-cost takes USD"),
        (["--max-cost=-1"], "--max-cost takes USD"),
        (["--max-tokens", "+1.5"], "--max-tokens takes a number"),
        (["--base-url", "http://host/v1"], "--base-url does nothing where the coder is folder:"),
        (["--review", "never"], "--review does nothing where the coder is folder:"),
        (["--model", "gpt-5"], "did you mean openai:gpt-5?"),
    ],
)
def test_a_resume_that_cannot_be(run, refused, flags, advice):
    assert advice in refused("resume", run, *flags)


# -- grade -----------------------------------------------------------------------------------------------------------

ANSWERS = table("id,y", [(i, 3 * x) for i, x in TEST])


@pytest.mark.parametrize(
    ("mine", "answers", "advice"),
    [
        (None, ANSWERS, "there is no file mine.csv"),
        (ANSWERS, None, "there are no answers at answers.csv"),
        (TABLES["train.csv"], ANSWERS, "has the extra 'x'"),
        (table("id,y", [(1, 1)]), ANSWERS, "lacks 40 of the 40 ids"),
        (ANSWERS.replace("120,", "120,a"), ANSWERS, "are no finite numbers"),
        ("", ANSWERS, "mine.csv cannot be scored"),
        (bytes(100), ANSWERS, "mine.csv cannot be scored"),
        (ANSWERS, TABLES["test.csv"], "lacks the columns y"),
        (ANSWERS, lines(ANSWERS, "120,1"), "answers.csv has the same id more than once"),
        (ANSWERS, table("id,y", [(i, "a") for i, _ in TEST]), "answers.csv cannot be used"),
        (ANSWERS, "", "answers.csv is empty"),
        (ANSWERS, bytes(100), "answers.csv is not a text file"),
    ],
)
def test_what_cannot_be_graded(home, refused, mine, answers, advice):
    for name, content in (("mine.csv", mine), ("answers.csv", answers)):
        if content is not None:
            (home / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert advice in refused("grade", make_task(home / "task"), "mine.csv", "--answers", "answers.csv")


# -- the terminal ----------------------------------------------------------------------------------------------------


def assert_harmless(*texts: str) -> None:
    for text in texts:
        assert not [character for character in text if not character.isprintable() and character not in "\n\t"]


@pytest.mark.parametrize(
    "arguments", [["show"], ["show", "1"], ["show", "2"], ["log", "1"], ["log", "2"], ["diff", "1", "2"]]
)
def test_what_a_program_wrote_cannot_steer_the_terminal(run, call, arguments):
    command, *nodes = arguments
    status, out, err = call(command, run, *nodes)
    assert status == 0
    assert_harmless(out, err)


def test_names_and_labels_cannot_steer_the_terminal(home, call):
    bad = f"y{STEERING}"
    task = make_task(
        home / f"task{STEERING}",
        train__csv=table(f"id,x{STEERING},{bad}", [(i, x, f"{STEERING}{y > 0}") for i, x, y in TRAIN]),
        test__csv=table(f"id,x{STEERING}", TEST),
        sample_submission__csv=table(f"id,{bad}", [(i, 0) for i, _ in TEST]),
        description__md=f"{STEERING} Predict.",
    )
    status, out, err = call("inspect", task)
    assert (status, "Predict." in out) == (0, True)
    assert_harmless(out, err)
    for flags in (["--target", "q"], ["--metric", STEERING], ["--metric", "auc"]):
        assert_harmless(*call("run", task, *flags, "--coder", "folder:nowhere")[1:])


@pytest.mark.parametrize("arguments", ["list", "show first", "log first 1", "inspect task --json", "--help"])
def test_a_reader_that_leaves_early(finished, arguments):
    command = f"{sys.executable} -m treewright {arguments} | head -c 0"
    done = subprocess.run(["bash", "-c", command], cwd=finished, capture_output=True, text=True, check=True)
    assert not done.stderr


def test_a_search_goes_on_when_nobody_watches_it_any_more(programs):
    home = programs.parent
    make_task(home / "task")
    command = f"{sys.executable} -m treewright run task --coder folder:programs --name a 2>&1 >/dev/null | head -c 1"
    subprocess.run(["bash", "-c", command], cwd=home, check=True)
    assert json.loads(process(home, "show", "a", "--json").stdout)["stopped_by"] == "steps"


def test_closed_streams(finished):
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f"{sys.executable} -m treewright list {closed}"
        done = subprocess.run(["bash", "-c", command], cwd=finished, capture_output=True, text=True, check=True)
        assert not done.stderr


def test_a_narrow_terminal_and_one_that_knows_only_ascii(finished):
    for settings in ({"COLUMNS": "20"}, {"COLUMNS": "1"}, {"PYTHONIOENCODING": "ascii"}, {"TERM": "dumb"}):
        assert "first"[:1] in process(finished, "show", "first", env=os.environ | settings).stdout


# -- programs and disks ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_program_that_prints_a_hundred_megabytes(home, programs, call):
    (programs / "a.py").write_text(PROGRAM + "import sys\nfor i in range(1_600): sys.stdout.write('x' * 65_536)\n")
    call(
        "run", make_task(home / "task", task__toml="[holdout]\nfolds = 1"), "--coder", "folder:programs", "--name", "a"
    )
    log = home / "runs/a/nodes/0001/output.log"
    assert log.stat().st_size <= 10_000_000
    assert "bytes" in log.read_text()[4_900_000:5_100_000]
    assert call("show", "a")[0] == 0


@pytest.mark.slow
def test_without_a_sandbox_a_program_cannot_change_the_user_s_own_files(home, programs, call, monkeypatch):
    vandal = """
import os
for folder, _, names in os.walk("input", followlinks=True):
    for name in names:
        path = os.path.join(folder, name)
        os.chmod(path, 0o666)
        open(path, "w").write("spoilt")
        os.remove(path)
"""
    monkeypatch.setattr(plain, "COPIED_BYTES", 0)
    (programs / "a.py").write_text(vandal)
    task = make_task(home / "task", notes__txt="precious")
    (task / "pictures").mkdir()
    (task / "pictures" / "1.png").write_text("precious")
    before = {path: path.read_bytes() for path in task.rglob("*") if path.is_file()}
    assert call("run", task, "--coder", "folder:programs", "--sandbox", "none", "--quiet")[0] == 1
    assert {path: path.read_bytes() for path in task.rglob("*") if path.is_file()} == before


def test_what_a_program_finds_is_a_copy_that_it_may_not_write(home):
    task = make_task(home / "task", notes__txt="precious")
    fold = prepare(read_task(task), 0, home / "data").folds[0]
    assert not (fold.input / "notes.txt").stat().st_mode & 0o222
    assert not (fold.input / "notes.txt").samefile(task / "notes.txt")
    assert (task / "notes.txt").stat().st_nlink == 1


@pytest.mark.slow
def test_a_full_database_ends_the_run_and_loses_nothing(home, programs, call, monkeypatch):
    connect = sqlite3.connect

    def small(*arguments, **settings) -> sqlite3.Connection:
        database = connect(*arguments, **settings)
        database.execute("PRAGMA max_page_count = 14")
        return database

    for i in range(8):
        (programs / f"{i}.py").write_text(PROGRAM + f"# {i}" + "x" * 5_000)
    task = make_task(home / "task", task__toml="[holdout]\nfolds = 1")
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", small)
        status, _, err = call("run", task, "--coder", "folder:programs", "--name", "a", "--quiet")
    assert status == 2
    assert "cannot save to" in err
    assert "resume" in err
    before = json.loads(call("show", "a", "--json")[1])
    assert before["nodes"]
    status, out, _ = call("resume", "a", "--json")
    assert status == 0
    assert json.loads(out)["nodes"] == 9


@pytest.fixture
def small_disk(home):
    """Makes a disk of a few kilobytes, where that is possible."""
    place = home / "disk"
    place.mkdir()

    def mount(kilobytes: int, *options: str) -> Path:
        size = ",".join((*options, f"size={kilobytes}k"))
        command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)]
        if os.geteuid() or shutil.which("mount") is None:
            pytest.skip("only root can make a small disk")
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("even root cannot make a small disk here")
        return place

    yield mount
    subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def test_a_full_disk_before_the_run_begins(home, small_disk, refused):
    disk = small_disk(16)
    assert "No space left on device" in refused("run", make_task(home / "task"), "--out", disk)
    assert not list(disk.iterdir())


@pytest.mark.slow
def test_a_disk_that_fills_up_during_the_run_loses_nothing(home, programs, small_disk, call):
    disk = small_disk(600)
    for i in range(12):
        (programs / f"{i}.py").write_text(PROGRAM + f"print('x' * 40_000)  # {i}\n")
    task = make_task(home / "task", task__toml="[holdout]\nfolds = 1")
    status, _, err = call("run", task, "--coder", "folder:programs", "--out", disk, "--name", "a", "--quiet")
    assert (status, "full" in err or "No space left" in err) == (2, True), err
    small_disk(20_000, "remount")
    status, out, _ = call("resume", disk / "a", "--json")
    assert (status, json.loads(out)["nodes"]) == (0, 13)
    assert len((disk / "a" / "best" / "submission.csv").read_text().splitlines()) == 41
