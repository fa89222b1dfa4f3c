"""The paper's hard-coded search policy (section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.tree import Action, Operator

if TYPE_CHECKING:
    import random

    from treewright.tree import Tree


@dataclass(frozen=True, slots=True)
class Greedy:
    """First the drafts, then now and then a repair, otherwise improve the best node.

    1. Fewer than ``num_drafts`` drafts: draft.
    2. With probability ``debug_prob``: debug a random buggy leaf whose debug depth is at most ``max_debug_depth``.
    3. A valid node exists: improve the best one. Otherwise: draft.

    ``noise_aware`` takes the simplest of the nodes within one standard error of the best score; without it, as in
    the paper, the best score alone decides.
    """

    num_drafts: int = 5
    debug_prob: float = 0.5
    max_debug_depth: int = 3
    noise_aware: bool = True

    def select(self, tree: Tree, rng: random.Random) -> Action:
        """The next action. Work in flight counts: its drafts are drafts, its debugged leaves are leaves no more."""
        if len(tree.drafts) < self.num_drafts:
            return Action(Operator.DRAFT)
        debuggable = [leaf for leaf in tree.buggy_leaves if tree[leaf].debug_depth <= self.max_debug_depth]
        if debuggable and rng.random() < self.debug_prob:
            return Action(Operator.DEBUG, rng.choice(debuggable))
        best = tree.best if self.noise_aware else next(iter(tree.ranking), None)
        return Action(Operator.DRAFT) if best is None else Action(Operator.IMPROVE, best)
