"""Treewright: AI-driven exploration in the space of code (AIDE, arXiv 2502.13138).

``Task`` and ``Search`` are the Python interface (see ``api``). Read ``protocols``, ``tree``, ``events`` and ``search``,
in that order, to know how it works.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treewright.api import Search, Task
    from treewright.policies import Greedy
    from treewright.protocols import Brief
    from treewright.tree import Action, Node, Operator, Proposal, Tree

__version__ = "0.1.0"

__all__ = ["Action", "Brief", "Greedy", "Node", "Operator", "Proposal", "Search", "Task", "Tree"]

_HOME = {"Brief": "protocols", "Greedy": "policies", "Search": "api", "Task": "api"}


def __getattr__(name: str) -> Any:
    # Only now, so that importing a part of the package, or asking for help, does not load all of it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'tree')}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
