"""Many workers, one writer.

Worker threads wait for models and for scripts; whatever they bring back reaches the thread that called ``work``, one
piece at a time, through one queue. So that thread alone changes the tree and writes the log, and nothing there needs
a lock. A worker may also send a letter in the middle of its task (``post``) and goes on once what it says is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from queue import SimpleQueue
from typing import TYPE_CHECKING

from treewright.events import Event
from treewright.protocols import Cancelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


Task = Callable[[], Event | None]
"""Half a step, done by a worker: the event it leads to, or ``None`` where nothing came of it."""


class _State(Enum):
    IDLE = auto()
    WORKING = auto()
    GIVEN_UP = auto()


@dataclass(frozen=True, slots=True)
class _Letter:
    event: Event
    stored: Future[None]


class Crew:
    """``size`` workers.

    ``record`` stores an event, ``land`` does so with a task's result and says what follows it. ``interrupt`` tells the
    workers to hurry home, where the one writer cannot go on.
    """

    def __init__(
        self,
        size: int,
        *,
        record: Callable[[Event], None],
        land: Callable[[Event | None], Task | None],
        interrupt: Callable[[], None],
    ) -> None:
        self.size = size
        self._record, self._land, self._interrupt = record, land, interrupt
        self._inbox: SimpleQueue[Future[Event | None] | _Letter] = SimpleQueue()
        self._state = _State.IDLE

    def work(self, tasks: Iterable[Task], more: Callable[[], Task | None] = lambda: None) -> None:
        """Do these tasks and what follows them; a free worker gets ``more()``, until it has nothing or a task fails.

        What is in flight is finished before the first failure is raised.
        """
        failure: BaseException | None = None
        with self._working(), ThreadPoolExecutor(self.size, thread_name_prefix="worker") as pool:
            try:
                flying = {self._launch(pool, task) for task in tasks}
                while True:
                    while failure is None and len(flying) < self.size and (task := more()):
                        flying.add(self._launch(pool, task))
                    if not flying:
                        break
                    arrived = self._inbox.get()
                    if isinstance(arrived, _Letter):
                        self._take(arrived)
                        continue
                    flying.remove(arrived)
                    if error := arrived.exception():
                        failure = failure or error
                    elif next_task := self._land(arrived.result()):
                        flying.add(self._launch(pool, next_task))
            except BaseException:
                self._state = _State.GIVEN_UP
                self._interrupt()
                raise
        if failure:
            raise failure

    def post(self, event: Event) -> None:
        """Have an event recorded, from a worker's thread; it has reached the disk when this returns.

        While there is no work, the caller is the one writer itself. ``Cancelled`` if the writer has given up.
        """
        if self._state is _State.IDLE:
            return self._record(event)
        letter = _Letter(event, Future())
        self._inbox.put(letter)
        while True:
            try:
                return letter.stored.result(timeout=1.0)
            except TimeoutError:
                if self._state is _State.GIVEN_UP:
                    raise Cancelled from None

    @contextmanager
    def _working(self) -> Iterator[None]:
        self._state, self._inbox = _State.WORKING, SimpleQueue()  # nothing is left of a session that gave up
        try:
            yield
        finally:
            self._state = _State.IDLE

    def _launch(self, pool: ThreadPoolExecutor, task: Task) -> Future[Event | None]:
        future = pool.submit(task)
        future.add_done_callback(self._inbox.put)
        return future

    def _take(self, letter: _Letter) -> None:
        try:
            self._record(letter.event)
        except BaseException as error:
            letter.stored.set_exception(error)
            raise
        letter.stored.set_result(None)
