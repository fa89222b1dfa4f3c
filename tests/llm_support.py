"""Models that answer from a list, and briefs to ask them about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from treewright.coders.llm.blocks import Caps
from treewright.coders.llm.desk import Request, Source
from treewright.coders.llm.templates import Templates
from treewright.memory import remember
from treewright.protocols import Brief, Setting
from treewright.task import ColumnKind, ColumnProfile, TableProfile
from treewright.testing import setting as bare_setting
from treewright.tree import Exchange, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from treewright.coders.llm.coder import Check, LlmCoder
    from treewright.tree import Action, Tree

PROGRAM = 'import csv\n\nopen("./working/submission.csv", "w").write("id,y\\n")\n'
ANSWER = f"A sound plan.\n\n```python\n{PROGRAM}```\n"


@dataclass
class Answers:
    """A ``Source`` that gives these answers one after the other, and remembers what it was asked.

    An answer is a text, a pair of text and ``finish``, or an exception to raise.
    """

    answers: list[Any]
    name: str = "test:model"
    context: int | None = None
    requests: list[Request] = field(default_factory=list)

    def ask(self, request: Request) -> Exchange:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        text, finish = answer if isinstance(answer, tuple) else (answer, "stop")
        usage = Usage(1, 100, 50, 0.01, 2.0)
        return Exchange(request.number, request.purpose, self.name, request.messages, text, usage, finish)


@dataclass(frozen=True)
class OneAnswer:
    """A ``Source`` that always gives the same answer."""

    text: str = ANSWER
    name: str = "test:model"
    context: int | None = None

    def ask(self, request: Request) -> Exchange:
        return Exchange(request.number, request.purpose, self.name, request.messages, self.text, Usage(1, 100, 50))


def column(name: str, kind: ColumnKind = ColumnKind.NUMERIC, **more: Any) -> ColumnProfile:
    return ColumnProfile(name, kind, 0.0, 10, **more)


def setting(*columns: str, **changes: Any) -> Setting:
    """A setting with a table of these columns."""
    table = TableProfile(100, 50, tuple(map(column, columns or ("x", "z"))), (column("y"),))
    bare = bare_setting()
    machine = replace(bare.machine, packages={"pandas": "3.0", "scikit-learn": "1.9"})
    task = replace(bare.task, description="# Line\n\nPredict y.")
    return replace(bare, task=task, table=table, machine=machine, **changes)


def brief(tree: Tree, action: Action, *, where: Setting | None = None, **changes: Any) -> Brief:
    """What the search would tell a coder for this action."""
    plain = Brief(
        setting=where or setting(),
        node=len(tree) + 1,
        operator=action.operator,
        parent=tree[action.parent] if action.parent is not None else None,
        memory=remember(tree, action),
        draft=len(tree.drafts),
        best=tree[tree.best].score if tree.best is not None else None,
        limit=60.0,
        time_left=600.0,
        steps_left=9,
        seed=1,
    )
    return replace(plain, **changes)


def no_faults(code: str, brief: Brief) -> tuple[str, ...]:
    del code, brief
    return ()


def coder(*sources: Source, check: Check = no_faults, **changes: Any) -> LlmCoder:
    from treewright.coders.llm.coder import LlmCoder

    return LlmCoder(sources, Templates.load(), Caps(), check, **changes)


def asked(source: Answers, number: int = -1) -> str:
    """The whole text of a request."""
    return "\n".join(message.text for message in source.requests[number].messages)


def texts(exchanges: Iterable[Exchange]) -> list[str]:
    return [exchange.answer for exchange in exchanges]
