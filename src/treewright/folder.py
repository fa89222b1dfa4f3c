"""The run folder: where a run keeps what a person reads.

::

    runs/NAME/
        run.db              the event log; everything else but the predictions could be made again from it
        config.toml         what was asked for
        data/inputs/        what scripts see: one folder a split, made once, read-only for them
        data/answers/       what they must not see: the hidden rows' labels
        nodes/0007/         solution.py, output.log, submission.csv, predictions.npz of one node
        best/               solution.py, submission.csv, README.md of the best so far

``best`` is a link to a hidden folder that is complete before the link moves. So whoever looks, whenever, finds a
script and a submission of one and the same node.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

BEST = "best"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of a run. Nothing is made before it is needed."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name: its folder's."""
        return self.path.name

    @property
    def database(self) -> Path:
        """The event log."""
        return self.path / "run.db"

    @property
    def config(self) -> Path:
        """What was asked for."""
        return self.path / "config.toml"

    @property
    def data(self) -> Path:
        """The split data: what scripts see, and beside it what they must not see."""
        return self.path / "data"

    @property
    def best(self) -> Path:
        """The best answer so far, if there is one."""
        return self.path / BEST

    def node(self, node: int) -> Path:
        """Where one node's files lie."""
        return self.path / "nodes" / f"{node:04d}"

    def publish(self, files: dict[str, Path | str]) -> None:
        """Replace ``best/`` in one step; values are files to copy, or texts to write. ``OSError`` if it cannot."""
        old = self.best.resolve() if self.best.is_symlink() else None
        number = int(old.name.rpartition("-")[2]) + 1 if old else 1
        new = self.path / f".{BEST}-{number}"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, content in files.items():
            if isinstance(content, Path):
                shutil.copyfile(content, new / name)
            else:
                (new / name).write_text(content, encoding="utf-8")
        if self.best.is_dir() and not self.best.is_symlink():
            shutil.rmtree(self.best)  # the run was copied by something that follows links
        replace_link(self.best, new.name)
        if old:
            shutil.rmtree(old, ignore_errors=True)


def replace_link(link: Path, target: str) -> None:
    """Let ``link`` point to ``target`` (relative to its folder), atomically."""
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, link)  # noqa: PTH105 -- Path.replace follows no rule of its own; this names the system call


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
