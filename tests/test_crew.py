"""Many workers, one writer."""

from __future__ import annotations

import threading
import time

import pytest

from treewright.crew import Crew
from treewright.events import Finished
from treewright.protocols import Cancelled

NEWS = Finished("steps")


class Desk:
    """The one writer: remembers what is recorded, and by which thread."""

    def __init__(self, size: int = 3, *, fails: bool = False) -> None:
        self.fails = fails
        self.recorded: list[tuple[object, threading.Thread]] = []
        self.hurried = threading.Event()
        self.crew = Crew(size, record=self.record, land=self.land, interrupt=self.hurried.set)

    def record(self, event: object) -> None:
        if self.fails:
            raise OSError("the disk is full")
        self.recorded.append((event, threading.current_thread()))

    def land(self, event: object) -> None:
        if event is not None:
            self.record(event)


def test_whatever_workers_bring_is_recorded_by_the_thread_that_waits_for_them():
    desk = Desk()

    def task() -> Finished:
        desk.crew.post(NEWS)
        return NEWS

    desk.crew.work([task] * 5)
    assert {thread for _, thread in desk.recorded} == {threading.current_thread()}
    assert len(desk.recorded) == 10


def test_a_worker_goes_on_only_when_its_letter_is_stored():
    desk = Desk()
    stored = []

    def task() -> None:
        desk.crew.post(NEWS)
        stored.append(len(desk.recorded))

    desk.crew.work([task])
    assert stored == [1]


def test_without_work_a_letter_is_recorded_at_once():
    desk = Desk()
    desk.crew.post(NEWS)
    assert desk.recorded == [(NEWS, threading.current_thread())]


def test_free_workers_are_given_more_until_there_is_no_more():
    desk = Desk(2)
    left = [lambda: None] * 7
    desk.crew.work([], lambda: left.pop() if left else None)
    assert not left


def test_after_a_failure_nothing_is_begun_and_what_is_in_flight_is_finished():
    desk = Desk(2)
    finished = threading.Event()
    begun = []

    def fail() -> None:
        raise ValueError("lost")

    def work() -> Finished:
        finished.wait(0.2)
        return NEWS

    def more() -> None:
        begun.append(1)

    with pytest.raises(ValueError, match="lost"):
        desk.crew.work([fail, work], more)
    assert len(desk.recorded) == 1 and not begun


def test_where_the_writer_gives_up_nobody_waits_for_it_any_more():
    desk = Desk(2, fails=True)
    ended = []

    def task() -> None:
        try:
            desk.crew.post(NEWS)
        except (Cancelled, OSError) as error:
            ended.append(error)
            raise

    started = time.monotonic()
    with pytest.raises(OSError, match="full"):
        desk.crew.work([task, task])
    assert len(ended) == 2 and desk.hurried.is_set()
    assert time.monotonic() - started < 60


def test_a_crew_that_gave_up_can_work_again():
    desk = Desk(fails=True)
    with pytest.raises(OSError, match="full"):
        desk.crew.work([lambda: desk.crew.post(NEWS)])
    desk.fails = False
    desk.crew.work([lambda: NEWS])
    assert len(desk.recorded) == 1
