"""What can go wrong with a request, and which of five things to do about it.

::

    Unavailable   wait and try again: too many requests, an overloaded or broken server, silence, a spoilt reply
    TooLong       make the prompt shorter
    Malformed     ask again: a structured answer that is none
    Cancelled     nothing: the caller wanted no more
    Refused       give up with one clear line: the key, the model's name, the account, or the request itself

pydantic-ai sorts the providers' errors into categories, and ``trouble_with`` goes by them. It reads the words too:
servers that merely resemble OpenAI's tell of a prompt that is too long in many ways, some of them with status 500.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelTimeoutError,
    UserError,
)

from treewright.coders.llm.providers import key_variable, redact
from treewright.errors import ProviderError
from treewright.tree import Usage

if TYPE_CHECKING:
    from pydantic_ai.models import Model


class Trouble(Exception):  # noqa: N818  # none of these is an error of the program
    """A request that brought no answer; ``usage`` is what it took all the same, as far as that is known."""

    usage: Usage = Usage()


class Unavailable(Trouble):
    """Worth trying again; ``retry_after`` is how many seconds the provider asked for, ``None`` if it named none.

    ``replied`` tells that a reply came which cannot be used: the provider is there.
    """

    def __init__(self, reason: str, retry_after: float | None = None, *, replied: bool = False) -> None:
        super().__init__(reason)
        self.retry_after, self.replied = retry_after, replied


class TooLong(Trouble):
    """The prompt does not fit into the model's context."""


class Malformed(Trouble):
    """A structured answer without the JSON that was asked for; ``text`` is what came instead."""

    def __init__(self, text: str) -> None:
        super().__init__("the answer holds no JSON of the form that was asked for")
        self.text = text


class CalledOff(Trouble):
    """The caller no longer wants the answer, or its time is over."""


class Rejected(Trouble):
    """The provider will not answer this prompt, now or later, whatever it does with others."""


class Refused(ProviderError):  # noqa: N818
    """The provider will not serve this request, now or later; one line says why and what mends it."""


SAID_CHARS = 240


def said(error: Exception, secrets: tuple[str, ...] = ()) -> str:
    """What the server itself said, on one line of at most ``SAID_CHARS`` characters; empty if it said nothing."""
    text = _message(error.body) if isinstance(error, ModelAPIError) else ""
    if not text and not isinstance(error, ModelHTTPError):
        text = getattr(error, "message", "") or str(error) or type(error).__name__
    # Pages of proxies are no message, and llama-cpp-python adds the place in its own source code.
    text = text.partition("\n\n")[0]
    return "" if text.lstrip().startswith("<") else _line(text, secrets)


def is_too_long(error: Exception) -> bool:
    """Whether the server says that the prompt does not fit into the context."""
    if isinstance(error, ModelContextWindowExceededError):
        return True
    if isinstance(error, ModelRateLimitError):
        return "request too large" in said(error).lower()  # for the account's tokens a minute: waiting will not help
    if isinstance(error, ModelHTTPError) and error.status_code not in {400, 413, 422, 500}:
        return False
    return isinstance(error, ModelAPIError) and bool(_TOO_LONG.search(said(error)))


def trouble_with(error: Exception, name: str, model: Model[Any], secrets: tuple[str, ...]) -> Trouble | Refused:
    """The trouble that an exception stands for, said about the model ``name``."""
    words = said(error, secrets)
    quoted = f" ({words})" if words else ""
    if is_too_long(error):
        return TooLong(f"{name}: the prompt is too long{quoted}")
    if refusal := _refusal(error, name, model, quoted):
        return Refused(f"{name}: {refusal}")
    if isinstance(error, ModelRequestRejectedError) or (
        isinstance(error, ModelHTTPError) and 400 <= error.status_code < 500 and error.status_code not in _PASSING
    ):
        return Rejected(f"{name}: the request was refused{quoted}")
    reason = _connection(error, model, secrets) if isinstance(error, ModelConnectionError) else _hitch(error) + quoted
    return Unavailable(f"{name}: {reason}", error.retry_after if isinstance(error, ModelAPIError) else None)


_TOO_LONG = re.compile(
    r"(exceeds?|larger than|greater than|longer than|over|beyond)\b.{0,60}\bcontext"
    r"|context (length|window|size|limit)\b.{0,40}\b(exceed|(is|of) (only )?\d|overflow)"
    r"|(prompt|input|request|message)s?\b.{0,30}\btoo (long|large|many tokens)"
    r"|too many (input )?tokens|maximum (context|prompt|input|model) (length|size)|number of tokens allowed"
    r"|(input|prompt)s?\b.{0,40}must be (<=?|less|at most)",
    re.IGNORECASE,
)


def _message(body: object) -> str:
    while isinstance(body, Mapping):
        body = next((body[key] for key in ("message", "error", "detail", "msg") if body.get(key)), None)
    if isinstance(body, list) and body:
        return _message(body[0])
    return body if isinstance(body, str) else ""


def _refusal(error: Exception, name: str, model: Model[Any], quoted: str) -> str:
    """Why no further attempt will help, and what will; empty if one may."""
    status = getattr(error if isinstance(error, ModelHTTPError) else error.__cause__, "status_code", None)
    variable = key_variable(name)
    key = f"set a valid {variable} in the environment or in a .env file" if variable else "the server asks for another"
    known = "model" in quoted.lower() or getattr(error, "provider_error_code", None) == "model_not_found"
    match error:
        case ModelQuotaExceededError():
            refusal = f"the account's credit or quota is used up{quoted}; top it up, or use another model"
        case ModelAuthenticationError() if status == 403:
            refusal = f"not permitted{quoted}; check that the key may use this model, or {key}"
        case ModelAuthenticationError():
            refusal = f"the key was refused{quoted}; {key}"
        case ModelNotFoundError() if known:
            refusal = f"there is no such model at {_place(model)}{quoted}; check its name"
        case ModelNotFoundError():
            refusal = f"nothing answers at {_place(model)}{quoted}; check the base URL, it usually ends in /v1"
        case _ if status in _SENT_ON:
            refusal = f"{_place(model)} sends on to another place, which is not followed; name that place by --base-url"
        case UserError():
            refusal = f"the request was refused{quoted}"
        case _:
            refusal = ""
    return refusal


_SENT_ON = {301, 302, 303, 307, 308}

_PASSING = {408, 409, 425, 429}
"""Status of time-outs, conflicts, and too many or too early requests."""


def _hitch(error: Exception) -> str:
    if isinstance(error, ModelRateLimitError):
        return "too many requests"
    if isinstance(error, ModelHTTPError):
        return f"the server has a problem, status {error.status_code}"
    return "the reply could not be read"


def _connection(error: ModelConnectionError, model: Model[Any], secrets: tuple[str, ...]) -> str:
    if isinstance(error, ModelTimeoutError) and error.phase != "connect":
        return "no word from the server in time"
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    cause = f" ({_line(str(root), secrets)})" if str(root) else ""
    if error.phase == "connect":
        return f"cannot connect to {_place(model)}{cause}; is the server running?"
    return f"the connection broke{cause}"


def _line(text: str, secrets: tuple[str, ...]) -> str:
    line = " ".join(redact(text, secrets).split())
    return line if len(line) <= SAID_CHARS else line[: SAID_CHARS - 1] + "…"


def _place(model: Model[Any]) -> str:
    # without a name and a password that the URL may hold
    parts = urlsplit(model.base_url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else "the server"
