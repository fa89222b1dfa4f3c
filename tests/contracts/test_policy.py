"""What every search policy promises, run over every policy and over many legal histories."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treewright.events import Evaluated, RunStarted, Started, Written, apply, replay
from treewright.metrics import Direction
from treewright.policies import Greedy
from treewright.testing import folds
from treewright.tree import Evaluation, Execution, Operator, Proposal

POLICIES = {
    "greedy": Greedy(),
    "paper": Greedy(noise_aware=False),
    "eager to debug": Greedy(num_drafts=1, debug_prob=1.0, max_debug_depth=1),
}


def history(policy, seed: int, steps: int, workers: int, buggy: float) -> list:
    """A legal history as a run with these many workers would leave it, outcomes in random order."""
    rng = random.Random(seed)
    events: list = [RunStarted("run", seed, "rmse", rng.choice(list(Direction)), {})]
    tree = replay(events)
    for _ in range(steps):
        if len(tree.in_flight) < workers and rng.random() < 0.6:
            event = Started(len(tree) + 1, policy.select(tree, rng))
        elif tree.in_flight:
            node = rng.choice(tree.in_flight)
            if tree[node].proposal is None:
                event = Written(node, Proposal("", "x = 1\n" * rng.randint(1, 9), "test"))
            elif rng.random() < buggy:
                event = Evaluated(node, Execution(1.0, 1), Evaluation(reason="failed"))
            else:
                scored = folds(rng.random(), noise=0.2 * rng.random(), seed=0)
                event = Evaluated(node, Execution(1.0, 0), Evaluation(scored, complete=rng.random() < 0.9))
        else:
            continue
        events.append(event)
        tree = apply(tree, event)
    return events


policies = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
histories = given(
    seed=st.integers(0, 2**32),
    steps=st.integers(0, 90),
    workers=st.integers(1, 5),
    buggy=st.sampled_from([0, 0.3, 0.8, 1]),
)
relaxed = settings(deadline=None, max_examples=40)


@policies
@histories
@relaxed
def test_an_action_starts_from_a_finished_node(policy, seed, steps, workers, buggy):
    tree = replay(history(policy, seed, steps, workers, buggy))
    action = policy.select(tree, random.Random(seed))
    if action.parent is not None:
        assert not tree[action.parent].in_flight
    assert (action.parent is None) == (action.operator is Operator.DRAFT)


@policies
@histories
@relaxed
def test_only_buggy_leaves_are_debugged_and_only_valid_nodes_improved(policy, seed, steps, workers, buggy):
    tree = replay(history(policy, seed, steps, workers, buggy))
    action = policy.select(tree, random.Random(seed))
    if action.operator is Operator.DEBUG:
        assert tree[action.parent].buggy
        assert not tree[action.parent].children
    if action.operator is Operator.IMPROVE:
        assert tree[action.parent].valid


@policies
@histories
@relaxed
def test_the_same_tree_and_the_same_randomness_give_the_same_action(policy, seed, steps, workers, buggy):
    tree = replay(history(policy, seed, steps, workers, buggy))
    assert policy.select(tree, random.Random(seed)) == policy.select(tree, random.Random(seed))


@policies
@histories
@relaxed
def test_debug_depth_is_bounded(policy, seed, steps, workers, buggy):
    tree = replay(history(policy, seed, steps, workers, buggy))
    assert all(node.debug_depth <= policy.max_debug_depth + 1 for node in tree.nodes)


# -- the tree under any legal history ------------------------------------------------------------------------------


@histories
@relaxed
def test_replay_is_prefix_stable(seed, steps, workers, buggy):
    events = history(Greedy(), seed, steps, workers, buggy)
    cut = len(events) // 2
    tree = replay(events[:cut])
    for event in events[cut:]:
        tree = apply(tree, event)
    assert tree == replay(events)


@histories
@relaxed
def test_what_the_tree_keeps_up_to_date_is_what_a_search_through_it_would_find(seed, steps, workers, buggy):
    tree = replay(history(Greedy(), seed, steps, workers, buggy))
    nodes = tree.nodes
    assert list(tree.drafts) == [n.id for n in nodes if n.action.operator is Operator.DRAFT]
    assert set(tree.in_flight) == {n.id for n in nodes if n.in_flight}
    assert set(tree.buggy_leaves) == {n.id for n in nodes if n.buggy and not n.children}
    complete = [n for n in nodes if n.valid and n.evaluation.complete]
    by_score = sorted(complete, key=lambda n: (-tree.direction.sign * n.score, n.id))
    assert list(tree.ranking) == [n.id for n in by_score[:16]]


@histories
@relaxed
def test_the_best_node_is_never_buggy_nor_incomplete_nor_clearly_behind(seed, steps, workers, buggy):
    tree = replay(history(Greedy(), seed, steps, workers, buggy))
    assert (tree.best is None) == (not tree.ranking)
    if tree.best is not None:
        assert tree[tree.best].valid
        assert tree[tree.best].evaluation.complete
        assert tree.best in tree.ranking


@histories
@relaxed
def test_children_and_parents_agree(seed, steps, workers, buggy):
    tree = replay(history(Greedy(), seed, steps, workers, buggy))
    assert sorted(child for n in tree.nodes for child in n.children) == [n.id for n in tree.nodes if n.parent]
    assert all(tree[child].parent == n.id for n in tree.nodes for child in n.children)
