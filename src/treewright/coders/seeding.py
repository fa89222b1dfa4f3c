"""First drafts by another coder: a program that surely runs, for a language model to improve on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.protocols import Coder
from treewright.tree import Operator

if TYPE_CHECKING:
    from treewright.protocols import Brief
    from treewright.tree import Proposal


@dataclass(frozen=True, slots=True)
class SeededCoder:
    """The first ``drafts`` drafts come from ``first``, everything else from ``coder``."""

    first: Coder
    drafts: int
    coder: Coder

    @property
    def name(self) -> str:
        """The name of the coder behind it."""
        return self.coder.name

    def write(self, brief: Brief) -> Proposal:
        """What the one whose turn it is writes."""
        seeding = brief.operator is Operator.DRAFT and brief.draft < self.drafts
        return (self.first if seeding else self.coder).write(brief)
