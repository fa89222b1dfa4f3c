"""A step from one recipe to another, as it is told to people and remembered."""

from __future__ import annotations

from dataclasses import dataclass

from treewright.coders.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Change:
    """``key`` is the same for the same change made elsewhere (``kind:what``); ``plan`` names it in a sentence.

    ``prior`` is the gain expected of it, in standard errors, before this run has shown anything.
    """

    key: str
    plan: str
    recipe: Recipe
    prior: float = 0.0

    @property
    def kind(self) -> str:
        """What sort of change it is."""
        return self.key.partition(":")[0]
