"""A program under another seed is no progress, whichever of the two comes first."""

from __future__ import annotations

import pytest

from treewright.events import Evaluated, RunStarted, Started, Written, replay
from treewright.metrics import Direction
from treewright.testing import folds
from treewright.tree import Action, Evaluation, Execution, Operator, Proposal

NEW = "x = 1\n"


def tree_of(*nodes, order=None):
    """Drafts with a twin each, or ``None``, and a score, or ``None`` for a failure; evaluated in this order."""
    events = [RunStarted("run", 0, "rmse", Direction.MINIMIZE, {})]
    for number, (twin, _) in enumerate(nodes, 1):
        events += [Started(number, Action(Operator.DRAFT)), Written(number, Proposal("", NEW, "test"), "f", twin)]
    for number in order or range(1, len(nodes) + 1):
        score = nodes[number - 1][1]
        found = Evaluation(reason="failed") if score is None else Evaluation(folds(score))
        events.append(Evaluated(number, Execution(1.0), found))
    return replay(events)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_only_the_first_to_be_scored_is_ranked(order):
    assert tree_of((None, 0.5), (1, 0.4), order=order).ranking == order[:1]


def test_where_the_first_failed_the_next_takes_its_place_and_no_other():
    tree = tree_of((None, None), (1, 0.5), (1, 0.4))
    assert (tree.ranking, tree.best) == ((2,), 2)


def test_other_programs_are_ranked_beside_them():
    assert tree_of((None, 0.5), (1, 0.4), (None, 0.3)).ranking == (3, 1)
