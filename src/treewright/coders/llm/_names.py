"""Run by the scripts' interpreter, which may be older than ours, to say what can be imported. Standard library only.

Each answer is a line of JSON of its own, written at once: a module that ends the process when it is imported takes
only the answers after it along.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import inspect
import json
import pkgutil
import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any, Iterator, Sequence  # noqa: UP035  an older interpreter

ANSWER = "answer.jsonl"
ANYWHERE = "*"
LIBRARIES = (
    *("collections", "functools", "itertools", "pathlib", "datetime", "dataclasses", "typing"),
    *("sklearn", "pandas", "lightgbm", "xgboost", "catboost"),
)
"""Where a name without a module is looked for."""

_SKIPPED = ("__main__", "antigravity", "idlelib", "solution", "this", "turtle", "turtledemo")
_NO_ATTRIBUTE = re.compile(r"^(?:module|type object) \S* has no attribute \S*\s*", re.IGNORECASE)
_REMARK_CHARS = 200


class _Unknown(Exception):  # noqa: N818
    """The name cannot be judged."""


class _Missing(Exception):  # noqa: N818
    """There is no such name; the text is what the library says about it."""


def answer(names: Sequence[str]) -> None:
    """Write what is known about each of the names."""
    warnings.simplefilter("ignore")
    with Path("working", ANSWER).open("w", encoding="utf-8") as file:
        for name in names:
            try:
                known = look_up(name)
            except Exception:  # noqa: BLE001, S112  whatever a library does
                continue
            print(json.dumps([name, known]), file=file, flush=True)


def look_up(name: str) -> dict[str, Any]:
    """The fields of ``names.Known`` for a dotted name, or for ``*.name``, which may be anywhere."""
    first, *rest = name.split(".")
    if first == ANYWHERE:
        homes = _homes(rest[-1], LIBRARIES)
        return {"exists": bool(homes), "homes": homes}
    if first in _SKIPPED:
        raise _Unknown
    if importlib.util.find_spec(first) is None:
        modules = {*getattr(sys, "stdlib_module_names", ()), *(module.name for module in pkgutil.iter_modules())}
        return {"exists": False, "missing": first, "near": _near(first, modules, cutoff=0.85)}
    if not rest:
        return {"exists": True}
    thing, path = _import(first), first
    for part in rest:
        try:
            thing, path = _member(thing, part), f"{path}.{part}"
        except _Missing as missing:
            return {
                "exists": False,
                "missing": f"{path}.{part}",
                "remark": str(missing),
                "near": _near(part, _members(thing)),
                "homes": _homes(part, (first, *LIBRARIES)) if isinstance(thing, types.ModuleType) else [],
            }
    try:
        parameters, positional = _arguments(thing)
    except Exception:  # noqa: BLE001  signatures that are wrong, or none
        return {"exists": True}
    return {"exists": True, "parameters": parameters, "positional": positional}


def _import(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except BaseException as error:  # noqa: BLE001  whatever a module does
        if isinstance(error, ModuleNotFoundError) and error.name == module:
            raise _Missing from None
        raise _Unknown from None


def _member(owner: Any, name: str) -> Any:
    """An attribute of a module or class, or a submodule."""
    is_module = isinstance(owner, types.ModuleType)
    if not is_module and not isinstance(owner, type):
        raise _Unknown  # an instance may get attributes at any time
    try:
        return getattr(owner, name)
    except AttributeError as error:
        remark = _remark(_NO_ATTRIBUTE.sub("", str(error)))
    except ImportError as error:  # a library's way to say that something is gone, or has to be enabled first
        if "experimental" in str(error):
            raise _Unknown from None
        remark = _remark(str(error))
    if is_module and hasattr(owner, "__path__"):
        try:
            return _import(f"{owner.__name__}.{name}")
        except _Missing:
            pass
    raise _Missing(remark)


def _remark(text: str) -> str:
    """What a library says, in a sentence or two."""
    words = text.split()
    text = " ".join(words) if len(words) > 1 else ""
    if len(text) <= _REMARK_CHARS:
        return text
    return text[: text.rfind(". ", 0, _REMARK_CHARS) + 1] or text[:_REMARK_CHARS] + " …"


def _members(owner: Any) -> set[str]:
    names = {name for name in dir(owner) if not name.startswith("_")}
    return names | {module.name for module in pkgutil.iter_modules(getattr(owner, "__path__", ()))}


def _near(name: str, names: set[str], cutoff: float = 0.75) -> list[str]:
    """The names that were most likely meant."""
    others = sorted(names - {name})
    alike = [other for other in others if other.lower() == name.lower()]
    return alike or difflib.get_close_matches(name, others, n=3, cutoff=cutoff)


def _homes(name: str, libraries: Sequence[str]) -> list[str]:
    """The public modules of the first library that has the name."""
    for library in libraries:
        found = [module.__name__ for module in _public_modules(library) if _offers(module, name)]
        if found:
            return found
    return []


def _public_modules(library: str) -> Iterator[types.ModuleType]:
    """The library itself and the modules that it lists as public; none where it cannot be imported."""
    try:
        module = _import(library)
    except (_Missing, _Unknown):
        return
    yield module
    listed = set(getattr(module, "__all__", ()))
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if found.name in listed:
            try:
                yield _import(f"{library}.{found.name}")
            except (_Missing, _Unknown):
                continue


def _offers(module: types.ModuleType, name: str) -> bool:
    """Whether this is one of the module's public names, and no module itself."""
    if name not in (getattr(module, "__all__", None) or _members(module)):
        return False
    try:
        return not isinstance(_member(module, name), types.ModuleType)
    except (_Missing, _Unknown):
        return False


def _arguments(thing: Any) -> tuple[list[str] | None, int | None]:
    """The names of the arguments that a call may give, and how many may go without; ``None`` for what is not sure."""
    is_class = isinstance(thing, type)
    function = _constructor(thing) if is_class else getattr(thing, "__func__", thing)
    innermost = _unwrapped(function)
    if innermost is None:
        return None, None
    # What a class says of itself may leave out what it takes and ignores, as a function's may what is deprecated.
    parameters = list(inspect.signature(function if is_class else thing).parameters.values())[is_class:]
    code = innermost.__code__
    kinds = {parameter.kind for parameter in parameters}
    by_name = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    by_name += sorted({*code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]} - {*by_name})
    by_place = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds or code.co_flags & inspect.CO_VARKEYWORDS
    is_sure = innermost is function and inspect.Parameter.VAR_POSITIONAL not in kinds
    return None if takes_any else by_name, len(by_place) if is_sure else None


def _constructor(cls: Any) -> Any:
    """The ``__init__`` of a class where that alone takes the arguments."""
    return cls.__init__ if type(cls).__call__ is type.__call__ and cls.__new__ is object.__new__ else None


def _unwrapped(function: Any) -> types.FunctionType | None:
    """The Python function under wrappers that hand all arguments on, as far as one can see."""
    while hasattr(function, "__wrapped__"):
        code = getattr(function, "__code__", None)
        if hasattr(function, "registry") or (code and "pop" in code.co_names):
            return None  # generic in its first argument, or renames arguments
        if not (code or isinstance(function, _CACHED) or type(function).__name__ == "_ArrayFunctionDispatcher"):
            return None
        function = function.__wrapped__
    return function if isinstance(function, types.FunctionType) else None


_CACHED = type(functools.lru_cache(maxsize=1)(len))
