"""Everything Treewright raises for a person to read.

::

    TreewrightError
    ├── UsageError            exit 2   the call is wrong; the message says how to mend it
    │   ├── TaskError                  the data folder, its files or its target
    │   │   └── CannotSplit            the data is sound, but no rows of it can be hidden safely
    │   ├── MetricError                an unknown metric, or one that does not fit the target
    │   └── ConfigError                an unknown key or a value out of range
    ├── RunError              exit 2   a run folder that cannot be used
    │   ├── RunExistsError             a new run under a name already taken
    │   ├── RunLockedError             another process is writing this run
    │   └── RunFormatError             written by another version, or damaged
    ├── StoreError            exit 2   the run could not be saved (a full disk, a read-only folder)
    ├── ExecutorError         exit 2   scripts cannot be started here; the run can be resumed
    └── ProviderError         exit 3   the coding operator gave out; the run can be resumed

A script that fails raises none of these: it is a buggy node, which is data (see ``tree.Evaluation``).
Each message is one or two lines: what is wrong, where, and the mend.
"""

from __future__ import annotations


class TreewrightError(Exception):
    """The root of the family; ``exit_code`` is what the command line exits with."""

    exit_code = 2


class UsageError(TreewrightError):
    """The call is wrong."""


class TaskError(UsageError):
    """The task's folder, files or target cannot be used."""


class CannotSplit(TaskError):  # noqa: N818 -- it says what the data is like, not that somebody failed
    """No rows can be hidden safely, so programs cannot be graded here; they can still print scores of their own."""


class MetricError(UsageError):
    """The metric is unknown or does not fit the target."""


class ConfigError(UsageError):
    """A configuration key is unknown or its value is out of range."""


class RunError(TreewrightError):
    """The run folder cannot be used."""


class RunExistsError(RunError):
    """A new run was asked for under a name that is taken."""


class RunLockedError(RunError):
    """Another process is writing this run."""


class RunFormatError(RunError):
    """The run was written by another version, or is damaged."""


class StoreError(TreewrightError):
    """The run could not be saved."""


class ExecutorError(TreewrightError):
    """Scripts cannot be started, through no fault of theirs; everything so far is saved and the run can be resumed."""


class ProviderError(TreewrightError):
    """The coding operator gave out; everything so far is saved and the run can be resumed."""

    exit_code = 3
