"""Reading a task, describing its columns, and hiding rows."""

from treewright.data.further import FurtherSplits
from treewright.data.hiding import prepare
from treewright.data.holdout import Fold, FoldRows, Holdout, Role, load_holdout
from treewright.data.profile import profile_table
from treewright.data.task_folder import read_task
from treewright.data.whole import prepare_whole

__all__ = [
    "Fold",
    "FoldRows",
    "FurtherSplits",
    "Holdout",
    "Role",
    "load_holdout",
    "prepare",
    "prepare_whole",
    "profile_table",
    "read_task",
]
