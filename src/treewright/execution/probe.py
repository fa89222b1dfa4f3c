"""The choice of a sandbox: one counts as working when a script has really been contained by it, here and now."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.errors import ConfigError, ExecutorError
from treewright.execution.bwrap import Bubblewrap, gpus
from treewright.execution.interpreter import inspect
from treewright.execution.local import LocalExecutor
from treewright.execution.plain import NoSandbox
from treewright.protocols import Job

if TYPE_CHECKING:
    from treewright.execution.sandbox import Sandbox

CHOICES = ("auto", "bwrap", "none")

_SECONDS = 30
_PROBE = """
import json, os, socket
interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
settings = os.access("/proc/sys/kernel/core_pattern", os.W_OK)
seen = dict(files=os.path.exists({secret!r}), network=bool(interfaces), settings=settings)
json.dump([name for name, reached in seen.items() if reached], open("working/seen", "w"))
"""
_FORBIDDEN = (
    "allow user namespaces, if it is them (Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; "
    "in a container: its security profile)"
)
_SANDBOX_NONE = "or choose --sandbox none: scripts can then read and change your files and use the network"


def find_sandbox(choice: str, python: Path) -> Sandbox:
    """The sandbox to run scripts of this interpreter in; ``choice`` is one of ``CHOICES``.

    ``auto`` never falls back to none: that is for a person to decide. ``ConfigError`` if the choice is unknown or
    does not work here, with the reason and the mend. The answer for an interpreter is kept.
    """
    if choice not in CHOICES:
        raise ConfigError(f"unknown sandbox {choice!r}: choose one of {', '.join(CHOICES)}")
    return NoSandbox() if choice == "none" else _bubblewrap(inspect(python).path)


@cache
def _bubblewrap(python: Path) -> Bubblewrap:
    program = shutil.which("bwrap")
    if program is None:
        raise ConfigError(f"no sandbox: install bubblewrap (apt install bubblewrap), {_SANDBOX_NONE}")
    listed = subprocess.run([program, "--help"], capture_output=True, text=True, check=False, timeout=_SECONDS)
    options = frozenset(word for word in (listed.stdout + listed.stderr).split() if word.startswith("--"))
    sandbox = Bubblewrap(Path(program), options, inspect(python).visible, gpus())
    if trouble := probe(sandbox, python):
        raise ConfigError(f"the bwrap sandbox does not work here: {trouble}\n{_FORBIDDEN}, {_SANDBOX_NONE}")
    return sandbox


def probe(sandbox: Sandbox, python: Path) -> str | None:
    """Run a script in the sandbox and see what it can see; the trouble in plain words, ``None`` if there is none."""
    with tempfile.TemporaryDirectory(prefix="treewright-") as folder:
        workdir, data = Path(folder, "node"), Path(folder, "input")
        workdir.mkdir()
        data.mkdir()
        job = Job(_PROBE.format(secret=folder), workdir, data, _SECONDS)
        try:
            execution = LocalExecutor(sandbox, python, pauses=()).run(job)
        except ExecutorError as error:
            return str(error)
        if execution.failure:
            return f"a trial script {execution.failure}"
        reached = json.loads((workdir / "working" / "seen").read_text())
    return f"a trial script could reach the machine's {' and '.join(reached)}" if reached else None
