"""What a language model is told, block by block.

Each function makes one block of a prompt from the brief: a heading and its text, or nothing at all where there is
nothing to tell. No block is longer than its cap, so a prompt at node 5,000 is no longer than one at node 50; only the
parent's program has no cap, for a program with a hole in it cannot be mended. Whatever a script printed stands between
``<output>`` marks that it cannot close; what of it is told elsewhere, as the exception that ended it, is one line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from treewright.coders.llm.facts import facts, now
from treewright.coders.llm.frame import frame_block
from treewright.coders.llm.goal import goal
from treewright.coders.llm.text import CHARS, clip, duration, fenced, some
from treewright.coders.llm.veil import known_words, veil_line, veil_output
from treewright.data.preview.wording import pattern
from treewright.task import ColumnKind
from treewright.tree import Evaluation, Execution, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treewright.protocols import Brief, Memory, Setting
    from treewright.task import ColumnProfile

MOST_LISTED = 40
TEXTS = (ColumnKind.CATEGORICAL, ColumnKind.TEXT, ColumnKind.DATETIME)
MOST_UNUSED = 60
GENERIC = 0.8
"""A program that names fewer of the columns than the rest of this share chooses them otherwise than by name."""

MOST_FILES = 300
"""Files that are looked at; of more of them, no program names each."""

_NOT_TOLD = frozenset({"train.csv", "test.csv", "sample_submission.csv", "description.md"})


@dataclass(frozen=True, slots=True)
class Caps:
    """The most tokens of each block; ``samples`` lets data values in."""

    task: float = 3000
    data: float = 2600
    memory: float = 2400
    output: float = 1500
    packages: float = 500
    unused: float = 400
    samples: bool = True

    def shrunk(self, factor: float) -> Caps:
        """Caps smaller by this factor, for a context that is too short."""
        sizes = {
            name: getattr(self, name) * factor for name in ("task", "data", "memory", "output", "packages", "unused")
        }
        return replace(self, **sizes)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A program, and what came of it as far as it is known."""

    plan: str
    code: str
    execution: Execution | None = None
    evaluation: Evaluation | None = None


def brief_blocks(brief: Brief, caps: Caps) -> dict[str, str]:
    """The blocks of draft, debug and improve, by the names that templates use."""
    setting, parent = brief.setting, brief.parent
    blocks = {
        **setting_blocks(setting, caps),
        "memory": memory(brief, caps),
        "frame": frame_block(setting),
        "now": now(brief),
        "complexity": complexity(brief),
        "parent": "",
        "unused": "",
    }
    if parent and parent.proposal and parent.proposal.code.strip():
        proposal = parent.proposal
        attempt = Attempt(proposal.plan, proposal.code, parent.execution, parent.evaluation)
        blocks |= {
            "parent": program(setting, attempt, caps) + best(brief),
            "unused": unused(setting, proposal.code, caps),
        }
    return blocks


def setting_blocks(setting: Setting, caps: Caps) -> dict[str, str]:
    """The blocks that are the same for all nodes."""
    description = clip(setting.task.description.strip(), caps.task, tail=0.3)
    return {
        "task": f"# Task\n\n{description}" if description else "",
        "goal": goal(setting, caps.task / 4, samples=caps.samples),
        "facts": facts(setting.machine, caps.packages),
        "data": data(setting, caps),
    }


def data(setting: Setting, caps: Caps) -> str:
    """The preview of the data, and what of it trips up programs."""
    preview = [clip(setting.overview, caps.data)] if setting.overview else []
    parts = [*preview, clip("\n".join(_cautions(setting)), caps.data / 4)]
    return "\n\n".join(["# Data, in ./input/", *filter(None, parts)])


def _cautions(setting: Setting) -> Iterator[str]:
    columns = setting.table.columns
    texts = [column.name for column in columns if _is_text(column)]
    missing = [column.name for column in columns if column.missing]
    mixed = [column.name for column in columns if column.kind is ColumnKind.BOOLEAN and column.missing]
    train_only = [column.name for column in columns if not column.in_test]
    targets = [column.name for column in setting.table.targets if column.kind is not ColumnKind.NUMERIC]
    if texts:
        yield f"Read as text, so models cannot take them as they are: {some(texts, MOST_LISTED)}."
    if missing:
        yield f"With missing values: {some(missing, MOST_LISTED)}."
    if mixed:
        yield f"True, False and missing mixed, so astype(int) fails on them: {some(mixed, MOST_LISTED)}."
    if train_only:
        yield f"In train.csv alone, so no feature: {some(train_only, MOST_LISTED)}."
    if targets:
        yield (
            f"The target is no number: {some(targets, MOST_LISTED)}. scikit-learn's classifiers and LGBMClassifier "
            "take it as it is and predict labels; XGBoost wants 0, 1, 2 … in its place, to be turned back afterwards."
        )


def _is_text(column: ColumnProfile) -> bool:
    if column.kind is ColumnKind.IDENTIFIER:
        return any(not example.lstrip("-").isdecimal() for example in column.examples)
    return column.kind in TEXTS or column.as_text


def program(setting: Setting, attempt: Attempt, caps: Caps) -> str:
    """A program with its plan, its score within its noise, and what it printed."""
    parts = ["# The program"]
    if plan := attempt.plan.strip():
        parts.append(f"Its plan: {clip(plan, 400)}")
    parts.append(fenced(attempt.code, "python"))
    if attempt.evaluation:
        parts.append(_outcome(setting, attempt, attempt.evaluation, caps))
    if run := attempt.execution:
        parts.append(f"It ran for {duration(run.seconds)}. {printed(setting, run.output, attempt.code, caps)}")
    return "\n\n".join(parts)


def _outcome(setting: Setting, attempt: Attempt, evaluation: Evaluation, caps: Caps) -> str:
    if evaluation.score is None:
        known = None if caps.samples else _known(setting, attempt.code)
        return f"It failed: {_line(evaluation.reason or 'it has no score', 300, known)}"
    said = f" A reviewer says: {clip(evaluation.review.summary, 200)}" if evaluation.review else ""
    noise = f" ± {evaluation.score_se:.3g} (standard error)" if evaluation.score_se else ""
    of_its_own = ", which it printed itself" if evaluation.self_reported else ""
    return f"Its score{of_its_own}: {setting.task.metric.name} {evaluation.score:.6g}{noise}.{said}"


def printed(setting: Setting, output: str, code: str, caps: Caps) -> str:
    """What the script printed, head and tail, marked as nothing but data."""
    if not output.strip():
        return "It printed nothing."
    text = output if caps.samples else veil_output(output, _known(setting, code))
    text = clip(text.strip(), caps.output, tail=0.75)
    return f"It printed:\n\n<output>\n{_harmless(text)}\n</output>" if text else "What it printed is not shown."


def _line(text: str, cap: float, known: frozenset[str] | None) -> str:
    """What a script may have written, in one line; where ``known`` is given, with no other words than are safe."""
    veiled = " ".join(text.split()) if known is None else veil_line(text, known)
    return " ".join(clip(_harmless(veiled), cap).split())


def _harmless(text: str) -> str:
    return re.sub("<(/?output)", r"< \1", text, flags=re.IGNORECASE)


def _known(setting: Setting, code: str = "") -> frozenset[str]:
    """The words that a model knows anyway."""
    task, table = setting.task, setting.table
    columns = (column.name for column in (*table.columns, *table.targets))
    files = (name for name, _ in table.files[:MOST_FILES] if name == pattern(name))
    return known_words((*columns, *task.ids, *task.submission_columns, *files, task.metric.name), code)


def best(brief: Brief) -> str:
    """How the best program so far does, where that is not the parent."""
    score = brief.parent.score if brief.parent else None
    if brief.best is None or brief.best == score:
        return ""
    return f"\n\nThe best program so far has {brief.setting.task.metric.name} {brief.best:.6g}."


def memory(brief: Brief, caps: Caps) -> str:
    """The earlier attempts that matter here, the latest first, as many as there is room for."""
    if not brief.memory:
        return ""
    heading = {
        Operator.DRAFT: "# The other drafts",
        Operator.DEBUG: "# The attempts that led here",
        Operator.IMPROVE: "# What was tried already",
    }[brief.operator]
    room = caps.memory * CHARS
    known = None if caps.samples else _known(brief.setting)
    lines: list[str] = []
    for item in reversed(brief.memory):
        line = _remembered(item, brief.setting, known)
        room -= len(line)
        if room < 0:
            lines.append(f"- … and {len(brief.memory) - len(lines)} earlier ones")
            break
        lines.append(line)
    return "\n".join([heading, "", *lines])


def _remembered(item: Memory, setting: Setting, known: frozenset[str] | None) -> str:
    plan = " ".join(clip(item.plan, 120).split())
    summary = f" {' '.join(clip(item.summary, 80).split())}" if item.summary else ""
    where = " (on another program)" if item.relation == "elsewhere" else ""
    return f"- node {item.node}, {item.operator}{where}: {plan} → {_result(item, setting, known)}.{summary}"


def _result(item: Memory, setting: Setting, known: frozenset[str] | None) -> str:
    if item.score is None:
        reason = item.reason or "no score"
        return reason if reason == "still in flight" else f"failed: {_line(reason, 60, known)}"
    score = f"{setting.task.metric.name} {item.score:.6g}"
    if item.twin:
        return f"{score}, but it is the program of node {item.twin} under other seeds, which counts for nothing"
    if item.gain is None or item.verdict is None:
        return score
    noise = "" if item.standard_error is None else f" ± {item.standard_error:.2g}"
    change = f"{'a gain' if item.gain >= 0 else 'a loss'} of {abs(item.gain):.3g}{noise}"
    return f"{score}, {change} over its parent ({item.verdict})"


def unused(setting: Setting, code: str, caps: Caps) -> str:
    """Columns and files that a program never names."""
    words = set(re.findall(r"\w+", code))
    columns = [column.name for column in setting.table.columns if column.in_test and column.kind != "identifier"]
    left = [name for name in columns if name not in (words if name.isidentifier() else code)]
    if len(left) > GENERIC * len(columns):
        left = []
    files = [name for name, _ in setting.table.files[:MOST_FILES] if name not in _NOT_TOLD]
    files = [name for name in files if name.rstrip("/").rpartition("/")[2] not in code]
    shown = files if caps.samples else list(dict.fromkeys(map(pattern, files)))
    said = [f"Columns that this program never names: {some(left, MOST_UNUSED)}."] if left else []
    said += [f"Files that it never names: {some(shown, MOST_UNUSED)}."] if shown else []
    return clip("\n".join(["# Not used yet", "", *said]), caps.unused) if said else ""


def complexity(brief: Brief) -> str:
    """How bold to be: the more children a node has, the bolder the next (AIRA, arXiv 2507.02554)."""
    siblings = brief.draft if brief.parent is None else len(brief.parent.children) - 1
    if siblings < 2:
        return "Keep it simple: something small that surely runs comes first."
    if siblings < 4:
        return "It may be of moderate complexity: something that an experienced competitor would do next."
    return "Simple things have been tried: be bold, and do something advanced."
