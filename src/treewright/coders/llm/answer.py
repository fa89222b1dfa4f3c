"""Reading a language model's answer: a plan, and one program.

Models put them in many forms: any fence or none, prose before or after, the program in one block or in several,
tags, JSON, thoughts before the answer. Nothing here raises: an answer without a program has ``code`` of ``None``.

An answer that was cut off is joined with what the model says when it is asked to go on. Models repeat the last lines,
open the fence anew, begin the program again, say "Sure" first, or lose the space between the two. Each is one way to
join them; of these ways the first that gives valid Python counts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.coders.llm.fences import blocks, read_fence
from treewright.coders.llm.programs import find_program, first_import, tidy_code
from treewright.coders.llm.prose import first_remark, plan, shorten
from treewright.coders.llm.syntax import breaks_off, parses, writes_submission
from treewright.coders.llm.text import fenced

if TYPE_CHECKING:
    from collections.abc import Iterator

_INVISIBLE = dict.fromkeys(map(ord, "\N{ZERO WIDTH SPACE}\N{WORD JOINER}\N{ZERO WIDTH NO-BREAK SPACE}"))
_THOUGHTS = re.compile(r"\s*<(think|thinking|thought|reasoning)>")
_THOUGHTS_END = re.compile(r"^[ \t]*</(?:think|thinking|thought|reasoning)>", re.MULTILINE)
_TAG = re.compile(r"^[ \t]*<(code|program|python|script|solution)\b[^<>\n]*>", re.MULTILINE)

_ANNOUNCEMENT = re.compile(
    r"(?:sure|certainly|of course|okay|ok|continuing|continued|here|apologies|sorry|i|the|understood|got it)\b"
    r"[^\n=()\[\]{}]*[:.!]\s*",
    re.IGNORECASE,
)
_REPEATED_LINES = 80


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says: the plan in one paragraph, and the program, ``None`` if there is none.

    ``cut_off``: the answer ends before the program does, so the model should be asked to go on.
    """

    plan: str
    code: str | None
    cut_off: bool


def read_answer(text: str, *, finish: str = "stop") -> Reading:
    """The plan and the program in an answer, whatever it looks like; ``finish`` of ``length`` says it was cut off.

    A fence that is never closed means that the answer is cut off, unless the program in it is whole.
    """
    cut = finish == "length"
    text = without_thoughts(text, cut=cut)
    return _read_json(text) or _read_text(_fence_tag(text), cut=cut)


def join(first: str, more: str) -> str:
    """The whole answer, from its first part and the continuation; to be read by ``read_answer``."""
    start, more = without_thoughts(first.removesuffix("\r"), cut=True), without_thoughts(more)
    if not start.strip():  # the thoughts themselves were cut off
        return first + more
    at, ending = _open_program(start)
    if at is None:
        ways = [start + more, f"{start}\n{more}"]
    else:
        ways = [way for body in _bodies(more, ending) for way in _ways(start, at, body)]
    for enough in (2, 1):
        for way in ways:
            if _grade(way) >= enough:
                return way
    return start if _grade(start) else ways[0]  # nothing but words came after it


def without_thoughts(text: str, *, cut: bool = False) -> str:
    """The answer, clean, without what a reasoning model thought before it; ``cut`` where it was cut off."""
    text = _clean(text)
    opening = _THOUGHTS.match(text)
    if opening:
        thoughts, ending, answer = text[opening.end() :].partition(f"</{opening[1]}>")
        if ending:
            return answer
        return "" if cut else thoughts  # a model that stopped without an ending has answered all the same
    ending_alone = _THOUGHTS_END.search(text)  # the prompt may have opened them
    if ending_alone and all(block.closed for block in blocks(text[: ending_alone.start()])):
        return text[ending_alone.end() :]
    return text


def _clean(text: str) -> str:
    """The text with plain newlines and without invisible characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_INVISIBLE)


def _open_tag(text: str) -> re.Match[str] | None:
    """The tag, like ``<code>``, that opens the program, if that is how the answer marks it."""
    tag = _TAG.search(text)
    return None if tag and any(map(read_fence, text[: tag.start()].split("\n"))) else tag


def _read_json(text: str) -> Reading | None:
    found = blocks(text) if "json" in text else ()
    for candidate in [text, *(block.text for block in found if block.language == "json")]:
        if not candidate.lstrip().startswith("{"):
            continue
        try:
            answer = json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
        code, said = answer.get("code"), answer.get("plan")
        if isinstance(code, str) and code.strip():
            inner = _read_text(_clean(code), cut=False)
            told = shorten(said) if isinstance(said, str) else inner.plan
            return Reading(told, inner.code or tidy_code(code), cut_off=False)
    return None


def _fence_tag(text: str) -> str:
    """The text with the tags around the program, if it has such, written as the fence that they stand for."""
    tag = _open_tag(text)
    if not tag:
        return text
    before, (inner, ending, after) = text[: tag.start()], text[tag.end() :].rpartition(f"</{tag[1]}>")
    if not ending:
        inner, after = after, ""
    if any(map(read_fence, inner.split("\n"))) and not parses(tidy_code(inner)):
        return f"{before}\n{inner}\n{after}"
    block = fenced(inner.lstrip("\n"), "python")
    return f"{before}{block}\n{after}" if ending else before + block.rpartition("\n")[0]


def _read_text(text: str, *, cut: bool) -> Reading:
    program = find_program(text, cut=cut)
    if program is None:
        return Reading(plan(text), None, cut_off=cut)
    code, open_ended = program.code, cut or not program.closed
    whole = writes_submission(code) and parses(code) and (program.closed or not cut)
    said = plan(program.before) or plan(program.after) or first_remark(code)
    return Reading(said, code, cut_off=open_ended and not whole)


def _open_program(text: str) -> tuple[int | None, str]:
    """Where the program that breaks off begins, and what would have ended it."""
    tag = _open_tag(text)
    if tag:
        return (None, "") if f"</{tag[1]}>" in text else (tag.end(), f"\n</{tag[1]}>")
    found = blocks(text, cut=True)
    if found:
        block = found[-1]
        at = len("\n".join(text.split("\n")[: block.start + 1])) + 1
        return (None, "") if block.closed else (at, f"\n{block.marks}")
    return first_import(text), ""


def _bodies(more: str, ending: str) -> Iterator[str]:
    """What goes on with the program in the continuation, by several readings of it."""
    lines = more.split("\n")
    begin = 0
    while begin < len(lines) and (not lines[begin].strip() or _ANNOUNCEMENT.fullmatch(lines[begin].strip())):
        begin += 1
    fence = read_fence(lines[begin]) if begin < len(lines) else None
    if fence:
        inner = blocks("\n".join(lines[begin:]), cut=True)
        if inner and inner[0].start == 0 and (inner[0].closed or fence.language):
            yield inner[0].text + ending * inner[0].closed
    yield more
    if any(map(str.strip, lines[:begin])):
        yield "\n".join(lines[begin:])


def _ways(first: str, at: int, more: str) -> Iterator[str]:
    """The ways to join them, likelier ones first; ``at`` is where the program begins in the first part."""
    code = first[at:]
    begun, again = ([line for line in text.split("\n") if line.strip()][:3] for text in (code, more))
    if len(begun) == 3 and begun[:2] == again[:2]:
        yield first[:at] + more
    repeated = _repeated(code, more)
    if repeated:
        yield first[: len(first) - repeated] + more
    yield first + more
    yield f"{first}\n{more}"
    yield f"{first} {more}"
    last = code.rstrip().rpartition("\n")[2]
    deeper = 4 * last.endswith(":")
    yield first.rstrip() + "\n" + " " * (len(last) - len(last.lstrip()) + deeper) + more


def _repeated(code: str, more: str) -> int:
    """How many characters at the end of the code the continuation begins with: whole lines, and one that breaks off."""
    lines = code.split("\n")
    for begin in range(max(0, len(lines) - _REPEATED_LINES), len(lines)):
        tail = "\n".join(lines[begin:])
        for end in (tail, tail.lstrip()):
            if len(end) > 1 and end.strip() and more.startswith(end):
                return len(end)
    return 0


def _grade(answer: str) -> int:
    """How sound an answer looks: 2 if its program is valid, 1 if it may become so, 0 else."""
    reading = read_answer(answer, finish="length")
    if reading.code is None:
        return 0
    return 2 if parses(reading.code) else int(reading.cut_off and breaks_off(reading.code))
