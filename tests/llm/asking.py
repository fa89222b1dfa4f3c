"""What the tests of requests share: endpoints on the fake server, and things to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from treewright.coders.llm.providers import open_model
from treewright.coders.llm.wire import Endpoint
from treewright.tree import Message

if TYPE_CHECKING:
    from llm.server import Server

OPENAI = "openai:small-model"
ANTHROPIC = "anthropic:claude-haiku-4-5"
GOOGLE = "google:gemini-2.5-flash"
OPENROUTER = "openrouter:some/model"
OLLAMA = "ollama:qwen2.5-coder:7b"
ALL = [OPENAI, ANTHROPIC, GOOGLE, OPENROUTER, OLLAMA]

KEY = "sk-the-key-of-a-test"
VARIABLES = {f"{provider}_API_KEY": KEY for provider in ("OPENAI", "ANTHROPIC", "GOOGLE", "OPENROUTER")}

QUESTION = [Message("system", "You are terse."), Message("user", "What is the answer?")]


class Review(BaseModel):
    """The review of a run."""

    is_bug: bool
    summary: str


GOOD = {"is_bug": True, "summary": "The script failed."}


def endpoint(server: Server, name: str = OPENAI, **options: Any) -> Endpoint:
    """An endpoint for a model on the fake server, which has the address that the provider's client expects."""
    url = server.url if name.startswith(("anthropic", "google")) else server.openai
    settings = {"silence": 5.0, "secrets": (KEY,)} | options
    return Endpoint(name, open_model(name, base_url=url, environment=VARIABLES), **settings)
