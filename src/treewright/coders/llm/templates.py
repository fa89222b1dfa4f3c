"""The prompts: Markdown files that a researcher can read, copy and replace, one a file.

A template holds placeholders such as ``$task``, each for a block that ``blocks.py`` makes; a block with nothing to tell
vanishes with its heading. What is the same for all nodes comes first, because servers and providers need not read again
what two requests have in common at their beginning. A folder of one's own (``--set coder.prompts=DIR``) is looked
through first, so that it need hold no more than what it changes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from treewright.errors import ConfigError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

NAMES = (
    "system",
    "draft",
    "debug",
    "improve",
    "review",
    "rules",
    "answer",
    "edits",
    "mend",
    "refused",
    "continue",
)
BLOCKS = (
    "task",
    "goal",
    "data",
    "memory",
    "parent",
    "unused",
    "facts",
    "frame",
    "now",
    "complexity",
    "rules",
    "answer",
)
MORE = {"mend": ("findings",), "refused": ("trouble",), "review": ("value",)}
"""Placeholders that only one template has."""


@dataclass(frozen=True, slots=True)
class Templates:
    """The texts of all prompts, by name."""

    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, own: Path | None = None, *, paper: bool = False, printed: bool = False) -> Templates:
        """Those of ``own``, else the paper's, else those for programs that score themselves, else the built-in ones.

        ``ConfigError`` for a folder that is not there or holds none, and for a placeholder that there is not.
        """
        built_in = resources.files("treewright.coders.llm") / "prompts"
        folders: list[Traversable] = [built_in]
        folders = [built_in / "printed", *folders] if printed else folders
        folders = [built_in / "paper", *folders] if paper else folders
        if own is not None:
            if not any((own / f"{name}.md").is_file() for name in NAMES):
                raise ConfigError(f"coder.prompts: {own} holds none of {', '.join(f'{name}.md' for name in NAMES)}")
            if unknown := sorted(path.name for path in own.glob("*.md") if path.stem not in NAMES):
                near = difflib.get_close_matches(unknown[0].removesuffix(".md"), NAMES, n=1, cutoff=0.0)[0]
                raise ConfigError(f"coder.prompts: there is no prompt {unknown[0]}; the nearest is {near}.md")
            folders.insert(0, own)
        return cls({name: _read(folders, name) for name in NAMES})

    @property
    def rules(self) -> str:
        """The block of rules."""
        return f"# Rules\n\n{self.fill('rules', {})}"

    def fill(self, name: str, blocks: Mapping[str, str]) -> str:
        """A prompt with its blocks in place, as they are; those with nothing to tell leave no hole."""
        filled = dict.fromkeys(BLOCKS, "") | dict(blocks)
        text = self.texts[name]
        for block in (block for block, content in filled.items() if not content):
            text = re.sub(rf"^\$(?:{block}|\{{{block}\}})[ \t]*$", "", text, flags=re.MULTILINE)
        return Template(re.sub(r"\n{3,}", "\n\n", text).strip()).substitute(filled)


def _read(folders: list[Traversable], name: str) -> str:
    path = next(path for folder in folders if (path := folder / f"{name}.md").is_file())
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the prompt {path} cannot be read: {error}") from None
    template, known = Template(text), {*BLOCKS, *MORE.get(name, ())}
    unknown = sorted(set(template.get_identifiers()) - known) if template.is_valid() else ["$"]
    if unknown:
        there_are = ", ".join(sorted(known))
        raise ConfigError(f"the prompt {path} has a placeholder {unknown[0]!r}; there are {there_are}; $$ is a dollar")
    return text
