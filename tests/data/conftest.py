"""Small task folders made on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import settings

from data.making import plain_tables

if TYPE_CHECKING:
    from pathlib import Path

    from data.making import MakeFolder


settings.register_profile("data", deadline=None)  # the first example imports pandas or scipy, on a busy machine
settings.load_profile("data")

NAMES = {
    "train": "train.csv",
    "test": "test.csv",
    "sample": "sample_submission.csv",
    "description": "description.md",
    "toml": "task.toml",
}


@pytest.fixture
def folder(tmp_path: Path) -> MakeFolder:
    """Write ``train``, ``test``, ``sample``, ``description`` and ``toml`` into a folder; others by their file name."""

    def make(**files: pd.DataFrame | str | bytes) -> Path:
        path = tmp_path / "puffins"
        path.mkdir(exist_ok=True)
        for key, content in files.items():
            file = path / NAMES.get(key, key)
            if isinstance(content, pd.DataFrame):
                content.to_csv(file, index=False)
            else:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    """A plain regression task: 60 training rows, 30 test rows, ids that do not overlap."""
    return plain_tables(60, 30)
