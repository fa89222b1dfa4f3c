"""The run's database: an append-only log of events in SQLite.

One coordinator writes, from one thread; any number of other processes read. Write-ahead logging lets them do so at
the same time, and ``synchronous=FULL`` means that an event is on the disk when ``append`` returns. The lock is an
advisory lock on a file beside the database: the kernel releases it when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from treewright.errors import RunFormatError, RunLockedError, StoreError
from treewright.events import VERSION, Started
from treewright.protocols import Entry
from treewright.store.codec import decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from treewright.events import Event

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS events (
    run TEXT NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, elapsed REAL NOT NULL,
    kind TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS texts (hash TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (
    run TEXT NOT NULL, node INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (run, node)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""

_COUNT_ATTEMPT = """
INSERT INTO attempts VALUES (?, ?, 1) ON CONFLICT (run, node) DO UPDATE SET count = count + 1 RETURNING count
"""


class SqliteStore:
    """The events of the run ``run`` in the database at ``path``, or of the only one that it holds.

    ``read_only`` opens an existing database without the right to change it. ``RunFormatError`` for a file that is no
    database of this version, ``StoreError`` where it cannot be opened.
    """

    def __init__(self, path: Path, run: str, *, read_only: bool = False) -> None:
        self.path, self.run = path, run
        try:
            mode = "ro" if read_only else "rwc"
            uri = f"{path.absolute().as_uri()}?mode={mode}"
            self._db = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreError(f"cannot open {path}: {error}") from error
        try:
            self._seq = self._open(read_only=read_only)
        except BaseException as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError):
                raise StoreError(f"cannot open {path}: {error}") from error
            if isinstance(error, sqlite3.DatabaseError):
                raise RunFormatError(f"{path} is not a run database, or it is damaged: {error}") from error
            raise

    def _open(self, *, read_only: bool) -> int:
        """Bring the database to this version, and say how many events it holds."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise RunFormatError(
                f"{self.path} was written by a newer treewright (format {version}); upgrade to read it"
            )
        if not read_only:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            if version < VERSION:
                self._db.executescript(_SCHEMA)
        elif version == 0:
            raise RunFormatError(f"{self.path} holds no run: it was cut off before it began, or it is something else")
        names = [name for (name,) in self._db.execute("SELECT DISTINCT run FROM events LIMIT 2")]
        if len(names) == 1:
            self.run = names[0]  # its folder may have another name by now
        (seq,) = self._db.execute("SELECT ifnull(max(seq), 0) FROM events WHERE run = ?", (self.run,)).fetchone()
        return int(seq)

    def append(self, event: Event, *, elapsed: float) -> Entry:
        """Store one event for good."""
        entry = Entry(self._seq + 1, time.time(), elapsed, event)
        row = encode(event)
        with self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", row.texts.items())
            self._db.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self.run, entry.seq, entry.at, elapsed, row.kind, VERSION, row.body),
            )
            if isinstance(event, Started):
                self._db.execute(_COUNT_ATTEMPT, (self.run, event.node)).fetchone()
        self._seq = entry.seq
        return entry

    def entries(self, after: int = 0) -> Sequence[Entry]:
        """All entries with a sequence number above ``after``."""
        rows = self._db.execute(
            "SELECT seq, at, elapsed, kind, body FROM events WHERE run = ? AND seq > ? ORDER BY seq", (self.run, after)
        )
        try:
            return tuple(
                Entry(seq, at, elapsed, decode(kind, body, self._text)) for seq, at, elapsed, kind, body in rows
            )
        except sqlite3.DatabaseError as error:
            raise RunFormatError(f"{self.path} is damaged: {error}") from error

    def attempt(self, node: int) -> int:
        """Count a session that has this node in flight."""
        with self._transaction():
            (count,) = self._db.execute(_COUNT_ATTEMPT, (self.run, node)).fetchone()
        return int(count)

    def forgive(self) -> None:
        """Forget the attempts."""
        with self._transaction():
            self._db.execute("DELETE FROM attempts WHERE run = ?", (self.run,))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer."""
        with self.path.with_suffix(".lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunLockedError(
                    f"another process is working on {self.path.parent}; wait for it or stop it"
                ) from error
            yield

    def close(self) -> None:
        """Release the database."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk has rolled back already
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(
                f"cannot save to {self.path}: {error}; all before it is safe, mend it and resume"
            ) from error

    def _text(self, digest: str) -> str:
        row = self._db.execute("SELECT body FROM texts WHERE hash = ?", (digest,)).fetchone()
        if row is None:
            raise RunFormatError(f"{self.path} lacks a text that its log refers to ({digest[:12]}); it is damaged")
        return str(row[0])
