"""Stores: where the events of a run are kept."""

from treewright.store.memory import MemoryStore
from treewright.store.sqlite import SqliteStore

__all__ = ["MemoryStore", "SqliteStore"]
