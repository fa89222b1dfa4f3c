"""A real model on a server with OpenAI's interface: ``TREEWRIGHT_LIVE_URL=http://127.0.0.1:8089/v1 make live``.

``TREEWRIGHT_LIVE_MODEL`` names the model, by default the first that the server lists.
"""

from __future__ import annotations

import json
import os
import urllib.request

import pytest

from support import write_line
from treewright.cli import main

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def flags() -> tuple[str, ...]:
    url = os.environ.get("TREEWRIGHT_LIVE_URL")
    if not url:
        pytest.skip("TREEWRIGHT_LIVE_URL is not set")
    name = os.environ.get("TREEWRIGHT_LIVE_MODEL")
    if not name:
        with urllib.request.urlopen(f"{url}/models", timeout=10) as answer:
            name = json.load(answer)["data"][0]["id"]
    return ("--model", f"openai:{name}", "--base-url", url)


def treewright(monkeypatch, capsys, *arguments: object) -> tuple[int, dict]:
    monkeypatch.setattr("sys.argv", ["treewright", *map(str, arguments), "--json"])
    try:
        main()
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    else:
        status = 0
    return status, json.loads(capsys.readouterr().out)


def test_the_doctor_finds_it_well(flags, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status, said = treewright(monkeypatch, capsys, "doctor", *flags, "--sandbox", "none")
    assert status == 0 and said["works"], said


def test_seeded_with_recipes_a_run_ends_with_a_valid_submission(flags, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    task = write_line(tmp_path / "line")
    more = ("--steps", 3, "--set", "coder.seed_with_recipes=1")
    status, figures = treewright(monkeypatch, capsys, "run", task, *flags, *more)
    assert status == 0 and figures["best"] is not None
    assert (tmp_path / "runs/line-1/best/submission.csv").exists()
    assert figures["llm"]["requests"] >= 2


def test_without_a_seed_every_step_is_accounted_for(flags, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    task = write_line(tmp_path / "line")
    _, figures = treewright(monkeypatch, capsys, "run", task, *flags, "--steps", 2)
    assert figures["nodes"] == 2 and figures["stopped_by"] == "steps"
    assert figures["llm"]["requests"] >= 2 and figures["llm"]["output_tokens"] > 0
