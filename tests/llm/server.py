"""A server that answers like a language model's: OpenAI's two APIs, Anthropic's and Google's, streamed or not.

What it answers is a script: a list of ``Reply``, one a request, or a function of the request. It runs on loopback, in
threads of its own, keeps what it was asked in ``requests``, and can do what real servers do on bad days: refuse, stall,
break off in the middle, send nonsense. The standard library is enough for it, and it can be used outside of pytest::

    with Server([Reply(status=429, headers={"Retry-After": "1"}), Reply(text="42")]) as server:
        ...  # an OpenAI-compatible base URL is server.openai
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Event = tuple[str, object]
"""The name and the data of a server-sent event."""


@dataclass(frozen=True)
class Reply:
    """One answer.

    A good one has a ``text``, or the arguments of a call of the ``tool`` that was offered, after ``thoughts``; ``null``
    has neither. It comes word by word, or ``whole`` in one event. ``usage`` is tokens read and written, ``None`` for
    servers that do not count in streams.
    ``finish`` is in OpenAI's words. An ``error`` goes with a ``status``, or breaks into the stream.

    ``hang`` seconds pass before the event number ``hang_at`` (0: before anything is sent at all), in silence or with
    ``pings``. After ``drop_after`` events the connection is dropped, or ends ``cleanly``.
    """

    text: str = ""
    tool: Mapping[str, object] | str | None = None
    thoughts: str = ""
    null: bool = False
    finish: str = "stop"
    whole: bool = False
    usage: tuple[int, int] | None = (100, 20)
    status: int = 200
    error: str = ""
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    hang: float = 0.0
    hang_at: int = 0
    pings: bool = False
    drop_after: int | None = None
    cleanly: bool = False
    malformed: bool = False


@dataclass(frozen=True)
class Request:
    """What was asked; ``headers`` have lower-case names."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class Server:
    """The server; ``latency`` seconds pass before each reply begins."""

    def __init__(self, script: Sequence[Reply] | Callable[[Request], Reply], latency: float = 0.0) -> None:
        self.requests: list[Request] = []
        self.latency = latency
        self.closing = threading.Event()
        self._script = script
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.fake = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def openai(self) -> str:
        """The base URL for clients of OpenAI's APIs."""
        return f"{self.url}/v1"

    def reply(self, request: Request) -> Reply:
        """What the script says."""
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        if callable(self._script):
            return self._script(request)
        if number > len(self._script):
            return Reply(status=500, error=f"the script has {len(self._script)} replies, this is request {number}")
        return self._script[number - 1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    fake: Server

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        reply, closing = self.server.fake.reply(request), self.server.fake.closing
        closing.wait(self.server.fake.latency)
        if reply.hang and reply.hang_at == 0:
            closing.wait(reply.hang)
        if reply.status != 200:
            self._send(reply.status, reply.headers, reply.body or json.dumps(_error(self.path, reply)))
        elif body.get("stream") or "stream" in self.path.lower():
            self._stream(request, reply)
        else:
            self._send(200, reply.headers, json.dumps(_completion(body, reply)))

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _send(self, status: int, headers: Mapping[str, str], body: str) -> None:
        data = body.encode()
        self.send_response(status)
        kind = "text/html" if body.startswith("<") else "application/json"
        for name, value in {"Content-Type": kind, **headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, request: Request, reply: Reply) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        for number, event in enumerate(_events(request, reply)):
            if number == reply.drop_after:
                if not reply.cleanly:
                    self._drop()
                    return
                break
            if reply.hang and number == reply.hang_at > 0:
                self._hang(reply)
            self._chunk(_encoded(event))
        self.wfile.write(b"0\r\n\r\n")

    def _hang(self, reply: Reply) -> None:
        if not reply.pings:
            self.server.fake.closing.wait(reply.hang)
            return
        for _ in range(int(reply.hang / 0.02)):
            if not self.server.fake.closing.wait(0.02):
                self._chunk(": still there\n\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _drop(self) -> None:
        # closed with a reset instead of a farewell, as when a server dies
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def _encoded(event: Event) -> str:
    name, data = event
    text = data if isinstance(data, str) else json.dumps(data)
    return f"event: {name}\ndata: {text}\n\n" if name else f"data: {text}\n\n"


def _events(request: Request, reply: Reply) -> Iterator[Event]:
    if reply.malformed:
        yield "message_start" if "/messages" in request.path else "", '{"choices": [{"delta'
    dialects = {"/messages": _anthropic, "/responses": _responses, "GenerateContent": _google}
    dialect = next((dialect for part, dialect in dialects.items() if part in request.path), _chat)
    yield from dialect(request.body, reply)


def _pieces(reply: Reply, text: str) -> list[str]:
    if reply.whole:
        return [text] if text else []
    return re.findall(r"\s*\S+\s*$|\s*\S+|\s+$", text)


def _arguments(reply: Reply) -> str | None:
    return reply.tool if reply.tool is None or isinstance(reply.tool, str) else json.dumps(reply.tool)


def _error(path: str, reply: Reply) -> dict[str, object]:
    if "/messages" in path:
        return {"type": "error", "error": {"type": reply.code or "api_error", "message": reply.error}}
    if "GenerateContent" in path:
        return {"error": {"code": reply.status, "message": reply.error, "status": reply.code or "INTERNAL"}}
    return {"error": {"message": reply.error, "type": "error", "param": None, "code": reply.code}}


def _chat(body: Mapping[str, Any], reply: Reply) -> Iterator[Event]:
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}

    def chunk(delta: Mapping[str, object], finish: str | None = None) -> Event:
        return "", {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": None if reply.null else ""})
    for piece in _pieces(reply, reply.thoughts):
        yield chunk({"reasoning_content": piece})
    for piece in _pieces(reply, reply.text):
        yield chunk({"content": piece})
    if reply.error:
        yield "", _error("", reply)
        return
    arguments, finish = _arguments(reply), reply.finish
    if arguments is not None:
        name = body["tools"][0]["function"]["name"]
        for first, piece in enumerate(_pieces(reply, arguments) or [""]):
            call: dict[str, object] = {"index": 0, "function": {"arguments": piece}}
            if first == 0:
                call |= {"id": "call_1", "type": "function", "function": {"name": name, "arguments": piece}}
            yield chunk({"tool_calls": [call]})
        finish = "tool_calls" if finish == "stop" else finish
    yield chunk({}, finish)
    if reply.usage and body.get("stream_options", {}).get("include_usage"):
        yield "", {**base, "choices": [], "usage": _usage(reply.usage)}
    yield "", "[DONE]"


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}


def _completion(body: Mapping[str, Any], reply: Reply) -> dict[str, object]:
    message = {"role": "assistant", "content": None if reply.null else reply.text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        "usage": _usage(reply.usage or (0, 0)),
    }


def _anthropic(body: Mapping[str, Any], reply: Reply) -> Iterator[Event]:
    def event(kind: str, **more: object) -> Event:
        return kind, {"type": kind, **more}

    read, written = reply.usage or (0, 0)
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": read, "output_tokens": 0}}
    yield event("message_start", message=message)
    yield event("ping")
    blocks: list[tuple[dict[str, object], str, str, list[str]]] = []
    if reply.thoughts:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        blocks.append((block, "thinking_delta", "thinking", _pieces(reply, reply.thoughts)))
    if reply.text:
        blocks.append(({"type": "text", "text": ""}, "text_delta", "text", _pieces(reply, reply.text)))
    arguments = _arguments(reply)
    if arguments is not None:
        block = {"type": "tool_use", "id": "toolu_1", "name": body["tools"][0]["name"], "input": {}}
        blocks.append((block, "input_json_delta", "partial_json", _pieces(reply, arguments)))
    for index, (block, kind, key, pieces) in enumerate(blocks):
        yield event("content_block_start", index=index, content_block=block)
        for piece in pieces:
            yield event("content_block_delta", index=index, delta={"type": kind, key: piece})
        yield event("content_block_stop", index=index)
    if reply.error:
        yield "error", _error("/messages", reply)
        return
    reason = {"stop": "tool_use" if reply.tool else "end_turn", "length": "max_tokens", "content_filter": "refusal"}
    delta = {"stop_reason": reason[reply.finish], "stop_sequence": None}
    yield event("message_delta", delta=delta, usage={"output_tokens": written})
    yield event("message_stop")


def _google(body: Mapping[str, Any], reply: Reply) -> Iterator[Event]:
    read, written = reply.usage or (0, 0)
    counts = {"promptTokenCount": read, "candidatesTokenCount": written, "totalTokenCount": read + written}

    def chunk(part: dict[str, object] | None, finish: str | None = None) -> Event:
        content = {"role": "model", "parts": [part] if part else []}
        return "", {"candidates": [{"index": 0, "content": content, "finishReason": finish}], "usageMetadata": counts}

    for piece in _pieces(reply, reply.thoughts):
        yield chunk({"text": piece, "thought": True})
    for piece in _pieces(reply, reply.text):
        yield chunk({"text": piece})
    if reply.tool is not None:
        name = body["tools"][0]["functionDeclarations"][0]["name"]
        yield chunk({"functionCall": {"name": name, "args": reply.tool}})
    yield chunk(None, {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}[reply.finish])


def _responses(body: Mapping[str, Any], reply: Reply) -> Iterator[Event]:
    numbers = iter(range(10_000))

    def event(kind: str, **more: object) -> Event:
        return kind, {"type": kind, "sequence_number": next(numbers), **more}

    def response(status: str, **more: object) -> dict[str, object]:
        empty = {"output": [], "tools": [], "parallel_tool_calls": True, "tool_choice": "auto"}
        return {"id": "resp_1", "object": "response", "created_at": 1, "model": body["model"], "status": status} | (
            empty | more
        )

    yield event("response.created", response=response("in_progress"))
    item: dict[str, object] = {"id": "item_1", "status": "in_progress"}
    arguments = _arguments(reply)
    if arguments is not None:
        item |= {"type": "function_call", "call_id": "call_1", "name": body["tools"][0]["name"], "arguments": ""}
        yield event("response.output_item.added", output_index=0, item=item)
        for piece in _pieces(reply, arguments):
            yield event("response.function_call_arguments.delta", item_id="item_1", output_index=0, delta=piece)
        item |= {"status": "completed", "arguments": arguments}
    else:
        where = {"item_id": "item_1", "output_index": 0, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": []}
        item |= {"type": "message", "role": "assistant", "content": []}
        yield event("response.output_item.added", output_index=0, item=item)
        yield event("response.content_part.added", **where, part=part)
        for piece in _pieces(reply, reply.text):
            yield event("response.output_text.delta", **where, delta=piece, logprobs=[])
        item |= {"status": "completed", "content": [part | {"text": reply.text}]}
    yield event("response.output_item.done", output_index=0, item=item)
    read, written = reply.usage or (0, 0)
    counts = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    counts |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    cut = reply.finish == "length"
    done = response("incomplete" if cut else "completed", output=[item], usage=counts)
    done |= {"incomplete_details": {"reason": "max_output_tokens"} if cut else None}
    yield event("response.incomplete" if cut else "response.completed", response=done)
