"""Repairs: what failed is not in the next script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from recipe_support import PACKAGES, brief_for, divided, ended, mixed_table, setting_of, situations, task_of
from treewright.coders.recipes import RecipeCoder, from_json
from treewright.coders.recipes.catalogue import IDEAS
from treewright.coders.recipes.cost import estimate
from treewright.coders.recipes.situation import Situation
from treewright.tree import Operator, Proposal

if TYPE_CHECKING:
    from treewright.coders.recipes.recipe import Recipe
    from treewright.tree import Node

SITUATION = situations()["mixed, log error"]


def proposal(draft: int = 1, situation: Situation = SITUATION) -> Proposal:
    return RecipeCoder().write(brief_for(situation, draft=draft))


def repaired(parent: Node, situation: Situation = SITUATION, limit: float = 60.0) -> Proposal:
    return RecipeCoder().write(brief_for(situation, Operator.DEBUG, parent, limit=limit))


def recipe_of(written: Proposal) -> Recipe:
    return from_json(written.notes["recipe"])


def traceback(*frames: tuple[str, str], error: str) -> str:
    lines = ["Traceback (most recent call last):"]
    for function, line in frames:
        lines += [f'  File "/tmp/x/solution.py", line 7, in {function}', f"    {line}"]
    return "\n".join([*lines, error])


def crash(*frames: tuple[str, str], error: str = "ValueError: what now", draft: int = 1) -> Node:
    output = traceback(("<module>", "main()"), ("main", "held_out, predicted = predict(x)"), *frames, error=error)
    return ended(proposal(draft), output, failure="exited with status 1")


@pytest.mark.parametrize("block", [block.name for block in recipe_of(proposal()).blocks if block.name in IDEAS])
def test_a_feature_block_that_fails_is_left_out(block: str) -> None:
    function = "add_scores" if block == "add_text_scores" else block
    child = repaired(crash(("describe", f"table = {function}(table)"), (function, "return table.oops()")))
    assert not recipe_of(child).has(block)
    assert f"{function}(" not in child.code
    assert IDEAS[block].title in child.plan


def test_blocks_that_use_a_failed_blocks_columns_go_with_it() -> None:
    parent = ended(
        proposal(2),
        traceback(("describe", "table = add_calendar(table)"), ("add_calendar", "oops"), error="KeyError: 'when'"),
        failure="exited with status 1",
    )
    assert recipe_of(proposal(2)).has("add_cycles")
    assert not recipe_of(repaired(parent)).has("add_cycles")


@pytest.mark.parametrize("family", [model.family for model in recipe_of(proposal()).models])
def test_a_model_that_fails_is_left_out(family: str) -> None:
    child = repaired(crash(("predict", f"{family} = predict_numbers("), ("predict_numbers", "fitted = fit(model)")))
    assert family not in {model.family for model in recipe_of(child).models}


@pytest.mark.parametrize("package", ["lightgbm", "xgboost", "catboost"])
def test_a_package_that_cannot_be_imported_is_not_imported_again(package: str) -> None:
    for draft in range(5):
        written = proposal(draft)
        if package in written.code:
            error = f"ModuleNotFoundError: No module named '{package}'"
            child = repaired(ended(written, traceback(("<module>", "import it"), error=error), failure="exited"))
            assert package not in child.code
            assert recipe_of(child).models


@pytest.mark.parametrize(
    "failure",
    ["ran past its limit of 30 s", "killed: used more than 2,000 MB"],
    ids=["out of time", "out of memory"],
)
@pytest.mark.parametrize("name", situations())
def test_a_script_that_was_too_big_becomes_much_cheaper(name: str, failure: str) -> None:
    situation = situations()[name]
    for draft in range(4):
        written = proposal(draft, situation)
        child = repaired(ended(written, failure=failure), situation)
        before, after = (estimate(recipe_of(each), situation) for each in (written, child))
        assert after < before
        assert child.code != written.code


def test_the_plan_says_what_is_saved() -> None:
    child = repaired(ended(proposal(1), failure="ran past its limit of 30 s"))
    assert "because it ran out of time" in child.plan
    assert "(" in child.plan


def test_an_exception_of_ones_own_python_is_a_lack_of_memory_too() -> None:
    parent = crash(("predict", "x = 1"), error="numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7 GiB")
    assert "memory" in repaired(parent).plan


def test_an_invalid_submission_leads_to_the_plainest_recipe() -> None:
    parent = ended(proposal(1), reason="submission.csv lacks 3 of the 83 ids")
    recipe = recipe_of(repaired(parent))
    assert len(recipe.models) == 1
    assert {block.name for block in recipe.blocks if block.name in IDEAS} <= {"count_labels"}


def test_a_plain_recipe_that_fails_again_is_not_written_again() -> None:
    written, seen = proposal(0), set()
    for _ in range(4):
        written = repaired(ended(written, failure="crashed (SIGSEGV)"))
        assert written.code not in seen
        seen.add(written.code)


def test_the_plainest_text_recipe_changes_its_model_when_it_fails() -> None:
    situation = situations()["text, probabilities"]
    written = proposal(0, situation)
    first = repaired(ended(written, failure="crashed"), situation)
    second = repaired(ended(first, failure="crashed"), situation)
    assert recipe_of(first).models != recipe_of(second).models


def test_a_program_that_is_no_recipe_is_answered_with_the_best_bet() -> None:
    other = Proposal("by hand", "print(1)", "folder")
    for operator in (Operator.DEBUG, Operator.IMPROVE):
        child = RecipeCoder().write(brief_for(SITUATION, operator, ended(other)))
        assert recipe_of(child) == recipe_of(proposal(0))
        assert "no recipe" in child.plan


def test_where_only_scikit_learn_is_left_there_still_is_a_repair() -> None:
    table = mixed_table(200).drop(columns=["level", "won"])
    train, test = divided(table, 40)
    few = {"scikit-learn": PACKAGES["scikit-learn"]}
    situation = Situation(setting_of(train, test, task_of(table, "amount", metric="mae"), few))
    written = proposal(0, situation)
    for _ in range(5):
        written = repaired(ended(written, failure="crashed"), situation)
        assert "lightgbm" not in written.code
