"""How a script without a sandbox gets its input."""

from __future__ import annotations

import stat

import pytest

from treewright.execution import plain
from treewright.execution.plain import provide


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "images").mkdir(parents=True)
    (folder / "images/1.png").write_text("png")
    (folder / "train.csv").write_text("train")
    (tmp_path / "users.csv").write_text("users")
    (folder / "linked.csv").symlink_to(tmp_path / "users.csv")
    (folder / "hard.csv").hardlink_to(tmp_path / "users.csv")
    return folder


@pytest.mark.parametrize("copied_bytes", [1000, 0], ids=["copied", "too large to be copied"])
def test_a_script_finds_all_of_its_input(source, tmp_path, monkeypatch, copied_bytes):
    monkeypatch.setattr(plain, "COPIED_BYTES", copied_bytes)
    provide(source, tmp_path / "input")
    for name in ("images/1.png", "train.csv", "linked.csv", "hard.csv"):
        assert (tmp_path / "input" / name).read_text() == (source / name).read_text()


def test_what_is_copied_can_be_spoilt_without_harm(source, tmp_path):
    provide(source, tmp_path / "input")
    for name in ("images/1.png", "train.csv", "linked.csv", "hard.csv"):
        (tmp_path / "input" / name).write_text("spoilt")
        assert (source / name).read_text() != "spoilt"


def test_what_is_too_large_to_be_copied_is_made_read_only_but_never_the_users_own_file(source, tmp_path, monkeypatch):
    monkeypatch.setattr(plain, "COPIED_BYTES", 0)
    before = (tmp_path / "users.csv").stat().st_mode
    provide(source, tmp_path / "input")
    assert not (source / "train.csv").stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    assert (tmp_path / "users.csv").stat().st_mode == before


def test_a_link_can_be_deleted_without_harm(source, tmp_path, monkeypatch):
    monkeypatch.setattr(plain, "COPIED_BYTES", 0)
    provide(source, tmp_path / "input")
    (tmp_path / "input/train.csv").unlink()
    assert (source / "train.csv").read_text() == "train"
