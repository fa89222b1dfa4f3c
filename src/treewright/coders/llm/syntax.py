"""Parsing a program that a language model wrote: every fault is a ``SyntaxError``, and warnings go nowhere."""

from __future__ import annotations

import ast
import re
import warnings

_NAME = "<program>"
_SUBMISSION = re.compile(r"(?<!\w)submission\.csv")  # not ``sample_submission.csv``
_UNFINISHED = re.compile(r"never closed|unterminated triple-quoted|expected an indented block|expected 'except'")


def parse(code: str) -> ast.Module:
    """The syntax tree; ``SyntaxError`` for all that Python would not begin to run, absurd nesting and such included."""
    # A filter for this name alone, left in place: entering and leaving one is not safe among threads.
    warnings.filterwarnings("ignore", module=_NAME)
    try:
        compile(code, _NAME, "exec", dont_inherit=True)  # finds more than parsing: a ``return`` outside a function
        return ast.parse(code, _NAME)
    except (RecursionError, MemoryError):
        raise SyntaxError("it is nested too deeply") from None
    except ValueError as error:
        raise SyntaxError(str(error)) from None


def fault(code: str) -> SyntaxError | None:
    """What keeps the code from being parsed."""
    try:
        parse(code)
    except SyntaxError as error:
        return error
    return None


def parses(code: str) -> bool:
    """Whether this is valid Python; so is the empty text, and many a single word."""
    return fault(code) is None


def ends_inside_string(code: str) -> bool:
    """Whether the code breaks off within a triple-quoted string."""
    error = fault(code) if '"""' in code or "'''" in code else None
    return error is not None and "unterminated triple-quoted" in error.msg


def breaks_off(code: str) -> bool:
    """Whether more code might mend what is wrong with this one."""
    error = fault(code)
    return error is not None and (
        _UNFINISHED.search(error.msg) is not None or (error.lineno or 0) > code.rstrip().count("\n")
    )


def writes_submission(code: str) -> bool:
    """Whether the code names the file that it has to write."""
    return _SUBMISSION.search(code) is not None
