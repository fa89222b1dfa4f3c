"""What the scripts' interpreter says of itself, and what of it a script gets to see."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from treewright.errors import ConfigError
from treewright.execution import LocalExecutor, find_sandbox, probe_machine
from treewright.execution.interpreter import inspect
from treewright.protocols import Job

PYTHON = Path(sys.executable)


@pytest.fixture
def venv(tmp_path):
    """A virtual environment that fills a project's folder, as ``python -m venv .`` makes it."""
    folder = tmp_path / "project"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", folder], check=True)
    (folder / ".env").write_text("KEY=secret")
    return folder


def test_the_machine_is_what_a_script_finds():
    machine = probe_machine(PYTHON, cpus=3, memory_mb=500)
    assert machine.python == platform.python_version()
    assert machine.packages["pytest"] == version("pytest")
    assert (machine.cpus, machine.memory_mb) == (3, 500)


def test_memory_without_a_limit_is_all_there_is():
    assert probe_machine(PYTHON, 1, 10**9).memory_mb == probe_machine(PYTHON, 1).memory_mb > 100


def test_another_interpreter_is_asked_for_its_own_packages(venv):
    machine = probe_machine(venv / "bin/python", 1)
    assert machine.python == platform.python_version()
    assert "pytest" not in machine.packages


def test_an_interpreter_may_be_named_or_reached_by_a_link(tmp_path, monkeypatch):
    (tmp_path / "shim").write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    (tmp_path / "shim").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert inspect(Path("shim")).packages["pytest"] == version("pytest")


@pytest.mark.parametrize("path", ["/nowhere/python", "/bin/true", "/etc"])
def test_what_is_no_interpreter_is_an_error(path):
    with pytest.raises(ConfigError, match=path):
        probe_machine(Path(path), 1)
    with pytest.raises(ConfigError, match=path):
        LocalExecutor(find_sandbox("none", PYTHON), Path(path))


def test_the_folder_that_a_virtual_environment_shares_stays_hidden(venv, tmp_path):
    python = venv / "bin/python"
    try:
        sandbox = find_sandbox("bwrap", python)
    except ConfigError as error:
        pytest.skip(str(error))
    for name in ("node", "data"):
        (tmp_path / name).mkdir()
    code = f"import os, sys; print(sys.prefix, os.path.exists({str(venv / '.env')!r}))"
    execution = LocalExecutor(sandbox, python).run(Job(code, tmp_path / "node", tmp_path / "data", 60))
    assert execution.output == f"{venv} False\n"
