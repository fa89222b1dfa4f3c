"""From a model's name to a client for it.

A name is ``provider:model``. What a provider needs stands in one table: where its keys and addresses are looked for,
its own address, and how it is opened. Every address can be moved, so gateways and local servers work for every name.
Keys and addresses come from a mapping (the environment over a ``.env`` file), are handed to the client, and go nowhere
else: nothing is exported, and ``redact`` takes them out of whatever is shown.

Nothing of pydantic-ai is imported before a model is opened, and of the providers' SDKs only the one that is needed.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from treewright.coders.llm.addresses import OLLAMA_PORT, check_address, from_ollama_host, passwords, shown_address
from treewright.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_ai.models import Model
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.usage import RequestUsage

INSTALL = "pip install 'treewright[llm]'"

NO_KEY = "no-key"
"""Sent where no key is needed: the SDKs insist on one."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Environment variables for the key and the base URL (the first that is set counts), and the provider's own URL.

    ``example`` is a model to begin with; ``open`` makes a client from a model's name, the base URL and the key.
    """

    keys: tuple[str, ...]
    addresses: tuple[str, ...]
    home: str
    example: str
    open: Callable[[str, str, str], Any]


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens read and a million tokens written."""

    input: float
    output: float

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """USD for so many tokens."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


def environment(folder: Path) -> Mapping[str, str]:
    """The process's environment over the folder's ``.env`` file, which is read and not exported."""
    file = folder / ".env"
    if not file.is_file():
        return dict(os.environ)
    try:
        from dotenv import dotenv_values

        values = dotenv_values(file, interpolate=False, encoding="utf-8")
    except ImportError:
        raise ConfigError(f"reading {file} takes the package python-dotenv: {INSTALL}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}; mend or remove it") from None
    return {key: value for key, value in values.items() if value is not None} | dict(os.environ)


def need_packages() -> None:
    """``ConfigError`` if what asks language models, and checks what they write, is not installed."""
    missing = [name for name in ("pydantic_ai", "pyflakes") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"{', '.join(missing)} is not installed; mend it with: {INSTALL}")


def parse(name: str) -> tuple[str, str]:
    """Provider and model of ``provider:model``; ``ConfigError`` if there is no such provider."""
    provider, colon, model = name.partition(":")
    if provider in PROVIDERS and model.strip():
        return provider, model.strip()
    if colon and provider in PROVIDERS:
        raise ConfigError(f"the model {name!r} lacks a name after the colon")
    known = ", ".join(PROVIDERS)
    if colon:
        raise ConfigError(
            f"there is no provider {provider!r}, only {known}; any server with an OpenAI-compatible API is reached by "
            f"openai:NAME with --base-url URL, a model of Ollama by ollama:{name}"
        )
    raise ConfigError(f"the model {name!r} lacks its provider ({known}); did you mean {_guess(name)}:{name}?")


def open_model(name: str, *, base_url: str | None, environment: Mapping[str, str]) -> Model[Any]:
    """A client for ``provider:model``, which opens no connection before its first request.

    ``ConfigError`` for a name or an address that cannot be, a missing key, or a missing package.
    """
    provider, model = parse(name)
    spec = PROVIDERS[provider]
    url = _address(provider, base_url, environment)
    key = _key(provider, environment, required=url == spec.home)
    try:
        client: Model[Any] = spec.open(model, url, key)
    except ImportError as error:
        raise ConfigError(f"the package {error.name or 'pydantic-ai'} for {provider} is missing: {INSTALL}") from None
    return client


def secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values that nobody must see, the longest first.

    Those of all variables named like a key or a password, and passwords within addresses.
    """
    values = {value.strip() for name, value in environment.items() if _SECRET.search(name)}
    values |= passwords("\n".join(environment.values()))
    return tuple(sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True))


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """The text with every secret blotted out."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def key_variable(name: str) -> str | None:
    """The environment variable that the key of this model is expected in; ``None`` where no key is needed."""
    spec = PROVIDERS.get(name.partition(":")[0])
    return spec.keys[0] if spec and spec.home else None


def cost(model: Model[Any], usage: RequestUsage, price: Price | None = None) -> float | None:
    """USD for the tokens of one request; ``None`` if the price is not known.

    ``price`` overrides. Otherwise the address must be one that the price list of genai-prices (as installed, nothing is
    downloaded) knows; what a gateway or a local server charges is not known, but Ollama on this machine is free.
    """
    if price:
        return price.cost(usage.input_tokens, usage.output_tokens)
    url = model.base_url
    if not url:
        return None
    if model.system == "ollama" and is_loopback(url):
        return 0.0
    from genai_prices import calc_price

    try:
        return float(calc_price(usage, model.model_name, provider_api_url=url).total_price)
    except (LookupError, ValueError):
        return None


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)

_SHORTEST = 6
"""What is shorter is no secret, and blotting it out would spoil words."""

_KEY = re.compile(r"[!#-&(-~]+")

_FAMILIES = {"gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "claude": "anthropic", "gemini": "google"}


def _guess(model: str) -> str:
    if "/" in model:
        return "openrouter"
    return next((provider for prefix, provider in _FAMILIES.items() if model.lower().startswith(prefix)), "ollama")


def _address(provider: str, base_url: str | None, environment: Mapping[str, str]) -> str:
    spec = PROVIDERS[provider]
    source, url = "--base-url", (base_url or "").strip()
    if not url:
        source = next((name for name in spec.addresses if environment.get(name, "").strip()), "")
        url = environment.get(source, "").strip() or spec.home or f"http://localhost:{OLLAMA_PORT}"
    if source == "OLLAMA_HOST":
        url = from_ollama_host(url)
    if complaint := check_address(url):
        raise ConfigError(f"{source} = {shown_address(url)!r}: {complaint}")
    url = url.rstrip("/")
    return f"{url}/v1" if provider == "ollama" and not urlsplit(url).path else url


def _key(provider: str, environment: Mapping[str, str], *, required: bool) -> str:
    keys = PROVIDERS[provider].keys
    name = next((name for name in keys if environment.get(name, "").strip()), None)
    if name is None:
        if required:
            raise ConfigError(f"no key for {provider}: set {keys[0]} in the environment or in a .env file")
        return NO_KEY
    key = environment[name].strip()
    if not _KEY.fullmatch(key):
        raise ConfigError(f"{name} holds a quote, a blank or another character that no key has; set it again")
    return key


def _plain() -> OpenAIModelProfile:
    # Servers that merely resemble OpenAI's know the older `max_tokens`, and would ignore the newer name: the answer
    # would have no limit. All send a finish reason; without one the stream was cut off.
    return {"openai_chat_supports_max_completion_tokens": False, "openai_chat_streaming_requires_finish_reason": True}


def _openai(model: str, url: str, key: str) -> Model[Any]:
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    if url == PROVIDERS["openai"].home:
        return OpenAIResponsesModel(model, provider=OpenAIProvider(base_url=url, api_key=key))
    provider = OpenAICompatibleProvider("openai-compatible", base_url=url, api_key=key)
    return OpenAIChatModel(model, provider=provider, profile=_plain())


def _anthropic(model: str, url: str, key: str) -> Model[Any]:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    return AnthropicModel(model, provider=AnthropicProvider(base_url=url, api_key=key))


def _google(model: str, url: str, key: str) -> Model[Any]:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    return GoogleModel(model, provider=GoogleProvider(base_url=url, api_key=key))


def _openrouter(model: str, url: str, key: str) -> Model[Any]:
    from pydantic_ai.models.openrouter import OpenRouterModel
    from pydantic_ai.providers.openrouter import OpenRouterProvider

    if "/" not in model:
        raise ConfigError(f"the model 'openrouter:{model}' lacks its maker; it looks like openrouter:openai/{model}")

    class Moved(OpenRouterProvider):
        """The provider's address is fixed in its class."""

        @property
        def base_url(self) -> str:
            return url

    return OpenRouterModel(model, provider=Moved(api_key=key), profile=_plain())


def _ollama(model: str, url: str, key: str) -> Model[Any]:
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.providers.ollama import OllamaProvider

    return OllamaModel(model, provider=OllamaProvider(base_url=url, api_key=key), profile=_plain())


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(("OPENAI_API_KEY",), ("OPENAI_BASE_URL",), "https://api.openai.com/v1", "gpt-5-mini", _openai),
    "anthropic": Provider(
        ("ANTHROPIC_API_KEY",), ("ANTHROPIC_BASE_URL",), "https://api.anthropic.com", "claude-haiku-4-5", _anthropic
    ),
    "google": Provider(
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        ("GOOGLE_GEMINI_BASE_URL",),
        "https://generativelanguage.googleapis.com",
        "gemini-2.5-flash",
        _google,
    ),
    "openrouter": Provider(
        ("OPENROUTER_API_KEY",),
        ("OPENROUTER_BASE_URL",),
        "https://openrouter.ai/api/v1",
        "openai/gpt-5-mini",
        _openrouter,
    ),
    "ollama": Provider(("OLLAMA_API_KEY",), ("OLLAMA_BASE_URL", "OLLAMA_HOST"), "", "qwen2.5-coder:7b", _ollama),
}
"""What can stand before the colon."""
