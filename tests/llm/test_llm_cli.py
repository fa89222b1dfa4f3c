"""Whole runs with a language model: the real command line, the real SDKs, a server of our own."""

from __future__ import annotations

import io
import json
import random
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from llm.server import Reply, Request, Server
from support import shown, write_line
from treewright import Search, Task
from treewright.cli import main, searching
from treewright.cli.live import LiveView
from treewright.cli.watch import Header
from treewright.coders.llm.blocks import Caps
from treewright.coders.llm.prompt import Prompt
from treewright.coders.llm.templates import Templates
from treewright.config import DEFAULT_SECONDS, dump_config, load_config, make_config, parse_setting
from treewright.metrics import Direction
from treewright.record import read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    monkeypatch.setattr(searching, "OPENED", time.monotonic())  # as a new process has it
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
    assert set(figures["llm"]["by_operator"]) == {"draft", "improve", "review"}
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

    def test_a_run_that_asked_no_model_is_refused(self, task, treewright):
        treewright("run", task, "--steps", 1, "--name", "first")
        status, _, err = treewright("run", task, "--model", "replay:first")
        assert status == 2 and "asked no model" in err

    def test_a_run_of_several_workers_is_repeated_by_one(self, task, treewright, serve):
        more = ("--steps", 8, "--workers", 4, "--review", "never", "--name", "first", "--json")
        first = json.loads(treewright("run", task, *flags(serve(good)), *more)[1])
        status, out, _ = treewright("run", task, "--model", "replay:first", "--json")
        assert status == 0
        assert json.loads(out)["best"] == first["best"]

    def test_data_that_have_changed_are_refused(self, home, treewright, serve):
        task = write_line(home / "changing")
        treewright("run", task, *flags(serve(good)), "--steps", 1, "--name", "first")
        lines = (task / "train.csv").read_text().splitlines()
        (task / "train.csv").write_text("\n".join([*lines[:-1], "9999,0.5,-50"]) + "\n")
        status, _, err = treewright("run", task, "--model", "replay:first")
        assert status == 2 and "have changed" in err

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
        assert "not answered by openai:test" in err and "answered by openai:test in 0.0 s, 0 + 0" not in err
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

    @pytest.mark.parametrize("limit", [("--max-cost", 1), ("--max-tokens", 1000)])
    def test_a_limit_that_would_do_nothing_is_refused(self, task, treewright, limit):
        status, _, err = treewright("run", task, *limit, "--steps", 1)
        assert status == 2 and f"{limit[0]} limits language models" in err

    def test_a_limit_on_tokens_holds(self, task, treewright, serve):
        server = serve(good)
        status, out, _ = treewright("run", task, *flags(server), "--max-tokens", "30000", "--json")
        figures = json.loads(out)
        assert figures["stopped_by"] == "tokens" and status == 0
        assert 0 < figures["llm"]["input_tokens"] + figures["llm"]["output_tokens"] <= 30_000

    def test_a_node_that_the_limit_called_off_is_not_said_to_be_written(self, task, treewright, serve):
        limit = ("--max-tokens", 500, "--review", "never", "--name", "first", "--json")  # less than a prompt has
        figures = json.loads(treewright("run", task, *flags(serve(good)), *limit)[1])
        assert figures["stopped_by"] == "tokens"
        text = treewright("show", "first")[1]
        assert "1 not finished" in text
        assert "not written" in text and "writing" not in text


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
        assert "OPENAI_API_KEY is there; nothing was sent" in out


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


class TestSettings:
    def test_an_empty_model_is_said_to_be_empty(self, task, treewright):
        status, _, err = treewright("run", task, "--model", "", "--steps", 1)
        assert status == 2 and "--model is empty" in err

    def test_a_prompt_of_another_name_is_refused_with_the_nearest(self, home, task, treewright):
        (home / "drafft.md").write_text("Draft.")
        (home / "draft.md").write_text("Draft.")
        status, _, err = treewright("inspect", task, "--prompt", "--set", f"coder.prompts={home}")
        assert status == 2 and "no prompt drafft.md; the nearest is draft.md" in err

    @pytest.mark.parametrize("limit", ["max_cost=5", "max_tokens=1000"])
    def test_a_limit_on_models_alone_leaves_the_usual_time(self, limit):
        assert make_config({"task": "line"}, parse_setting(limit)).time == DEFAULT_SECONDS
        assert make_config({"task": "line"}, parse_setting(limit), {"patience": 3}).time is None

    @pytest.mark.parametrize("word", ["none", "None", "NONE", '"none"'])
    def test_the_provider_s_own_temperature_can_be_asked_for_and_written_down(self, home, word):
        config = make_config({"task": "line"}, parse_setting(f"coder.temperature={word}"))
        (home / "config.toml").write_text(dump_config(config))
        assert config.coder.temperature is None
        assert load_config(home / "config.toml") == config
        assert make_config(config.model_dump(mode="json", exclude_none=True)) == config

    def test_the_provider_s_own_temperature_outlasts_a_resume(self, task, treewright, serve):
        server = serve(good)
        own = ("--set", "coder.temperature=none", "--review", "never", "--steps", 1, "--name", "first")
        treewright("run", task, *flags(server), *own)
        treewright("resume", "first", "--steps", "+1")
        assert len(server.requests) == 2
        assert not any("temperature" in request.body for request in server.requests)

    def test_a_password_in_an_address_of_the_environment_is_used_and_found_nowhere(
        self, home, task, treewright, serve, monkeypatch
    ):
        server = serve(lambda _: Reply(status=400, error="hush-hush is no password"))
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai.replace("//", "//bob:hush-hush@"))
        _, out, err = treewright("run", task, "--model", "openai:test", "--steps", 1)
        assert server.requests
        assert "hush-hush" not in out + err
        assert not [path for path in home.glob("runs/*/*") if path.is_file() and b"hush-hush" in path.read_bytes()]


class TestResume:
    PRICE = ("--set", "coder.price.input=10", "--set", "coder.price.output=20")

    @pytest.fixture
    def programs(self, home):
        """A coder that has two programs."""
        (home / "programs").mkdir()
        for slope in (2, 3):
            (home / "programs" / f"{slope}.py").write_text(PROGRAM.format(slope=slope))
        return f"folder:{home / 'programs'}"

    @pytest.mark.parametrize(
        ("limit", "higher"),
        [
            (("--max-tokens", 15_000), ("--max-tokens", "+15000")),
            (("--max-cost", 0.2, *PRICE), ("--max-cost", 0.4)),
        ],
    )
    def test_a_run_that_stopped_at_a_limit_on_models_goes_on_with_a_higher_one(
        self, task, treewright, serve, limit, higher
    ):
        stopped = limit[0].removeprefix("--max-")
        treewright("run", task, *flags(serve(good)), *limit, "--name", "first")
        before = json.loads(treewright("show", "first", "--json")[1])
        assert before["stopped_by"] == stopped
        status, out, _ = treewright("resume", "first", *higher, "--json")
        after = json.loads(out)
        assert status == 0 and after["stopped_by"] == stopped
        assert after["nodes"] > before["node_count"]

    def test_so_much_more_is_counted_from_what_was_spent(self, home, task, treewright, serve):
        treewright("run", task, *flags(serve(good)), "--steps", 1, *self.PRICE, "--name", "first")
        spent = json.loads(treewright("show", "first", "--json")[1])["llm"]
        treewright("resume", "first", "--max-cost", "+1.5", "--max-tokens", "+10")
        config = load_config(home / "runs/first/config.toml")
        assert config.max_cost == pytest.approx(spent["cost_usd"] + 1.5)
        assert config.max_tokens == spent["input_tokens"] + spent["output_tokens"] + 10

    def test_another_model_may_write_and_review_from_now_on(self, task, treewright, serve):
        first, second = serve(good), serve(good)
        treewright("run", task, *flags(first), "--steps", 1, "--name", "first")
        asked = len(first.requests)
        other = ("--model", "openai:new", "--review-model", "openai:critic", "--base-url", second.openai)
        assert treewright("resume", "first", "--steps", "+1", *other)[0] == 0
        assert len(first.requests) == asked
        assert [request.body["model"] for request in second.requests] == ["new", "critic"]

    def test_reviews_may_end(self, task, treewright, serve):
        server = serve(good)
        treewright("run", task, *flags(server), "--steps", 1, "--name", "first")
        assert treewright("resume", "first", "--steps", "+1", "--review", "never")[0] == 0
        assert len(server.requests) == 3

    def test_a_model_may_take_over_from_another_coder(self, task, programs, treewright, serve):
        treewright("run", task, "--coder", programs, "--name", "first")
        server = serve(good)
        assert treewright("resume", "first", "--steps", "+1", *flags(server))[0] == 0
        assert server.requests

    def test_the_model_that_the_environment_names_is_for_new_runs(self, task, programs, treewright, serve, monkeypatch):
        server = serve(good)
        treewright("run", task, "--coder", programs, "--steps", 1, "--name", "first")
        treewright("run", task, *flags(server), "--steps", 1, "--name", "second")
        asked = len(server.requests)
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai)
        monkeypatch.setenv("TREEWRIGHT_MODEL", "openai:other")
        assert treewright("resume", "first", "--steps", "+1")[0] == 0
        assert len(server.requests) == asked
        assert treewright("resume", "second", "--steps", "+1")[0] == 0
        assert {request.body["model"] for request in server.requests} == {"test"}


class TestAccounts:
    @staticmethod
    def fickle(request: Request) -> Reply:
        """Like ``good``, but the first answer to a question for a program is none."""
        if "tools" not in request.body and len(request.body["messages"]) <= 2:
            return Reply(text="I cannot.", usage=(1000, 10))
        return good(request)

    def test_what_had_to_be_asked_again_counts_for_the_node_s_operator(self, task, treewright, serve):
        _, out, _ = treewright("run", task, *flags(serve(self.fickle)), "--steps", 6, "--name", "first", "--json")
        shares = json.loads(out)["llm"]["by_operator"]
        assert {operator: share["requests"] for operator, share in shares.items()} == {
            "draft": 10, "review": 6, "improve": 2,
        }  # fmt: skip
        text = treewright("show", "first")[1]
        assert "  draft: 10 requests, 20,000 + 2,550 tokens" in text
        assert "  review: 6 requests" in text and "  improve: 2 requests" in text

    def test_a_node_s_own_requests_are_told_by_what_they_were_for(self, task, treewright, serve):
        treewright("run", task, *flags(serve(self.fickle)), "--steps", 1, "--name", "first")
        text = treewright("show", "first", 1)[1]
        assert "  draft: 1 request, 1,000 + 10 tokens" in text
        assert "  again: 1 request, 3,000 + 500 tokens" in text and "  review: 1 request" in text
        usage = json.loads(treewright("show", "first", 1, "--json")[1])["llm"]
        assert usage["requests"] == 3 and list(usage["by_purpose"]) == ["draft", "again", "review"]

    def test_the_live_view_tells_what_each_model_takes_where_there_is_room(self, task, treewright, serve):
        model = ("--model", "openai:one,openai:other", "--base-url", serve(good).openai, "--review", "never")
        treewright("run", task, *model, "--steps", 3, "--name", "first")
        entries = read_run(Path("runs/first")).entries
        assert "10k tokens" in foot(entries, 80) and "openai" not in foot(entries, 80)
        assert "10k tokens (openai:one 7,000, openai:other 3,500)" in foot(entries, 160)

    def test_the_live_view_tells_what_each_operator_takes_where_there_is_room(self, task, treewright, serve):
        treewright("run", task, *flags(serve(good)), "--steps", 1, "--name", "first")
        foot_of_all = foot(read_run(Path("runs/first")).entries, 160)
        assert "(draft 3,500, review 2,050)" in foot_of_all

    def test_a_run_with_one_model_names_it(self, task, treewright, serve):
        treewright("run", task, *flags(serve(good)), "--steps", 1, "--review", "never", "--name", "first")
        assert "(openai:test)" in treewright("show", "first")[1]

    def test_what_a_session_has_not_seen_is_not_shared_out(self, task, treewright, serve):
        model = ("--model", "openai:one,openai:other", "--base-url", serve(good).openai, "--review", "never")
        treewright("run", task, *model, "--steps", 3, "--name", "first")
        entries = read_run(Path("runs/first")).entries
        seen_late = foot(entries, 160, after=6)
        assert "10k tokens" in seen_late and "openai" not in seen_late


def foot(entries: Any, width: int, after: int = 0) -> str:
    """The last line of the live view, which may have seen only what came after some entries."""
    console = Console(file=io.StringIO(), width=width, height=30, force_terminal=True, color_system=None)
    view = LiveView(Header(("line",), "rmse", Direction.MINIMIZE, 3, None, 1), console)
    for entry, tree in list(shown(entries))[after:]:
        view(entry, tree)
    with console.capture() as capture:
        console.print(view.frame())
    return capture.get().splitlines()[-1]


class TestAdvice:
    def findings(self, treewright: Any, *arguments: object) -> dict[str, dict[str, Any]]:
        out = treewright("doctor", "--sandbox", "none", *arguments, "--json")[1]
        return {finding["about"]: finding for finding in json.loads(out)["findings"]}

    def test_a_server_that_is_not_there_is_not_mended_by_leaving_reviews_out(self, treewright, serve):
        server = serve(good)
        server.__exit__(None, None, None)
        found = self.findings(treewright, *flags(server))
        assert not found["openai:test"]["works"] and "cannot connect" in found["openai:test"]["detail"]
        assert "start the server" in found["openai:test"]["mend"]
        assert "openai:test structured" not in found and "--review" not in json.dumps(found)

    def test_reviews_may_be_left_out_where_only_the_structured_answer_fails(self, treewright, serve):
        server = serve(lambda _: Reply(text="I will not."))
        found = self.findings(treewright, *flags(server))
        assert found["openai:test"]["works"]
        assert found["openai:test structured"]["works"] is False
        assert found["openai:test structured"]["mend"] == "--review never does without"

    @pytest.mark.parametrize("way", ["--set", "flags"])
    def test_interpreter_and_sandbox_are_those_that_are_asked_for(self, treewright, way):
        asked = ("--set", "python=/no/python", "--set", "sandbox=none")
        if way == "flags":
            asked = ("--python", "/no/python", "--sandbox", "none")
        status, out, _ = treewright("doctor", *asked, "--json")
        found = {finding["about"]: finding for finding in json.loads(out)["findings"]}
        assert status == 1
        assert "/no/python" in found["python"]["detail"]
        assert found["sandbox"]["detail"].startswith("none")

    def test_each_key_is_named_with_the_command_that_tries_it(self, home, treewright, serve, monkeypatch):
        server = serve(good)
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai)
        (home / ".env").write_text("GEMINI_API_KEY=sk-of-mine-too\n")
        found = self.findings(treewright)
        assert "OPENAI_API_KEY is there" in found["openai"]["detail"]
        assert "treewright doctor --model openai:gpt-5-mini" in found["openai"]["mend"]
        assert "GEMINI_API_KEY is there" in found["google"]["detail"]
        assert "treewright doctor --model google:gemini-2.5-flash" in found["google"]["mend"]
        assert "anthropic" not in found and "keys" not in found
        assert not server.requests and "sk-" not in json.dumps(found)

    def test_without_any_key_it_says_which_to_set(self, treewright, monkeypatch):
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        assert "OPENAI_API_KEY" in self.findings(treewright)["keys"]["mend"]

    def test_a_flag_about_models_is_refused_without_one(self, treewright):
        status, out, err = treewright("doctor", "--base-url", "http://localhost:1/v1")
        assert (status, out) == (2, "") and "name a model with --model" in err


def test_a_reviewing_model_that_is_not_needed_any_more_is_no_trouble(task, treewright, serve):
    server = serve(good)
    more = ("--review-model", "openai:critic", "--steps", 1, "--name", "first")
    assert treewright("run", task, *flags(server, *more))[0] == 0
    assert treewright("resume", "first", "--steps", "+1", "--review", "never")[0] == 0
    assert [request.body["model"] for request in server.requests] == ["test", "critic", "test"]


class TestPrinted:
    """Scripts that score themselves, under the eyes of a reviewer."""

    @staticmethod
    def boastful(request: Request) -> Reply:
        """Programs that print 0.5, then 0.25; of the latter the reviewer says that its score is another."""
        text = json.dumps(request.body["messages"])
        if request.body.get("tools") or request.body.get("response_format"):
            value = 0.375 if "metric: 0.25" in text else None
            return Reply(tool={"is_bug": False, "summary": "Fine.", "value": value})
        score = 0.25 if "rmse 0.5" in text else 0.5
        program = PROGRAM.format(slope=3) + f"print('fold: 0.375')\nprint('metric: {score}')\n"
        return Reply(text=f"Take a slope.\n\n```python\n{program}```")

    def test_the_review_decides_whether_a_score_is_believed(self, task, treewright, serve):
        server = serve(self.boastful)
        settings = ("--set", "policy.num_drafts=1", "--set", "policy.debug_prob=0")
        arguments = ("--evaluate", "printed", "--steps", 2, "--name", "own", *settings)
        assert treewright("run", task, *flags(server, *arguments))[0] == 0
        told = [json.dumps(request.body["messages"]) for request in server.requests]
        assert "`metric: <number>`" in told[0]
        assert "Nobody but the program has computed its score" in told[1]
        figures = json.loads(treewright("show", "own", "--json")[1])
        assert [(node["score"], node["reason"]) for node in figures["nodes"]] == [(0.5, None), (0.375, None)]

    def test_what_a_review_refused_is_refused_again_when_the_run_is_repeated(self, task, treewright, serve):
        def doubtful(request: Request) -> Reply:
            reply = self.boastful(request)
            verdict = {"is_bug": True, "summary": "No sound validation.", "value": None}
            return replace(reply, tool=verdict) if reply.tool else reply

        server = serve(doubtful)
        arguments = ("--evaluate", "printed", "--steps", 1, "--name", "own")
        assert treewright("run", task, *flags(server, *arguments))[0] == 1
        assert treewright("run", task, "--model", "replay:own", "--name", "again")[0] == 1
        for name in ("own", "again"):
            (node,) = json.loads(treewright("show", name, "--json")[1])["nodes"]
            assert (node["buggy"], node["reason"], node["review"]) == (True, *["No sound validation."] * 2)
