"""Evaluators: ``h(s)``, and the final choice."""

from treewright.evaluation.final import FinalAnswer
from treewright.evaluation.grading import Grader
from treewright.evaluation.holdout import HoldoutEvaluator
from treewright.evaluation.printed import PrintedEvaluator

__all__ = ["FinalAnswer", "Grader", "HoldoutEvaluator", "PrintedEvaluator"]
