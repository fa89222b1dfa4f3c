"""A run as it is read from disk, by commands and pages that only look: its log, its tree, its figures.

Nothing here takes the lock or needs the data, so a run can be looked at while another process works on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from treewright.errors import RunFormatError
from treewright.events import Answered, Extended, Finished, RunStarted, Selected, replay
from treewright.folder import RunFolder
from treewright.protocols import Entry
from treewright.store import SqliteStore
from treewright.tree import NOTHING, Exchange, Tree, Usage

if TYPE_CHECKING:
    from treewright.tree import Node

Kind = TypeVar("Kind")

REVIEW = "review"
"""The purpose of a request that belongs to no coding operator."""


@dataclass(frozen=True, slots=True)
class Record:
    """A run's folder, its entries and the tree they lead to."""

    folder: RunFolder
    entries: Sequence[Entry]
    tree: Tree

    @property
    def started(self) -> RunStarted:
        """The first event of every run."""
        event = self.entries[0].event
        assert isinstance(event, RunStarted)
        return event

    def exchanges(self, node: int | None = None) -> Iterator[Exchange]:
        """The requests to language models for a node, or all, in order."""
        for entry in self.entries:
            if isinstance(entry.event, Answered) and node in {None, entry.event.node}:
                yield entry.event.exchange

    @property
    def selected(self) -> Selected | None:
        """The final answer, if the run has ended and not been extended since."""
        return self._last(Selected)

    @property
    def stopped_by(self) -> str | None:
        """Why the run ended; ``None`` while it goes on, or if it was interrupted."""
        finished = self._last(Finished)
        return finished.stopped_by if finished else None

    @property
    def seconds(self) -> float:
        """How long the run has worked."""
        return self.entries[-1].elapsed

    def _last(self, kind: type[Kind]) -> Kind | None:
        for entry in reversed(self.entries):
            if isinstance(entry.event, kind):
                return entry.event
            if isinstance(entry.event, Extended):
                return None
        return None


def read_run(path: Path) -> Record:
    """The run in this folder, or of this name in ``runs/``; ``RunFormatError`` if there is none."""
    folder = find_run(path)
    if not folder.database.exists():
        raise RunFormatError(f"{folder.path} was cut off before it began; go on with: treewright resume {path}")
    store = SqliteStore(folder.database, folder.name, read_only=True)
    try:
        entries = store.entries()
    finally:
        store.close()
    if not entries or not isinstance(entries[0].event, RunStarted):
        raise RunFormatError(f"{folder.path} was cut off before it began; go on with: treewright resume {path}")
    return Record(folder, entries, replay(entry.event for entry in entries))


def find_run(path: Path) -> RunFolder:
    """The folder of a run, by its path or by its name in ``runs/``; ``RunFormatError`` if there is none."""
    for candidate in (path, Path("runs") / path):
        if (candidate / "config.toml").exists():
            real = candidate.resolve()  # `.` and a link have other names than the run
            return RunFolder(candidate if candidate.name == real.name else real)
    raise RunFormatError(f"there is no run {path}; treewright list shows those in runs/")


def find_runs(path: Path) -> list[RunFolder]:
    """All runs in a folder of runs, the latest first."""
    found = [RunFolder(database.parent) for database in path.glob("*/run.db")]
    return sorted(found, key=lambda folder: folder.database.stat().st_mtime, reverse=True)


def summary(record: Record) -> dict[str, Any]:
    """The figures of a run, under the keys that ``--json`` promises."""
    nodes = record.tree.nodes
    return {
        "run": record.started.run,
        "dir": str(record.folder.path),
        "metric": record.started.metric,
        "direction": record.started.direction.value,
        "best": _best(record),
        "nodes": len(nodes),
        "buggy": sum(node.buggy for node in nodes),
        "llm": _usage(record.tree.usage) | _shares(record),
        "seconds": round(record.seconds, 1),
        "stopped_by": record.stopped_by,
    }


def node_summary(record: Record, node: Node) -> dict[str, Any]:
    """The figures of a node, under the keys that ``--json`` promises."""
    selected = record.selected
    place = record.folder.node(node.id)
    return {
        "id": node.id,
        "parent": node.parent,
        "action": node.action.operator.value,
        "coder": node.proposal.coder if node.proposal else None,
        "plan": node.proposal.plan if node.proposal else None,
        "score": node.score,
        "score_se": node.evaluation.score_se if node.evaluation else None,
        "selection_score": selected.selection_scores.get(node.id) if selected else None,
        "confirmed_score": node.confirmed_score if selected else None,
        "twin": node.twin,
        "self_reported": node.self_reported,
        "buggy": node.buggy,
        "reason": node.evaluation.reason if node.evaluation else None,
        "seconds": round(node.execution.seconds, 3) if node.execution else None,
        "llm": _usage(node.usage),
        "review": node.evaluation.review.summary if node.evaluation and node.evaluation.review else None,
        "files": sorted(str(file.relative_to(record.folder.path)) for file in place.glob("*") if file.is_file()),
    }


def node_usage(record: Record, node: Node) -> dict[str, Any]:
    """What the requests for one node took, in all and by what they were for."""
    purposes = _totals((exchange.purpose, exchange) for exchange in record.exchanges(node.id))
    return _usage(node.usage) | {"by_purpose": purposes}


def _usage(usage: Usage) -> dict[str, Any]:
    cost = None if usage.cost_usd is None else round(usage.cost_usd, 6)
    return {
        "requests": usage.requests,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": cost,
        "seconds": round(usage.seconds, 1),
    }


def _shares(record: Record) -> dict[str, Any]:
    """What each model took, and each operator with all that it asked again for; reviews apart."""
    answered = [entry.event for entry in record.entries if isinstance(entry.event, Answered)]
    return {
        "by_model": _totals((event.exchange.model, event.exchange) for event in answered),
        "by_operator": _totals((_operator(record.tree, event), event.exchange) for event in answered),
    }


def _operator(tree: Tree, event: Answered) -> str:
    return REVIEW if event.exchange.purpose == REVIEW else tree[event.node].action.operator.value


def _totals(exchanges: Iterable[tuple[str, Exchange]]) -> dict[str, dict[str, Any]]:
    totals: dict[str, Usage] = {}
    for key, exchange in exchanges:
        totals[key] = totals.get(key, NOTHING) + exchange.usage
    return {key: _usage(usage) for key, usage in totals.items()}


def _best(record: Record) -> dict[str, Any] | None:
    """The answer: the final one with its cross-fitted score, else the best node with its search score."""
    selected, tree = record.selected, record.tree
    if selected and selected.members:
        first = selected.members[0].node
        return {
            "kind": "node" if len(selected.members) == 1 else "ensemble",
            "node": first,
            "members": [{"node": member.node, "weight": member.weight} for member in selected.members],
            "score": selected.reported,
            "score_se": selected.reported_se,
            "selection_score": selected.selection_scores.get(first),
            "self_reported": tree[first].self_reported,
        }
    if tree.best is None:
        return None
    best = tree[tree.best]
    return {
        "kind": "node",
        "node": best.id,
        "members": [{"node": best.id, "weight": 1.0}],
        "score": best.score,
        "score_se": best.evaluation.score_se if best.evaluation else None,
        "selection_score": None,
        "self_reported": best.self_reported,
    }
