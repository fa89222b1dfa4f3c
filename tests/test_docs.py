"""The documentation against the program: what the pages show is what it does."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from support import write_line
from treewright.cli import app
from treewright.data.settings import read_settings
from treewright.errors import ConfigError
from treewright.execution import find_sandbox
from treewright.metrics import BUILT_IN, find_metric

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
COMMANDS = typer.main.get_command(app).commands
RUNNING = [ROOT / "README.md", DOCS / "scoring.md", DOCS / "python.md"]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)


def flags(command: str) -> set[str]:
    return {name for option in COMMANDS[command].params for name in (*option.opts, "--help") if name.startswith("-")}


# Commands -----------------------------------------------------------------------------------------------------------


def test_the_help_texts_on_the_page_are_those_of_the_program():
    embed = runpy.run_path(str(DOCS / "make_help.py"))["embed"]
    page = text_of(DOCS / "cli.md")
    assert embed(page) == page, "mend it with: python docs/make_help.py"


def test_each_command_has_its_help_text_on_the_page():
    assert set(re.findall(r"<!-- help: (\w+) -->", text_of(DOCS / "cli.md"))) == set(COMMANDS)


@every_page
def test_each_command_line_shown_is_one_that_the_program_understands(page):
    lines = [line for block in blocks(page, "") for line in block.splitlines() if line.startswith("treewright ")]
    for line in lines:
        _, command, *arguments = shlex.split(line, comments=True)
        given = {argument for argument in arguments if argument.startswith("-")}
        assert given <= flags(command), line
        assert COMMANDS[command].make_context(command, list(arguments), resilient_parsing=True), line


@every_page
def test_each_flag_named_exists(page):
    known = set().union(*map(flags, COMMANDS), {"--version", "--install-completion", "--show-completion"})
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text_of(page))) <= known


# Links and addresses ------------------------------------------------------------------------------------------------


@every_page
def test_each_link_within_the_repository_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), target
        assert not heading or heading in anchors(linked), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_pictures_show_themselves_without_anything_from_elsewhere():
    pictures = sorted((DOCS / "pictures").glob("*.svg"))
    assert pictures
    for picture in pictures:
        drawing = text_of(picture).replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|@font-face|@import|<script", drawing), picture.name


def test_no_file_names_a_package_index_or_a_place_on_this_machine():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("this is no checkout")
    here = "|".join(re.escape(str(place)) for place in (ROOT, Path.home()) if len(place.parts) > 1)
    wrong = re.compile(rf"(?<![\w./])(?:{here})/|(?:pypi|pythonhosted|artifactory)\.[a-z]|--(?:extra-)?index-url")
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file():
            found += [f"{name}: {match[0]}" for match in wrong.finditer(path.read_text("utf-8", "replace"))]
    assert not found


# What is said of the program ------------------------------------------------------------------------------------------


def test_the_page_on_scoring_lists_every_metric():
    rows = [line for line in text_of(DOCS / "scoring.md").splitlines() if re.match(r"\| (numbers|labels|probab)", line)]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {metric.name for metric in BUILT_IN}


def test_the_settings_of_a_task_shown_are_understood(tmp_path):
    (shown,) = blocks(ROOT / "README.md", "toml")
    (tmp_path / "task.toml").write_text(shown, encoding="utf-8")
    settings = read_settings(tmp_path)
    assert (settings.metric, settings.target, settings.holdout.column) == ("rmsle", ("bikers",), "station")


# Examples -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the task ``my-task`` in it, where the examples run."""
    try:
        find_sandbox("auto", Path(sys.executable))
    except ConfigError as error:
        pytest.skip(str(error))
    monkeypatch.chdir(tmp_path)
    write_line(tmp_path / "my-task")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.name)
def test_the_python_examples_of_a_page_run_one_after_the_other(page, workplace):
    names: dict[str, object] = {"__name__": "example"}
    for example in blocks(page, "python"):
        shorter = example.replace("steps=20", "steps=2")  # a search takes as long as one lets it
        exec(compile(shorter, page.name, "exec"), names)
        if named := re.match(r"# (\w+\.py)\n", example):
            (workplace / named[1]).write_text(example, encoding="utf-8")
            function = named[1].removesuffix(".py")
            assert find_metric(f"{named[1]}:{function}").direction == "minimize"


@pytest.mark.slow
def test_the_script_shown_is_scored_and_its_run_can_be_drawn(workplace):
    (example,) = blocks(DOCS / "scripts.md", "python")
    (workplace / "attempts").mkdir()
    (workplace / "attempts" / "first_try.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "treewright", "run", "my-task", "--coder", "folder:attempts", "--name", "mine"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "by node 1 (1 nodes, 0 of them buggy" in done.stdout, done.stderr
    draw = runpy.run_path(str(DOCS / "make_pictures.py"))["main"]
    draw(Path("runs/mine"), workplace / "pictures")
    assert "first_try.py" in text_of(workplace / "pictures" / "show.svg")
