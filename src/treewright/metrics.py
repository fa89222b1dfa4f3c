"""What a score is called, which way is better, and what it is computed from.

This module only *names* metrics; ``evaluation.scoring`` computes them. The direction belongs to the metric and so
to the task: no model and no script ever chooses it.

A name is compared by its words, in one spelling each: ``neg_root_mean_squared_error``, ``Root Mean Squared Error
(RMSE)`` and ``rmse`` are the same. The words of a description are searched in the same spelling, so that an alias
serves both ways.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from treewright.errors import MetricError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Direction(StrEnum):
    """Which way a score gets better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    @property
    def sign(self) -> int:
        """``+1`` where larger is better, ``-1`` where smaller is: ``sign * score`` always grows with quality."""
        return 1 if self is Direction.MAXIMIZE else -1


class Needs(StrEnum):
    """What a submission has to contain for the metric."""

    NUMBERS = "numbers"
    LABELS = "labels"
    PROBABILITIES = "probabilities"


class Domain(StrEnum):
    """The numbers for which the metric is defined, truth and predictions alike."""

    ANY = "any number"
    NON_NEGATIVE = ">= 0"
    POSITIVE = "> 0"


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to score predictions against the truth.

    ``source`` is ``None`` for a built-in metric and ``"/path/FILE.py:FUNCTION"`` for one's own. ``domain`` is other
    than ``ANY`` where the metric compares logarithms. ``ranks`` tells that only the order of the predictions counts,
    so that they need not be probabilities; ``two_classes`` that it is about one positive class.
    """

    name: str
    direction: Direction
    needs: Needs
    aliases: tuple[str, ...] = ()
    source: str | None = None
    domain: Domain = Domain.ANY
    ranks: bool = False
    two_classes: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of target that the metric suits, as ``task.TargetKind`` names them."""
        if self.needs is Needs.NUMBERS:
            return ("regression",)
        return ("binary",) if self.two_classes else ("binary", "multiclass")

    def can_be(self, value: float) -> bool:
        """Whether such a score is possible at all: finite, no error below 0, nothing that grows to 1 above it."""
        if self.source or not math.isfinite(value):
            return math.isfinite(value)
        if self.direction is Direction.MINIMIZE:
            return value >= 0
        return value <= 1 and (self.name == "r2" or value >= (-1 if self.name in _CORRELATIONS else 0))


_LOW, _HIGH = Direction.MINIMIZE, Direction.MAXIMIZE
_NUMBERS, _LABELS, _PROBABILITIES = Needs.NUMBERS, Needs.LABELS, Needs.PROBABILITIES
_LOG = Domain.NON_NEGATIVE
_CORRELATIONS = frozenset({"mcc", "kappa", "qwk"})

# fmt: off
BUILT_IN = (
    Metric("rmse", _LOW, _NUMBERS, ("root mean squared error", "root mean squared deviation", "rmsd",
           "square root of mean squared error", "root of mean squared error")),
    Metric("mse", _LOW, _NUMBERS, ("mean squared error",)),
    Metric("mae", _LOW, _NUMBERS, ("mean absolute error", "mean absolute deviation")),
    Metric("medae", _LOW, _NUMBERS, ("median absolute error",)),
    Metric("mape", _LOW, _NUMBERS, ("mean absolute percentage error",)),
    Metric("smape", _LOW, _NUMBERS, ("symmetric mean absolute percentage error", "symmetric mape")),
    Metric("rmsle", _LOW, _NUMBERS, ("root mean squared log error",), domain=_LOG),
    Metric("msle", _LOW, _NUMBERS, ("mean squared log error",), domain=_LOG),
    Metric("rmse_log", _LOW, _NUMBERS, ("rmse of log", "log rmse", "root mean squared error of log"),
           domain=Domain.POSITIVE),
    Metric("mcrmse", _LOW, _NUMBERS, ("mean column wise rmse", "mean column wise root mean squared error")),
    Metric("mcrmsle", _LOW, _NUMBERS, ("mean column wise rmsle", "mean column wise root mean squared log error"),
           domain=_LOG),
    Metric("r2", _HIGH, _NUMBERS, ("r squared", "coefficient of determination")),
    Metric("accuracy", _HIGH, _LABELS, ("acc", "accuracy score", "classification accuracy", "categorization accuracy")),
    Metric("balanced_accuracy", _HIGH, _LABELS, ("bacc", "balanced acc", "mean per class accuracy")),
    Metric("f1", _HIGH, _LABELS, ("f1score", "f1 binary", "f1 measure", "f measure"), two_classes=True),
    Metric("f1_macro", _HIGH, _LABELS, ("macro f1", "macro average f1", "f1 macro average", "average macro f1")),
    Metric("f1_micro", _HIGH, _LABELS, ("micro f1", "micro average f1", "f1 micro average", "average micro f1")),
    Metric("f1_weighted", _HIGH, _LABELS, ("weighted f1", "weighted average f1", "f1 weighted average")),
    Metric("precision", _HIGH, _LABELS, ("positive predictive value",), two_classes=True),
    Metric("recall", _HIGH, _LABELS, ("sensitivity", "true positive rate"), two_classes=True),
    Metric("mcc", _HIGH, _LABELS, ("matthews correlation coefficient", "matthews corrcoef", "matthews correlation",
           "phi coefficient")),
    Metric("kappa", _HIGH, _LABELS, ("cohen kappa", "cohens kappa")),
    Metric("qwk", _HIGH, _LABELS, ("quadratic weighted kappa", "quadratic kappa", "quadratic weighted cohens kappa",
           "cohens kappa with quadratic weights", "kappa with quadratic weights", "weighted kappa")),
    Metric("auc", _HIGH, _PROBABILITIES, ("roc auc", "auc roc", "auroc", "roc", "area under curve", "roc auc ovr",
           "area under roc", "area under roc curve", "area under receiver operating characteristic",
           "area under receiver operating characteristic curve"), ranks=True),
    Metric("average_precision", _HIGH, _PROBABILITIES, ("ap", "pr auc", "auc pr", "auprc", "auc prc",
           "area under precision recall curve", "area under pr curve"), ranks=True),
    Metric("log_loss", _LOW, _PROBABILITIES, ("log loss", "cross entropy", "cross entropy loss", "binary log loss",
           "multi log loss", "mlogloss", "multi class log loss", "negative log likelihood")),
    Metric("brier", _LOW, _PROBABILITIES, ("brier loss", "brier score loss")),
)
# fmt: on
"""The metrics that ``evaluation.formulas`` computes; with several target columns each is the mean over columns."""

_USUAL = {"regression": "rmse", "binary": "accuracy", "multiclass": "accuracy"}


def default_metric(kind: str) -> Metric:
    """The usual metric for a ``task.TargetKind``: one that any submission of that kind can be scored by."""
    return _named()[_USUAL[kind]]


def check_metric(metric: Metric, kind: str) -> None:
    """``MetricError`` if the metric cannot score a target of this ``task.TargetKind``."""
    if kind in metric.kinds:
        return
    wrong = f"the metric {metric.name} is for {' or '.join(metric.kinds)} targets, but the target is {kind}"
    if metric.source:
        needs = "numbers" if kind == "regression" else "labels"
        raise MetricError(
            f'{wrong}; if it fits, add `{metric.name}.needs = "{needs}"` to {metric.source.rpartition(":")[0]}'
        )
    others = [other.name for other in BUILT_IN if kind in other.kinds]
    others.sort(key=lambda name: not name.startswith(metric.name))
    raise MetricError(f"{wrong}; choose one of {', '.join(others)}")


def find_metric(name: str, base: Path | None = None) -> Metric:
    """The metric of this name, alias or long name, or one's own by ``FILE.py:FUNCTION``.

    ``base`` is the folder that a relative FILE starts from (default: the current one). The file is read, not run;
    ``evaluation.scoring`` runs it. ``MetricError`` if there is no such metric, file or function, or if the
    function does not say its direction.
    """
    name = name.strip()
    if own := re.fullmatch(r"(?P<file>.+\.py)(?::(?P<function>\w*))?", name):
        if not own["function"]:
            raise MetricError(f"{name} names no function: write {own['file']}:FUNCTION")
        return _own_metric((base or Path()) / own["file"], own["function"])
    if found := _named().get(_key(name)):
        return found
    near = difflib.get_close_matches(_key(name), _named(), n=1, cutoff=0.5)
    guess = f"did you mean {_named()[near[0]].name}? " if near else ""
    known = ", ".join(metric.name for metric in BUILT_IN)
    raise MetricError(f"unknown metric {name!r}: {guess}Known are {known}, or your own as FILE.py:FUNCTION.")


# One's own metric ---------------------------------------------------------------------------------------------------


def _own_metric(file: Path, function: str) -> Metric:
    try:
        source = ast.parse(file.read_bytes())
    except OSError as error:
        raise MetricError(f"the metric's file {file} cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise MetricError(f"the metric's file {file} is not valid Python: {error}") from None
    facts = dict(binding for statement in source.body for binding in _bindings(statement))
    if function not in facts:
        raise MetricError(f"{file} defines no function {function!r}")

    def fact(name: str) -> object:
        return facts.get(f"{function}.{name}", facts.get(name))

    try:
        direction = Direction(fact("direction"))  # type: ignore[arg-type]
    except ValueError:
        mend = f'add `{function}.direction = "minimize"` or `"maximize"` below the function'
        raise MetricError(f"{file} does not say which way {function} is better: {mend}") from None
    try:
        needs = Needs(fact("needs") or "numbers")  # type: ignore[arg-type]
    except ValueError:
        known = ", ".join(f'"{needs}"' for needs in Needs)
        raise MetricError(f"{file}: `{function}.needs` must be one of {known}") from None
    return Metric(function, direction, needs, source=f"{file.resolve()}:{function}")


def _bindings(statement: ast.stmt) -> Iterator[tuple[str, object]]:
    """What a statement at the top of a file names (``f``, ``f.direction``), with the value where it is a literal."""
    match statement:
        case ast.FunctionDef(name=name):
            yield name, None
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name, None) for alias in names)
        case ast.Assign(targets=targets, value=value):
            literal = value.value if isinstance(value, ast.Constant) else None
            yield from ((ast.unparse(target), literal) for target in targets)
        case ast.AnnAssign(target=target, value=ast.Constant(value=literal)):
            yield ast.unparse(target), literal


# Names in one spelling ----------------------------------------------------------------------------------------------

_SPELLINGS = {
    "squares": "square", "squared": "square", "logarithm": "log", "logarithms": "log", "logarithmic": "log",
    "logged": "log", "averaged": "average", "averaging": "average", "percent": "percentage",
    "columnwise": "column wise", "multiclass": "multi class", "quadratically": "quadratic", "logloss": "log loss",
    "crossentropy": "cross entropy", "logs": "log", "errors": "error", "the": "", "a": "", "an": "",
}  # fmt: skip


def _spell(text: str) -> str:
    """Lower-case words in one spelling each, without articles; a stop or comma stands alone between them."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text).lower()
    text = re.sub(r"['\u2019`*$]|\\text\b", "", text)
    text = re.sub(r"\^\s*(?:2|\{\s*2\s*\})|²", "2", text)
    text = re.sub(r"\n\s*\n|\n\s*#", " . ", text)
    words = re.findall(r"[a-z0-9]+|[.,;:!?](?=\s|$)", text)
    return " ".join(" ".join(_SPELLINGS.get(word, word) for word in words).split())


def _key(name: str) -> str:
    """The spelling without gaps, nor the words that scikit-learn and habit put around a name."""
    return "".join(word for word in _spell(name).split() if word not in {"neg", "score", "metric"})


@cache
def _named() -> dict[str, Metric]:
    """Every metric by the key of each of its names, also as in ``Mean Absolute Error (MAE)``."""
    names = [(alias, metric) for metric in BUILT_IN for alias in (metric.name, *metric.aliases)]
    doubled = {_key(f"{alias} {metric.name}"): metric for alias, metric in names}
    return doubled | {_key(alias): metric for alias, metric in names}


def ends_with_name(text: str, metric: Metric) -> bool:
    """Whether the last words of the text are a name of this metric, as in ``validation RMSE``, and of no longer one."""
    spelt = re.sub(r"(?: (?:score|metric))+$", "", _spell(text))
    if metric.source:
        return f" {spelt}".endswith(f" {_spell(metric.name)}")
    ends = (match for match in _pattern().finditer(spelt) if match.end() == len(spelt))
    return any(match["logarithm"] is None and _named().get(_key(match[0])) == metric for match in ends)


# A metric in a description ------------------------------------------------------------------------------------------

_PROSE = frozenset({"accuracy", "precision", "recall", "sensitivity", "ap", "acc", "roc"})
"""Names that plain prose uses too: believed only where scoring is spoken of, and after any clearer name there."""

_LOGARITHM = (
    r"(?:rmse|root mean square error)(?: (?:rmse|between|of|on|in|over|natural|using|computed|calculated))+ log"
)
_NOT_OURS = "mean average precision"

_HEADING = re.compile(
    r"""\s{0,3}(?P<hashes>\#{1,6})\s | \s*\*\*[^*]+\*\*:?\s*$ | \s*(evaluation|metric|scoring)[\w ]{0,20}:?\s*$""",
    re.IGNORECASE | re.VERBOSE,
)
_ON_SCORING = re.compile(r"\bevaluation\b|\bmetrics?\b|^[\W\d]*scoring\b", re.IGNORECASE)
_OF_SCORING = re.compile(r"\b(evaluat\w+|metrics?|scor(e|es|ed|ing)|judged|graded|leaderboard)\b")


def metric_in_text(text: str, kind: str | None = None) -> Metric | None:
    """The metric that a task's description names, ``None`` if it names none that is known.

    The section on evaluation counts first, then the sentences that speak of scoring, then all of the text. With
    ``kind`` (a ``task.TargetKind``) given, names of metrics for numbers are not heard in a classification task, nor
    the other way round.
    """
    spelt = _spell(text)
    sentences = " . ".join(s for s in re.split(r" [.!?] ", spelt) if _OF_SCORING.search(s))
    for scope, prose in ((_spell(_section(text)), True), (sentences, True), (spelt, False)):
        named = [(name, metric) for name, metric in _mentions(scope) if kind is None or _hears(kind, metric)]
        clear = [metric for name, metric in named if name not in _PROSE]
        if clear or (prose and named):
            return clear[0] if clear else named[0][1]
    return None


def _hears(kind: str, metric: Metric) -> bool:
    return (kind == "regression") == (metric.needs is Needs.NUMBERS)


def _mentions(spelt: str) -> Iterator[tuple[str, Metric]]:
    for match in _pattern().finditer(spelt):
        if match["logarithm"]:
            yield "rmse log", _named()["rmselog"]
        elif match[0] != _NOT_OURS:
            yield match[0], _named()[_key(match[0])]


@cache
def _pattern() -> re.Pattern[str]:
    """Finds every name as whole words, the longest where several start at the same word."""
    names = {_spell(alias) for metric in BUILT_IN for alias in (metric.name, *metric.aliases)}
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    flexible = ["(?: (?:score )?)?".join(name.split()) for name in longest_first]
    return re.compile(rf"\b(?:(?P<logarithm>{_LOGARITHM})|{_NOT_OURS}|{'|'.join(flexible)})\b")


def _section(text: str) -> str:
    """The parts under headings on evaluation, each up to the next heading of its rank."""
    rank, kept = 0, []
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            depth = len(heading["hashes"] or "") or 7
            if rank and depth <= rank:
                rank = 0
            if not rank and _ON_SCORING.search(line):
                rank = depth
        if rank:
            kept.append(line)
    return "\n".join(kept)
