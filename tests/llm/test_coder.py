"""From a brief to a proposal: completed, mended, or honest about having no program."""

from __future__ import annotations

import pytest

from llm_support import ANSWER, PROGRAM, Answers, asked, brief, coder, texts
from support import draft, grow, tree_of
from treewright.coders.llm.desk import NoAnswer
from treewright.coders.llm.trouble import TooLong
from treewright.errors import ProviderError
from treewright.protocols import Overdrawn
from treewright.tree import Action, Operator, Proposal, Tree

FIRST = Action(Operator.DRAFT)


def write(*answers, tree: Tree | None = None, action: Action = FIRST, check=None, **changes):
    source = Answers(list(answers))
    kept = []
    told = brief(tree or Tree(), action, keep=kept.append, **changes)
    options = {"check": check} if check else {}
    return coder(source, **options).write(told), source, kept


def test_an_answer_becomes_a_proposal_with_its_plan_program_and_author():
    proposal, _, kept = write(ANSWER)
    assert proposal == Proposal("A sound plan.", PROGRAM, "test:model")
    assert [(exchange.number, exchange.purpose) for exchange in kept] == [(1, "draft")]


@pytest.mark.parametrize(
    ("operator", "words"),
    [(Operator.IMPROVE, "Improve the program above"), (Operator.DEBUG, "The program above failed")],
)
def test_each_operator_has_its_own_prompt(operator, words):
    tree = tree_of(grow(draft(0.5 if operator is Operator.IMPROVE else "broken", code=PROGRAM)))
    _, source, kept = write(ANSWER, tree=tree, action=Action(operator, 1))
    assert words in asked(source)
    assert kept[0].purpose == operator.value


def test_a_repair_of_a_node_without_a_program_starts_anew():
    tree = tree_of(grow(draft("no program was written", code="")))
    _, source, _ = write(ANSWER, tree=tree, action=Action(Operator.DEBUG, 1))
    assert "Write a first solution" in asked(source)


def test_an_answer_that_was_cut_off_is_gone_on_with_and_joined():
    cut = ANSWER.index('"./working')
    proposal, source, kept = write((ANSWER[:cut], "length"), ANSWER[cut:])
    assert proposal.code == PROGRAM
    assert [exchange.purpose for exchange in kept] == ["draft", "continue"]
    assert source.requests[1].messages[-2].text == ANSWER[:cut]


def test_an_answer_that_never_ends_is_not_asked_for_without_end():
    _, source, _ = write(*[("```python\nx = [\n", "length")] * 20)
    assert len(source.requests) <= 8


def test_an_answer_without_a_program_is_asked_for_again_and_its_plan_kept():
    proposal, source, kept = write("I would use a forest.", f"```python\n{PROGRAM}```")
    assert proposal.code == PROGRAM
    assert proposal.plan == "I would use a forest."
    assert "The answer held no program." in asked(source)
    assert texts(kept) == ["I would use a forest.", f"```python\n{PROGRAM}```"]


def test_a_model_that_never_writes_a_program_makes_a_node_that_says_so():
    proposal, _, kept = write("No.", "Still no.")
    assert proposal.code == ""
    assert proposal.notes["reason"] == "no program was written: the answer held no program"
    assert texts(kept) == ["No.", "Still no."]


class TestFaultsFoundWithoutARun:
    def test_they_are_sent_back_once_word_for_word(self):
        better = PROGRAM + "x = 1\n"
        faults = lambda code, _: () if "x = 1" in code else ("line 1: undefined name 'np'",)  # noqa: E731
        proposal, source, kept = write(ANSWER, f"```python\n{better}```", check=faults)
        assert proposal == Proposal("A sound plan.", better, "test:model")
        assert "- line 1, `import csv`: undefined name 'np'" in asked(source)
        assert [exchange.purpose for exchange in kept] == ["draft", "mend"]

    def test_and_no_more_than_once(self):
        proposal, source, _ = write(ANSWER, ANSWER, check=lambda *_: ("line 1: undefined name 'np'",))
        assert len(source.requests) == 2
        assert proposal.notes["findings"] == "line 1: undefined name 'np'"

    @pytest.mark.parametrize("second", ["Sorry.", "```python\nworse = 1\n```"])
    def test_a_mend_that_is_worse_is_left_aside(self, second):
        faults = lambda code, _: ("one", "two") if "worse" in code else ("one",)  # noqa: E731
        proposal, _, _ = write(ANSWER, second, check=faults)
        assert proposal.code == PROGRAM

    @pytest.mark.parametrize("trouble", [NoAnswer("silence"), Overdrawn("cost"), TooLong("long")])
    def test_a_mend_that_nobody_answers_costs_nothing_that_is_there(self, trouble):
        proposal, _, _ = write(ANSWER, *[trouble] * 4, check=lambda *_: ("one",))
        assert proposal.code == PROGRAM and proposal.notes["findings"] == "one"

    def test_a_program_with_a_fence_in_it_is_sent_back_whole(self):
        program = PROGRAM + 'text = """\n```\n"""\n'
        _, source, _ = write(f"Plan.\n\n````python\n{program}````", ANSWER, check=lambda *_: ("one",))
        assert f"````python\n{program}````" in asked(source)

    def test_edits_that_answer_it_are_made_to_the_program_that_was_sent_back(self):
        faults = lambda code, _: ("line 1: one",) if "y = 2" not in code else ()  # noqa: E731
        tree = tree_of(grow(draft(0.5, code="a = 1\nx = 1\n")))
        changed = f"Change.\n\n```python\n{PROGRAM}x = 1\n```"
        edit = "<<<<<<< SEARCH\nx = 1\n=======\nx = 1\ny = 2\n>>>>>>> REPLACE\n"
        proposal, _, _ = write(changed, edit, tree=tree, action=Action(Operator.IMPROVE, 1), check=faults)
        assert proposal.code == f"{PROGRAM}x = 1\ny = 2\n"


class TestEdits:
    LONG = PROGRAM + "".join(f"x{i} = {i}\n" for i in range(500))

    def edited(self, *answers):
        tree = tree_of(grow(draft(0.5, code=self.LONG)))
        return write(*answers, tree=tree, action=Action(Operator.IMPROVE, 1))

    def test_a_long_program_may_be_changed_by_edits(self):
        proposal, source, _ = self.edited("Set it.\n<<<<<<< SEARCH\nx7 = 7\n=======\nx7 = 70\n>>>>>>> REPLACE\n")
        assert proposal.code == self.LONG.replace("x7 = 7\n", "x7 = 70\n")
        assert proposal.plan == "Set it."
        assert "<<<<<<< SEARCH" in asked(source)

    def test_a_short_one_is_asked_for_whole(self):
        _, source, _ = write(ANSWER)
        assert "<<<<<<< SEARCH" not in asked(source)

    def test_an_edit_that_does_not_fit_is_refused_and_asked_for_again(self):
        bad = "<<<<<<< SEARCH\nnowhere = 1\n=======\nx = 1\n>>>>>>> REPLACE\n"
        proposal, source, _ = self.edited(bad, ANSWER)
        assert proposal.code == PROGRAM
        assert "An edit could not be applied" in asked(source)


class TestTrouble:
    def test_the_blocks_shrink_until_the_prompt_fits(self):
        _, source, _ = write(TooLong("long"), TooLong("long"), ANSWER)
        assert [request.shrunk for request in source.requests] == [1.0, 0.5, 0.25]

    def test_a_known_context_saves_the_requests_that_cannot_fit(self):
        source = Answers([ANSWER], context=2048)
        coder(source).write(brief(Tree(), FIRST))
        assert source.requests[0].shrunk < 1

    @pytest.mark.parametrize(
        ("trouble", "reason"),
        [
            (TooLong("long"), "too long for the model's context"),
            (NoAnswer("the model had not answered when the time was up"), "when the time was up"),
        ],
    )
    def test_what_keeps_a_model_from_writing_one_program_is_that_node_s_reason(self, trouble, reason):
        proposal, _, kept = write(*[trouble] * 4)
        assert proposal.code == "" and reason in proposal.notes["reason"] and not kept

    def test_a_budget_that_does_not_allow_for_a_first_answer_is_the_run_s(self):
        with pytest.raises(Overdrawn):
            write(Overdrawn("cost"))

    def test_a_program_that_was_cut_off_and_cannot_be_gone_on_with_is_sent_back_with_its_faults(self):
        cut = ANSWER.index('"./working')
        faults = lambda code, _: () if code == PROGRAM else ("line 3: not valid Python",)  # noqa: E731
        proposal, _, kept = write((ANSWER[:cut], "length"), NoAnswer("silence"), ANSWER, check=faults)
        assert proposal.code == PROGRAM
        assert [exchange.purpose for exchange in kept] == ["draft", "mend"]

    def test_no_turn_of_the_conversation_is_empty(self):
        _, source, _ = write("", ANSWER)
        assert all(message.text.strip() for message in source.requests[-1].messages)

    def test_a_provider_that_gave_out_ends_the_run(self):
        with pytest.raises(ProviderError):
            write(ProviderError("out"))


class TestResumed:
    def test_what_was_answered_before_is_not_asked_again(self):
        cut = ANSWER.index('"./working')
        _, _, kept = write((ANSWER[:cut], "length"), ANSWER[cut:])
        proposal, source, again = write(exchanges=tuple(kept))
        assert proposal.code == PROGRAM and not source.requests and not again

    def test_and_what_comes_next_is_numbered_on(self):
        cut = ANSWER.index('"./working')
        _, _, kept = write((ANSWER[:cut], "length"), ANSWER[cut:])
        proposal, source, again = write(ANSWER[cut:], exchanges=tuple(kept[:1]))
        assert proposal.code == PROGRAM
        assert [request.number for request in source.requests] == [2]
        assert [exchange.number for exchange in again] == [2]


def test_several_models_take_turns_and_the_tree_shows_which_wrote_what():
    one, other = Answers([ANSWER] * 2, name="test:one"), Answers([ANSWER] * 2, name="test:other")
    writers = coder(one, other)
    tree = tree_of(grow(*[draft(0.5)] * 3))
    authors = [writers.write(brief(tree, FIRST, node=node)).coder for node in (1, 2, 3)]
    assert authors == ["test:one", "test:other", "test:one"]
