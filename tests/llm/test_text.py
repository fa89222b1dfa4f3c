"""Texts that only repeat themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treewright.coders.llm.text import CIRCLING, LONGEST_CIRCLE, goes_round_in_circles

BEGINNING = "".join(f"x{i} = {i * i % 97}\n" for i in range(300))


@pytest.mark.parametrize("piece", ["\n", "and so on, ", "model.fit(X, y)\nmodel.predict(X)\n", "x" * LONGEST_CIRCLE])
def test_one_piece_over_and_over_is_found_wherever_it_is_cut(piece):
    again = piece * (2 * (CIRCLING + LONGEST_CIRCLE) // len(piece) + 2)
    assert all(goes_round_in_circles(BEGINNING + again[: -1 - cut]) for cut in range(min(len(piece), 40)))


def test_a_program_with_many_lines_alike_is_not_taken_for_one():
    assert not goes_round_in_circles(BEGINNING)
    assert not goes_round_in_circles("".join(f"features['a{i}'] = table['a{i}'] / table['b']\n" for i in range(500)))


def test_a_short_text_is_none():
    assert not goes_round_in_circles("no " * 100)


@given(st.text(max_size=3000))
def test_any_text_may_come(text):
    assert goes_round_in_circles(text) in {True, False}
