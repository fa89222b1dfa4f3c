"""Asking the scripts' interpreter what its libraries have, whatever its libraries do."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from treewright.coders.llm import _names
from treewright.coders.llm.check import check
from treewright.coders.llm.names import Known, Names
from treewright.errors import ExecutorError
from treewright.execution import LocalExecutor, find_sandbox
from treewright.tree import Execution

LIBRARIES = {
    "tools.py": """
import functools

def plain(a, b=1, *, c=2): ...
def any_names(a, **more): ...
def any_number(*tables, size=1): ...
def only_by_place(a, /, b): ...

def checked(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)
    return call

def renaming(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        kwargs["new"] = kwargs.pop("old", None)
        return function(*args, **kwargs)
    return call

@checked
def wrapped(a, b): ...
@renaming
def renamed(new): ...
@functools.singledispatch
def generic(a): ...
@functools.cache
def cached(a): ...

def hiding(new, old=None): ...
def _visible(new): ...
hiding.__signature__ = __import__("inspect").signature(_visible)

class Model:
    kind = "ridge"
    def __init__(self, alpha, *, solver="auto"): ...
    def fit(self, x, y): ...
    @classmethod
    def load(cls, path): ...

class Made:
    def __new__(cls, *args): ...
    def __init__(self, a): ...

class Maker(type):
    def __call__(cls, *args, **kwargs): ...
class MadeByMeta(metaclass=Maker):
    def __init__(self, a): ...

model = Model(1)

def __getattr__(name):
    if name == "gone":
        raise AttributeError("module 'tools' has no attribute 'gone'.\\nIt is gone. Use plain. " + "More. " * 50)
    if name == "moved":
        raise ImportError("moved was removed in version 2")
    if name == "young":
        raise ImportError("young is experimental: import enable_young first")
    if name == "broken":
        raise ValueError(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
""",
    "sklearn/__init__.py": "__all__ = ['impute', 'clone', 'absent']\ndef clone(): ...\n",
    "sklearn/impute.py": "__all__ = ['SimpleImputer']\nclass SimpleImputer: ...\nclass Private: ...\n",
    "sklearn/preprocessing/__init__.py": "class OneHotEncoder: ...\n",
    "sklearn/preprocessing/_data.py": "",
    "lightgbm.py": "class LGBMRegressor: ...\n",
    "shouting.py": "import sys\nprint('[' * 10000)\nsys.stderr.write('x')\nsys.stdout.close()\nloud = 1\n",
    "roaming.py": "import os, tempfile\nos.chdir('/')\nfar = 1\n",
    "warning.py": "import warnings\nwarnings.warn('old', DeprecationWarning)\nold = 1\n",
    "needing.py": "import absent\n",
    "failing.py": "raise ValueError\n",
    "quitting.py": "raise SystemExit\n",
    "crashing.py": "import os\nos._exit(3)\n",
    "hanging.py": "while True: pass\n",
}


@pytest.fixture(scope="module")
def executor(tmp_path_factory):
    """Runs scripts with an interpreter that has libraries of our own making."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    for name, text in LIBRARIES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    python = folder / "bin/python"
    return LocalExecutor(find_sandbox("none", python), python)


@pytest.fixture(scope="module")
def names(executor):
    return Names(executor)


class Counting:
    """An executor that counts its runs and does nothing, or what it is told to."""

    def __init__(self, act=lambda _: None):
        self.act = act
        self.jobs = []

    def run(self, job):
        self.jobs.append(job)
        (job.workdir / "working").mkdir()
        self.act(job)
        return Execution(1.0, 0)


# What there is


def test_what_exists_is_told_from_what_does_not(names):
    there = ["tools", "tools.plain", "tools.Model.fit", "tools.Model.kind", "os.path.join", "sklearn", "json.dumps"]
    there += ["sklearn.preprocessing", "sklearn.preprocessing._data", "sklearn.impute.SimpleImputer"]
    absent = {
        "absent": "absent",
        "absent.deeper.still": "absent",
        "tools.nothing.deeper": "tools.nothing",
        "tools.Model.nothing": "tools.Model.nothing",
        "sklearn.cross_validation.KFold": "sklearn.cross_validation",
    }
    known = names.look_up([*there, *absent])
    assert {name for name in known if known[name].exists} == set(there)
    assert {name: known[name].missing for name in absent} == absent


def test_similar_names_and_other_homes_of_a_name_are_found(names):
    known = names.look_up(
        ["tools.plian", "tools.model2", "sklearn.preprocesing", "lightgmb", "sklearn.preprocessing.SimpleImputer"]
    )
    assert known["tools.plian"].near == ("plain",)
    assert known["tools.model2"].near[:1] == ("model",)
    assert known["sklearn.preprocesing"].near == ("preprocessing",)
    assert known["lightgmb"].near == ("lightgbm",)
    assert known["sklearn.preprocessing.SimpleImputer"].homes == ("sklearn.impute",)


def test_a_name_is_found_in_the_usual_libraries(names):
    wanted = ["LGBMRegressor", "SimpleImputer", "clone", "defaultdict", "Private", "impute", "nowhere"]
    known = names.look_up(f"*.{name}" for name in wanted)
    assert [known[f"*.{name}"].homes for name in wanted] == [
        *[("lightgbm",), ("sklearn.impute",), ("sklearn",), ("collections",)],
        *[(), (), ()],
    ]


def test_what_a_library_says_of_a_missing_name_is_kept(names):
    known = names.look_up(["tools.gone", "tools.moved", "tools.nothing"])
    assert known["tools.gone"].remark.startswith("It is gone. Use plain. More.")
    assert len(known["tools.gone"].remark) <= 200
    assert known["tools.moved"] == Known(exists=False, missing="tools.moved", remark="moved was removed in version 2")
    assert not known["tools.nothing"].remark


@pytest.mark.parametrize(
    ("name", "parameters", "positional"),
    [
        ("plain", {"a", "b", "c"}, 2),
        ("any_names", None, 1),
        ("any_number", {"size"}, None),
        ("only_by_place", {"b"}, 2),
        ("wrapped", {"a", "b"}, None),
        ("renamed", None, None),
        ("generic", None, None),
        ("cached", {"a"}, None),
        ("hiding", {"new", "old"}, 1),
        ("Model", {"alpha", "solver"}, 1),
        ("Model.fit", {"self", "x", "y"}, 3),
        ("Model.load", {"path"}, 1),
        ("Made", None, None),
        ("MadeByMeta", None, None),
    ],
)
def test_the_arguments_of_a_call_are_known_where_they_are_sure(names, name, parameters, positional):
    known = names.look_up([f"tools.{name}"])[f"tools.{name}"]
    assert (known.parameters if known.parameters is None else set(known.parameters)) == parameters
    assert known.positional == positional


# What cannot be known


@pytest.mark.parametrize(
    "name",
    [
        "tools.model.kind",
        "tools.young",
        "tools.broken",
        "needing.anything",
        "failing.anything",
        "quitting.anything",
        "this.anything",
        "solution.answer",
        "sys.stdout.anything",
        "",
        "a b",
        "tools.",
        "*",
        "os; import antigravity",
    ],
)
def test_what_cannot_be_judged_is_left_out(names, name):
    assert set(names.look_up([name, "tools.plain"])) == {"tools.plain"}


@pytest.mark.parametrize("name", ["shouting.loud", "roaming.far", "warning.old"])
def test_what_a_module_does_when_it_is_imported_does_no_harm(names, name):
    assert names.look_up([name])[name].exists


def test_a_module_that_ends_the_process_takes_only_later_answers_along(names):
    assert set(names.look_up(["collections.deque", "crashing.x", "json.loads"])) == {"collections.deque"}


def test_a_module_that_never_ends_is_given_up(executor):
    assert set(Names(executor, seconds=1).look_up(["functools.cache", "hanging.x"])) == {"functools.cache"}


def fails(error):
    def act(_):
        raise error

    return act


def leaves(text):
    return lambda job: (job.workdir / "working/answer.jsonl").write_text(text)


@pytest.mark.parametrize(
    "act",
    [
        fails(ExecutorError("no processes left")),
        fails(OSError("disk full")),
        leaves("{"),
        leaves("[1]"),
        leaves('["os", {"exists": true}'),
        lambda job: (job.workdir / "working/answer.jsonl").symlink_to("/dev/zero"),
        lambda _: None,
    ],
    ids=["no executor", "no disk", "no JSON", "another form", "cut off", "a link", "nothing"],
)
def test_where_the_interpreter_does_not_answer_nothing_is_known(act):
    names = Names(Counting(act))
    assert names.look_up(["os", "torch"]) == {}
    assert check("import torch\nopen('submission.csv')", names) == ()


# How it is asked


def test_each_name_is_asked_for_once():
    executor = Counting(leaves('["os", {"exists": true}]\n'))
    names = Names(executor, seconds=7)
    assert names.look_up(["os", "unknown"]) == {"os": Known(exists=True)}
    assert names.look_up(["unknown", "os", "os"]) == {"os": Known(exists=True)}
    assert names.look_up([]) == {}
    (job,) = executor.jobs
    assert job.seconds == 7
    assert not job.workdir.exists()


def test_workers_who_ask_at_once_share_one_answer():
    everyone = threading.Barrier(4)
    executor = Counting(leaves('["os", {"exists": true}]\n'))
    names = Names(executor)

    def ask(_):
        everyone.wait()
        return names.look_up(["os"])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [{"os": Known(exists=True)}] * 4
    assert len(executor.jobs) == 1


def test_the_interpreter_may_be_older_than_ours():
    assert ast.parse(inspect.getsource(_names), feature_version=(3, 8)).body


def test_a_program_is_checked_against_what_is_really_installed():
    python = Path(sys.executable)
    names = Names(LocalExecutor(find_sandbox("none", python), python))
    code = """
import numpy as np
import pandas as pd
from sklearn.metrics import mean_squared_error
from sklearn.preprocessing import OneHotEncoder, SimpleImputer

train = pd.read_csv("./input/train.csv", index_col=0)
encoder = OneHotEncoder(sparse=False)
error = mean_squared_error(train, train, squared=False)
a, b = train_test_split(train, test_size=0.5)
np.random.sed(0)
train.to_csv("./working/submission.csv")
"""
    assert check(code, names) == (
        "line 5: sklearn.preprocessing has no 'SimpleImputer': `from sklearn.impute import SimpleImputer`",
        "line 8: OneHotEncoder has no argument 'sparse'; did you mean 'sparse_output'?",
        "line 9: mean_squared_error has no argument 'squared': call root_mean_squared_error instead",
        "line 10: undefined name 'train_test_split': add `from sklearn.model_selection import train_test_split`",
        "line 11: numpy.random has no 'sed'; did you mean 'seed'?",
    )
