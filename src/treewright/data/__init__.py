"""Reading a task, describing its columns, and hiding rows."""

from treewright.data.profile import profile_table

__all__ = ["profile_table"]
