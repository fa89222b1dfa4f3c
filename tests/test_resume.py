"""A run killed anywhere and resumed is the run that was never killed."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pytest

from treewright.budget import Budget
from treewright.events import RunStarted
from treewright.metrics import Direction
from treewright.policies import Greedy
from treewright.search import TreeSearch
from treewright.store import MemoryStore, SqliteStore
from treewright.testing import ScriptedCoder, ScriptedEvaluator, setting

STEPS = 12


class KilledError(BaseException):
    """Stands for the end of the process: nothing may catch it and go on."""


class MortalStore:
    """A store whose process dies right before or right after the n-th event reaches the disk."""

    def __init__(self, store, deadline: int, *, stored: bool) -> None:
        self.store, self.deadline, self.stored = store, deadline, stored

    def append(self, event, *, elapsed):
        if len(self.store.entries()) + 1 == self.deadline:
            if self.stored:
                self.store.append(event, elapsed=elapsed)
            raise KilledError
        return self.store.append(event, elapsed=elapsed)

    def __getattr__(self, name):
        return getattr(self.store, name)


def run(store):
    with TreeSearch(
        setting(),
        coder=ScriptedCoder(),
        evaluator=ScriptedEvaluator(),
        policy=Greedy(num_drafts=3),
        store=store,
        started=RunStarted("run", 7, "rmse", Direction.MINIMIZE, {}),
        budget=Budget(steps=STEPS),
    ) as search:
        search.run()


def log(store) -> list[object]:
    return [entry.event for entry in store.entries()]


@pytest.fixture(params=["memory", "sqlite"])
def make_store(request, tmp_path):
    numbers = iter(range(10_000))
    with ExitStack() as at_the_end:

        def make():
            if request.param == "memory":
                return MemoryStore()
            return at_the_end.enter_context(closing(SqliteStore(tmp_path / f"{next(numbers)}.db", "run")))

        yield make


def test_a_run_killed_at_any_event_boundary_and_resumed_leaves_the_same_log(make_store):
    whole = make_store()
    run(whole)
    expected = log(whole)
    assert len(expected) == 3 * STEPS + 3
    for deadline in range(1, len(expected) + 1):
        for stored in (False, True):
            store = make_store()
            with pytest.raises(KilledError):
                run(MortalStore(store, deadline, stored=stored))
            assert len(log(store)) == deadline - (not stored)
            run(store)
            assert log(store) == expected, f"killed at event {deadline}, stored: {stored}"
            store.close()


def test_a_node_in_flight_at_two_crashes_is_buggy_and_the_run_goes_on(make_store):
    store = make_store()
    evaluating_third_node = 1 + 3 * 2 + 3
    for _ in range(2):
        with pytest.raises(KilledError):
            run(MortalStore(store, evaluating_third_node, stored=False))
    run(store)
    outcome = next(event for event in log(store) if getattr(event, "node", 0) == 3 and hasattr(event, "evaluation"))
    assert "treewright itself died" in outcome.evaluation.reason
    assert len(log(store)) == 3 * STEPS + 3
