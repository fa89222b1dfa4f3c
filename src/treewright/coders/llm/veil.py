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
_FRAME = re.compile(r'  File "(?P<file>[^"]+)", line \d+(?P<call>, in [\w.<>]+)?')
_REPEATED = re.compile(r"  \[Previous line repeated \d+ more times?\]")
_SOURCE = " " * 4
_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<class>(?:(?<=raised\ )|\A)(?:[^\W\d]\w*\.)*\w*(?:[Ee]rror|Exception|Exit|Interrupt|Iteration|Warning)(?=:|$))
    |(?P<number>\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?(?!\w))
    |(?P<word>[^\W\d]\w*(?:\.\w+)*(?:'[a-z]{1,2}\b)?)
    |(?P<mark>['"])(?P<quoted>(?:\\.|[^\\])*?)(?P=mark)(?!\w)
    |(?P<sign>[.,;:()\[\]{}=<>+*/&|]|-(?=\w))""",
    re.VERBOSE,
)
_QUOTED = re.compile(r"""(['"])((?:\\.|(?!\1)[^\\\n])+)\1""")
_KEYS = re.compile(r'"((?:None of )?\[.*\] (?:not|are) [a-z \[\]]+)"')
"""What pandas says of several keys that are missing; ``KeyError`` puts all of it in quotes, as if it were a key."""

_TYPES = """
bool bool_ bytes category complex datetime datetime64 dict float float32 float64 int int32 int64 int8 list ndarray
object set str str_ tuple uint8 < <= > >= Categorical DataFrame DatetimeIndex GroupBy Index MultiIndex
NaN NaT None NoneType RangeIndex Series Tensor Timedelta Timestamp
"""
_WORDS = """
a about above accept accepts access aligned all allocate allocated allow allowed along already also alter ambiguous an
and any applied apply are argument arguments arithmetic array arrays as assignment associated at attribute attributes
available axes axis bad base batch be because been before below between binary bound bounds broadcast budget bus but
by call callable called can can't cancelled cannot cast casting categorical categories character characters check
class classes classification classifier column columns compare comparison concatenate concatenation contain contained
containing contains context converge convergence convert converted could couldn't crashed current data dataframe
datetime decode defined denied dependency deprecated determine died different dimension dimensional dimensions
directory discrete divide division divisor do does doesn't dtype dtypes duplicate duplicated duplicates during each
edit element elements empty encode encoded encoder ended entries equal error errors exact exactly exceeded exist
exists exited expect expected expects extra failed fault feature features field fields file files fill find finite
first fit fitted flight floating for format found from function functions get getting give given got greater group
groups had handle has have held help id identical ids import in incompatible inconsistent index indexer indexers
indexes indexing indices inf infer inferred infinite infinity inhomogeneous initialize input inputs installed instance
instances instead instruction integer integers into invalid is it iterable iterations its itself job keep kept key
keys keyword killed known label labels lacks length lengths less library like likely limit line lines literal load
local location long look loss machine many mapping mask match matches matching may member members memory merge metric
mismatch missing mode model module more most multiclass multiple must name named names nan need needed needs negative
new no non nor not number numbers numeric object objects of on once one only open operand operands operation operator
option options or order out outside overflow overlap own pandas parameter parameters parent parse parsed parser passed
past permission populated position positional positions positive possible predictions previously probabilities
probabilities.csv processor program prompt properties raised ran range read readable recursion referenced regression
reindex replace required requires reshape resolve result return row rows s same sample sample_submission.csv samples
saw scalar scored seen segmentation sequence set setitem sets shape shapes should signal singular size so sparse
special specified specify split splits status stored string strings submission.csv subscriptable subset such sum
supplied support supported syntax target targets tensor tensors test.csv than that the their then there they time
times to together token tokenizing tokens too train.csv transform transformed treewright tried true truncated truth
try trying tuple two type types unable unbound unexpected unhashable unique unknown unsafe unseen unsupported up use
used using valid value values variable variables vector was were when where which while will with within without
worker working write written wrong y yet you zero C CSV CUDA Errno Expected Found GB GiB GPU Input JSON Maybe MB MiB
No SIGABRT SIGFPE X
"""
"""Words of our own reasons, and of the usual messages of Python, numpy, pandas and scikit-learn."""

_KNOWN_TYPES = frozenset(_TYPES.split())
_KNOWN_WORDS = frozenset(_WORDS.split())


def known_words(names: Iterable[str], code: str = "") -> frozenset[str]:
    """What a model may be told again: names, what a program quotes, and the words of both."""
    texts = (*names, *(quoted[2] for quoted in _QUOTED.finditer(code)))
    return frozenset({*texts, *re.findall(r"[^\W\d]\w*", "\n".join((*texts, code)))})


def veil_output(output: str, known: Collection[str]) -> str:
    """The frames of the last traceback in an output and what is safe of its message; nothing without a traceback."""
    frames: list[str] = []
    message: list[str] = []
    inside = verbatim = False
    for line in output.splitlines():
        if frame := _FRAME.fullmatch(line):
            frames, message = ([*frames, line], message) if inside else ([line], [])
            inside = True
            verbatim = frame["call"] is not None and not frame["file"].startswith("<")
        elif inside and line.startswith(_SOURCE):  # a line without a call, or of no file, may be a cell that was parsed
            frames.append(line if verbatim else _SOURCE + veil_line(line, known))
        elif inside and _REPEATED.fullmatch(line):
            frames.append(line)
            verbatim = False
        elif inside or (len(message) == 1 and message[0].endswith(":")):
            message.append(veil_line(line, known))
            inside = False
    return "\n".join([_HEADER, *frames, *message]) if frames else ""


def veil_line(text: str, known: Collection[str]) -> str:
    """What is safe of a message, or of the reason why a program has no score, in one line."""
    return "".join(_safe(_KEYS.sub(r"\1", " ".join(text.split())), known))


def _safe(text: str, known: Collection[str]) -> Iterator[str]:
    at, begins = 0, True
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or (token["word"] and not _is_safe(token["word"], known, begins=begins)):
            yield "…"
            return
        if token["mark"]:
            yield token[0] if token["quoted"] in known or token["quoted"] in _KNOWN_TYPES else "'…'"
        else:
            yield "#" if token["number"] else token[0]
        if not token["blank"] and token[0] != ":":
            begins = token["class"] is not None or token[0] == "."
        at = token.end()


def _is_safe(word: str, known: Collection[str], *, begins: bool) -> bool:
    """``begins``: a sentence does so with this word, and a capital letter says nothing."""
    if word in known or all(part in known or part in _KNOWN_TYPES for part in word.split(".")):
        return True
    return word in _KNOWN_WORDS or (begins and word[0].lower() + word[1:] in _KNOWN_WORDS)
