"""Whether the recipe coder learns from its memory.

    python benchmarks/memory.py [--tasks 300] [--steps 20]

No program runs here. Each made-up task gives every single change a true gain, drawn around what the coder expects of
it; a node's measured gain is the true one with noise of one standard error, as in a real run. The search improves the
best node by the coder's own rules, once with its memory as it is, once with the gains in it dealt out anew among the
changes, and once with none. What counts is the true quality reached, in standard errors: it must be best with the
memory as it is.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass, replace
from enum import Enum
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from treewright.coders.recipes.change import Change
from treewright.coders.recipes.moves import choose
from treewright.protocols import Memory
from treewright.tree import Operator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from treewright.coders.recipes.recipe import Recipe

SPREAD = 1.5
"""Standard deviation of the true gains around what is expected, in standard errors."""

KIND_SPREAD = 0.7
"""Of the gains that all changes of one kind have in common."""


class Kept(Enum):
    """What becomes of the memory before the coder sees it."""

    WHOLE = "as it is"
    SHUFFLED = "shuffled"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Tried:
    """A node of the made-up search: the changes that led to it, and its true and its measured quality."""

    changes: frozenset[str]
    true: float
    measured: float


def true_gains(changes: Sequence[Change], rng: random.Random) -> dict[str, float]:
    """What each change is worth in one made-up task."""
    kinds = {kind: rng.gauss(0, KIND_SPREAD) for kind in sorted({change.kind for change in changes})}
    return {change.key: change.prior + kinds[change.kind] + rng.gauss(0, SPREAD) for change in changes}


def search(changes: Sequence[Change], steps: int, kept: Kept, seed: int) -> float:
    """The true quality of the node that looks best after so many steps."""
    rng = random.Random(seed)
    gains = true_gains(changes, rng)
    nodes = [Tried(frozenset(), 0.0, rng.gauss(0, 1))]
    memory: list[Memory] = []
    for step in range(steps):
        best = max(nodes, key=lambda node: node.measured)
        siblings = {m.notes["change"] for m in memory if m.notes["parent"] == str(nodes.index(best))}
        open_ = [change for change in changes if change.key not in best.changes | siblings]
        if not open_:
            break
        change = choose(open_, _as_kept(memory, kept, random.Random(seed * 1000 + step)), rng)
        # Noise belongs to a node: the gain is measured against a parent that looks better than it is.
        true = best.true + gains[change.key]
        node = Tried(best.changes | {change.key}, true, true + rng.gauss(0, 1))
        memory.append(_remembered(len(nodes), nodes.index(best), change, node.measured - best.measured))
        nodes.append(node)
    return max(nodes, key=lambda node: node.measured).true


def _remembered(node: int, parent: int, change: Change, gain: float) -> Memory:
    notes = {"change": change.key, "parent": str(parent)}
    return Memory(node, "elsewhere", Operator.IMPROVE, "", notes, 1.0, gain=gain, standard_error=1.0)


def _as_kept(memory: list[Memory], kept: Kept, rng: random.Random) -> list[Memory]:
    if kept is Kept.NONE:
        return []
    if kept is Kept.WHOLE:
        return memory
    gains = [each.gain for each in memory]
    rng.shuffle(gains)
    return [replace(each, gain=gain) for each, gain in zip(memory, gains, strict=True)]


def compare(changes: Sequence[Change], tasks: int, steps: int) -> dict[Kept, list[float]]:
    """The quality reached in each made-up task, with each kind of memory."""
    return {kept: [search(changes, steps, kept, seed) for seed in range(tasks)] for kept in Kept}


def made_up_changes(recipe: Recipe) -> list[Change]:
    """Changes like those of a real recipe: a few kinds, most of little promise."""
    sizes = {"mix": (8, 0.8), "add": (12, 0.4), "drop": (4, -0.7), "tune": (12, 0.1), "folds": (2, 0.3)}
    return [
        Change(f"{kind}:{number}", "", recipe, prior)
        for kind, (count, prior) in sizes.items()
        for number in range(count)
    ]


def main() -> None:
    """Print the comparison as a table."""
    from treewright.coders.recipes.recipe import FoldKind, Recipe, Validation

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    changes = made_up_changes(Recipe((), Validation(FoldKind.RANDOM)))
    reached = compare(changes, options.tasks, options.steps)
    print("memory      quality reached, in standard errors")
    for kept, qualities in reached.items():
        print(f"{kept.value:10s}  {fmean(qualities):6.2f} ± {stdev(qualities) / len(qualities) ** 0.5:.2f}")
    gains = [a - b for a, b in zip(reached[Kept.WHOLE], reached[Kept.SHUFFLED], strict=True)]
    print(f"\nas it is - shuffled: {fmean(gains):.2f} ± {stdev(gains) / len(gains) ** 0.5:.2f}")


if __name__ == "__main__":
    main()
