"""One run of each policy, written out: whatever changes what the search does shows here, line by line.

Where a change is meant, renew the files and read the difference before it goes in::

    PYTHONPATH=src python tests/test_golden.py && git diff tests/golden
"""

from __future__ import annotations

from pathlib import Path

import pytest

from treewright.budget import Budget
from treewright.events import Evaluated, Finished, RunStarted, Selected, Started, Written
from treewright.metrics import Direction
from treewright.policies import Greedy
from treewright.search import TreeSearch
from treewright.store import MemoryStore
from treewright.testing import ScriptedCoder, ScriptedEvaluator, setting

GOLDEN = Path(__file__).parent / "golden"
POLICIES = {"greedy": Greedy()}
SEED, STEPS = 1, 30


def told(policy) -> str:
    """The tree of a whole run, drawn by indentation, and then its log."""
    store = MemoryStore()
    with TreeSearch(
        setting(),
        coder=ScriptedCoder(),
        evaluator=ScriptedEvaluator(SEED),
        policy=policy,
        store=store,
        started=RunStarted("golden", SEED, "rmse", Direction.MINIMIZE, {}),
        budget=Budget(steps=STEPS),
    ) as search:
        search.run()
    log = (f"{entry.seq:3} {line(entry.event)}" for entry in store.entries())
    return "\n".join([*drawn(search.tree, search.tree.drafts), "", *log, ""])


def drawn(tree, nodes, depth=0):
    for node in (tree[i] for i in nodes):
        mark = "  *" if node.id == tree.best else ""
        yield f"{'    ' * depth}{node.id} {node.action.operator} {outcome(node.evaluation)}{mark}"
        yield from drawn(tree, node.children, depth + 1)


def outcome(evaluation) -> str:
    return evaluation.reason or f"{evaluation.score:.4f} ± {evaluation.score_se:.4f}"


def line(event) -> str:
    match event:
        case RunStarted():
            return f"RunStarted {event.metric} {event.direction}, seed {event.seed}"
        case Started():
            return f"Started    {event.node}: {event.action.operator} of {event.action.parent}"
        case Written():
            notes = event.proposal.notes
            return f"Written    {event.node}: {event.proposal.code.strip()}, {notes['memories']} memories"
        case Evaluated():
            return f"Evaluated  {event.node}: {outcome(event.evaluation)}"
        case Selected():
            members = ", ".join(f"{member.weight:g} of {member.node}" for member in event.members)
            return f"Selected   {members}: {event.reported:.4f} ± {event.reported_se:.4f}"
        case Finished():
            return f"Finished   {event.stopped_by}"
    raise AssertionError(event)


@pytest.mark.parametrize("name", POLICIES)
def test_a_run_is_as_it_was_written_out(name):
    # As lists, so that pytest shows which lines differ.
    expected = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert told(POLICIES[name]).splitlines() == expected, "if this is meant: see the top of this file"


if __name__ == "__main__":
    for policy_name, each in POLICIES.items():
        (GOLDEN / f"{policy_name}.txt").write_text(told(each), encoding="utf-8")
