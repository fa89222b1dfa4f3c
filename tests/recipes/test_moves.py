"""Improvements: one change at a time, chosen by what is known."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import pytest

from recipe_support import brief_for, ended, situations, walk
from treewright.coders.recipes import RecipeCoder, from_json
from treewright.coders.recipes.change import Change
from treewright.coders.recipes.cost import estimate
from treewright.coders.recipes.moves import choose, possible, value
from treewright.coders.recipes.recipe import FoldKind, Recipe, Validation
from treewright.protocols import Memory
from treewright.tree import Operator

if TYPE_CHECKING:
    from treewright.coders.recipes.situation import Situation

RECIPE = Recipe((), Validation(FoldKind.RANDOM))


def remembered(change: str, gain: float | None = None, *, relation: str = "elsewhere", **more: Any) -> Memory:
    error = None if gain is None else 1.0
    return Memory(1, relation, Operator.IMPROVE, "", {"change": change}, 2.0, gain=gain, standard_error=error, **more)


@pytest.mark.parametrize("situation", situations().values(), ids=situations())
def test_every_change_changes_exactly_one_field_and_names_it_in_its_plan(situation: Situation) -> None:
    for seed in range(3):
        for recipe in walk(situation, 5, seed):
            for change in possible(recipe, situation):
                different = [
                    f.name for f in fields(recipe) if getattr(recipe, f.name) != getattr(change.recipe, f.name)
                ]
                assert len(different) == 1, change
                assert ", because " in change.plan
                assert change.key.partition(":")[2]


@pytest.mark.parametrize("situation", situations().values(), ids=situations())
def test_the_keys_of_a_recipes_changes_are_different(situation: Situation) -> None:
    for recipe in walk(situation, 5, seed=2):
        keys = Counter(change.key for change in possible(recipe, situation))
        assert not [key for key, count in keys.items() if count > 1]


def test_a_siblings_change_is_not_repeated() -> None:
    situation = situations()["ranking"]
    parent = ended(RecipeCoder().write(brief_for(situation)))
    memory: tuple[Memory, ...] = ()
    for seed in range(25):
        child = RecipeCoder().write(brief_for(situation, Operator.IMPROVE, parent, memory, seed=seed))
        assert child.notes["change"] not in {m.notes["change"] for m in memory}
        memory = (*memory, remembered(child.notes["change"], relation="sibling", reason="still in flight"))


def test_a_child_is_its_parent_but_for_the_change() -> None:
    situation = situations()["mixed, log error"]
    parent = ended(RecipeCoder().write(brief_for(situation)))
    assert parent.proposal is not None
    child = RecipeCoder().write(brief_for(situation, Operator.IMPROVE, parent, seed=4))
    recipes = [from_json(each.notes["recipe"]) for each in (parent.proposal, child)]
    assert sum(getattr(recipes[0], f.name) != getattr(recipes[1], f.name) for f in fields(Recipe)) == 1


def test_when_every_change_was_tried_by_siblings_there_still_is_an_answer() -> None:
    situation = situations()["text, a number"]
    parent = ended(RecipeCoder().write(brief_for(situation)))
    assert parent.proposal is not None
    changes = possible(from_json(parent.proposal.notes["recipe"]), situation)
    memory = tuple(remembered(change.key, -1.0, relation="sibling") for change in changes)
    assert RecipeCoder().write(brief_for(situation, Operator.IMPROVE, parent, memory)).code


def test_improvements_keep_within_the_time_limit() -> None:
    situation = situations()["ranking"]
    parent = ended(RecipeCoder().write(brief_for(situation)))
    for seed in range(30):
        child = RecipeCoder().write(brief_for(situation, Operator.IMPROVE, parent, limit=12.0, seed=seed))
        assert estimate(from_json(child.notes["recipe"]), situation) < 12


def test_what_gained_elsewhere_is_worth_more_and_what_failed_less() -> None:
    change = Change("add:x", "", RECIPE, prior=0.5)
    alone = value(change, [])
    assert alone == 0.5
    assert value(change, [remembered("add:x", 2.0)]) > alone
    assert value(change, [remembered("add:x", -2.0)]) < alone
    assert value(change, [remembered("add:x", reason="it crashed")]) < alone


def test_a_change_that_has_not_run_yet_says_nothing() -> None:
    change = Change("add:x", "", RECIPE)
    waiting = Memory(1, "sibling", Operator.IMPROVE, "", {"change": "add:x"}, 0.0, reason="still in flight")
    assert value(change, [waiting]) == value(change, [])


def test_many_trials_move_the_value_further_than_one() -> None:
    change = Change("add:x", "", RECIPE)
    assert 0 < value(change, [remembered("add:x", 1.0)]) < value(change, [remembered("add:x", 1.0)] * 5) < 1


def test_changes_of_a_kind_learn_a_little_from_each_other() -> None:
    change = Change("mix:a", "", RECIPE)
    own, kin = remembered("mix:a", 2.0), remembered("mix:b", 2.0)
    assert 0 < value(change, [kin]) < value(change, [own])
    assert value(change, [remembered("add:b", 2.0)]) == 0


def test_one_freak_result_does_not_decide() -> None:
    change = Change("add:x", "", RECIPE)
    assert value(change, [remembered("add:x", 1e9)]) <= 1.5


def test_better_changes_are_drawn_more_often() -> None:
    changes = [Change("add:good", "", RECIPE, 1.0), Change("add:bad", "", RECIPE, -1.0), Change("add:new", "", RECIPE)]
    rng = random.Random(0)
    drawn = Counter(choose(changes, [], rng).key for _ in range(500))
    assert drawn["add:good"] > drawn["add:new"] > drawn["add:bad"] > 0


def test_learning_from_memory_beats_learning_from_shuffled_memory() -> None:
    benchmark = load_benchmark()
    reached = benchmark.compare(benchmark.made_up_changes(RECIPE), tasks=120, steps=15)
    whole, shuffled = reached[benchmark.Kept.WHOLE], reached[benchmark.Kept.SHUFFLED]
    gains = [a - b for a, b in zip(whole, shuffled, strict=True)]
    assert fmean(gains) > 3 * stdev(gains) / len(gains) ** 0.5


def load_benchmark() -> Any:
    path = Path(__file__).parents[2] / "benchmarks" / "memory.py"
    spec = importlib.util.spec_from_file_location("memory_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
