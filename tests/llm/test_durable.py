"""A search with a language model, killed anywhere and resumed, and repeated from its log."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace

import pytest

from llm_support import PROGRAM, coder, setting
from test_resume import KilledError, MortalStore, log
from treewright.budget import Budget, overdrawn
from treewright.coders.llm.blocks import Caps
from treewright.coders.llm.replay import RecordedPolicy, Tape
from treewright.coders.llm.review import Reviewer, ReviewingEvaluator
from treewright.coders.llm.templates import Templates
from treewright.errors import ProviderError
from treewright.events import Answered, Finished, RunStarted, Written
from treewright.metrics import Direction
from treewright.policies import Greedy
from treewright.protocols import Overdrawn
from treewright.search import TreeSearch
from treewright.store import MemoryStore, SqliteStore
from treewright.testing import ScriptedEvaluator
from treewright.tree import Exchange, Operator, Usage, storable

STEPS = 6
STARTED = RunStarted("run", 7, "rmse", Direction.MINIMIZE, {})


@dataclass
class Oracle:
    """A ``Source`` whose answers follow from node and number alone: some cut off, some without a program."""

    name: str = "test:oracle"
    context: int | None = None
    asked: Counter[tuple[int, int]] = field(default_factory=Counter)

    def ask(self, request) -> Exchange:
        self.asked[request.node, request.number] += 1
        rng = random.Random(f"{request.node} {request.number}")
        answer, finish = f"Plan {request.node}.\n\n```python\n{PROGRAM}x = {request.node}\n```\n", "stop"
        if request.purpose == "review":
            answer = json.dumps({"is_bug": False, "summary": f"Review of {request.node}."})
        elif rng.random() < 0.3:
            answer, finish = answer[: len(answer) // 2], "length"
        elif rng.random() < 0.3:
            answer = "No program today."
        return Exchange(
            request.number, request.purpose, self.name, request.messages, answer, Usage(1, 10, 5, 0.1), finish
        )


def run(store, source, *, policy=None, budget=None) -> TreeSearch:
    reviewer = Reviewer(source, Templates.load(), Caps())
    with TreeSearch(
        setting(),
        coder=coder(source),
        evaluator=ReviewingEvaluator(ScriptedEvaluator(), reviewer, setting()),
        policy=policy or Greedy(num_drafts=3),
        store=store,
        started=STARTED,
        budget=budget or Budget(steps=STEPS),
    ) as search:
        search.run()
    return search


def answers(store) -> list[tuple[int, int, str, str]]:
    events = [event for event in log(store) if isinstance(event, Answered)]
    return [(event.node, event.exchange.number, event.exchange.purpose, event.exchange.answer) for event in events]


def programs(store) -> list[tuple[int, str, str]]:
    return [
        (event.node, event.proposal.code, event.proposal.plan) for event in log(store) if isinstance(event, Written)
    ]


@pytest.mark.parametrize("stored", [False, True], ids=["before", "after"])
def test_killed_at_any_event_boundary_it_goes_on_and_asks_nothing_twice_that_was_stored(stored):
    whole = MemoryStore()
    run(whole, Oracle())
    for deadline in range(1, len(log(whole)) + 1):
        store, source = MemoryStore(), Oracle()
        with pytest.raises(KilledError):
            run(MortalStore(store, deadline, stored=stored), source)
        run(store, source)
        assert answers(store) == answers(whole), deadline
        assert programs(store) == programs(whole), deadline
        again = [request for request, times in source.asked.items() if times > 1]
        assert len(again) <= (0 if stored else 1), deadline


def test_an_answer_reaches_the_log_before_anything_is_written_from_it():
    store = MemoryStore()
    run(store, Oracle())
    seen: set[int] = set()
    for event in log(store):
        if isinstance(event, Answered):
            seen.add(event.node)
        assert not isinstance(event, Written) or event.node in seen


def test_answers_survive_the_database_and_so_does_what_they_took(tmp_path):
    with closing(SqliteStore(tmp_path / "run.db", "run")) as store:
        tree = run(store, Oracle()).tree
        again = TreeSearch(
            setting(),
            coder=coder(Oracle()),
            evaluator=ScriptedEvaluator(),
            policy=Greedy(),
            store=store,
            started=STARTED,
            budget=Budget(steps=STEPS),
        )
        with again:
            assert again.tree == tree
    assert tree.usage.requests == sum(node.usage.requests for node in tree.nodes) > STEPS
    assert all(not node.exchanges for node in tree.nodes)


@pytest.mark.parametrize(("budget", "stopped_by"), [(Budget(tokens=300), "tokens"), (Budget(cost_usd=2.0), "cost")])
def test_no_node_is_begun_that_would_pass_the_limit_if_it_took_what_nodes_take(budget, stopped_by):
    tree = run(MemoryStore(), Oracle(), budget=budget).tree
    assert overdrawn(tree, budget) == stopped_by
    largest = max(node.usage.requests for node in tree.nodes)
    assert 20 - largest <= tree.usage.requests <= 20 + largest
    assert not tree.in_flight  # what was begun is finished


@dataclass
class Poor(Oracle):
    """An ``Oracle`` whose budget ends at a node."""

    last: int = 2

    def ask(self, request) -> Exchange:
        if request.node > self.last:
            raise Overdrawn("tokens")
        return super().ask(request)


def test_where_the_budget_does_not_allow_for_a_program_the_run_ends_and_the_node_waits():
    store = MemoryStore()
    search = run(store, Poor())
    assert isinstance(log(store)[-1], Finished)
    assert log(store)[-1].stopped_by == "tokens"
    assert len(search.tree) == 3 and search.tree.in_flight == (3,)
    richer = run(store, Oracle())
    assert len(richer.tree) == STEPS and not richer.tree.in_flight
    assert richer.tree[3].proposal is not None


def test_what_was_taken_in_vain_is_in_the_log_and_asked_for_again_by_a_resumed_run():
    class Broken(Oracle):
        def ask(self, request) -> Exchange:
            if request.node == 2:
                end = ProviderError("out")
                end.exchange = Exchange(request.number, request.purpose, self.name, (), "", Usage(3, 30), "none")
                raise end
            return super().ask(request)

    store = MemoryStore()
    with pytest.raises(ProviderError):
        run(store, Broken())
    assert [event.exchange.finish for event in log(store) if isinstance(event, Answered) and event.node == 2] == [
        "none"
    ]
    tree = run(store, Oracle()).tree
    assert len(tree) == STEPS and tree[2].proposal is not None and tree[2].proposal.code
    assert tree[2].usage.requests == tree[2].usage.output_tokens // 5 + 3


@pytest.mark.parametrize("answer", ["\ud800 plan", "x" * 500 + "\ud800"])
def test_an_answer_with_half_a_character_is_stored_and_sent_on(tmp_path, answer):
    class Odd(Oracle):
        def ask(self, request) -> Exchange:
            assert all(storable(message.text) == message.text for message in request.messages)
            return replace(super().ask(request), answer=answer, trouble=("\udfff",))

    with closing(SqliteStore(tmp_path / "run.db", "run")) as store:
        assert len(run(store, Odd(), budget=Budget(steps=2)).tree) == 2


class TestReplay:
    def test_a_run_is_repeated_from_its_log_node_by_node(self):
        first = MemoryStore()
        tree = run(first, Oracle()).tree
        tape = Tape.of("replay:first", log(first))
        second = MemoryStore()
        repeated = run(second, tape, policy=RecordedPolicy(tree)).tree
        assert programs(second) == programs(first)
        assert answers(second) == answers(first)
        assert [node.action for node in repeated.nodes] == [node.action for node in tree.nodes]
        assert (repeated.usage.cost_usd, repeated.usage.input_tokens) == (0.0, tree.usage.input_tokens)

    def test_it_says_where_it_departs_from_its_recording(self):
        first = MemoryStore()
        tree = run(first, Oracle()).tree
        tape = Tape.of("replay:first", log(first))
        answers = dict(tape.answers)
        answers[2] = [replace(answers[2][0], purpose="mend"), *answers[2][1:]]
        with pytest.raises(ProviderError, match="departs from its recording at node 2"):
            run(MemoryStore(), replace(tape, answers=answers), policy=RecordedPolicy(tree))

    def test_where_nothing_was_answered_then_nothing_is_now(self):
        first = MemoryStore()
        tree = run(first, Oracle()).tree
        tape = Tape.of("replay:first", log(first))
        silent = {node: answers for node, answers in tape.answers.items() if node != 2}
        again = run(MemoryStore(), replace(tape, answers=silent), policy=RecordedPolicy(tree)).tree
        assert "nothing was answered" in (again[2].evaluation.reason or "")
        assert len(again) == len(tree)

    def test_every_choice_is_repeated_whatever_the_policy_would_do(self):
        first = MemoryStore()
        tree = run(first, Oracle()).tree
        assert {node.action.operator for node in tree.nodes} > {Operator.DRAFT}
        assert [
            RecordedPolicy(tree).select(replace(tree, nodes=tree.nodes[:i]), random.Random(9)) for i in range(3)
        ] == [node.action for node in tree.nodes[:3]]
