"""The coding operator ``f(s, Σ(T))`` with a language model behind it (section 3.2 of the paper).

::

    brief -> blocks -> prompt -> answer -> plan and program -> checks -> proposal
                          ^                     |                |
                          |   cut off: go on    |   faults found without a run: once more
                          +---------------------+----------------+

An answer that yields no program, asked for again, is a node without one: a buggy node, its text kept in the log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.coders.llm.accounts import Overdrawn
from treewright.coders.llm.answer import join, read_answer
from treewright.coders.llm.blocks import Caps
from treewright.coders.llm.conversation import Conversation
from treewright.coders.llm.desk import NoAnswer, Source
from treewright.coders.llm.edits import EditError, apply_edits, has_edits
from treewright.coders.llm.prompt import Prompt
from treewright.coders.llm.templates import Templates
from treewright.coders.llm.trouble import TooLong
from treewright.tree import Proposal

if TYPE_CHECKING:
    from treewright.coders.llm.answer import Reading
    from treewright.protocols import Brief
    from treewright.tree import Exchange

MOST_CONTINUED = 3

Check = Callable[[str], tuple[str, ...]]
"""Finds faults of a program without running it."""


@dataclass(frozen=True, slots=True)
class LlmCoder:
    """A ``Coder`` that lets language models write, in turn if there are several."""

    sources: Sequence[Source]
    templates: Templates
    caps: Caps
    check: Check
    edits_above: int = 400
    name: str = "llm"

    def write(self, brief: Brief) -> Proposal:
        """Ask for a program, have it completed and mended, and give the last state of it."""
        source = self.sources[(brief.node - 1) % len(self.sources)]
        talk = Conversation(
            source=source,
            node=brief.node,
            recorded=tuple(exchange for exchange in brief.exchanges if exchange.purpose != "review"),
            begun=len(brief.exchanges),
            keep=brief.keep,
            spent=brief.spent,
            deadline=None if brief.writing_time is None else time.monotonic() + brief.writing_time,
            cancel=brief.cancel,
        )
        try:
            return self._write(brief, talk)
        except Overdrawn as overdrawn:
            reason = f"not written: the budget of {overdrawn} does not allow for it"
        except NoAnswer as silence:
            reason = f"not written: {silence}"
        except TooLong:
            reason = "not written: with its parent's program, the prompt is too long for the model's context"
        return Proposal("", "", source.name, {"reason": reason})

    def _write(self, brief: Brief, talk: Conversation) -> Proposal:
        prompt = Prompt(self.templates, brief, self.caps, self.edits_above)
        exchange, reading, trouble = self._ask(talk, brief, brief.operator.value, prompt)
        if reading.code is None:
            again = prompt.followed_by(exchange.answer, self.templates.fill("refused", {"trouble": trouble}))
            exchange, second, trouble = self._ask(talk, brief, "again", again)
            reading = second if second.plan or not reading.plan else replace(second, plan=reading.plan)
        if reading.code is None:
            return Proposal(reading.plan, "", exchange.model, {"reason": f"no program was written: {trouble}"})
        findings = self.check(reading.code)
        if findings:
            exchange, reading, findings = self._mend(talk, brief, prompt, reading, findings)
        assert reading.code is not None
        notes = {"findings": "\n".join(findings)} if findings else {}
        return Proposal(reading.plan, reading.code, exchange.model, notes)

    def _ask(self, talk: Conversation, brief: Brief, purpose: str, prompt: Prompt) -> tuple[Exchange, Reading, str]:
        """An answer, gone on with where it was cut off; as read, with what is wrong where it holds no program."""
        exchange = talk.ask(purpose, prompt)
        text, finish = exchange.answer, exchange.finish
        for _ in range(MOST_CONTINUED):
            if not read_answer(text, finish=finish).cut_off or not text.strip() or finish == "repeating":
                break
            more = talk.ask("continue", prompt.followed_by(text, self.templates.fill("continue", {})))
            text, finish = join(text, more.answer), more.finish
        reading = read_answer(text, finish=finish)
        parent = brief.parent.proposal.code if brief.parent and brief.parent.proposal else ""
        if not (parent and has_edits(text)):
            return exchange, reading, "Your answer held no program."
        said = read_answer(text.partition("<<<<<<<")[0]).plan
        try:
            return exchange, replace(reading, plan=said, code=apply_edits(parent, text)), ""
        except EditError as error:
            return exchange, replace(reading, plan=said, code=None), f"An edit could not be applied: {error}"

    def _mend(
        self, talk: Conversation, brief: Brief, prompt: Prompt, reading: Reading, findings: tuple[str, ...]
    ) -> tuple[Exchange, Reading, tuple[str, ...]]:
        """The program after its faults were sent back once; as it was where nothing better came."""
        assert reading.code is not None
        listed = "\n".join(f"- {_with_line(finding, reading.code)}" for finding in findings)
        asked = prompt.followed_by(
            f"{reading.plan}\n\n```python\n{reading.code}```", self.templates.fill("mend", {"findings": listed})
        )
        exchange, mended, _ = self._ask(talk, brief, "mend", asked)
        if mended.code is None or len(left := self.check(mended.code)) > len(findings):
            return exchange, reading, findings
        return exchange, replace(mended, plan=reading.plan), left


def _with_line(finding: str, code: str) -> str:
    """The finding with the line of the program that it is about."""
    found, lines = re.match(r"line (\d+):", finding), code.splitlines()
    if found is None or not 0 < int(found[1]) <= len(lines) or "`" in finding:
        return finding
    return f"line {found[1]}, `{lines[int(found[1]) - 1].strip()[:120]}`:{finding[found.end() :]}"
