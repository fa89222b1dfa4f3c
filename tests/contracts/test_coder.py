"""What every coder promises, run over every coder: whatever the brief, a complete program and a plan for people."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_support import OneAnswer
from llm_support import coder as language_model
from recipe_support import brief_for, ended, situations
from treewright.coders.folder import FolderCoder, InitCoder
from treewright.coders.recipes import RecipeCoder
from treewright.coders.seeding import SeededCoder
from treewright.errors import ProviderError, UsageError
from treewright.testing import ScriptedCoder
from treewright.tree import Operator, Proposal

SITUATIONS = situations()
STRANGER = Proposal("a stranger's plan", "print('by hand')\n", "someone")


@pytest.fixture(params=["recipes", "folder", "init", "scripted", "llm", "seeded"])
def coder(request, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.py").write_text(f"print({number})\n")
    return {
        "recipes": RecipeCoder,
        "folder": lambda: FolderCoder.from_folder(tmp_path),
        "init": lambda: InitCoder(tmp_path / "0.py", RecipeCoder()),
        "scripted": ScriptedCoder,
        "llm": lambda: language_model(OneAnswer()),
        "seeded": lambda: SeededCoder(RecipeCoder(), 1, language_model(OneAnswer())),
    }[request.param]()


def briefs():
    """A draft, and every other operator on a recipe and on a program of unknown origin, in every situation."""
    for name, situation in SITUATIONS.items():
        yield f"{name}: draft", brief_for(situation, seed=3)
        written = RecipeCoder().write(brief_for(situation))
        for operator in (Operator.IMPROVE, Operator.DEBUG):
            for parent in (written, STRANGER):
                failure = "exited with status 1" if operator is Operator.DEBUG else None
                node = ended(parent, "NameError: who?" if failure else "", failure)
                yield f"{name}: {operator} of {parent.coder}", brief_for(situation, operator, node, node=2, seed=5)


BRIEFS = dict(briefs())


@pytest.mark.parametrize("brief", BRIEFS.values(), ids=BRIEFS.keys())
def test_every_brief_is_answered_by_a_program_that_compiles_and_a_plan(coder, brief):
    written = coder.write(brief)
    compile(written.code, "solution.py", "exec")
    assert written.plan.strip()
    assert written.code.endswith("\n")
    assert written.coder


@pytest.mark.parametrize("brief", BRIEFS.values(), ids=BRIEFS.keys())
def test_the_same_brief_gets_the_same_program(coder, brief):
    assert coder.write(brief) == coder.write(brief)


def test_notes_are_texts_so_that_they_can_be_stored(coder):
    notes = coder.write(next(iter(BRIEFS.values()))).notes
    assert json.loads(json.dumps(dict(notes))) == dict(notes)
    assert all(isinstance(value, str) for value in notes.values())


def test_several_workers_may_ask_at_once(coder):
    chosen = list(BRIEFS.values())[:12]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(coder.write, chosen)) == [coder.write(brief) for brief in chosen]


def test_a_coder_has_a_name(coder):
    assert coder.name


# -- what belongs to programs from a folder -------------------------------------------------------------------------


def test_programs_come_in_the_order_of_their_names_whatever_is_asked_for(tmp_path):
    for name in ("b.py", "a.py", "c.txt"):
        (tmp_path / name).write_text(f"# {name}\n")
    coder = FolderCoder.from_folder(tmp_path)
    briefs = [brief_for(SITUATIONS["ranking"], node=node) for node in (1, 2)]
    assert [coder.write(brief).code for brief in briefs] == ["# a.py\n", "# b.py\n"]


def test_a_folder_that_runs_out_of_programs_gives_out(tmp_path):
    (tmp_path / "a.py").write_text("pass\n")
    with pytest.raises(ProviderError, match="no program for node 2"):
        FolderCoder.from_folder(tmp_path).write(brief_for(SITUATIONS["ranking"], node=2))


def test_a_folder_without_programs_is_a_mistake_said_at_once(tmp_path):
    with pytest.raises(UsageError, match=r"no \*\.py"):
        FolderCoder.from_folder(tmp_path)


def test_a_program_that_is_no_text_is_a_mistake_that_names_it(tmp_path):
    (tmp_path / "a.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"a\.py"):
        FolderCoder.from_folder(tmp_path).write(brief_for(SITUATIONS["ranking"]))
