"""The script of a blend: it runs its members, which lie beside it, and combines what they predict.

It does with files what ``predictions.average`` does with arrays, so that ``best/`` alone makes the submission again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from treewright.evaluation.predictions import is_logarithmic
from treewright.metrics import Needs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from treewright.task import Task

_SCRIPT = '''"""A blend of {count} programs, which lie beside this one.

Each runs on the data in ./input, in a folder of its own under ./working.
Their predictions are combined by {how}.
"""

import shutil
import subprocess
import sys
from pathlib import Path

{imports}

WEIGHTS = {{
{weights}
}}
IDS = {ids}
COLUMNS = {columns}
HERE = Path(__file__).resolve().parent


def run(program: str) -> pd.DataFrame:
    """Run one program; the table that it writes, in the row order of the sample submission."""
    folder = Path("working", Path(program).stem).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "working").mkdir(parents=True)
    (folder / "input").symlink_to(Path("input").resolve())
    subprocess.run([sys.executable, HERE / program], cwd=folder, check=True)
    table = pd.read_csv(folder / "working" / "{table}", dtype={dtype}{na})
    return {aligned}


{plain}sample = pd.read_csv("input/sample_submission.csv", dtype=str)
{body}
sample.to_csv("working/submission.csv", index=False)
'''

_PLAIN = '''def plain(labels: pd.Series) -> np.ndarray:
    """Labels as they are compared: programs may have written the class 1 as 1.0."""
    return labels.astype(str).str.strip().str.lower().str.replace(r"[.]0*$", "", regex=True).to_numpy(str)


'''

_NUMBERS = (
    "sample[COLUMNS] = sum(weight * run(program)[COLUMNS].to_numpy(float) for program, weight in WEIGHTS.items())"
)

_LOGARITHMS = """logs = 0.0
for program, weight in WEIGHTS.items():
    logs = logs + weight * np.log1p(run(program)[COLUMNS].to_numpy(float))
sample[COLUMNS] = np.expm1(logs)"""

_PROBABILITIES = """blend = sum(weight * run(program)[COLUMNS].to_numpy(float) for program, weight in WEIGHTS.items())
sample[{target}] = np.array(COLUMNS)[{favoured}.argmax(axis=1)]"""

_VOTES = """classes = plain(pd.Series(COLUMNS))
votes = 0.0
for program, weight in WEIGHTS.items():
    labels = plain(run(program)[{target}])
    votes = votes + weight * (labels[:, None] == classes)
sample[{target}] = np.array(COLUMNS)[votes.argmax(axis=1)]"""


def blend_script(
    task: Task, weights: Mapping[str, float], *, probabilities: bool, factors: Sequence[float] = ()
) -> str:
    """A program that runs these programs and writes the weighted mean, or vote, of what they predict.

    ``probabilities`` says that labels come from those, each class's multiplied by its one of ``factors``, if any.
    """
    labels = task.metric.needs is Needs.LABELS
    votes = labels and not probabilities
    favoured = f"(blend * {[float(f'{factor:.6g}') for factor in factors]})" if factors else "blend"
    if not labels:
        how = "a weighted mean of logarithms" if is_logarithmic(task) else "a weighted mean"
        body = _LOGARITHMS if is_logarithmic(task) else _NUMBERS
    else:
        how = "the likeliest class by weighted probabilities" if probabilities else "a weighted vote"
        how += ", some classes favoured as tuned on hidden rows" if factors else ""
        target = _quoted(task.submission_columns[0])
        body = (
            _PROBABILITIES.format(target=target, favoured=favoured) if probabilities else _VOTES.format(target=target)
        )
    return _SCRIPT.format(
        count=len(weights),
        how=how,
        imports=("import numpy as np\n" if "np." in body else "") + "import pandas as pd",
        weights="\n".join(f"    {_quoted(name)}: {weight:.6f}," for name, weight in weights.items()),
        ids=_quoted(list(task.ids)),
        columns=_quoted(list(task.classes if labels else task.submission_columns)),
        table="probabilities.csv" if labels and probabilities else "submission.csv",
        dtype="str" if votes else "dict.fromkeys(IDS, str)",
        aligned='sample[IDS].merge(table, on=IDS, how="left")' if task.ids else "table",
        body=body,
        na=", keep_default_na=False" if votes else "",
        plain=_PLAIN if votes else "",
    )


def _quoted(value: str | list[str]) -> str:
    """A text, or a list of texts, as Python with double quotes."""
    return json.dumps(value, ensure_ascii=False)
