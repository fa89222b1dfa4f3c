"""Addresses of models' servers: what can be one, and how one is shown."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

OLLAMA_PORT = 11434

_USER = re.compile(r"\A(\w+://)?.*@", re.DOTALL)
_PASSWORD = re.compile(r"://[^\s:/@]*:([^\s/@]+)@")


def check_address(url: str) -> str:
    """What is wrong with a base URL; empty if nothing is."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return ""
    except ValueError:
        pass
    return "it is no base URL, which looks like http://localhost:8080/v1"


def names_user(url: str) -> bool:
    """Whether a base URL holds a name or a password."""
    return "@" in urlsplit(url).netloc


def shown_address(text: str) -> str:
    """An address without the name and the password that it may hold."""
    return _USER.sub(r"\1***@", text)


def passwords(text: str) -> set[str]:
    """The passwords of all addresses in a text."""
    return set(_PASSWORD.findall(text))


def from_ollama_host(host: str) -> str:
    """The base URL for what Ollama's server listens on: scheme and port may be missing, and 0.0.0.0 is no address."""
    url = host if "://" in host else f"http://{host}"
    if check_address(url):
        return url
    parts = urlsplit(url)
    has_port = parts.scheme == "https" or re.search(r":\d+$", parts.netloc)
    netloc = parts.netloc if has_port else f"{parts.netloc}:{OLLAMA_PORT}"
    netloc = netloc.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")  # noqa: S104
    return f"{parts.scheme}://{netloc}{parts.path}"
