"""What is fetched from a working folder, and what is refused."""

from __future__ import annotations

import os
import sys

import pytest

from treewright.workdir import Refused, collect, remove


@pytest.fixture
def working(tmp_path):
    folder = tmp_path / "working"
    folder.mkdir()
    return folder


def refusal(tmp_path, name="submission.csv"):
    found = collect(tmp_path, name, 1000)
    assert isinstance(found, Refused)
    return found.reason


def test_a_plain_file_is_handed_on(tmp_path, working):
    (working / "submission.csv").write_text("id,y\n")
    assert collect(tmp_path, "submission.csv", 1000) == working / "submission.csv"


def test_a_folder_reached_through_a_link_of_ours_is_no_reason_to_refuse(tmp_path, working):
    (working / "submission.csv").write_text("id,y\n")
    (tmp_path / "alias").symlink_to(tmp_path)
    assert collect(tmp_path / "alias", "submission.csv", 1000) == tmp_path / "alias/working/submission.csv"


def test_a_missing_file(tmp_path, working):
    assert refusal(tmp_path) == "it did not write working/submission.csv"
    working.rmdir()
    assert refusal(tmp_path) == "it did not write working/submission.csv"


@pytest.mark.parametrize("target", ["/etc/hostname", "/dev/zero", "submission.csv", "other", "/nowhere"])
def test_a_link(tmp_path, working, target):
    (working / "other").write_text("x")
    (working / "submission.csv").symlink_to(target)
    assert refusal(tmp_path) == "working/submission.csv is a link, which is not followed"


def test_a_folder_that_is_a_link(tmp_path, working):
    working.rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/submission.csv").write_text("x")
    working.symlink_to(tmp_path / "elsewhere")
    assert refusal(tmp_path) == "working/submission.csv is a link, which is not followed"


def test_a_pipe_a_folder_and_a_socket(tmp_path, working):
    os.mkfifo(working / "pipe")
    (working / "folder").mkdir()
    assert refusal(tmp_path, "pipe") == "working/pipe is not a plain file"
    assert refusal(tmp_path, "folder") == "working/folder is not a plain file"


def test_too_large_a_file(tmp_path, working):
    with (working / "submission.csv").open("wb") as file:
        file.truncate(5_000_000_000)
    assert collect(tmp_path, "submission.csv", 2_000_000_000) == Refused(
        "working/submission.csv has 5,000.0 MB, more than the 2,000.0 MB allowed"
    )


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_entered(tmp_path, working):
    (working / "submission.csv").write_text("x")
    working.chmod(0)
    try:
        assert refusal(tmp_path) == "working/submission.csv cannot be read: Permission denied"
    finally:
        working.chmod(0o700)


def test_folders_nested_deeper_than_python_can_go_are_removed(working):
    depth = sys.getrecursionlimit() + 20
    folder = os.open(working, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    remove(working)
    assert not working.exists()


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path, working):
    (tmp_path / "link").symlink_to(working)
    remove(tmp_path / "link")
    remove(tmp_path / "link")
    assert working.exists()
