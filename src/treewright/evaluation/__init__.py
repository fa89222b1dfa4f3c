"""Evaluators: ``h(s)``, and the final choice."""

from treewright.evaluation.final import FinalAnswer
from treewright.evaluation.grading import Grader
from treewright.evaluation.holdout import HoldoutEvaluator

__all__ = ["FinalAnswer", "Grader", "HoldoutEvaluator"]
