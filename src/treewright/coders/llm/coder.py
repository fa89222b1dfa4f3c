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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.coders.llm.answer import join, read_answer
from treewright.coders.llm.blocks import Caps
from treewright.coders.llm.conversation import Conversation
from treewright.coders.llm.desk import NoAnswer, Source
from treewright.coders.llm.edits import EditError, apply_edits, has_edits
from treewright.coders.llm.prompt import Prompt
from treewright.coders.llm.templates import Templates
from treewright.coders.llm.text import fenced
from treewright.coders.llm.trouble import TooLong
from treewright.protocols import Overdrawn
from treewright.tree import Proposal

if TYPE_CHECKING:
    from treewright.protocols import Brief

MOST_CONTINUED = 3

Check = Callable[[str, "Brief"], tuple[str, ...]]
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
            deadline=brief.deadline,
            cancel=brief.cancel,
        )
        prompt = Prompt(self.templates, brief, self.caps, self.edits_above)
        try:
            written = self._written(brief, talk, prompt)
        except NoAnswer as silence:
            return Proposal("", "", source.name, {"reason": f"not written: {silence}"})
        except TooLong:
            reason = "not written: with its parent's program, the prompt is too long for the model's context"
            return Proposal("", "", source.name, {"reason": reason})
        if written.code is None:
            return Proposal(written.plan, "", written.author, {"reason": f"no program was written: {written.trouble}"})
        if findings := self.check(written.code, brief):
            written, findings = self._mended(brief, talk, prompt, written, findings)
        notes = {"findings": "\n".join(findings)} if findings else {}
        return Proposal(written.plan, written.code or "", written.author, notes)

    def _written(self, brief: Brief, talk: Conversation, prompt: Prompt) -> _Written:
        """The answer to the prompt; where it holds no program, that to a second request with what is wrong."""
        parent = brief.parent.proposal.code if brief.parent and brief.parent.proposal else ""
        first = self._ask(talk, brief.operator.value, prompt, parent)
        if first.code is not None:
            return first
        trouble = f"{first.trouble[:1].upper()}{first.trouble[1:]}".removesuffix(".")
        again = prompt.followed_by(first.text, self.templates.fill("refused", {"trouble": f"{trouble}."}))
        try:
            second = self._ask(talk, "again", again, parent)
        except _NO_MORE:
            return first
        return second if second.plan else replace(second, plan=first.plan)

    def _mended(
        self, brief: Brief, talk: Conversation, prompt: Prompt, written: _Written, findings: tuple[str, ...]
    ) -> tuple[_Written, tuple[str, ...]]:
        """The program after its faults were sent back once; as it was where nothing better came."""
        code = written.code or ""
        listed = "\n".join(f"- {_with_line(finding, code)}" for finding in findings)
        answer = f"{written.plan}\n\n{fenced(code, 'python')}"
        asked = prompt.followed_by(answer, self.templates.fill("mend", {"findings": listed}))
        try:
            mended = self._ask(talk, "mend", asked, code)
        except _NO_MORE:
            return written, findings
        if mended.code is None or len(left := self.check(mended.code, brief)) > len(findings):
            return written, findings
        return replace(mended, plan=written.plan), left

    def _ask(self, talk: Conversation, purpose: str, prompt: Prompt, edited: str) -> _Written:
        """An answer, gone on with where it was cut off; its edits, if it has any, are of the program ``edited``."""
        exchange = talk.ask(purpose, prompt)
        text, finish = exchange.answer, exchange.finish
        for _ in range(MOST_CONTINUED):
            if not read_answer(text, finish=finish).cut_off or not text.strip() or finish in {"repeating", "overlong"}:
                break
            try:
                more = talk.ask("continue", prompt.followed_by(text, self.templates.fill("continue", {})))
            except _NO_MORE:
                break
            text, finish = join(text, more.answer), more.finish
        if not (edited and has_edits(text)):
            reading = read_answer(text, finish=finish)
            return _Written(text, exchange.model, reading.plan, reading.code, _NOTHING)
        plan = read_answer(text.partition("<<<<<<<")[0]).plan
        try:
            return _Written(text, exchange.model, plan, apply_edits(edited, text))
        except EditError as error:
            return _Written(text, exchange.model, plan, None, f"an edit could not be applied: {error}")


@dataclass(frozen=True, slots=True)
class _Written:
    """What an answer came to; ``trouble`` says what is wrong where ``code`` is ``None``."""

    text: str
    author: str
    plan: str
    code: str | None
    trouble: str = ""


_NOTHING = "the answer held no program"

_NO_MORE = (NoAnswer, Overdrawn, TooLong)
"""What keeps a further request from being answered, once there is something to go on with."""


def _with_line(finding: str, code: str) -> str:
    """The finding with the line of the program that it is about."""
    found, lines = re.match(r"line (\d+):", finding), code.splitlines()
    if found is None or not 0 < int(found[1]) <= len(lines) or "`" in finding:
        return finding
    return f"line {found[1]}, `{lines[int(found[1]) - 1].strip()[:120]}`:{finding[found.end() :]}"
