"""Search policies: ``π(T)``, which node to work on next and how."""

from treewright.policies.greedy import Greedy

__all__ = ["Greedy"]
