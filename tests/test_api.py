"""The Python interface: what a researcher writes, with real data, real scripts and a real sandbox."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import treewright
from support import write_line
from treewright import Action, Node, Operator, Proposal, Search, Task
from treewright.config import DEFAULT_SECONDS, load_config
from treewright.errors import ConfigError, RunError, UsageError

PROGRAM = """
rows = [line.rstrip().split(",") for line in open("input/test.csv")]
with open("working/submission.csv", "w") as file:
    file.write("id,y\\n")
    file.writelines(f"{row[0]},{SLOPE * float(row[1])}\\n" for row in rows[1:])
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A task whose best answer is three times ``x``."""
    return write_line(tmp_path_factory.mktemp("tasks") / "line")


@pytest.fixture(scope="session")
def task(folder):
    return Task.from_folder(folder, metric="rmse")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


class SlopeCoder:
    """A coder of one's own: it begins with a guess and goes on from there, half as far each time."""

    name = "slope"

    def write(self, brief):
        if brief.parent is None:
            slope = 1.0
        else:
            slope = float(brief.parent.proposal.notes["slope"]) + 2.0 / 2 ** len(brief.memory)
        code = f"SLOPE = {slope}\n{PROGRAM}"
        return Proposal(f"multiply x by {slope:g}", code, self.name, {"slope": str(slope)})


class Chain:
    """A policy of one's own: whatever came last is what is improved."""

    def select(self, tree, rng):  # noqa: ARG002
        return Action(Operator.IMPROVE, len(tree)) if len(tree) else Action(Operator.DRAFT)


def parents(search) -> list[int | None]:
    return [node.parent for node in search.tree.nodes]


def test_a_task_tells_what_was_understood_of_it(task):
    assert (task.facts.metric.name, task.facts.targets, task.facts.ids) == ("rmse", ("y",), ("id",))


def test_a_mistake_in_the_call_is_said_before_anything_is_made(task, tmp_path):
    with pytest.raises(UsageError, match="no-such-folder"):
        Task.from_folder("no-such-folder")
    with pytest.raises(ConfigError, match="nearest is 'patience'"):
        Search(task, patiense=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("coder", ["recipes", {"name": "recipes"}, SlopeCoder()])
def test_a_model_beside_another_coder_would_write_nothing(task, coder):
    with pytest.raises(UsageError, match="the model openai:test would write nothing"):
        Search(task, coder, model="openai:test")


def test_a_limit_on_models_alone_does_not_make_a_search_endless(task):
    with Search(task, max_cost=5.0, max_tokens=10**9) as search:
        search.ask()
    assert load_config(search.dir / "config.toml").time == DEFAULT_SECONDS


def test_a_coder_of_one_s_own_writes_the_programs(task):
    search = Search(task, coder=SlopeCoder())
    assert search.run(steps=6) == "steps"
    assert search.best.score < 2.0
    assert search.best.proposal.coder == "slope"
    assert f"SLOPE = {search.best.proposal.notes['slope']}" in (search.dir / "best" / "solution.py").read_text()


def test_a_policy_of_one_s_own_chooses_the_nodes(task):
    with Search(task, SlopeCoder(), Chain()) as search:
        search.run(steps=3)
    assert parents(search) == [None, 1, 2]


def test_programs_can_be_written_in_a_loop_of_one_s_own(task):
    with Search(task) as search:
        for slope in (1.0, 3.0, 2.0):
            brief = search.ask()
            node = search.tell(brief, f"SLOPE = {slope}\n{PROGRAM}", plan=f"{slope} times x")
            assert isinstance(node, Node)
        assert search.best.id == 2
        assert search.best.score == pytest.approx(0.2, abs=0.02)
        assert search.run(len(search.tree)) == "steps"
    assert "Expected rmse" in (search.dir / "best" / "README.md").read_text()


def test_a_brief_is_answered_once(task):
    with Search(task) as search:
        brief = search.ask()
        search.tell(brief, "SLOPE = 1\n" + PROGRAM)
        with pytest.raises(UsageError, match="does not wait"):
            search.tell(brief, "SLOPE = 2\n" + PROGRAM)
        assert search.ask().node == 2


def test_asking_and_telling_have_no_time_limit_unless_one_was_named(task):
    with Search(task) as search, Search(task, name="timed", time=60) as timed:
        assert search.ask().time_left is None
        assert 0 < timed.ask().time_left < 60


def test_what_was_asked_and_not_told_is_written_by_the_coder(task):
    with Search(task, SlopeCoder()) as search:
        search.ask()
        search.run(steps=1)
    assert search.tree[1].proposal.coder == "slope"


def test_a_search_runs_again_with_more_steps(task):
    search = Search(task, SlopeCoder(), Chain())
    search.run(steps=2)
    first = search.tree.nodes[0]
    search.run(steps=4)
    assert parents(search) == [None, 1, 2, 3]
    assert search.tree.nodes[0].evaluation == first.evaluation


def test_another_process_goes_on_under_the_same_name(task):
    Search(task, SlopeCoder(), Chain(), name="mine").run(steps=2)
    again = Search(task, SlopeCoder(), Chain(), name="mine")
    assert len(again.tree) == 2
    again.run(steps=3)
    assert parents(again) == [None, 1, 2]


def test_each_search_without_a_name_is_a_run_of_its_own(task):
    first = Search(task, SlopeCoder())
    first.run(steps=1)
    assert (first.dir.name, Search(task, SlopeCoder()).dir.name) == ("line-1", "line-2")


def test_a_run_of_another_seed_is_not_gone_on_with(task):
    Search(task, SlopeCoder(), name="mine").run(steps=1)
    with pytest.raises(ConfigError, match="seed belongs to the run"):
        Search(task, SlopeCoder(), name="mine", seed=1)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_loses_nothing_and_the_search_goes_on(task, error):
    class Failing(SlopeCoder):
        failures = 4

        def write(self, brief):
            if brief.node == 3 and self.failures:
                self.failures -= 1
                raise error
            return super().write(brief)

    coder = Failing()
    search = Search(task, coder, Chain())
    with pytest.raises(error):
        search.run(steps=4)
    assert [node.valid for node in search.tree.nodes] == [True, True, False]
    assert search.tree.in_flight == (3,)
    coder.failures = 0
    assert search.run(steps=4) == "steps"
    assert all(node.valid for node in search.tree.nodes)


def test_interruptions_by_the_user_are_no_crashes_of_a_node(task):
    class Interrupted(SlopeCoder):
        def write(self, brief):  # noqa: ARG002
            raise KeyboardInterrupt

    search = Search(task, Interrupted())
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            search.run(steps=1)
    assert search.tree.in_flight == (1,)


def test_two_searches_do_not_write_one_run(task):
    with Search(task, name="mine") as search:
        search.ask()
        with pytest.raises(RunError, match="another process"):
            Search(task, name="mine")
    assert Search(task, name="mine").tree.in_flight == (1,)


def test_the_command_line_shows_such_a_run_but_cannot_go_on_with_a_coder_it_does_not_have(task):
    Search(task, SlopeCoder(), name="mine").run(steps=1)
    command = [sys.executable, "-m", "treewright"]
    shown = subprocess.run([*command, "show", "mine", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["nodes"][0]["coder"] == "slope"
    resumed = subprocess.run([*command, "resume", "mine"], capture_output=True, text=True, check=False)
    assert resumed.returncode == 2
    assert "the coder of this run is the Python object slope" in resumed.stderr


def test_a_policy_of_one_s_own_is_recorded_so_that_no_other_goes_on_in_its_place(task):
    Search(task, SlopeCoder(), Chain(), name="mine").run(steps=1)
    with pytest.raises(ConfigError, match="the policy of this run is the Python object Chain"):
        Search(task, SlopeCoder(), name="mine").run(steps=2)


def test_importing_the_package_loads_no_part_of_it():
    code = "import sys, treewright; print(*(name for name in sys.modules if name.startswith('treewright')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["treewright"]


def test_all_that_the_package_promises_is_there():
    assert set(treewright.__all__) <= set(dir(treewright))
    assert all(getattr(treewright, name).__name__ == name for name in treewright.__all__)
    with pytest.raises(AttributeError, match="Serach"):
        treewright.Serach  # noqa: B018
