"""The summarization operator: who is remembered, and that it never grows."""

from __future__ import annotations

from treewright import memory
from treewright.budget import Budget
from treewright.events import RunStarted
from treewright.memory import remember
from treewright.metrics import Direction
from treewright.policies import Greedy
from treewright.search import TreeSearch
from treewright.store import MemoryStore
from treewright.testing import ScriptedCoder, ScriptedEvaluator, setting
from treewright.tree import Action, Operator


def grown(steps: int, buggy: float = 0.3):
    with TreeSearch(
        setting(),
        coder=ScriptedCoder(),
        evaluator=ScriptedEvaluator(buggy=buggy),
        policy=Greedy(),
        store=MemoryStore(),
        started=RunStarted("run", 0, "rmse", Direction.MINIMIZE, {}),
        budget=Budget(steps=steps),
    ) as search:
        search.run()
    return search.tree


def relations(tree, action) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for item in remember(tree, action):
        found.setdefault(item.relation, []).append(item.node)
    return found


def test_a_draft_remembers_the_other_drafts():
    tree = grown(20)
    assert relations(tree, Action(Operator.DRAFT)) == {"sibling": list(tree.drafts)}


def test_an_improvement_remembers_what_was_tried_on_the_same_parent():
    tree = grown(40)
    found = relations(tree, Action(Operator.IMPROVE, tree.best))
    assert found.get("sibling", []) == list(tree[tree.best].children[-memory.SIBLINGS :])


def test_a_repair_remembers_the_chain_that_led_to_the_failure():
    tree = grown(40, buggy=0.8)
    leaf = max((tree[i] for i in tree.buggy_leaves), key=lambda node: node.debug_depth)
    assert leaf.debug_depth > 0
    assert relations(tree, Action(Operator.DEBUG, leaf.id)) == {"ancestor": [n.id for n in tree.ancestors(leaf.id)]}


def test_nobody_is_remembered_twice():
    tree = grown(60)
    nodes = [item.node for item in remember(tree, Action(Operator.IMPROVE, tree.best))]
    assert len(nodes) == len(set(nodes))


def test_memory_at_a_thousand_nodes_is_no_longer_than_its_bound():
    tree = grown(1000)
    most = memory.SIBLINGS + memory.ANCESTORS + memory.ELSEWHERE
    for node in (tree.best, tree.nodes[-1].id):
        assert len(remember(tree, Action(Operator.IMPROVE, node))) <= most


def test_a_gain_is_positive_where_the_child_was_better():
    tree = grown(60, buggy=0.0)
    for item in remember(tree, Action(Operator.IMPROVE, tree.best)):
        parent = tree[item.node].parent
        if parent is not None:
            assert (item.gain > 0) == (item.score < tree[parent].score)
