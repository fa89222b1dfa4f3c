"""Asking a model: answers, structured answers, what is dropped on refusal, and when a question is given up.

The providers' own clients ask a server on loopback.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.providers.openai import OpenAIProvider

from llm.asking import ALL, ANTHROPIC, GOOD, GOOGLE, KEY, OLLAMA, OPENAI, OPENROUTER, QUESTION, Review, endpoint
from llm.server import Reply, Request, Server
from treewright.coders.llm.background import Background
from treewright.coders.llm.providers import Price
from treewright.coders.llm.wire import CalledOff, Endpoint, Malformed, Refused, Trouble, Unavailable
from treewright.tree import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pydantic_ai.messages import ModelMessage

HANG = 60.0
PROMPTLY = 1.0
"""Seconds; a tenth of it would do on a machine with nothing else to do."""


def failing(ask: Callable[[], object]) -> tuple[Trouble | Refused, float]:
    """The trouble that a question ran into, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises((Trouble, Refused)) as caught:
        ask()
    return caught.value, time.monotonic() - began


def responses(server: Server, name: str, **options: Any) -> Endpoint:
    """OpenAI's newer interface, which Treewright uses at OpenAI's own address only."""
    model = OpenAIResponsesModel(name, provider=OpenAIProvider(base_url=server.openai, api_key=KEY))
    return Endpoint(f"openai:{name}", model, silence=5.0, **options)


@pytest.mark.parametrize("name", ALL)
def test_every_provider_answers_at_the_address_it_was_moved_to(name: str) -> None:
    with Server([Reply("Forty two.", usage=(12, 3))]) as server:
        answer = endpoint(server, name, max_tokens=500).ask(QUESTION)
    assert (answer.text, answer.finish, answer.notices) == ("Forty two.", "stop", ())
    assert (answer.usage.requests, answer.usage.input_tokens, answer.usage.output_tokens) == (1, 12, 3)
    assert 0 < answer.usage.seconds < 5
    assert answer.usage_known
    (request,) = server.requests
    sent = json.dumps(request.body)
    assert "500" in sent
    assert "You are terse." in sent
    keyed = {"authorization", "x-api-key", "x-goog-api-key"} & request.headers.keys()
    assert name == OLLAMA or any(KEY in request.headers[header] for header in keyed)


@pytest.mark.parametrize("name", [OPENAI, OPENROUTER, OLLAMA])
def test_servers_like_openais_are_sent_the_limit_by_the_name_that_they_all_know(name: str) -> None:
    with Server([Reply("yes")]) as server:
        endpoint(server, name, max_tokens=77).ask(QUESTION)
    assert server.requests[0].body["max_tokens"] == 77
    assert "max_completion_tokens" not in server.requests[0].body
    assert server.requests[0].body["stream"] is True


def test_openais_newer_interface_answers_too() -> None:
    with Server([Reply("Forty two."), Reply(tool=GOOD), Reply("cut of", finish="length")]) as server:
        asked = responses(server, "gpt-4.1")
        assert asked.ask(QUESTION).text == "Forty two."
        assert json.loads(asked.ask(QUESTION, schema=Review).text) == GOOD
        assert asked.ask(QUESTION).finish == "length"
    assert server.requests[0].path == "/v1/responses"


@pytest.mark.parametrize("name", [OPENAI, ANTHROPIC, GOOGLE])
def test_thoughts_are_no_part_of_the_answer(name: str) -> None:
    with Server([Reply("Forty two.", thoughts="Let me see.")]) as server:
        assert endpoint(server, name).ask(QUESTION).text == "Forty two."


@pytest.mark.parametrize("text", ["<think>Let me see.</think>Forty two.", "Let\nme see.\n</think>\n\nForty two."])
def test_thoughts_that_the_server_left_in_the_text_are_no_part_of_the_answer_either(text: str) -> None:
    with Server([Reply(text)]) as server:
        assert endpoint(server).ask(QUESTION).text == "Forty two."


@pytest.mark.parametrize("name", [OPENAI, ANTHROPIC, GOOGLE])
def test_an_answer_that_was_cut_off_says_so(name: str) -> None:
    with Server([Reply("import pandas as", finish="length")]) as server:
        answer = endpoint(server, name).ask(QUESTION)
    assert (answer.text, answer.finish) == ("import pandas as", "length")


def test_an_answer_that_was_cut_off_while_the_model_still_thought_is_empty() -> None:
    with Server([Reply(thoughts="Let me see.", finish="length")]) as server:
        answer = endpoint(server).ask(QUESTION)
    assert (answer.text, answer.finish) == ("", "length")


def test_a_conversation_is_sent_turn_by_turn_and_neighbours_of_one_role_as_one() -> None:
    turns = [("system", "a"), ("user", "b"), ("user", "c"), ("assistant", "d"), ("assistant", "e"), ("user", "f")]
    with Server([Reply("yes")]) as server:
        endpoint(server).ask([Message(role, text) for role, text in turns])
    sent = [(message["role"], message["content"]) for message in server.requests[0].body["messages"]]
    assert sent == [("system", "a"), ("user", "b\n\nc"), ("assistant", "d\n\ne"), ("user", "f")]


@pytest.mark.parametrize("name", [OPENAI, ANTHROPIC])
def test_an_answer_that_goes_round_in_circles_is_broken_off(name: str) -> None:
    with Server([Reply(text="Let us see. " + "again and again " * 20_000), Reply(text="42")]) as server:
        asked = endpoint(server, name)
        answer = asked.ask(QUESTION)
        assert answer.finish == "repeating"
        assert len(answer.text) < 20_000
        assert asked.ask(QUESTION).text == "42"


def test_a_server_that_does_not_keep_to_the_limit_is_not_listened_to_for_ever() -> None:
    words = " ".join(str(i) for i in range(200_000))
    with Server([Reply(text=words)]) as server:
        answer = endpoint(server).ask(QUESTION, max_tokens=1000)
    assert answer.finish == "overlong"
    assert len(answer.text) <= 8 * 1024


@pytest.mark.filterwarnings("ignore")  # pydantic-ai warns of numbers that are not whole
@pytest.mark.parametrize("usage", [(1.5, 20), (10**30, 5), (100, 1e300)])
def test_counts_of_tokens_that_cannot_be_are_estimated(usage: Any) -> None:
    with Server([Reply(text="forty-two", usage=usage)]) as server:
        taken = endpoint(server).ask(QUESTION).usage
    assert 0 < taken.input_tokens < 1000 and 0 < taken.output_tokens < 1000


def test_a_key_in_an_answer_is_blotted_out() -> None:
    with Server([Reply(text=f"The key is {KEY}.")]) as server:
        assert KEY not in endpoint(server).ask(QUESTION).text


@pytest.mark.parametrize("status", [302, 307])
def test_a_server_that_sends_on_elsewhere_is_not_followed(status: int) -> None:
    with Server([]) as elsewhere, Server([Reply(status=status, headers={"Location": elsewhere.openai})]) as server:
        with pytest.raises(Refused, match="base-url"):
            endpoint(server).ask(QUESTION)
        assert not elsewhere.requests


def test_tokens_are_estimated_where_the_server_does_not_count_them() -> None:
    with Server([Reply("word " * 100, usage=None)]) as server:
        answer = endpoint(server, price=Price(1.0, 1.0)).ask(QUESTION)
    assert not answer.usage_known
    assert 5 < answer.usage.input_tokens < 20
    assert 100 < answer.usage.output_tokens < 250
    assert answer.usage.cost_usd == pytest.approx((answer.usage.input_tokens + answer.usage.output_tokens) / 1e6)


def test_a_request_costs_what_the_price_says() -> None:
    with Server([Reply("yes", usage=(1000, 100))] * 2) as server:
        assert endpoint(server).ask(QUESTION).usage.cost_usd is None
        priced = endpoint(server, price=Price(input=2.0, output=10.0))
        assert priced.ask(QUESTION).usage.cost_usd == pytest.approx(0.003)
        assert priced.cost(1000, 100) == pytest.approx(0.003)


@pytest.mark.parametrize("name", ALL)
def test_a_structured_answer_is_the_arguments_of_a_tool_call(name: str) -> None:
    with Server([Reply(tool=GOOD)]) as server:
        asked = endpoint(server, name)
        answer = asked.ask(QUESTION, schema=Review)
    assert json.loads(answer.text) == GOOD
    assert answer.finish == "stop"
    assert asked.mode == "tool"


def test_a_tool_call_written_into_the_text_counts_as_one() -> None:
    # by a server that takes no notice of tools, as llama-cpp-python does
    text = f"```json\n{json.dumps({'name': 'answer', 'arguments': GOOD})}\n```"
    with Server([Reply(text)]) as server:
        assert json.loads(endpoint(server).ask(QUESTION, schema=Review).text) == GOOD


NO_TOOLS = [
    (400, "registry.ollama.ai/library/gemma:latest does not support tools"),
    (404, "No endpoints found that support tool use"),
    (500, "tools param requires --jinja flag"),
    (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
]
NO_SCHEMA = [
    (400, "This response_format type is unavailable now"),
    (500, "1 validation error: {'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or ...\"}"),
    (501, "json_schema is not supported"),
]


@pytest.mark.parametrize(("status", "words"), NO_TOOLS)
def test_a_server_without_tools_is_asked_under_a_schema_and_that_is_remembered(status: int, words: str) -> None:
    good = Reply(json.dumps(GOOD))
    with Server([Reply(status=status, error=words), good, good]) as server:
        asked = endpoint(server)
        answer = asked.ask(QUESTION, schema=Review)
        assert json.loads(answer.text) == GOOD
        assert asked.mode == "native"
        assert answer.usage.requests == 2
        assert "native is tried" in answer.notices[0]
        assert asked.ask(QUESTION, schema=Review).notices == ()
    first, second, third = (request.body for request in server.requests)
    assert "tools" in first
    assert "tools" not in second
    assert second["response_format"] == third["response_format"]


@pytest.mark.parametrize(("status", "words"), NO_SCHEMA)
def test_a_server_with_neither_is_told_the_schema_in_the_prompt(status: int, words: str) -> None:
    replies = [
        Reply("I think it failed."),
        Reply(status=status, error=words),
        Reply(f"Here:\n{json.dumps(GOOD)}\nBye."),
    ]
    with Server(replies) as server:
        asked = endpoint(server)
        assert json.loads(asked.ask(QUESTION, schema=Review).text) == GOOD
        assert asked.mode == "prompted"
    last = server.requests[-1].body
    assert "response_format" not in last
    assert "tools" not in last
    assert '"is_bug"' in last["messages"][-1]["content"]
    assert [message["role"] for message in last["messages"]] == ["system", "user"]


def test_an_answer_without_json_in_any_mode_is_malformed_and_what_it_took_is_told() -> None:
    with Server([Reply("No.", usage=(10, 1))] * 4) as server:
        asked = endpoint(server)
        trouble, _ = failing(lambda: asked.ask(QUESTION, schema=Review))
        assert isinstance(trouble, Malformed)
        assert trouble.text == "No."
        assert (trouble.usage.requests, trouble.usage.input_tokens, trouble.usage.output_tokens) == (3, 30, 3)
        failing(lambda: asked.ask(QUESTION, schema=Review))
    assert len(server.requests) == 4


@pytest.mark.parametrize("broken", ['{"is_bug": tru', '{"is_bug": "perhaps", "summary": 1}', "", "{" * 5000])
def test_broken_arguments_of_a_tool_call_are_asked_for_in_another_way(broken: str) -> None:
    with Server([Reply(tool=broken), Reply(json.dumps(GOOD))]) as server:
        assert json.loads(endpoint(server).ask(QUESTION, schema=Review).text) == GOOD


def test_a_structured_answer_that_was_cut_off_is_not_blamed_on_the_mode() -> None:
    with Server([Reply(tool='{"is_bug": tru', finish="length")]) as server:
        asked = endpoint(server)
        trouble, _ = failing(lambda: asked.ask(QUESTION, schema=Review))
        assert isinstance(trouble, Malformed)
        assert asked.mode == "tool"


@pytest.mark.parametrize("name", [OPENAI, GOOGLE])
def test_a_temperature_that_is_refused_is_left_out_from_then_on(name: str) -> None:
    words = "Unsupported value: 'temperature' does not support 0.7 with this model."
    refusal = Reply(status=400, error=words, code="INVALID_ARGUMENT" if name == GOOGLE else None)
    with Server([refusal, Reply("yes"), Reply("yes")]) as server:
        asked = endpoint(server, name, temperature=0.7)
        assert "temperature" in asked.ask(QUESTION).notices[0]
        assert asked.ask(QUESTION).notices == ()
    assert ["temperature" in json.dumps(request.body) for request in server.requests] == [True, False, False]


@pytest.mark.parametrize("name", ["gpt-5", "o3", "gpt-5.6-sol"])
def test_models_that_are_known_to_take_no_temperature_are_not_sent_one(name: str) -> None:
    with Server([Reply("yes")]) as server:
        responses(server, name, temperature=0.7).ask(QUESTION)
    assert "temperature" not in server.requests[0].body


@pytest.mark.parametrize(
    ("name", "words", "limit"),
    [
        (OPENAI, "max_tokens is too large: 32000. This model supports at most 16384 completion tokens.", 16384),
        (ANTHROPIC, "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for claude", 8192),
        (OPENAI, "`max_tokens` must be less than or equal to `8,192`, the maximum value for this model", 8192),
        (GOOGLE, "maxOutputTokens value of 32000 but the supported range is from 1 to 8193 (exclusive).", 8192),
    ],
)
def test_a_limit_that_is_too_large_is_lowered_to_the_one_that_the_refusal_names(
    name: str, words: str, limit: int
) -> None:
    code = {ANTHROPIC: "invalid_request_error", GOOGLE: "INVALID_ARGUMENT"}.get(name)
    with Server([Reply(status=400, error=words, code=code), Reply("yes"), Reply("yes"), Reply("yes")]) as server:
        asked = endpoint(server, name, max_tokens=32000)
        assert str(limit) in asked.ask(QUESTION).notices[0]
        asked.ask(QUESTION)
        asked.ask(QUESTION, max_tokens=100)
    sent = [request.body.get("max_tokens", request.body.get("generationConfig", {})) for request in server.requests]
    limits = [value["maxOutputTokens"] if isinstance(value, dict) else value for value in sent]
    assert limits == [32000, limit, limit, 100]


def test_the_limit_is_sent_by_its_other_name_where_the_first_is_refused() -> None:
    words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    lower = "max_completion_tokens is too large: 5000. This model supports at most 4096 completion tokens"
    replies = [Reply(status=400, error=words), Reply(status=400, error=lower), Reply("yes"), Reply("yes")]
    with Server(replies) as server:
        asked = endpoint(server, max_tokens=5000)
        assert len(asked.ask(QUESTION).notices) == 2
        asked.ask(QUESTION)
    names = ("max_tokens", "max_completion_tokens")
    sent = [tuple(request.body.get(name) for name in names) for request in server.requests]
    assert sent == [(5000, None), (None, 5000), (None, 4096), (None, 4096)]


def test_a_stream_without_counts_is_asked_for_where_they_are_refused() -> None:
    with Server([Reply(status=422, error="stream_options: extra fields not permitted"), Reply("yes")]) as server:
        answer = endpoint(server).ask(QUESTION)
    assert not answer.usage_known
    assert ["stream_options" in request.body for request in server.requests] == [True, False]


WINDOW = "maximum context length is 4096 tokens"
TOGETHER = [
    f"This model's {WINDOW}. However, you requested 5000 tokens (1000 in the messages, 4000 in the completion).",
    f"'max_tokens' is too large: 4000. This model's {WINDOW} and your request has 1000 input tokens (4000 > 3096).",
    "input length and `max_tokens` exceed context limit: 1000 + 4000 > 4096, decrease input length",
    f"This endpoint's {WINDOW}. You requested about 5000 tokens (1000 of text input, 4000 in the output).",
    f"This model's {WINDOW}. You requested 4000 output tokens and your prompt contains 1,000 input tokens",
]


@pytest.mark.parametrize("words", TOGETHER)
def test_where_prompt_and_limit_together_are_too_much_the_limit_of_this_answer_gives_way(words: str) -> None:
    with Server([Reply(status=400, error=words), Reply("yes"), Reply("yes")]) as server:
        asked = endpoint(server, max_tokens=4000)
        asked.ask(QUESTION)
        asked.ask(QUESTION)
    assert [request.body["max_tokens"] for request in server.requests] == [4000, 3095, 4000]


def test_a_server_that_refuses_one_limit_after_the_other_is_not_asked_for_ever() -> None:
    def lower(request: Request) -> Reply:
        limit = request.body["max_tokens"]
        return Reply(status=400, error=f"max_tokens is too large: {limit}, at most {limit - 1}")

    with Server(lower) as server:
        trouble, _ = failing(lambda: endpoint(server).ask(QUESTION))
        assert isinstance(trouble, Refused)
        assert len(server.requests) <= 8


def test_silence_before_the_first_word_is_a_time_out() -> None:
    with Server([Reply("yes", hang=HANG)]) as server:
        asked = endpoint(server, silence=0.3)
        trouble, seconds = failing(lambda: asked.ask(QUESTION))
    assert isinstance(trouble, Unavailable)
    assert "in time" in str(trouble)
    assert 0.3 <= seconds < 0.3 + PROMPTLY
    assert trouble.usage.requests == 1


@pytest.mark.parametrize("name", [OPENAI, ANTHROPIC, GOOGLE])
def test_silence_in_the_middle_of_an_answer_is_a_time_out(name: str) -> None:
    with Server([Reply("one two three four", hang=HANG, hang_at=3)]) as server:
        trouble, seconds = failing(lambda: endpoint(server, name, silence=0.3).ask(QUESTION))
    assert isinstance(trouble, Unavailable)
    assert seconds < 0.3 + PROMPTLY
    assert trouble.usage.output_tokens > 0 or name == ANTHROPIC


def test_signs_of_life_without_any_part_of_an_answer_are_believed_for_longer_but_not_for_ever() -> None:
    with Server([Reply("one two", hang=0.6, hang_at=2, pings=True), Reply(hang=HANG, hang_at=1, pings=True)]) as server:
        asked = endpoint(server, silence=0.25)
        assert asked.ask(QUESTION).text == "one two"
        trouble, seconds = failing(lambda: asked.ask(QUESTION))
    assert isinstance(trouble, Unavailable)
    assert 1.0 <= seconds < 1.0 + PROMPTLY


def test_a_long_answer_may_take_longer_than_any_silence() -> None:
    async def slowly(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
        for word in range(10):
            await asyncio.sleep(0.06)
            yield f"{word} "

    assert Endpoint("test", FunctionModel(stream_function=slowly), silence=0.1).ask(QUESTION).text.endswith("9 ")


@pytest.mark.parametrize("hang_at", [0, 3])
def test_a_question_that_is_called_off_is_given_up_at_once(hang_at: int) -> None:
    cancel = threading.Event()
    with Server([Reply("one two three four", hang=HANG, hang_at=hang_at), Reply("yes")]) as server:
        asked = endpoint(server)
        threading.Timer(0.2, cancel.set).start()
        trouble, seconds = failing(lambda: asked.ask(QUESTION, cancel=cancel))
        assert isinstance(trouble, CalledOff)
        assert seconds < 0.2 + PROMPTLY
        assert asked.ask(QUESTION).text == "yes"


def test_a_question_whose_time_is_over_is_given_up_at_once() -> None:
    with Server([Reply("yes", hang=HANG)]) as server:
        trouble, seconds = failing(lambda: endpoint(server).ask(QUESTION, deadline=time.monotonic() + 0.2))
    assert isinstance(trouble, CalledOff)
    assert seconds < 0.2 + PROMPTLY


def test_a_question_that_nobody_waits_for_is_not_asked() -> None:
    cancel = threading.Event()
    cancel.set()
    with Server([]) as server:
        asked = endpoint(server)
        for options in ({"cancel": cancel}, {"deadline": time.monotonic()}):
            trouble, _ = failing(lambda options=options: asked.ask(QUESTION, **options))  # type: ignore[misc]
            assert isinstance(trouble, CalledOff)
    assert server.requests == []


def test_many_threads_ask_at_the_same_time() -> None:
    def reply(request: Request) -> Reply:
        return Reply(request.body["messages"][-1]["content"].upper())

    with Server(reply, latency=0.4) as server, ThreadPoolExecutor(8) as pool:
        asked = endpoint(server)
        began = time.monotonic()
        answers = list(pool.map(lambda number: asked.ask([Message("user", f"q{number}")]).text, range(16)))
        assert answers == [f"Q{number}" for number in range(16)]
        assert time.monotonic() - began < 2.0


def test_threads_that_are_refused_the_same_at_the_same_time_all_get_their_answers() -> None:
    def reply(request: Request) -> Reply:
        if "temperature" in request.body:
            return Reply(status=400, error="temperature is not supported")
        if "tools" in request.body:
            return Reply(status=400, error="tools are not supported")
        return Reply(json.dumps(GOOD))

    with Server(reply, latency=0.1) as server, ThreadPoolExecutor(6) as pool:
        asked = endpoint(server, temperature=0.5)
        answers = list(pool.map(lambda _: asked.ask(QUESTION, schema=Review), range(6)))
        assert asked.mode == "native"
    assert all(json.loads(answer.text) == GOOD for answer in answers)


def test_a_closed_endpoint_opens_again_when_it_is_asked() -> None:
    with Server([Reply("one"), Reply("two")]) as server:
        asked = endpoint(server)
        assert asked.ask(QUESTION).text == "one"
        asked.close()
        asked.close()
        assert asked.ask(QUESTION).text == "two"


@pytest.mark.parametrize("hang", [0.0, HANG])
def test_a_program_ends_in_silence_whatever_is_still_open(hang: float) -> None:
    code = (
        "import sys, threading\n"
        "from contextlib import suppress\n"
        "from treewright.coders.llm.providers import open_model\n"
        "from treewright.coders.llm.wire import Endpoint, Trouble\n"
        "from treewright.tree import Message\n"
        "asked = Endpoint('openai:m', open_model('openai:m', base_url=sys.argv[1], environment={}))\n"
        "def ask():\n"
        "    with suppress(Trouble):\n"
        "        asked.ask([Message('user', 'hi')])\n"
        "asking = threading.Thread(target=ask, daemon=True)\n"
        "asking.start()\n"
        "asking.join(timeout=2)\n"
    )
    with Server([Reply("yes", hang=hang)]) as server:
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, server.openai]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert len(server.requests) == 1
    slow = re.compile(r"Executing <.*> took [\d.]+ seconds\n")  # what asyncio says in this mode of a busy machine
    assert (done.returncode, done.stdout, slow.sub("", done.stderr)) == (0, "", "")


def test_what_is_asked_after_the_end_is_called_off() -> None:
    async def work() -> None:
        raise AssertionError

    loop = Background()
    loop.close()
    assert loop.submit(work()).cancelled()


def test_models_made_for_tests_can_be_asked_as_well() -> None:
    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        if info.output_tools:
            yield {0: DeltaToolCall(info.output_tools[0].name, json.dumps(GOOD))}
        else:
            yield f"{len(messages)} message"

    asked = Endpoint("function:f", FunctionModel(stream_function=stream))
    assert asked.ask(QUESTION).text == "1 message"
    assert json.loads(asked.ask(QUESTION, schema=Review).text) == GOOD
    assert asked.cost(1, 1) is None
    assert Endpoint("test:t", TestModel(custom_output_text="fine")).ask(QUESTION).text == "fine"
    assert Review.model_validate_json(Endpoint("test:t", TestModel()).ask(QUESTION, schema=Review).text)
