"""Programs from a folder, in order: a person's own attempts, scored and searched like any others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.errors import ProviderError, UsageError
from treewright.protocols import Coder
from treewright.tree import Proposal

if TYPE_CHECKING:
    from treewright.protocols import Brief


def read_program(path: Path) -> str:
    """The text of a program; ``UsageError`` if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the program {path}: {error}") from None


@dataclass(frozen=True, slots=True)
class FolderCoder:
    """The n-th node is the n-th of these programs, whatever was asked for; ``before`` nodes are someone else's."""

    programs: tuple[Path, ...]
    before: int = 0
    name: str = "folder"

    @classmethod
    def from_folder(cls, folder: Path, before: int = 0) -> FolderCoder:
        """All ``*.py`` of a folder in the order of their names; ``UsageError`` if there are none."""
        programs = tuple(sorted(folder.glob("*.py")))
        if not programs:
            raise UsageError(f"--coder folder:{folder}: there is no *.py in that folder")
        return cls(programs, before)

    def write(self, brief: Brief) -> Proposal:
        """The program whose turn it is; ``ProviderError`` if there are no more."""
        if brief.node - self.before > len(self.programs):
            held = len(self.programs)
            raise ProviderError(f"there is no program for node {brief.node}, the folder holds {held}; add more, resume")
        program = self.programs[brief.node - self.before - 1]
        return Proposal(f"{program.name}, as it stands in the folder", read_program(program), self.name)


@dataclass(frozen=True, slots=True)
class InitCoder:
    """A person's own script as the first node; all others come from ``coder``."""

    script: Path
    coder: Coder

    @property
    def name(self) -> str:
        """The name of the coder behind it."""
        return self.coder.name

    def write(self, brief: Brief) -> Proposal:
        """The script first, then whatever the coder writes."""
        if brief.node > 1:
            return self.coder.write(brief)
        return Proposal(f"{self.script.name}, the script this run starts from", read_program(self.script), "init")
