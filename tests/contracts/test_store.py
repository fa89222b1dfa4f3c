"""What every store promises, run over every store."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack
from contextlib import closing as closed_at_the_end

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treewright.errors import RunFormatError, RunLockedError, StoreError
from treewright.events import (
    Evaluated,
    Extended,
    Finished,
    Member,
    RunStarted,
    Selected,
    Started,
    Written,
)
from treewright.metrics import Direction
from treewright.scores import FoldScore
from treewright.store import MemoryStore, SqliteStore
from treewright.store.codec import decode, encode
from treewright.tree import Action, Evaluation, Execution, Operator, Proposal

DRAFT = Started(1, Action(Operator.DRAFT))


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "run.db", "run")
    yield made
    made.close()


@pytest.fixture
def database(tmp_path):
    """Opens the store of a run's database, as often as one likes."""
    with ExitStack() as closing:
        yield lambda **how: closing.enter_context(closed_at_the_end(SqliteStore(tmp_path / "run.db", "run", **how)))


@pytest.fixture
def raw(tmp_path):
    """The same database without the store."""
    with closed_at_the_end(sqlite3.connect(tmp_path / "run.db")) as connection:
        yield connection


def test_entries_come_back_in_order_and_as_they_went_in(store):
    events = [
        RunStarted("run", 0, "rmse", Direction.MINIMIZE, {"steps": 3, "name": "x"}),
        DRAFT,
        Written(1, Proposal("a plan", "print(1)\n" * 500, "coder", {"recipe": "{}"})),
        Evaluated(1, Execution(1.5, 0, output="é\x00\n"), Evaluation((FoldScore(0, 0.1, (0.1, 0.3)),))),
        Selected((Member(1, 1.0),), {1: 0.25}, 0.25, 0.01),
        Finished("steps"),
        Extended({"steps": 5}),
    ]
    for event in events:
        store.append(event, elapsed=1.0)
    assert [entry.event for entry in store.entries()] == events
    assert [entry.seq for entry in store.entries()] == list(range(1, 8))


def test_a_reader_can_ask_for_what_is_new(store):
    for node in range(1, 6):
        store.append(Started(node, Action(Operator.DRAFT)), elapsed=0.0)
    assert [entry.seq for entry in store.entries(after=3)] == [4, 5]


def test_starting_a_node_counts_as_its_first_attempt(store):
    store.append(DRAFT, elapsed=0.0)
    assert store.attempt(1) == 2
    store.forgive()
    assert store.attempt(1) == 1


def test_only_one_may_write_at_a_time(store):
    with store.lock(), pytest.raises(RunLockedError), store.lock():
        pass
    with store.lock():
        pass


# -- the database's own promises -----------------------------------------------------------------------------------


def test_a_second_process_may_read_while_the_first_one_writes(database):
    writer = database()
    reader = database(read_only=True)
    writer.append(DRAFT, elapsed=0.0)
    assert [entry.event for entry in reader.entries()] == [DRAFT]
    with pytest.raises(StoreError, match="readonly"):
        reader.append(DRAFT, elapsed=0.0)


def test_a_program_written_twice_is_stored_once(database, raw):
    store = database()
    for node in (1, 2):
        store.append(Written(node, Proposal("plan", "x = 1\n" * 1000, "coder")), elapsed=0.0)
    (count,) = raw.execute("SELECT count(*) FROM texts").fetchone()
    assert count == 1


def test_a_database_of_a_newer_version_is_refused_with_the_mend(database, raw):
    database().close()
    raw.execute("PRAGMA user_version = 99")
    with pytest.raises(RunFormatError, match="upgrade"):
        database()


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path, database):
    (tmp_path / "run.db").write_text("not a database, but long enough to look like one\n" * 100)
    with pytest.raises(RunFormatError, match="damaged"):
        database()


def test_a_run_whose_folder_was_renamed_is_still_that_run(tmp_path):
    with closed_at_the_end(SqliteStore(tmp_path / "run.db", "old name")) as store:
        store.append(DRAFT, elapsed=0.0)
    with closed_at_the_end(SqliteStore(tmp_path / "run.db", "new name")) as store:
        store.append(Finished("steps"), elapsed=1.0)
        assert [entry.event for entry in store.entries()] == [DRAFT, Finished("steps")]


def test_a_missing_database_is_not_made_by_a_reader(tmp_path, database):
    with pytest.raises(StoreError, match="cannot open"):
        database(read_only=True)
    assert not (tmp_path / "run.db").exists()


def test_a_full_disk_loses_only_the_event_that_did_not_fit(database):
    store = database()
    store.append(DRAFT, elapsed=0.0)
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full"):
        store.append(Written(1, Proposal("plan", "x" * 1_000_000, "coder")), elapsed=0.0)
    store._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
    store.append(Written(1, Proposal("plan", "y", "coder")), elapsed=0.0)
    assert [entry.seq for entry in store.entries()] == [1, 2]


def test_the_lock_is_free_again_after_the_process_that_held_it_died(tmp_path, database):
    import subprocess
    import sys

    code = (
        "import os, sys; from pathlib import Path; from treewright.store import SqliteStore\n"
        "with SqliteStore(Path(sys.argv[1]), 'run').lock(): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "run.db")], check=False)
    with database().lock():
        assert True


def test_a_reader_in_another_thread_has_its_own_store(tmp_path, database):
    database().append(DRAFT, elapsed=0.0)
    found: list[int] = []

    def read() -> None:
        with closed_at_the_end(SqliteStore(tmp_path / "run.db", "run", read_only=True)) as store:
            found.append(len(store.entries()))

    reader = threading.Thread(target=read)
    reader.start()
    reader.join()
    assert found == [1]


texts = st.text(max_size=600)
numbers = st.floats(allow_nan=False, allow_infinity=False)
proposals = st.builds(Proposal, texts, texts, texts, st.dictionaries(texts, texts, max_size=3))
fold_scores = st.builds(FoldScore, st.integers(0, 9), numbers, st.lists(numbers, max_size=5).map(tuple))
evaluations = st.builds(
    Evaluation, st.lists(fold_scores, max_size=3).map(tuple), st.booleans(), st.none() | texts, st.none() | texts
)
executions = st.builds(
    Execution, numbers, st.none() | st.integers(-64, 255), st.none() | texts, st.none() | texts, texts
)
actions = st.builds(Action, st.sampled_from(Operator), st.none() | st.integers(1, 9))
events = st.one_of(
    st.builds(Started, st.integers(1, 9), actions),
    st.builds(Written, st.integers(1, 9), proposals),
    st.builds(Evaluated, st.integers(1, 9), executions, evaluations),
    st.builds(Finished, texts),
    st.builds(Selected, st.just(()), st.dictionaries(st.integers(1, 9), numbers), st.none() | numbers, st.none()),
)


@given(events)
@settings(deadline=None)
def test_the_codec_gives_back_the_event_it_was_given(event):
    row = encode(event)
    assert decode(row.kind, row.body, row.texts.__getitem__) == event


def test_an_unknown_event_is_refused_with_the_mend():
    with pytest.raises(RunFormatError, match="newer treewright"):
        decode("Merged", "{}", str)


@pytest.mark.parametrize("body", ['{"node": "seven"}', "null", "{"])
def test_a_damaged_event_is_refused_in_one_line(body):
    with pytest.raises(RunFormatError, match="damaged") as refused:
        decode("Started", body, str)
    assert "\n" not in str(refused.value)
