"""Whole runs with a language model: the real command line, the real SDKs, a server of our own."""

from __future__ import annotations

import json
import random
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from llm.server import Reply, Request, Server
from support import write_line
from treewright import Search, Task
from treewright.cli import main
from treewright.coders.llm.blocks import Caps
from treewright.coders.llm.prompt import Prompt
from treewright.coders.llm.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

KEY = "sk-very-secret-key-of-mine"
PROGRAM = """
import csv

rows = list(csv.reader(open("input/test.csv")))
with open("working/submission.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["id", "y"])
    for row in rows[1:]:
        out.writerow([row[0], {slope} * float(row[1])])
print("fitted")
"""
SUMMARY = {"is_bug": False, "summary": "A line through the origin."}


def good(request: Request) -> Reply:
    """A review where one is asked for, else a line whose slope grows with the number of requests."""
    if request.body.get("tools") or request.body.get("response_format"):
        return Reply(tool=SUMMARY, usage=(2000, 50))
    slope = 1 + sum(map(ord, json.dumps(request.body["messages"]))) % 20 / 10
    return Reply(text=f"Take a slope.\n\n```python\n{PROGRAM.format(slope=slope)}```", usage=(3000, 500))


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> Path:
    return write_line(tmp_path_factory.mktemp("llm") / "line")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("TREEWRIGHT_MODEL", raising=False)
    return tmp_path


@pytest.fixture
def treewright(capsys, monkeypatch) -> Callable[..., tuple[int, str, str]]:
    """Runs the program; its exit status, what it wrote to stdout, and to stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["treewright", *map(str, arguments)])
        try:
            main()
        except SystemExit as leaving:
            status = leaving.code or 0
        else:
            status = 0
        out, err = capsys.readouterr()
        return int(status), out, err

    return call


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(script: Any, **changes: Any) -> Server:
        servers.append(Server(script, **changes).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def flags(server: Server, *more: object) -> tuple[object, ...]:
    return ("--model", "openai:test", "--base-url", server.openai, *more)


def test_a_model_writes_the_programs_and_the_accounts_say_what_it_took(task, treewright, serve):
    server = serve(good)
    status, out, _ = treewright("run", task, *flags(server), "--steps", 6, "--name", "first", "--json")
    figures = json.loads(out)
    assert status == 0
    assert (figures["nodes"], figures["stopped_by"]) == (6, "steps")
    assert figures["llm"]["requests"] == len(server.requests) == 12
    assert figures["llm"]["cost_usd"] is None
    assert set(figures["llm"]["by_purpose"]) == {"draft", "improve", "review"}
    _, out, _ = treewright("show", "first", "--json")
    nodes = json.loads(out)["nodes"]
    assert {node["coder"] for node in nodes} == {"openai:test"}
    assert all(node["llm"]["requests"] == 2 and node["review"] == SUMMARY["summary"] for node in nodes)


def test_no_key_is_found_in_a_run_nor_on_the_screen(home, task, treewright, serve):
    (home / ".env").write_text('ANTHROPIC_API_KEY="sk-ant-other-secret"\n')
    _, out, err = treewright("run", task, *flags(serve(good)), "--steps", 2, "--name", "first")
    found = [path for path in home.glob("runs/first/**/*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert not found and KEY not in out + err
    assert "sk-ant-other-secret" not in out + err


def test_a_key_in_the_environment_alone_sends_nothing_anywhere(task, treewright, serve, monkeypatch):
    server = serve(good)
    monkeypatch.setenv("OPENAI_BASE_URL", server.openai)
    status, _, err = treewright("run", task, "--steps", 1)
    assert status == 0 and not server.requests
    assert "coder: recipes (built in, offline)" in err


def test_the_model_may_be_named_by_the_environment_and_a_coder_by_flag_goes_before_it(
    task, treewright, serve, monkeypatch
):
    server = serve(good)
    monkeypatch.setenv("OPENAI_BASE_URL", server.openai)
    monkeypatch.setenv("TREEWRIGHT_MODEL", "openai:test")
    assert treewright("run", task, "--steps", 1, "--coder", "recipes")[0] == 0
    assert not server.requests
    assert treewright("run", task, "--steps", 1)[0] == 0
    assert server.requests


def test_what_was_asked_and_answered_can_be_read_again(task, treewright, serve):
    treewright("run", task, *flags(serve(good)), "--steps", 1, "--name", "first")
    status, out, _ = treewright("log", "first", 1, "--prompt")
    assert status == 0
    assert "request 1: draft, openai:test, stop" in out and "Take a slope." in out and "# Goal" in out
    exchanges = json.loads(treewright("log", "first", 1, "--prompt", "--json")[1])["exchanges"]
    assert [exchange["purpose"] for exchange in exchanges] == ["draft", "review"]


class TestReplay:
    def test_a_run_is_repeated_without_a_network_and_without_running_a_script(self, task, treewright, serve):
        server = serve(good)
        first = json.loads(treewright("run", task, *flags(server), "--steps", 5, "--name", "first", "--json")[1])
        server.__exit__(None, None, None)
        status, out, _ = treewright("run", task, "--model", "replay:first", "--name", "again", "--json")
        again = json.loads(out)
        assert status == 0
        assert again["best"] == first["best"] and again["nodes"] == 5
        assert again["llm"]["cost_usd"] == 0.0
        _, one, _ = treewright("show", "first", "--json")
        _, other, _ = treewright("show", "again", "--json")
        for a, b in zip(json.loads(one)["nodes"], json.loads(other)["nodes"], strict=True):
            for key in ("parent", "action", "coder", "plan", "score", "seconds", "review"):
                assert a[key] == b[key]

    def test_scripts_run_again_if_that_is_asked_for(self, home, task, treewright, serve):
        treewright("run", task, *flags(serve(good)), "--steps", 2, "--name", "first")
        assert treewright("run", task, "--model", "replay:first", "--rerun", "--name", "again")[0] == 0
        assert (home / "runs/again/nodes/0002/output.log").read_text() == "fitted\n"

    def test_another_task_is_refused_for_its_scores_would_be_false(self, home, task, treewright, serve):
        treewright("run", task, *flags(serve(good)), "--steps", 1, "--name", "first")
        other = write_line(home / "other")
        status, _, err = treewright("run", other, "--model", "replay:first")
        assert status == 2 and "--rerun" in err and err.count("\n") <= 2


class TestTrouble:
    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (Reply(status=401, error=f"Incorrect API key provided: {KEY}"), "OPENAI_API_KEY"),
            (Reply(status=404, error="The model `test` does not exist", code="model_not_found"), "test"),
        ],
    )
    def test_a_wrong_key_or_model_is_one_clear_line_at_once(self, task, treewright, serve, reply, words):
        server = serve(lambda _: reply)
        status, _, err = treewright("run", task, *flags(server), "--steps", 3, "--quiet")
        assert status == 3 and len(server.requests) <= 2
        assert words in err and KEY not in err and "Traceback" not in err
        assert len(err.strip().splitlines()) <= 2

    def test_an_outage_stops_the_run_resumably_and_the_resumed_run_is_whole(self, task, treewright, serve):
        out = threading.Event()

        def fickle(request: Request) -> Reply:
            return Reply(status=503, error="overloaded") if out.is_set() else good(request)

        server = serve(fickle)
        assert treewright("run", task, *flags(server), "--steps", 2, "--name", "first")[0] == 0
        out.set()
        status, _, err = treewright("resume", "first", "--steps", "+2", "--set", "coder.give_up=2s")
        assert status == 3 and "treewright resume" in err and "attempt 2 in" in err
        out.clear()
        status, text, _ = treewright("resume", "first", "--json")
        assert status == 0 and json.loads(text)["nodes"] == 4 and json.loads(text)["buggy"] == 0

    def test_with_every_fifth_request_failing_and_every_fifth_answer_malformed_all_steps_are_accounted_for(
        self, task, treewright, serve
    ):
        rng, lock = random.Random(0), threading.Lock()

        def unsteady(request: Request) -> Reply:
            with lock:
                chance = rng.random()
            if chance < 0.2:
                bad = [
                    Reply(status=429, headers={"Retry-After": "0"}),
                    Reply(status=500),
                    Reply(text="x", drop_after=1),
                    Reply(malformed=True),
                ]
                return bad[int(chance * 20)]
            if chance < 0.4:
                return [Reply(text="I cannot."), Reply(text="```python\nx = (\n```"), Reply(null=True)][
                    int(chance * 100) % 3
                ]
            return good(request)

        status, out, _ = treewright("run", task, *flags(serve(unsteady)), "--steps", 50, "--workers", 4, "--json")
        figures = json.loads(out)
        assert status == 0
        assert figures["nodes"] == 50 and figures["stopped_by"] == "steps"
        nodes = json.loads(treewright("show", figures["run"], "--json")[1])["nodes"]
        assert all(node["score"] is not None or node["reason"] for node in nodes)
        assert figures["buggy"] < 25


class TestBudget:
    def test_a_limit_on_cost_needs_a_price(self, task, treewright, serve):
        server = serve(good)
        status, _, err = treewright("run", task, *flags(server), "--max-cost", "1")
        assert status == 2 and "coder.price.input" in err and not server.requests
        price = ("--set", "coder.price.input=10", "--set", "coder.price.output=20")
        status, out, _ = treewright("run", task, *flags(server), "--max-cost", "0.5", *price, "--json")
        figures = json.loads(out)
        assert status == 0 and figures["stopped_by"] == "cost"
        assert 0 < figures["llm"]["cost_usd"] <= 0.5

    def test_a_limit_on_tokens_holds(self, task, treewright, serve):
        server = serve(good)
        status, out, _ = treewright("run", task, *flags(server), "--max-tokens", "30000", "--json")
        figures = json.loads(out)
        assert figures["stopped_by"] == "tokens" and status == 0
        assert 0 < figures["llm"]["input_tokens"] + figures["llm"]["output_tokens"] <= 30_000


def test_seeded_with_recipes_the_first_draft_needs_no_model(task, treewright, serve):
    server = serve(good)
    more = ("--set", "coder.seed_with_recipes=1", "--steps", 2, "--name", "first", "--json")
    status, _, _ = treewright("run", task, *flags(server), *more)
    nodes = json.loads(treewright("show", "first", "--json")[1])["nodes"]
    assert status == 0
    assert [node["coder"] for node in nodes] == ["recipes", "openai:test"]
    assert nodes[0]["llm"]["requests"] == 1  # its review


def test_two_models_share_the_work_and_the_tree_shows_which_wrote_what(task, treewright, serve):
    server = serve(good)
    model = ("--model", "openai:one,openai:other", "--base-url", server.openai)
    treewright("run", task, *model, "--review", "never", "--steps", 2, "--name", "first")
    assert [request.body["model"] for request in server.requests] == ["one", "other"]
    text = treewright("show", "first")[1]
    assert "openai:one" in text and "openai:other" in text


class TestInspect:
    def test_the_first_prompt_is_shown_and_nothing_is_sent(self, task, treewright):
        status, out, _ = treewright("inspect", task, "--prompt")
        assert status == 0
        assert "── system ──" in out and "./working/submission.csv" in out and "# Data" in out

    def test_without_samples_no_value_of_the_data_is_in_it(self, task, treewright):
        messages = json.loads(treewright("inspect", task, "--prompt", "--no-samples", "--json")[1])["messages"]
        text = "\n".join(message["text"] for message in messages)
        values = {row.split(",")[1] for row in (task / "train.csv").read_text().splitlines()[1:]}
        assert not values & set(re.findall(r"-?\d+\.\d+", text))

    def test_one_s_own_prompts_take_the_place_of_ours(self, home, task, treewright):
        (home / "draft.md").write_text("Do as I say. $goal")
        out = treewright("inspect", task, "--prompt", "--set", f"coder.prompts={home}")[1]
        assert "Do as I say. # Goal" in out
        (home / "draft.md").write_text("Do as I $say.")
        status, _, err = treewright("inspect", task, "--prompt", "--set", f"coder.prompts={home}")
        assert status == 2 and "'say'" in err


class TestDoctor:
    def test_a_model_that_works_is_said_to_work(self, treewright, serve):
        server = serve(lambda request: good(request) if request.body.get("tools") else Reply(text="OK"))
        status, out, _ = treewright("doctor", *flags(server), "--sandbox", "none", "--json")
        findings = {finding["about"]: finding for finding in json.loads(out)["findings"]}
        assert status == 0
        assert findings["openai:test"]["works"] and findings["openai:test structured"]["detail"] == "by tool call"
        assert "--max-cost is refused" in findings["openai:test price"]["detail"]

    def test_what_does_not_work_is_said_with_its_mend(self, treewright, serve):
        server = serve(lambda _: Reply(status=401, error="no"))
        status, out, _ = treewright("doctor", *flags(server), "--sandbox", "none")
        assert status == 1
        assert "✗ openai:test" in out and "OPENAI_API_KEY" in out

    def test_without_a_model_nothing_is_sent(self, treewright, serve, monkeypatch):
        server = serve(good)
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai)
        status, out, _ = treewright("doctor", "--sandbox", "none")
        assert status == 0 and not server.requests
        assert "keys for openai are there" in out


def test_from_python_a_model_is_named_in_one_word(task, serve, home):
    server = serve(good)
    with Search(
        Task.from_folder(task), {"base_url": server.openai, "review": "never"}, model="openai:test", out=home / "runs"
    ) as search:
        assert search.run(steps=2) == "steps"
    assert {node.proposal.coder for node in search.tree.nodes} == {"openai:test"}
    assert search.tree.usage.requests == len(server.requests) == 2


def test_a_brief_of_ask_makes_the_same_prompt_and_tell_takes_the_answer(task, home):
    with Search(Task.from_folder(task), out=home / "runs") as search:
        brief = search.ask()
        assert "# Goal" in Prompt(Templates.load(), brief, Caps(), 400)()[1].text
        assert search.tell(brief, PROGRAM.format(slope=3)).valid
