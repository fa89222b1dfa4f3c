"""The search loop: its budget, its order, its workers, its endings."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace

import pytest

from treewright.budget import Budget
from treewright.errors import ExecutorError, ProviderError, RunError, RunFormatError, UsageError
from treewright.events import Evaluated, Extended, Finished, RunStarted, Selected, Started, Written
from treewright.metrics import Direction
from treewright.policies import Greedy
from treewright.search import TreeSearch
from treewright.store import MemoryStore, SqliteStore
from treewright.testing import ScriptedCoder, ScriptedEvaluator, setting
from treewright.tree import Action, Operator

STARTED = RunStarted("run", 0, "rmse", Direction.MINIMIZE, {})


def search(store=None, **changes) -> TreeSearch:
    parts = {
        "coder": ScriptedCoder(),
        "evaluator": ScriptedEvaluator(),
        "policy": Greedy(),
        "store": store or MemoryStore(),
        "started": STARTED,
        "budget": Budget(steps=10),
    }
    return TreeSearch(setting(), **(parts | changes))


def kinds(store) -> list[type]:
    return [type(entry.event) for entry in store.entries()]


def test_a_run_starts_writes_evaluates_each_node_and_ends_with_a_selection():
    store = MemoryStore()
    with search(store, budget=Budget(steps=2)) as run:
        assert run.run() == "steps"
    assert kinds(store) == [RunStarted, *[Started, Written, Evaluated] * 2, Selected, Finished]


def test_the_paper_s_policy_drafts_five_times_then_debugs_and_improves():
    with search(budget=Budget(steps=40)) as run:
        run.run()
    operators = [node.action.operator for node in run.tree.nodes]
    assert operators[:5] == [Operator.DRAFT] * 5
    assert {Operator.DEBUG, Operator.IMPROVE} <= set(operators[5:])


def test_improving_starts_from_the_best_node():
    with search(evaluator=ScriptedEvaluator(buggy=0), policy=Greedy(noise_aware=False)) as run:
        run.run()
    scores = [node.score for node in run.tree.nodes[:5]]
    assert run.tree[6].parent == scores.index(min(scores)) + 1


def test_the_same_seed_gives_the_same_tree():
    trees = []
    for _ in range(2):
        with search(budget=Budget(steps=30)) as run:
            run.run()
        trees.append(run.tree)
    assert trees[0] == trees[1]


def test_another_seed_gives_another_tree():
    trees = []
    for seed in (0, 1):
        with search(budget=Budget(steps=30), started=RunStarted("run", seed, "rmse", Direction.MINIMIZE, {})) as run:
            run.run()
        trees.append([node.action for node in run.tree.nodes])
    assert trees[0] != trees[1]


def test_patience_counts_the_nodes_since_the_best_one_changed():
    with search(budget=Budget(steps=500, patience=7)) as run:
        assert run.run() == "patience"
    assert run.tree.best is not None
    assert len(run.tree) < 500


def test_no_node_is_started_when_the_time_is_up():
    now = [0.0]

    def tick(_):
        now[0] += 10.0

    with search(budget=Budget(seconds=35.0), evaluator=ScriptedEvaluator(before=tick), clock=lambda: now[0]) as run:
        assert run.run() == "time"
    assert len(run.tree) == 4


def test_a_node_is_not_started_in_less_time_than_such_nodes_took():
    now, limits = [0.0], []

    def tick(trial):
        limits.append(trial.seconds)
        now[0] += 10.0

    evaluator = ScriptedEvaluator(before=tick, buggy=0.0, seconds=10.0)
    with search(budget=Budget(seconds=48.0), evaluator=evaluator, clock=lambda: now[0]) as run:
        assert run.run() == "time"
    assert limits == [12.0, 15.0, 15.0, 15.0]
    assert not any(node.buggy for node in run.tree.nodes)


def test_a_script_may_take_a_quarter_of_what_is_left():
    limits = []
    evaluator = ScriptedEvaluator(before=lambda trial: limits.append(trial.seconds))
    with search(evaluator=evaluator, budget=Budget(steps=1, seconds=100.0), clock=lambda: 0.0) as run:
        run.run()
    assert limits == [25.0]


def test_without_a_time_limit_a_script_may_take_an_hour():
    limits = []
    with search(
        evaluator=ScriptedEvaluator(before=lambda trial: limits.append(trial.seconds)), budget=Budget(1)
    ) as run:
        run.run()
    assert limits == [3600.0]


def test_workers_run_at_the_same_time():
    together = threading.Barrier(4, timeout=20)
    evaluator = ScriptedEvaluator(before=lambda _: together.wait())
    with search(evaluator=evaluator, workers=4, budget=Budget(steps=8)) as run:
        run.run()
    assert len(run.tree) == 8
    assert not run.tree.in_flight


def test_parallel_workers_never_debug_one_leaf_twice():
    with search(evaluator=ScriptedEvaluator(buggy=0.8), workers=4, budget=Budget(steps=80)) as run:
        run.run()
    debugged = [node.parent for node in run.tree.nodes if node.action.operator is Operator.DEBUG]
    assert debugged
    assert len(debugged) == len(set(debugged))


def test_an_interrupted_run_leaves_its_nodes_in_flight_and_goes_on_later():
    store = MemoryStore()
    run = search(store, workers=2)

    def stop(trial):
        if trial.node == 4:
            run.interrupt()

    run.evaluator = ScriptedEvaluator(before=stop, buggy=1.0)
    with run:
        assert run.run() == "interrupted"
    assert run.tree.in_flight
    with search(store) as again:
        assert again.run() == "steps"
    assert len(again.tree) == 10
    assert not again.tree.in_flight


def test_an_interruption_is_no_crash_so_the_node_is_not_blamed():
    store = MemoryStore()
    for _ in range(4):
        run = search(store, budget=Budget(steps=1))
        run.evaluator = ScriptedEvaluator(before=lambda _, run=run: run.interrupt(), buggy=1.0)
        with run:
            assert run.run() == "interrupted"
    assert run.tree[1].in_flight


def test_a_provider_that_gives_out_ends_the_run_after_what_is_in_flight_was_saved():
    class Failing(ScriptedCoder):
        def write(self, brief):
            if brief.node == 6:
                raise ProviderError("no more answers")
            return super().write(brief)

    store = MemoryStore()
    with search(store, coder=Failing(), workers=3) as run, pytest.raises(ProviderError):
        run.run()
    assert run.tree.in_flight == (6,)
    with search(store) as again:
        assert again.run() == "steps"


def test_a_node_is_not_blamed_for_a_machine_on_which_nothing_starts():
    def fail(_):
        raise ExecutorError("scripts cannot be started")

    store = MemoryStore()
    for _ in range(4):
        with search(store, evaluator=ScriptedEvaluator(before=fail)) as run, pytest.raises(ExecutorError):
            run.run()
    with search(store) as again:
        assert again.run() == "steps"
        assert len(again.tree) == 10


def test_a_fault_of_ours_is_raised_and_loses_nothing():
    def fail(trial):
        if trial.node == 5:
            raise RuntimeError("our own fault")

    store = MemoryStore()
    with search(store, evaluator=ScriptedEvaluator(before=fail)) as run, pytest.raises(RuntimeError, match="our own"):
        run.run()
    with search(store) as again:
        assert len(again.tree) == 5
        assert again.run() == "steps"


def test_an_action_that_is_none_is_raised_and_never_stored():
    class Lost:
        def select(self, tree, rng):  # noqa: ARG002
            return Action(Operator.IMPROVE, 99)

    store = MemoryStore()
    with search(store, policy=Lost()) as run, pytest.raises(KeyError):
        run.run()
    with search(store) as again:
        assert again.run() == "steps"


def test_a_program_that_is_none_is_raised_and_never_stored(tmp_path):
    class Terse(ScriptedCoder):
        def write(self, brief):
            return super().write(brief).code

    with closing(SqliteStore(tmp_path / "run.db", "run")) as store:
        with search(store, coder=Terse()) as run, pytest.raises(TypeError, match="Proposal"):
            run.run()
        with search(store) as again:
            assert again.run() == "steps"


def test_a_finished_run_that_is_run_again_adds_nothing():
    store = MemoryStore()
    with search(store) as run:
        run.run()
    before = store.entries()
    with search(store) as again:
        assert again.run() == "steps"
    assert store.entries() == before


def test_an_extended_run_goes_on_and_says_that_its_selection_rows_are_spent():
    store = MemoryStore()
    with search(store) as run:
        run.run()
    with search(store, budget=Budget(steps=15)) as again:
        again.run()
    selections = [entry.event for entry in store.entries() if isinstance(entry.event, Selected)]
    assert len(again.tree) == 15
    assert [selection.spent for selection in selections] == [False, True]
    assert kinds(store).count(Extended) == 1


def test_patience_goes_on_counting_after_a_resume():
    store, whole = MemoryStore(), MemoryStore()
    with search(whole, budget=Budget(steps=60, patience=8)) as run:
        assert run.run() == "patience"
    with search(store, budget=Budget(steps=6, patience=8)) as run:
        run._explore()
    with search(store, budget=Budget(steps=60, patience=8)) as again:
        assert again.run() == "patience"
    assert [entry.event for entry in store.entries()] == [entry.event for entry in whole.entries()]


def test_nodes_after_the_final_answer_spend_its_rows_even_if_the_run_was_killed_before_it_said_that_it_ended():
    store, killed = MemoryStore(), MemoryStore()
    with search(store, budget=Budget(steps=3)) as run:
        run.run()
    for entry in store.entries()[:-1]:
        killed.append(entry.event, elapsed=entry.elapsed)
    with search(killed, budget=Budget(steps=5)) as again:
        again.run()
    assert kinds(killed)[-9:] == [Selected, Extended, *[Started, Written, Evaluated] * 2, Selected, Finished][-9:]
    assert killed.entries()[-2].event.spent


def test_nodes_told_after_the_end_are_part_of_the_next_choice():
    store = MemoryStore()
    with search(store, budget=Budget(steps=3)) as run:
        run.run()
        run.budget = Budget(steps=4)
        run.tell(run.ask(), "print(1)")
        assert run.run() == "steps"
    assert kinds(store)[-7:] == [Finished, Extended, Started, Written, Evaluated, Selected, Finished]


def test_a_task_whose_metric_has_changed_meanwhile_is_refused():
    store = MemoryStore()
    with search(store) as run:
        run.run()
    other = RunStarted("run", 0, "r2", Direction.MAXIMIZE, {})
    with pytest.raises(RunError, match="scored by rmse, but its task now says r2"), search(store, started=other):
        pass


def test_an_interruption_of_the_final_choice_leaves_it_to_a_resume():
    class Stopped(ScriptedEvaluator):
        def select(self, tree, closing):
            run.interrupt()
            return super().select(tree, closing)

    store = MemoryStore()
    with search(store, evaluator=Stopped()) as run:
        assert run.run() == "interrupted"
    assert Selected not in kinds(store)
    with search(store) as again:
        assert again.run() == "steps"
    assert kinds(store)[-2:] == [Selected, Finished]


def test_a_program_with_a_lone_surrogate_is_stored(tmp_path):
    class Odd(ScriptedCoder):
        def write(self, brief):
            return replace(super().write(brief), code="print('\ud83d')")

    with closing(SqliteStore(tmp_path / "run.db", "run")) as store, search(store, coder=Odd()) as run:
        assert run.run() == "steps"


def test_a_log_with_a_hole_in_it_is_refused():
    store, damaged = MemoryStore(), MemoryStore()
    with search(store) as run:
        run.run()
    for entry in store.entries():
        if entry.seq != 5:
            damaged.append(entry.event, elapsed=entry.elapsed)
    with pytest.raises(RunFormatError, match="missing or out of order"), search(damaged):
        pass


def test_ask_and_tell_let_somebody_else_write_the_programs():
    with search() as run:
        brief = run.ask()
        node = run.tell(brief, "print(1)", plan="by hand")
    assert brief.operator is Operator.DRAFT
    assert node.proposal.code == "print(1)"
    assert not node.in_flight


def test_elapsed_time_does_not_count_the_pause_between_two_sessions():
    store, now = MemoryStore(), [0.0]

    def tick(_):
        now[0] += 10.0

    with search(store, evaluator=ScriptedEvaluator(before=tick), budget=Budget(steps=2), clock=lambda: now[0]) as run:
        run.run()
    now[0] = 5000.0
    with search(store, budget=Budget(steps=3), clock=lambda: now[0]) as again:
        assert again.elapsed == 20.0


def test_no_worker_is_a_mistake_said_at_once():
    with pytest.raises(UsageError, match="at least 1"):
        search(workers=0)
