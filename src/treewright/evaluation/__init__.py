"""Evaluators: ``h(s)``, and the final choice."""

from treewright.evaluation.audit import Audit, Claim
from treewright.evaluation.choosing import Chooser
from treewright.evaluation.confirm import Race
from treewright.evaluation.final import FinalAnswer
from treewright.evaluation.grading import Grader
from treewright.evaluation.holdout import HoldoutEvaluator
from treewright.evaluation.printed import PrintedEvaluator
from treewright.evaluation.rerun import Rerunner

__all__ = [
    "Audit",
    "Chooser",
    "Claim",
    "FinalAnswer",
    "Grader",
    "HoldoutEvaluator",
    "PrintedEvaluator",
    "Race",
    "Rerunner",
]
