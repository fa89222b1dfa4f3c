"""The one event loop that all requests to language models run on.

Workers are threads and the providers' clients are asynchronous, each bound to the loop that opened its connections. So
there is one loop, in a daemon thread of its own, started by the first request; ``submit`` hands it work from any
thread. At exit it cancels what still runs and closes the clients, so that no socket is left to the garbage collector.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractAsyncContextManager

Result = TypeVar("Result")

FAREWELL = 2.0
"""Seconds that requests get at exit to notice that they were cancelled."""


class Background:
    """An event loop in a thread, and the clients that are open on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._clients: dict[int, AbstractAsyncContextManager[object]] = {}
        self._thread = threading.Thread(target=self._run, name="treewright-llm", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Start a coroutine on the loop; its future may be waited for, and cancelled, from any other thread.

        It is cancelled already where the program ends and the loop is closed.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            never: Future[Result] = Future()
            never.cancel()
            return never

    async def enter(self, client: AbstractAsyncContextManager[object]) -> None:
        """Open a client on the loop unless it is open already."""
        if id(client) not in self._clients:
            self._clients[id(client)] = client
            await client.__aenter__()

    async def leave(self, client: AbstractAsyncContextManager[object]) -> None:
        """Close a client's connections; it opens again when it is entered again."""
        if self._clients.pop(id(client), None) is not None:
            with suppress(Exception):  # a connection that is broken already may refuse to be closed
                await client.__aexit__(None, None, None)

    def close(self) -> None:
        """Cancel what runs, close the clients, end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2 * FAREWELL)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._finish())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _finish(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=FAREWELL)
        for client in tuple(self._clients.values()):
            await self.leave(client)


_lock = threading.Lock()
_backgrounds: list[Background] = []


def background() -> Background:
    """The loop of this process."""
    with _lock:
        if not _backgrounds:
            _backgrounds.append(Background())
            atexit.register(_backgrounds[0].close)
        return _backgrounds[0]
