"""Data values kept out of what a model is told of a script's output (``--no-samples``).

Of an output only the frames of its last traceback stay, places in programs that they are, and the exception's message
as far as it is safe. A message may hold any cell of the data, quoted or not, with quotes of its own, cut off anywhere;
so nothing in it is taken for harmless by its look. A word stays if the model knows it anyway (names of columns and
files, words of the program) or if it is one of those that messages are made of; at the first other word the message
ends. What is quoted stays if it is such a name or a type's, else it makes room for ``'…'``; a number for ``#``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_HEADER = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "(?P<file>[^"\n]+)", line \d+(?P<function>, in [\w.<>]+)?')
_REPEATED = re.compile(r"  \[Previous line repeated \d+ more times?\]")
_SOURCE = " " * 4
_CLASS = re.compile(r"(?:(?<=raised )|^)(?:[^\W\d]\w*\.)*\w*(?:[Ee]rror|Exception|Exit|Interrupt|Warning)(?=:|$)")
_KEYS = re.compile(r'"((?:None of )?\[.*\] (?:not|are) [a-z \[\]]+)"')
"""What pandas says of several missing keys, which ``KeyError`` puts in quotes as if it were a key."""
_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<quote>['"])(?P<quoted>(?:\\.|[^\\])*?)(?P=quote)(?!\w)
    |(?P<number>\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?)(?!\w)
    |(?P<word>[^\W\d]\w*(?:[.']\w+)*)
    |(?P<sign>[-.,;:()\[\]{}=<>+*/&|](?!['"]\w))""",
    re.VERBOSE,
)

_TYPES = frozenset(
    """bool bool_ bytes category complex datetime datetime64 dict float float32 float64 int int32 int64 int8 list ndarray
    numpy.ndarray object set str str_ tuple uint8 Categorical DataFrame DatetimeIndex GroupBy Index MultiIndex NaN NaT
    NoneType None RangeIndex Series Tensor Timedelta Timestamp < > <= >=""".split()
)
_WORDS = frozenset(
    """a able about above accept accepts access aligned all allocate allocated allow allowed already also alter ambiguous
    an and any apply applied are argument arguments arithmetic array arrays as assignment associated at attribute
    attributes available axes axis base batch be because been before below between binary bound boundaries bounds
    broadcast budget bus but by call callable called can can't cancelled cannot cast casting categorical categories check
    class classes classification classifier column columns compare comparison contain contained containing contains
    context continuous convert converted converge convergence copy could couldn't crashed current data dataframe datetime
    decode defined denied dependency deprecated determine device died different dimension dimensional dimensions
    directory divide division do does doesn't duplicate duplicated duplicates during dtype dtypes each edit element
    elements empty encode encoded encoder ended entries equal error errors exactly exceeded exist exists exited expect
    expected expects extra failed fault feature features few field fields file files fill find finite first fit fitted
    flight floating for format found from function functions further get getting give given got greater group groups had
    handle has have held id identical ids import in inconsistent incompatible index indexer indexers indexes indexing
    indices inf infer infinite infinity inhomogeneous initialize input inputs installed instance instances instead
    instruction integer integers into invalid is it iterable iterations its itself job key keys keyword killed known label
    labels lacks large larger last left length lengths less library like likely limit line lines literal load local
    location long look loss machine many mapping mask match matches matching matrix maximum may memory merge metric
    minimum mismatch missing mixed mode model module more most multiclass multiple must name named names need needed
    needs negative new no non nor not number numbers numeric object objects of on once one only open operand operands
    operation operator option options or order original other out outside overflow overlap own pandas parameter parameters
    parent parse parser parsed passed past permission position positional positions positive possible predictions
    previously probabilities processor program prompt properties raised ran range read readable recursion referenced
    regression reindex replace required requires reshape resolve result return rows row same sample samples saw scalar
    scored second seen segmentation sequence series set shape shapes should signal single singular size so solver some
    sparse specified specify split splits status stored string strings subscriptable subset such sum support supported
    syntax target targets tensor tensors than that the their them then there these they this those time times to together
    token tokenizing tokens too training transform transformed true truth try trying tuple two type types unable unbound
    unexpected unhashable unique unknown unseen unsupported up use used using valid value values variable vector was were
    when where which while will with within without worker working write written wrong yet you zero
    C CSV Errno Expected Found GB GPU CUDA Input JSON MB SIGABRT SIGFPE X y train.csv test.csv sample_submission.csv
    submission.csv probabilities.csv treewright""".split()
)
"""Words of our own reasons, and of the usual messages of Python, numpy, pandas and scikit-learn."""


def known_words(names: Iterable[str], code: str = "") -> frozenset[str]:
    """What a model may be told again: names and their words, the words of a program and what it quotes."""
    texts = (*names, *(quoted["quoted"] for quoted in _TOKEN.finditer(code) if quoted["quote"]))
    return frozenset({*texts, *re.findall(r"\w+", "\n".join((*texts, code)))})


def veil_output(output: str, known: Collection[str]) -> str:
    """The frames of the last traceback in an output and what is safe of its message; nothing without a traceback."""
    frames: list[str] = []
    message: list[str] = []
    inside = shown = False
    for line in output.splitlines():
        frame = _FRAME.fullmatch(line)
        if frame and not inside:
            frames, message = [], []
        if frame or (inside and _REPEATED.fullmatch(line)):
            frames.append(line)
            inside = True
            shown = frame is not None and frame["function"] is not None and not frame["file"].startswith("<")
        elif inside and line.startswith(_SOURCE):  # what is no file or no call may be a cell that was to be parsed
            frames.append(line if shown else _SOURCE + veil_line(line, known))
        elif inside or (len(message) == 1 and message[0].endswith(":")):
            inside = False
            message.append(veil_line(line, known))
    return "\n".join([_HEADER, *frames, *message]) if frames else ""


def veil_line(text: str, known: Collection[str]) -> str:
    """What is safe of a message, or of a reason why a program has no score, in one line."""
    return "".join(_safe(_KEYS.sub(r"\1", " ".join(text.split())), known))


def _safe(text: str, known: Collection[str]) -> Iterator[str]:
    at = 0
    if raised := _CLASS.search(text):
        at = raised.end()
        yield text[:at] if raised.start() in {0, len("raised ")} else ""
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or (token["word"] and not _is_safe(token, known)):
            yield "…"
            return
        if token["quote"]:
            yield token[0] if token["quoted"] in known or token["quoted"] in _TYPES else "'…'"
        else:
            yield "#" if token["number"] else token[0]
        at = token.end()


def _is_safe(token: re.Match[str], known: Collection[str]) -> bool:
    word, before = token["word"], token.string[: token.start()]
    starts = re.search(r"(?:^|[.:] )$", before) is not None
    return word in known or word in _TYPES or word in _WORDS or (starts and word[:1].lower() + word[1:] in _WORDS)
