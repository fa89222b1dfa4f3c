"""From a brief to the messages that a language model gets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from treewright.coders.llm.blocks import Caps, brief_blocks
from treewright.coders.llm.templates import Templates
from treewright.protocols import Brief
from treewright.tree import Message


@dataclass(frozen=True, slots=True)
class Prompt:
    """The conversation for a brief; called with the share of its blocks that there is room for."""

    templates: Templates
    brief: Brief
    caps: Caps
    edits_above: int
    more: tuple[Message, ...] = ()

    def __call__(self, share: float = 1.0) -> tuple[Message, ...]:
        """The messages to send."""
        blocks = brief_blocks(self.brief, self.caps.shrunk(share))
        operator = self.brief.operator.value if blocks["parent"] or self.brief.parent is None else "draft"
        parent = self.brief.parent.proposal.code if self.brief.parent and self.brief.parent.proposal else ""
        long = blocks["parent"] and parent.count("\n") > self.edits_above
        blocks["rules"] = self.templates.rules
        blocks["answer"] = self.templates.fill("edits" if long else "answer", {})
        asked = (
            Message("system", self.templates.fill("system", blocks)),
            Message("user", self.templates.fill(operator, blocks)),
        )
        return (*asked, *self.more)

    def followed_by(self, answer: str, question: str) -> Prompt:
        """The conversation after an answer, with a further question."""
        return replace(
            self, more=(*self.more, Message("assistant", answer.strip() or "(nothing)"), Message("user", question))
        )
