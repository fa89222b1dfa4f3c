"""Tables, profiles and briefs for the tests of the recipe coder, and walks through its recipes."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from treewright.coders.recipes.drafts import draft
from treewright.coders.recipes.moves import possible
from treewright.coders.recipes.situation import Situation
from treewright.data import profile_table
from treewright.metrics import find_metric
from treewright.protocols import Brief, Machine, Memory, Setting
from treewright.task import HoldoutSpec, SplitKind, TargetKind, Task
from treewright.tree import Action, Evaluation, Execution, Node, Operator, Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treewright.coders.recipes.recipe import Recipe

PACKAGES = {
    "lightgbm": "4.7.0",
    "xgboost-cpu": "3.2.0",
    "catboost": "1.2.10",
    "scikit-learn": "1.9.1",
    "scipy": "1.17.1",
    "pandas": "3.1.1",
}


def mixed_table(rows: int, seed: int = 0) -> pd.DataFrame:
    """Everything at once: ids with groups, dates, amounts, codes, labels, flags, gaps, text, dirt and odd names."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, rows)
    table = pd.DataFrame(
        {
            "id": [f"{i // 2:05d}_{i % 2 + 1:02d}" for i in range(rows)],
            "when": pd.date_range("2021-01-01", periods=rows, freq="h").strftime("%Y-%m-%d %H:%M"),
            "until": pd.date_range("2021-01-03", periods=rows, freq="h").strftime("%d.%m.%Y"),
            "hour": np.arange(rows) % 24,
            "heat [°C]": 10 + 8 * np.sin(np.arange(rows) / 24) + rng.normal(0, 1, rows).round(3),
            "spent": np.where(rng.random(rows) < 0.5, 0, rng.exponential(200, rows).round(1)),
            "lent": np.where(rng.random(rows) < 0.6, 0, rng.exponential(100, rows).round(1)),
            "size": rng.normal(50, 9, rows).round(2),
            "dirty": [" " if i % 29 == 0 else f"{x:.2f}" for i, x in enumerate(rng.normal(5, 2, rows))],
            "dust": ["?" if i % 41 == 7 else f"{x:.0f}" for i, x in enumerate(rng.normal(90, 9, rows))],
            "paid": pd.date_range("2021-01-01", periods=rows, freq="D").strftime("%d/%m/%Y"),
            "new": rng.random(rows) < 0.5,
            "code": [f"{'ABC'[k]}/{rng.integers(0, 60)}/{'PS'[i % 2]}" for i, k in enumerate(kind)],
            "kind": np.array(["red", "green", "blue"])[kind],
            "town": [f"town {rng.integers(0, 30)}" for _ in range(rows)],
            "member": rng.random(rows) < 0.4,
            "name": [f"Given{i} Family{rng.integers(0, rows // 3 + 1)}" for i in range(rows)],
            "story": [" ".join(rng.choice(_WORDS[k], 9)) + "." for k in kind],
            "same": 1,
        }
    )
    table["member"] = table["member"].astype(object).where(rng.random(rows) > 0.1, None)
    table["kind"] = table["kind"].where(rng.random(rows) > 0.05, None)
    table["size"] = table["size"].where(rng.random(rows) > 0.1)
    signal = kind * 3 + table["heat [°C]"] / 5 + np.log1p(table["spent"]) + rng.normal(0, 0.5, rows)
    return table.assign(amount=np.exp(signal / 4).round(4), level=np.array(["low", "mid", "top"])[kind], won=signal > 7)


_WORDS = [
    ["cold", "night", "raven", "door", "silent", "ancient", "house"],
    ["sun", "field", "river", "bright", "morning", "ancient", "house"],
    ["engine", "ship", "star", "metal", "silent", "bright", "door"],
]


def task_of(table: pd.DataFrame, *targets: str, metric: str, ids: tuple[str, ...] = ("id",), **more: object) -> Task:
    """A task on this table; class names stand in the submission where the metric needs all probabilities."""
    found = find_metric(metric)
    classes: tuple[str, ...] = ()
    kind = TargetKind.REGRESSION
    if found.needs.value != "numbers":
        classes = tuple(str(label) for label in sorted(table[targets[0]].dropna().unique()))
        kind = TargetKind.BINARY if len(classes) == 2 else TargetKind.MULTICLASS
    columns = classes if found.needs.value == "probabilities" and len(classes) > 2 else targets
    return replace(
        Task(
            name="made up",
            goal="",
            description="",
            metric=found,
            kind=kind,
            train=Path("train.csv"),
            test=Path("test.csv"),
            sample=Path("sample_submission.csv"),
            ids=ids,
            targets=targets,
            submission_columns=columns,
            classes=classes,
        ),
        **more,
    )


def setting_of(
    train: pd.DataFrame, test: pd.DataFrame, task: Task, packages: dict[str, str] = PACKAGES, cpus: int = 2
) -> Setting:
    """What a coder is told of these tables."""
    profile = profile_table(train, test, task.targets, task.ids)
    return Setting(task, profile, Machine("3.11", packages, cpus, 4_000))


TARGETS = ("amount", "level", "won")


def divided(table: pd.DataFrame, test_rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table as train and test, as ``read_csv`` would give them."""
    test = table.iloc[-test_rows:].drop(columns=[name for name in TARGETS if name in table])
    return table.iloc[:-test_rows], test.reset_index(drop=True)


def situations() -> dict[str, Situation]:
    """One situation for every sort of task that recipes tell apart."""
    return {name: situation for name, (situation, _, _) in tasks().items()}


def tasks() -> dict[str, tuple[Situation, pd.DataFrame, pd.DataFrame]]:
    """The same with their training and test tables."""
    table = mixed_table(397)
    plain = table.drop(columns=["heat [°C]", "dirty", "story"])
    texts = table[["id", "story", *TARGETS]]
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(120, 180)).round(4)).add_prefix("p")
    wide = wide.assign(id=[f"x{i}" for i in range(120)], level=["a", "b", "c"] * 40)
    blocks, time = HoldoutSpec(SplitKind.BLOCKS, "when"), HoldoutSpec(SplitKind.TIME, "when")
    group, by_team = HoldoutSpec(SplitKind.GROUP, "id", "_"), HoldoutSpec(SplitKind.GROUP, "team")
    rows = np.arange(len(table))
    months = pd.date_range("1985-01-01", periods=len(table), freq="MS").strftime("%Y-%m-%d")
    words = np.array([f"word{i * 7 % 131}" for i in rows])
    teams = np.where(rows % 50 == 3, None, np.array([f"team {i % 4}" for i in rows], dtype=object))
    eras = np.array(["stone", "bronze", "iron", "steel"])[rows // 100]

    def make(frame: pd.DataFrame, *targets: str, **more: object) -> tuple[Situation, pd.DataFrame, pd.DataFrame]:
        others = [name for name in TARGETS if name in frame and name not in targets]
        train, test = divided(frame.drop(columns=others), 83)
        test = test.drop(columns=[name for name in targets if name in test])
        task = task_of(frame, *targets, **more)
        return Situation(setting_of(train, test, task)), train, test

    return {
        "mixed, log error": make(table, "amount", metric="rmsle"),
        "series, absolute error": make(
            plain.assign(id=plain["when"]), "amount", metric="mae", ids=("when",), holdout=time
        ),
        "blocks of time": make(plain, "amount", metric="rmse_log", holdout=blocks),
        "groups, accuracy": make(plain, "won", metric="accuracy", holdout=group),
        "classes, kappa": make(table, "level", metric="qwk"),
        "ranking": make(table, "won", metric="auc"),
        "f1": make(plain, "won", metric="f1"),
        "text, probabilities": make(texts, "level", metric="log_loss"),
        "text, a number": make(texts, "amount", metric="rmse"),
        "wide": make(wide, "level", metric="f1_macro"),
        "several targets": make(plain.assign(other=plain["amount"] * 2), "amount", "other", metric="mcrmse"),
        "no ids": make(plain.drop(columns="id"), "amount", metric="r2", ids=()),
        "a sample of other names": make(plain, "amount", metric="rmse", submission_columns=("answer",)),
        "class columns of other names": make(
            plain, "level", metric="log_loss", submission_columns=("p_low", "p_mid", "p_top")
        ),
        "chances of another name": make(plain, "won", metric="auc", submission_columns=("chance",)),
        "every month": make(plain.assign(when=months), "amount", metric="mae", ids=("when",), holdout=time),
        "text and many labels": make(texts.assign(word=words), "won", metric="f1"),
        "nothing but many labels": make(
            table[["id", *TARGETS]].assign(user=words, item=words[::-1]), "amount", metric="rmse"
        ),
        "groups with gaps": make(plain.assign(team=teams), "level", metric="f1_macro", holdout=by_team),
        "classes in one block": make(plain.assign(level=eras), "level", metric="accuracy", holdout=blocks),
        "yes or no twice": make(
            plain.assign(won=table["won"].astype(int), lost=1 - table["won"]), "won", "lost", metric="accuracy"
        ),
    }


def scoring_itself(situation: Situation) -> Situation:
    """The same where scripts have to score themselves."""
    return Situation(replace(situation.setting, self_reported=True))


def walk(situation: Situation, steps: int, seed: int) -> Iterator[Recipe]:
    """Recipes reached from a random draft by random changes, the draft first."""
    rng = random.Random(seed)
    recipe, _ = draft(rng.randrange(6), situation)
    yield recipe
    for _ in range(steps):
        changes = possible(recipe, situation)
        kind = rng.choice(sorted({change.kind for change in changes}))
        recipe = rng.choice([change for change in changes if change.kind == kind]).recipe
        yield recipe


def brief_for(
    situation: Situation,
    operator: Operator = Operator.DRAFT,
    parent: Node | None = None,
    memory: tuple[Memory, ...] = (),
    **more: object,
) -> Brief:
    """A brief with nothing special in it."""
    plain = Brief(situation.setting, 1, operator, parent, memory, 0, None, 60.0, None, None, 0)
    return replace(plain, **more)


def ended(proposal: Proposal, output: str = "", failure: str | None = None, reason: str | None = None) -> Node:
    """A node that ran this proposal and came to this end."""
    exception = output.strip().splitlines()[-1] if output else None
    execution = Execution(5.0, 1 if failure else 0, failure, exception, output)
    return Node(
        1,
        Action(Operator.DRAFT),
        proposal=proposal,
        execution=execution,
        evaluation=Evaluation(reason=reason or failure),
    )
