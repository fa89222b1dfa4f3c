"""Recipes as values."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipe_support import situations, walk
from treewright.coders.recipes import from_json, to_json
from treewright.coders.recipes.recipe import (
    Block,
    Decision,
    FoldKind,
    Mixing,
    Model,
    Recipe,
    Transform,
    Validation,
)

names = st.text(min_size=1, max_size=8)
values = st.recursive(
    st.booleans() | st.integers(-9, 10**6) | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
arguments = st.dictionaries(names, values, max_size=3)
recipes = st.builds(
    Recipe,
    models=st.lists(st.builds(Model, names, names, arguments), min_size=1, max_size=3).map(tuple),
    validation=st.builds(Validation, st.sampled_from(FoldKind), st.integers(2, 10), st.integers(1, 3)),
    blocks=st.lists(st.builds(Block, names, arguments), max_size=3).map(tuple),
    transform=st.sampled_from(Transform),
    mixing=st.sampled_from(Mixing),
    decision=st.sampled_from(Decision),
    rows=st.none() | st.integers(1, 10**6),
    seed=st.integers(0, 99),
)


@given(recipes)
def test_a_recipe_survives_json(recipe: Recipe) -> None:
    assert from_json(to_json(recipe)) == recipe


@pytest.mark.parametrize("situation", situations().values(), ids=situations())
def test_every_recipe_that_is_reached_survives_json(situation: object) -> None:
    for recipe in walk(situation, 12, seed=3):
        assert from_json(to_json(recipe)) == recipe


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"models": 3}', "null", '{"models": [], "validation": null}'])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


def test_a_recipe_cannot_be_changed() -> None:
    recipe = Recipe((), Validation(FoldKind.RANDOM))
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.seed = 1
