"""From a model's name to a client: addresses, keys, prices, and what is said when one of them is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.usage import RequestUsage

from treewright.coders.llm.providers import (
    PROVIDERS,
    Price,
    cost,
    environment,
    is_loopback,
    key_variable,
    open_model,
    parse,
    redact,
    secrets,
)
from treewright.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "OPENAI_API_KEY": "sk-openai",
    "ANTHROPIC_API_KEY": "sk-anthropic",
    "GEMINI_API_KEY": "key-google",
    "OPENROUTER_API_KEY": "sk-openrouter",
}
LOCAL = "http://127.0.0.1:8089/v1"
A_MILLION = RequestUsage(input_tokens=1_000_000)


@pytest.fixture(autouse=True)
def _no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*KEYS, "GOOGLE_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "OLLAMA_BASE_URL"]:
        monkeypatch.delenv(name, raising=False)


def test_a_name_is_a_provider_and_a_model() -> None:
    assert parse("openai:gpt-5") == ("openai", "gpt-5")
    assert parse("ollama:qwen2.5-coder:7b") == ("ollama", "qwen2.5-coder:7b")
    assert parse("openrouter:qwen/qwen3-coder:free") == ("openrouter", "qwen/qwen3-coder:free")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt-5", "did you mean openai:gpt-5?"),
        ("claude-opus-5", "did you mean anthropic:claude-opus-5?"),
        ("gemini-3-pro", "did you mean google:gemini-3-pro?"),
        ("qwen/qwen3-coder", "did you mean openrouter:qwen/qwen3-coder?"),
        ("llama3", "did you mean ollama:llama3?"),
        ("groq:llama-3", "only openai, anthropic, google, openrouter, ollama"),
        ("groq:llama-3", "openai:NAME with --base-url URL"),
        ("qwen2.5-coder:7b", "ollama:qwen2.5-coder:7b"),
        ("openai:", "lacks a name after the colon"),
    ],
)
def test_a_name_that_cannot_be_is_answered_with_one_that_can(name: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(name)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_of_openrouter_is_named_with_its_maker() -> None:
    with pytest.raises(ConfigError, match="it looks like openrouter:openai/gpt-5"):
        open_model("openrouter:gpt-5", base_url=None, environment=KEYS)


@pytest.mark.parametrize(
    ("name", "variable", "default"),
    [
        ("openai:m", "OPENAI_BASE_URL", "https://api.openai.com/v1"),
        ("anthropic:m", "ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
        ("google:m", "GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com"),
        ("openrouter:a/m", "OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
        ("ollama:m", "OLLAMA_BASE_URL", "http://localhost:11434/v1"),
    ],
)
def test_every_provider_can_be_moved_by_a_flag_or_by_its_variable(name: str, variable: str, default: str) -> None:
    def address(base_url: str | None, **variables: str) -> str:
        return str(open_model(name, base_url=base_url, environment=KEYS | variables).base_url).rstrip("/")

    assert address(None) == default
    assert address(None, **{variable: LOCAL}) == LOCAL
    assert address("https://gateway.example/v1", **{variable: LOCAL}) == "https://gateway.example/v1"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("gpu-box", "http://gpu-box:11434/v1"),
        ("10.0.0.7:9000", "http://10.0.0.7:9000/v1"),
        ("https://ollama.example", "https://ollama.example/v1"),
        ("[::]:11434", "http://[::1]:11434/v1"),
    ],
)
def test_ollama_is_found_by_the_variable_that_its_server_reads(host: str, address: str) -> None:
    model = open_model("ollama:m", base_url=None, environment={"OLLAMA_HOST": host})
    assert str(model.base_url).rstrip("/") == address


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host/v1", "http://", "http://host:port/v1"])
def test_a_base_url_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigError, match=r"--base-url = .* is no base URL"):
        open_model("openai:m", base_url=url, environment=KEYS)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("OPENAI_BASE_URL", "http://bob:hush-hush@host:port/v1"),
        ("OPENAI_BASE_URL", "bob:hush-hush@host/v1"),
        ("OPENAI_BASE_URL", "http://bob:hush/hush-hush@host/v1"),
        ("OLLAMA_HOST", "bob:hush-hush@[host"),
    ],
)
def test_a_password_in_an_address_of_the_environment_is_not_shown(variable: str, url: str) -> None:
    name = "ollama:m" if variable == "OLLAMA_HOST" else "openai:m"
    with pytest.raises(ConfigError, match=f"{variable} = .*is no base URL") as error:
        open_model(name, base_url=None, environment=KEYS | {variable: url})
    assert "hush" not in str(error.value) and "bob" not in str(error.value)


def test_a_password_in_an_address_is_a_secret() -> None:
    assert "hush-hush" in secrets({"OPENAI_BASE_URL": "https://bob:hush-hush@gateway.example/v1"})


@pytest.mark.parametrize("name", [name for name, provider in PROVIDERS.items() if provider.home])
def test_the_example_of_each_provider_is_a_model_that_it_has(name: str) -> None:
    model = open_model(f"{name}:{PROVIDERS[name].example}", base_url=None, environment=KEYS)
    assert cost(model, A_MILLION) is not None


def test_openai_itself_is_asked_by_its_newer_interface_and_its_likes_by_the_one_that_they_all_have() -> None:
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

    assert isinstance(open_model("openai:gpt-5", base_url=None, environment=KEYS), OpenAIResponsesModel)
    assert isinstance(open_model("openai:gpt-5", base_url=LOCAL, environment=KEYS), OpenAIChatModel)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai:m", "OPENAI_API_KEY"),
        ("anthropic:m", "ANTHROPIC_API_KEY"),
        ("google:m", "GOOGLE_API_KEY"),
        ("openrouter:m", "OPENROUTER_API_KEY"),
    ],
)
def test_a_missing_key_is_one_line_that_names_its_variable(name: str, variable: str) -> None:
    provider = name.partition(":")[0]
    with pytest.raises(ConfigError) as error:
        open_model(name, base_url=None, environment={variable: " "})
    assert str(error.value) == f"no key for {provider}: set {variable} in the environment or in a .env file"
    assert key_variable(name) == variable


@pytest.mark.parametrize("name", ["openai:m", "anthropic:m", "google:m", "openrouter:a/m", "ollama:m"])
def test_a_server_of_ones_own_needs_no_key(name: str) -> None:
    assert open_model(name, base_url=LOCAL, environment={}).model_name in {"m", "a/m"}


@pytest.mark.parametrize("key", ['"sk-quoted"', "sk with blanks", "sk\nline", "sk-ü"])
def test_a_key_that_no_header_can_carry_is_noticed_at_once_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds") as error:
        open_model("openai:m", base_url=None, environment={"OPENAI_API_KEY": key})
    assert key not in str(error.value)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_ai.models.anthropic", None)
    with pytest.raises(ConfigError, match=r"pip install 'treewright\[llm\]'"):
        open_model("anthropic:m", base_url=None, environment=KEYS)


def test_the_environment_goes_over_the_env_file_and_nothing_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("FROM_FILE='a $HOME b'\nFROM_BOTH=file\nWITHOUT_VALUE\n# a remark\n")
    monkeypatch.setenv("FROM_BOTH", "process")
    found = environment(tmp_path)
    assert found["FROM_FILE"] == "a $HOME b"
    assert found["FROM_BOTH"] == "process"
    assert "WITHOUT_VALUE" not in found
    assert "FROM_FILE" not in os.environ


def test_without_an_env_file_there_is_the_environment_alone(tmp_path: Path) -> None:
    assert environment(tmp_path) == dict(os.environ)
    (tmp_path / ".env").mkdir()  # a common name for a virtual environment
    assert environment(tmp_path) == dict(os.environ)


def test_an_env_file_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"KEY=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"cannot read .*\.env"):
        environment(tmp_path)


def test_keys_are_secrets_and_other_variables_are_not() -> None:
    variables = KEYS | {"HF_TOKEN": "hf_12345678", "DB_PASSWORD": "hunter22", "HOME": "/home/someone", "SOME_KEY": "ab"}
    assert set(secrets(variables)) == {*KEYS.values(), "hf_12345678", "hunter22"}


@given(st.text(), st.lists(st.text(st.characters(exclude_characters="*"), min_size=6, max_size=12), max_size=3))
def test_no_secret_is_left_in_a_redacted_text(text: str, hidden: list[str]) -> None:
    found = secrets({f"K{number}_API_KEY": value for number, value in enumerate(hidden)})
    mixed = text + "".join(f"{value} {text}" for value in hidden)
    assert not any(secret in redact(mixed, found) for secret in found)


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("openai:gpt-5", None),
        ("openai:gpt-5", "https://api.openai.com/v1/"),
        ("anthropic:claude-sonnet-4-5", None),
        ("google:gemini-2.5-pro", None),
        ("openrouter:anthropic/claude-sonnet-4.5", None),
        ("openai:llama-3.3-70b-versatile", "https://api.groq.com/openai/v1"),
    ],
)
def test_the_price_of_a_known_model_at_a_known_address_is_known(name: str, base_url: str | None) -> None:
    found = cost(open_model(name, base_url=base_url, environment=KEYS), A_MILLION)
    assert found is not None
    assert 0.01 < found < 100


@pytest.mark.parametrize(
    ("name", "base_url"),
    [("openai:gpt-5", LOCAL), ("openai:no-such", None), ("ollama:m", "http://gpu-box:11434"), ("anthropic:m", LOCAL)],
)
def test_what_a_gateway_or_a_server_of_ones_own_costs_is_not_known_unless_it_is_said(name: str, base_url: str) -> None:
    model = open_model(name, base_url=base_url, environment=KEYS)
    assert cost(model, A_MILLION) is None
    assert cost(model, A_MILLION, Price(0.5, 2.0)) == 0.5


def test_ollama_on_this_machine_is_free() -> None:
    assert cost(open_model("ollama:m", base_url=None, environment={}), A_MILLION) == 0.0


def test_what_came_from_the_cache_is_charged_less() -> None:
    model = open_model("anthropic:claude-sonnet-4-5", base_url=None, environment=KEYS)
    whole, cached = (
        cost(model, RequestUsage(input_tokens=1000, cache_read_tokens=read, output_tokens=0)) for read in (0, 1000)
    )
    assert whole is not None
    assert cached is not None
    assert cached < whole


def test_a_price_of_ones_own_is_for_a_million_tokens() -> None:
    assert Price(input=3.0, output=15.0).cost(2_000_000, 100_000) == 7.5


def test_this_machine_is_told_from_others() -> None:
    assert all(map(is_loopback, ["http://localhost:1", "http://127.0.0.9/v1", "http://[::1]:8080"]))
    assert not any(map(is_loopback, ["http://10.0.0.1", "https://api.openai.com", "http://localhost.example"]))


def test_looking_at_the_providers_loads_none_of_them() -> None:
    code = "import sys, treewright.coders.llm.providers; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic_ai", "openai", "anthropic", "google"} & set(done.stdout.split())


def test_one_provider_loads_no_other() -> None:
    code = (
        "import sys; from treewright.coders.llm.providers import open_model\n"
        f"open_model('openai:m', base_url={LOCAL!r}, environment={{}}); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"anthropic", "google.genai", "treewright.coders.llm.wire"} & set(done.stdout.split())
