"""The floors of the house that import-linter cannot see: what importing them loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import treewright

ROOT = Path(treewright.__file__).parent
HEAVY = {"catboost", "lightgbm", "numpy", "pandas", "pydantic", "pydantic_ai", "rich", "sklearn", "typer", "xgboost"}


def loaded_by(*modules: str) -> set[str]:
    """The top-level packages in ``sys.modules`` of a fresh interpreter that imported these modules."""
    code = f"import sys, {', '.join(modules)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def modules_of(*parts: str) -> list[str]:
    files = [file for part in parts for file in (sorted((ROOT / part).rglob("*.py")) or [ROOT / f"{part}.py"])]
    dotted = [file.relative_to(ROOT.parent).with_suffix("").as_posix().replace("/", ".") for file in files]
    return [name.removesuffix(".__init__") for name in dotted]


@pytest.mark.parametrize(
    "parts",
    [
        ("errors", "metrics", "task", "scores", "tree", "events"),
        ("protocols", "memory", "policies", "data"),
        ("search",),
    ],
    ids=["floor 0", "floor 1", "the loop"],
)
def test_the_core_imports_the_standard_library_alone(parts: tuple[str, ...]) -> None:
    loaded = loaded_by(*modules_of(*parts))
    assert "treewright" in loaded
    assert not loaded & HEAVY
