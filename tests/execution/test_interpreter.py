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
from treewright.execution.interpreter import _gpus, inspect
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


CARDS = """\
NVIDIA A, 100 MiB, GPU-11aa
NVIDIA B, 200 MiB, GPU-22bb
NVIDIA B, 200 MiB, GPU-22cc
"""
SLICES = """\
GPU 0: NVIDIA A (UUID: GPU-11aa)
  MIG 1g.10gb     Device  0: (UUID: MIG-33dd)
  MIG 2g.20gb     Device  1: (UUID: MIG-44ee)
"""
A, B = "NVIDIA A, 100 MiB", "NVIDIA B, 200 MiB"


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """An ``nvidia-smi`` that tells of three cards, one of them in two slices."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && echo '{SLICES}' || echo '{CARDS}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    _gpus.cache_clear()
    yield
    _gpus.cache_clear()


@pytest.mark.parametrize(
    ("visible", "cards"),
    [
        (None, (A, B, B)),
        ("", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
        ("7", ()),
        ("1", (B,)),
        ("2, 0", (B, A)),
        ("0,-1,1", (A,)),
        ("0,,1", (A,)),
        ("0,0", ()),
        ("GPU-11aa", (A,)),
        ("GPU-22b,GPU-1", (B, A)),
        ("GPU-22", ()),
        ("GPU-99,GPU-11aa", ()),
        ("GPU-", ()),
        ("MIG-44ee", ("MIG 2g.20gb",)),
        ("MIG-99", ()),
    ],
)
@pytest.mark.usefixtures("driver")
def test_of_the_graphics_cards_those_count_that_cuda_would_show(monkeypatch, visible, cards):
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert probe_machine(PYTHON, 1).gpus == cards


def test_without_the_driver_s_tool_there_is_no_card(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    _gpus.cache_clear()
    assert probe_machine(PYTHON, 1).gpus == ()
    _gpus.cache_clear()
