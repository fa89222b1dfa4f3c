"""Budgets and trouble: what is reserved, what is waited for, what is given up."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treewright.coders.llm import desk as desk_module
from treewright.coders.llm.accounts import Accounts, Estimate
from treewright.coders.llm.desk import MOST_TRIES, Desk, NoAnswer, Request
from treewright.coders.llm.outage import LONGEST_PAUSE, OPEN_AFTER, Circuit, pause
from treewright.coders.llm.trouble import CalledOff, Malformed, Refused, Rejected, TooLong, Unavailable
from treewright.coders.llm.wire import Answer
from treewright.errors import ProviderError
from treewright.protocols import Cancelled, Overdrawn
from treewright.tree import Message, Usage

QUESTION = (Message("user", "Write."),)
USAGE = Usage(1, 100, 40, 0.5, 1.0)


@dataclass
class Endpoint:
    """Stands in for the wire: gives answers and troubles one after the other."""

    outcomes: list[Any]
    name: str = "test:model"
    price: float | None = 0.001
    asked: list[dict[str, Any]] = field(default_factory=list)

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        return None if self.price is None else (input_tokens + output_tokens) * self.price

    def ask(self, messages, **how) -> Answer:
        self.asked.append({"messages": messages} | how)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture(autouse=True)
def _no_time_to_lose(monkeypatch):
    monkeypatch.setattr(desk_module, "pause", lambda tries, asked, rng: 0.0 if asked is None else asked)  # noqa: ARG005


def make_desk(*outcomes: Any, give_up: float = 600.0, **changes: Any) -> Desk:
    accounts = changes.pop("accounts", None) or Accounts()
    endpoint = Endpoint(list(outcomes), **changes.pop("endpoint", {}))
    return Desk(endpoint, accounts, Circuit(give_up), 1000, **changes)  # type: ignore[arg-type]


def request(**changes: Any) -> Request:
    return Request(node=3, number=2, purpose="draft", messages=QUESTION, **changes)


def overloaded(after: float | None = None) -> Unavailable:
    return Unavailable("429: too many requests", after)


class TestOneRequest:
    def test_an_answer_comes_back_with_what_was_asked_and_what_it_took(self):
        exchange = make_desk(Answer("hello", USAGE, "length")).ask(request())
        assert (exchange.number, exchange.purpose, exchange.model) == (2, "draft", "test:model")
        assert (exchange.request, exchange.answer, exchange.finish) == (QUESTION, "hello", "length")
        assert exchange.usage == USAGE

    def test_trouble_is_outlasted_told_and_kept_with_the_answer(self):
        told = []
        desk = make_desk(overloaded(), overloaded(), Answer("hello", USAGE), notify=lambda *what: told.append(what))
        exchange = desk.ask(request())
        assert exchange.trouble == ("429: too many requests",) * 2
        assert [node for node, _ in told] == [3, 3]
        assert "429: too many requests; waiting, attempt 2 in" in told[0][1]

    def test_what_failed_attempts_took_counts_as_well(self):
        dropped = overloaded()
        dropped.usage = Usage(1, 10, 5, 0.1, 3.0)
        exchange = make_desk(dropped, Answer("hello", USAGE)).ask(request())
        assert exchange.usage == Usage(2, 110, 45, 0.6, 4.0)

    def test_a_wrong_key_ends_it_at_once(self):
        with pytest.raises(ProviderError, match="set OPENAI_API_KEY"):
            make_desk(Refused("set OPENAI_API_KEY")).ask(request())

    def test_a_prompt_that_is_too_long_is_the_caller_s_to_shrink_with_less_room_for_the_answer(self):
        desk = make_desk(TooLong("too long"), Answer("hello", USAGE))
        with pytest.raises(TooLong):
            desk.ask(request())
        desk.ask(request(shrunk=0.5))
        assert [asked["max_tokens"] for asked in desk.endpoint.asked] == [1000, 500]

    def test_a_malformed_structured_answer_is_an_answer_that_says_so(self):
        exchange = make_desk(Malformed("no json")).ask(request())
        assert (exchange.answer, exchange.finish) == ("no json", "malformed")

    def test_a_dropped_parameter_is_told_and_kept(self):
        told = []
        answer = Answer("hello", USAGE, notices=("temperature is not taken",))
        exchange = make_desk(answer, notify=lambda *what: told.append(what)).ask(request())
        assert exchange.trouble == ("temperature is not taken",)
        assert told == [(3, "temperature is not taken")]


class TestEndings:
    def test_a_cancelled_request_is_cancelled(self):
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(Cancelled):
            make_desk(CalledOff("given up")).ask(request(cancel=cancel))

    def test_a_cancel_ends_a_pause(self):
        cancel = threading.Event()
        threading.Timer(0.1, cancel.set).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            make_desk(overloaded(after=60.0)).ask(request(cancel=cancel))
        assert time.monotonic() - started < 30

    def test_a_request_that_the_time_runs_out_on_has_no_answer(self):
        with pytest.raises(NoAnswer, match="when the time was up"):
            make_desk(CalledOff("given up")).ask(request(deadline=time.monotonic()))

    def test_a_pause_that_would_pass_the_deadline_is_not_waited_out(self):
        started = time.monotonic()
        with pytest.raises(NoAnswer):
            make_desk(overloaded(after=60.0)).ask(request(deadline=started + 0.1))
        assert time.monotonic() - started < 30

    def test_a_request_that_alone_is_never_answered_is_given_up_while_the_run_goes_on(self):
        desk = make_desk(*[overloaded() for _ in range(MOST_TRIES)])
        succeed = desk.circuit.succeeded
        desk.notify = lambda _node, _text: succeed()  # another worker's request is answered in between
        with pytest.raises(NoAnswer, match=f"in {MOST_TRIES} attempts: 429"):
            desk.ask(request())

    def test_an_outage_ends_the_run_after_a_while_and_says_for_how_long_it_lasted(self):
        clock = iter(range(0, 10_000, 25))
        desk = make_desk(*[overloaded() for _ in range(50)], give_up=600)
        desk.circuit.clock = lambda: float(next(clock))
        with pytest.raises(ProviderError, match=r"has not answered for .* 429.*\n.*treewright resume"):
            desk.ask(request())

    def test_a_prompt_that_the_provider_refuses_is_that_node_s_once_it_has_answered_others(self):
        desk = make_desk(Answer("hello", USAGE), Rejected("content policy"))
        desk.ask(request())
        with pytest.raises(NoAnswer, match="content policy"):
            desk.ask(request())

    def test_and_the_run_s_where_it_never_answered_anything(self):
        with pytest.raises(ProviderError, match="content policy"):
            make_desk(Rejected("content policy")).ask(request())
        with pytest.raises(NoAnswer):
            make_desk(Rejected("content policy")).ask(request(spent=Usage(1, 10, 5)))

    def test_replies_that_cannot_be_used_are_no_outage(self):
        empty = [Unavailable("an empty reply", replied=True) for _ in range(MOST_TRIES)]
        desk = make_desk(*empty)
        with pytest.raises(NoAnswer, match="an empty reply"):
            desk.ask(request(spent=Usage(1, 10, 5)))
        assert not desk.circuit.is_open

    def test_where_nothing_ever_came_but_such_replies_the_address_is_wrong(self):
        page = [Unavailable("a page", replied=True) for _ in range(MOST_TRIES)]
        with pytest.raises(ProviderError, match="base-url"):
            make_desk(*page).ask(request())

    @pytest.mark.parametrize("after", [86_400.0, 1e15])
    def test_a_provider_that_wants_to_be_left_alone_for_longer_than_one_waits_ends_the_run_at_once(self, after):
        with pytest.raises(ProviderError, match="asks to wait for"):
            make_desk(overloaded(after=after)).ask(request())

    def test_what_failed_attempts_took_goes_with_their_end(self):
        dropped = overloaded()
        dropped.usage = USAGE
        with pytest.raises(NoAnswer) as end:
            make_desk(dropped, CalledOff("the deadline")).ask(request())
        assert end.value.exchange.usage == USAGE and end.value.exchange.finish == "none"


class TestAccounts:
    def test_a_request_that_would_overdraw_is_not_made(self):
        desk = make_desk(Answer("hello", USAGE), accounts=Accounts(cost_usd=0.1))
        with pytest.raises(Overdrawn, match="cost"):
            desk.ask(request())
        assert not desk.endpoint.asked

    def test_what_earlier_sessions_spent_counts(self):
        desk = make_desk(Answer("hello", USAGE), accounts=Accounts(tokens=5000))
        with pytest.raises(Overdrawn, match="tokens"):
            desk.ask(request(spent=Usage(9, 3000, 1500)))

    def test_after_the_first_answers_the_estimate_is_what_answers_are_like(self):
        accounts = Accounts(tokens=1500)
        desk = make_desk(*[Answer("hello", USAGE) for _ in range(9)], accounts=accounts)
        for _ in range(9):
            desk.ask(request())
        assert accounts._spent_tokens == 9 * 140

    def test_an_unknown_price_reserves_no_cost(self):
        desk = make_desk(Answer("hello", USAGE), endpoint={"price": None}, accounts=Accounts(cost_usd=0.001))
        assert desk.ask(request()).answer == "hello"

    @given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(10, 200))
    def test_reserved_and_spent_together_never_exceed_the_limit(self, estimates, limit):
        accounts, spent = Accounts(tokens=limit), 0
        for size in estimates:
            try:
                with accounts.reserve(Estimate(size, None), Usage()):
                    accounts.settle(Usage(1, size, 0))
                    spent += size
            except Overdrawn:
                assert spent + size > limit
        assert spent <= limit

    def test_a_reservation_ends_with_its_request_even_if_that_fails(self):
        accounts = Accounts(tokens=10)
        with pytest.raises(ValueError, match="lost"), accounts.reserve(Estimate(10, None), Usage()):
            raise ValueError("lost")
        with accounts.reserve(Estimate(10, None), Usage()):
            pass


class TestCircuit:
    def test_while_it_is_open_one_request_at_a_time_tries(self):
        circuit = Circuit(600.0)
        for _ in range(OPEN_AFTER):
            circuit.failed("test:model", "503", 0.0)
        inside, most, order = 0, 0, threading.Lock()

        def attempt() -> None:
            nonlocal inside, most
            with circuit.attempt(lambda seconds: time.sleep(seconds / 10)):
                with order:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.01)
                with order:
                    inside -= 1

        threads = [threading.Thread(target=attempt) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == 1

    def test_an_answer_closes_it(self):
        circuit = Circuit(600.0)
        for _ in range(OPEN_AFTER):
            circuit.failed("test:model", "503", 60.0)
        assert circuit.is_open
        circuit.succeeded()
        with circuit.attempt(lambda _: pytest.fail("there is nothing to wait for")):
            assert not circuit.is_open

    def test_a_failure_long_ago_is_no_part_of_this_outage(self):
        now = [0.0]
        circuit = Circuit(600.0, clock=lambda: now[0])
        circuit.failed("test:model", "503", 1.0)
        now[0] = 1200.0
        circuit.failed("test:model", "503", 1.0)
        assert circuit.since == 1200.0

    @given(st.integers(1, 40), st.none() | st.floats(0, 600), st.integers(0, 99))
    def test_a_pause_is_capped_and_never_shorter_than_asked_for(self, tries, asked, seed):
        seconds = pause(tries, asked, random.Random(seed))
        assert seconds >= (asked or 0)
        assert seconds <= (LONGEST_PAUSE if asked is None else asked + 1)
