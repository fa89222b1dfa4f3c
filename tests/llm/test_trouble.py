"""What goes wrong on the wire, which kind of trouble it is, and in which words it is told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.asking import ANTHROPIC, GOOD, GOOGLE, KEY, OLLAMA, OPENAI, QUESTION, Review, endpoint
from llm.server import Reply, Server
from treewright.coders.llm import structured
from treewright.coders.llm.providers import open_model
from treewright.coders.llm.wire import Endpoint, Refused, Rejected, TooLong, Trouble, Unavailable
from treewright.errors import ProviderError


def trouble_of(reply: Reply, name: str = OPENAI, **options: object) -> Trouble | Refused:
    """What one question to a server with one reply runs into."""
    with Server([reply]) as server:
        with pytest.raises((Trouble, Refused)) as caught:
            endpoint(server, name, **options).ask(QUESTION)
        assert len(server.requests) == 1, "nothing is sent a second time behind the caller's back"
    return caught.value


@pytest.mark.parametrize("name", [OPENAI, ANTHROPIC, GOOGLE, OLLAMA])
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
def test_a_server_that_is_busy_or_broken_may_be_asked_again(name: str, status: int) -> None:
    trouble = trouble_of(Reply(status=status, error="come back later"), name)
    assert isinstance(trouble, Unavailable)
    assert "come back later" in str(trouble)
    assert str(trouble).startswith(name)
    assert trouble.usage.requests == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7.0), ({"retry-after-ms": "250"}, 0.25), ({"Retry-After": "soon"}, None), ({}, None)],
)
def test_how_long_the_server_asks_to_wait_is_passed_on(headers: dict[str, str], seconds: float | None) -> None:
    for name in (OPENAI, ANTHROPIC):
        trouble = trouble_of(Reply(status=429, error="slow down", headers=headers), name)
        assert isinstance(trouble, Unavailable)
        assert trouble.retry_after == seconds


MESSAGES_TOO_LONG = (
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
    "(4990 in the messages, 10 in the completion). Please reduce the length of the messages or completion."
)
LONG_PROMPTS = [
    (OPENAI, 400, "context_length_exceeded", "Your input exceeds the context window of this model."),
    (OPENAI, 400, None, MESSAGES_TOO_LONG),
    (OPENAI, 400, None, "Requested tokens (20000) exceed context window of 16384"),
    (OPENAI, 500, None, "Requested tokens (20000) exceed context window of 16384"),
    (OPENAI, 400, None, "the request exceeds the available context size (4096 tokens), try increasing it"),
    (OPENAI, 500, None, "the request exceeds the available context size. try increasing the context size"),
    (OPENAI, 400, None, "the model is loaded with context length of only 4096 tokens, which is not enough."),
    (OPENAI, 422, None, "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000 `inputs` tokens"),
    (OPENAI, 400, None, "The decoder prompt (length 9000) is longer than the maximum model length of 4096."),
    (OPENAI, 413, None, "Request body too large for small-model model. Max size: 8000 tokens."),
    (
        OPENAI,
        429,
        "rate_limit_exceeded",
        "Request too large for m on tokens per min: Limit 30000, Requested 99999",
    ),
    (OLLAMA, 400, None, "the input length exceeds the context length"),
    (ANTHROPIC, 400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    (GOOGLE, 400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
]


@pytest.mark.parametrize(("name", "status", "code", "words"), LONG_PROMPTS)
def test_a_prompt_that_is_too_long_is_recognised_in_whatever_words(
    name: str, status: int, code: str | None, words: str
) -> None:
    trouble = trouble_of(Reply(status=status, error=words, code=code), name)
    assert isinstance(trouble, TooLong)


def test_a_stream_that_ends_before_it_begins_is_asked_why() -> None:
    # llama-cpp-python breaks off a stream without a word where the prompt is too long
    words = (
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4990 in the messages)"
    )
    with Server([Reply(drop_after=0, cleanly=True), Reply(status=400, error=words)]) as server:
        with pytest.raises(TooLong, match="4990 in the messages"):
            endpoint(server).ask(QUESTION)
        assert [bool(request.body.get("stream")) for request in server.requests] == [True, False]
        assert server.requests[1].body["max_tokens"] == 1


def test_a_stream_that_ends_before_it_begins_for_no_reason_may_be_asked_again() -> None:
    with Server([Reply(drop_after=0, cleanly=True), Reply("y")]) as server, pytest.raises(Unavailable, match="empty"):
        endpoint(server).ask(QUESTION)


NO_SUCH_MODEL = "The model `small-model` does not exist"
REFUSALS = [
    (OPENAI, 401, "Incorrect API key provided", None, "the key was refused (Incorrect API key provided); set a valid"),
    (OPENAI, 401, "", None, "set a valid OPENAI_API_KEY in the environment or in a .env file"),
    (ANTHROPIC, 401, "invalid x-api-key", "authentication_error", "set a valid ANTHROPIC_API_KEY"),
    (GOOGLE, 403, "denied", "PERMISSION_DENIED", "not permitted (denied)"),
    (OLLAMA, 401, "unauthorized", None, "the key was refused (unauthorized)"),
    (OPENAI, 403, "Country not supported", None, "not permitted (Country not supported)"),
    (OPENAI, 404, NO_SUCH_MODEL, "model_not_found", "there is no such model at http://127.0.0.1"),
    (ANTHROPIC, 404, "model: claude-haiku-4-5", "not_found_error", "there is no such model"),
    (OLLAMA, 404, 'model "qwen" not found, try pulling it first', None, "try pulling it first"),
    (OPENAI, 404, "Not Found", None, "check the base URL, it usually ends in /v1"),
    (OPENAI, 402, "Insufficient credits", None, "used up (Insufficient credits)"),
    (OPENAI, 429, "You exceeded your current quota", "insufficient_quota", "top it up"),
    (ANTHROPIC, 400, "Your credit balance is too low", "invalid_request_error", "top it up"),
]


@pytest.mark.parametrize(
    ("status", "said"), [(400, "Invalid value: 'purple'"), (422, "unprocessable"), (405, "Method Not Allowed")]
)
def test_what_is_wrong_with_one_prompt_may_be_right_with_another(status: int, said: str) -> None:
    rejected = trouble_of(Reply(status=status, error=said))
    assert isinstance(rejected, Rejected)
    assert str(rejected) == f"{OPENAI}: the request was refused ({said})"


@pytest.mark.parametrize(("name", "status", "said", "code", "words"), REFUSALS)
def test_what_no_further_attempt_will_mend_is_told_on_one_line_with_the_mend(
    name: str, status: int, said: str, code: str | None, words: str
) -> None:
    refused = trouble_of(Reply(status=status, error=said, code=code), name)
    assert isinstance(refused, Refused)
    assert isinstance(refused, ProviderError)
    assert words in str(refused)
    assert str(refused).startswith(name)
    assert "\n" not in str(refused)
    assert len(str(refused)) < 500


def test_a_long_story_of_the_server_is_cut_and_its_pages_are_left_out() -> None:
    story = 'ValueError: bad luck\n\n  File "/srv/app.py", line 3\n' + "x" * 10_000
    assert str(trouble_of(Reply(status=500, error=story))).endswith("status 500 (ValueError: bad luck)")
    assert len(str(trouble_of(Reply(status=500, error="why? " * 1000)))) < 400
    page = trouble_of(Reply(status=502, body="<html><body>Bad Gateway</body></html>"))
    assert str(page).endswith("status 502")
    assert "check the base URL" in str(trouble_of(Reply(status=404, body="<html><h1>404</h1></html>")))


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_key_in_the_servers_words_is_blotted_out(status: int) -> None:
    trouble = trouble_of(Reply(status=status, error=f"Incorrect API key provided: {KEY}. Your headers: Bearer {KEY}"))
    assert KEY not in str(trouble)
    assert "***" in str(trouble)
    assert trouble.__cause__ is None


@pytest.mark.parametrize("name", [OPENAI, ANTHROPIC, GOOGLE])
@pytest.mark.parametrize(
    "reply",
    [
        Reply("one two three four five", drop_after=3),
        Reply("one two three four five", drop_after=3, cleanly=True),
        Reply("one two", malformed=True),
        Reply(null=True),
        Reply(),
        Reply(" \n "),
    ],
    ids=["dropped", "ended early", "malformed", "null", "empty", "blank"],
)
def test_a_reply_that_is_spoilt_may_be_asked_for_again(name: str, reply: Reply) -> None:
    trouble = trouble_of(reply, name)
    assert isinstance(trouble, Unavailable)
    assert str(trouble).startswith(name)
    assert "\n" not in str(trouble)


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        (OPENAI, "server_error", Unavailable),
        (OPENAI, None, Unavailable),
        (OPENAI, "context_length_exceeded", TooLong),
        (OPENAI, "insufficient_quota", Refused),
        (ANTHROPIC, "overloaded_error", Unavailable),
    ],
)
def test_an_error_in_the_middle_of_a_stream_counts_like_one_before_it(
    name: str, code: str | None, kind: type[Exception]
) -> None:
    assert isinstance(trouble_of(Reply("one two", error="sorry", code=code), name), kind)


def test_what_a_broken_answer_took_is_counted_as_far_as_it_came() -> None:
    trouble = trouble_of(Reply("word " * 100, drop_after=60), ANTHROPIC)
    assert isinstance(trouble, Trouble)
    assert trouble.usage.input_tokens == 100


def test_a_server_that_is_not_there_may_be_asked_again_and_its_address_is_told_without_a_password() -> None:
    with Server([]) as server:
        url = server.openai.replace("127.0.0.1", "user:secret-word@127.0.0.1")
    asked = Endpoint(OPENAI, open_model(OPENAI, base_url=url, environment={}))
    with pytest.raises(Unavailable, match=r"cannot connect to http://127\.0\.0\.1:") as caught:
        asked.ask(QUESTION)
    assert "is the server running?" in str(caught.value)
    assert "secret-word" not in str(caught.value)


@given(
    st.fixed_dictionaries({"is_bug": st.booleans(), "summary": st.text()}),
    st.text(st.characters(exclude_characters="{}")),
    st.text(),
)
def test_the_json_of_an_answer_is_found_in_any_prose(value: dict[str, object], before: str, after: str) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=2, ensure_ascii=False)):
        found = structured.find(f"{before}{text}{after}", Review)
        assert found is not None
        assert json.loads(found) == value


@pytest.mark.parametrize(
    "text", ["", "No.", "{}", "{" * 100_000, '{"a":' * 100_000, '{"is_bug": null, "summary": 3}', "[]"]
)
def test_what_holds_no_such_json_holds_none(text: str) -> None:
    assert structured.find(text, Review) is None


def test_line_breaks_that_json_forbids_in_strings_are_overlooked() -> None:
    found = structured.find('{"is_bug": true, "summary": "two\nlines"}', Review)
    assert found is not None
    assert json.loads(found) == {"is_bug": True, "summary": "two\nlines"}


def test_json_that_does_not_fit_is_passed_over() -> None:
    text = f'For {{"input": 1}} the answer is {{"name": "answer", "parameters": {json.dumps(GOOD)}}}'
    found = structured.find(text, Review)
    assert found is not None
    assert json.loads(found) == GOOD
