"""The recipe coder: the coding operator that needs no language model.

It writes programs as an engineer with good habits would: it looks at the columns, picks a kind of model and the
features that suit them, and then changes one thing at a time, drawing on what earlier changes did in this run.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from treewright.coders.recipes.change import Change
from treewright.coders.recipes.cost import allowance, fit_into
from treewright.coders.recipes.drafts import draft
from treewright.coders.recipes.families import FAMILIES
from treewright.coders.recipes.moves import improve
from treewright.coders.recipes.recipe import Recipe, from_json, to_json
from treewright.coders.recipes.repair import repair
from treewright.coders.recipes.script import render
from treewright.coders.recipes.situation import Situation
from treewright.tree import Operator, Proposal

if TYPE_CHECKING:
    from treewright.protocols import Brief

__all__ = ["Recipe", "RecipeCoder", "from_json", "to_json"]


class RecipeCoder:
    """A ``Coder`` that renders scripts from recipes; the same brief always gets the same script."""

    @property
    def name(self) -> str:
        """Shown as the author of a node."""
        return "recipes"

    def write(self, brief: Brief) -> Proposal:
        """Write the next script: a fresh recipe, a repaired one, or one with a single change."""
        situation = Situation(brief.setting)
        rng = random.Random(brief.seed)  # noqa: S311 -- choices, not secrets
        change = _change(brief, situation, rng)
        return Proposal(
            plan=change.plan,
            code=render(change.recipe, situation),
            coder=self.name,
            notes={"recipe": to_json(change.recipe), "change": change.key},
        )


def _change(brief: Brief, situation: Situation, rng: random.Random) -> Change:
    recipe = _recipe_of(brief)
    if brief.operator is Operator.DRAFT or brief.parent is None:
        return _draft(brief, situation, brief.draft, "")
    if recipe is None:
        siblings = sum(memory.relation == "sibling" for memory in brief.memory)
        return _draft(brief, situation, siblings, "The parent is no recipe, so begin anew. ")
    if brief.operator is Operator.DEBUG:
        return repair(brief, brief.parent, recipe, situation)
    return improve(brief, recipe, situation, rng)


def _draft(brief: Brief, situation: Situation, number: int, remark: str) -> Change:
    whole, thought = draft(number, situation)
    recipe = fit_into(whole, situation, allowance(brief))
    if len(recipe.models) < len(whole.models):
        thought = f"what there is time for of {thought}"
    titles = " and ".join(dict.fromkeys(FAMILIES[model.family].title for model in recipe.models))
    return Change(f"draft:{number}", f"{remark}{titles[0].upper()}{titles[1:]}: {thought}.", recipe)


def _recipe_of(brief: Brief) -> Recipe | None:
    notes = brief.parent.proposal.notes if brief.parent and brief.parent.proposal else {}
    try:
        return from_json(notes["recipe"])
    except (KeyError, ValueError):
        return None
