"""Running untrusted scripts: the executor, its sandboxes, and what they find on this machine.

A script is whatever a model or a person wrote: it may be wrong, run for ever, eat all memory, delete what it can
reach, or look for keys. Each runs as one fresh process in its own folder, sees an allow-list of files and of
environment variables, and has no network. It ends, with everything that it started, at its time or memory limit, when
cancelled, and when it is done. What it prints is kept up to a cap, head and tail. Whatever it does is one
``Execution`` with a plain reason.

What holds depends on the sandbox. ``bwrap`` (see that module) covers files, network, environment and processes.
``none`` covers the environment, the limits and the end of descendants as far as they can be found, and nothing else.
Neither protects against faults of the kernel, and neither bounds the number of processes, the processor time or the
disk space that a script takes until its time is up; a file can have 10 GiB at most. Memory is looked at twenty times a
second, so a script can exceed its limit for that long.
"""

from treewright.execution.interpreter import probe_machine
from treewright.execution.local import LocalExecutor
from treewright.execution.probe import find_sandbox
from treewright.execution.sandbox import Sandbox

__all__ = ["LocalExecutor", "Sandbox", "find_sandbox", "probe_machine"]
