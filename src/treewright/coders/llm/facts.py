"""What a program will really find: interpreter, packages, machine and time; not what a model recalls of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from treewright.coders.llm.text import clip, duration, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treewright.protocols import Brief, Machine

WELL_KNOWN = (
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "xgboost",
    "xgboost-cpu",
    "catboost",
    "statsmodels",
    "category-encoders",
    "torch",
    "torchvision",
    "transformers",
    "sentence-transformers",
    "timm",
    "tensorflow",
    "keras",
    "jax",
    "nltk",
    "spacy",
    "gensim",
    "matplotlib",
    "seaborn",
    "optuna",
    "joblib",
    "numba",
    "networkx",
    "shap",
    "opencv-python",
    "pillow",
    "librosa",
)
"""Packages that models like to use: their absence is worth telling as much as their presence."""

IMPORTED_AS = {"scikit-learn": "sklearn", "xgboost-cpu": "xgboost", "opencv-python": "cv2", "pillow": "PIL"}
OTHER_PACKAGES = 25


def facts(machine: Machine, cap: float) -> str:
    """The block of facts; the list of packages has at most about ``cap`` tokens."""
    threads = f"{machine.cpus} CPU thread{'s' if machine.cpus > 1 else ''}"
    gpus = f"GPUs: {some(machine.gpus, 8)}" if machine.gpus else "no GPU"
    lines = [
        f"- Python {machine.python}; {threads}, {machine.memory_mb / 1024:.1f} GB of memory, {gpus}, no network.",
        *_packages(machine, cap),
    ]
    return "\n".join(["# What the program gets", "", *lines])


def now(brief: Brief) -> str:
    """The limit of the program, and what is left of the search."""
    said = f"The program may run for {duration(brief.limit)}."
    left = [f"{duration(brief.time_left)} of time"] if brief.time_left is not None else []
    left += [f"{brief.steps_left + 1} programs, this one included"] if brief.steps_left is not None else []
    return f"{said} Left of the whole search: {' and '.join(left)}." if left else said


def _packages(machine: Machine, cap: float) -> Iterator[str]:
    installed = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in machine.packages.items()}
    known = [name for name in WELL_KNOWN if name in installed]
    others = sorted(installed.keys() - set(known))[:OTHER_PACKAGES]
    imported = (f" (import {IMPORTED_AS[name]})" if name in IMPORTED_AS else "" for name in known)
    shown = [f"{name} {installed[name]}{how}" for name, how in zip(known, imported, strict=True)]
    yield f"- Installed: {clip(', '.join(shown) or 'only the standard library', cap)}."
    if others:
        yield f"- Also there: {clip(', '.join(others), cap / 3)}."
    have = {IMPORTED_AS.get(name, name) for name in known}
    missing = [name for name in WELL_KNOWN if name not in installed and IMPORTED_AS.get(name, name) not in have]
    yield f"- NOT installed, do not import: {clip(', '.join(missing), cap / 2)}."
