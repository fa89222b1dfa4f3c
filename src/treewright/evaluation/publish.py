"""``best/``: a script, its submission, and a page that says what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from treewright.evaluation.blend import blend_script
from treewright.tree import Node

if TYPE_CHECKING:
    from pathlib import Path

    from treewright.folder import RunFolder
    from treewright.task import Task


SPENT_ROWS = " (though an earlier end of this run has shown their scores)"


@dataclass(frozen=True, slots=True)
class Answer:
    """The final answer: nodes with their weights, heaviest first, and the cross-fitted score of the choice.

    ``probabilities`` tells that the labels come from averaged probabilities, not from votes; ``spent`` that an earlier
    end of this run has shown its selection rows already.
    """

    members: tuple[tuple[Node, float], ...]
    reported: float | None
    reported_se: float | None
    refitted: tuple[int, ...] = ()
    probabilities: bool = False
    spent: bool = False


def publish_best_so_far(folder: RunFolder, task: Task, node: Node) -> None:
    """Put the best node of the search so far in ``best/``: its own script and its own submission."""
    assert node.proposal is not None
    assert node.evaluation is not None
    if node.self_reported:
        publish_self_reported(folder, task, node, ended=False)
        return
    submission = folder.node(node.id) / "submission.csv"
    page = (
        f"# The best of {task.name} so far: node {node.id}\n\n"
        f"{node.proposal.plan}\n\n"
        f"- {task.metric.name} on search rows: {_score(node.score, node.evaluation.score_se)}\n"
        "- The run had not ended when this was written. At the end the answer is chosen anew on rows that the search\n"
        "  never saw, and run again on all labelled rows.\n"
    )
    _publish(folder, {"solution.py": node.proposal.code, "README.md": page}, submission)


def publish_self_reported(folder: RunFolder, task: Task, node: Node, *, ended: bool) -> None:
    """Put a node that scored itself in ``best/``: there is no more to be known of it at the end of a run."""
    assert node.proposal is not None
    title = f"The answer to {task.name}" if ended else f"The best of {task.name} so far"
    page = (
        f"# {title}: node {node.id}\n\n"
        f"{node.proposal.plan}\n\n"
        f"- {task.metric.name}: {_score(node.score, None)}, self-reported: the script printed it of its own\n"
        "  validation, and no rows were hidden from it to check that.\n"
        "- To make it again: put the data in `input/` and run `python solution.py`.\n"
    )
    submission = folder.node(node.id) / "submission.csv"
    _publish(folder, {"solution.py": node.proposal.code, "README.md": page}, submission)


def publish(folder: RunFolder, task: Task, answer: Answer, submission: Path | None) -> None:
    """Put the final answer in ``best/``."""
    members = answer.members
    programs = {f"node_{node.id:04d}.py": node.proposal.code for node, _ in members if node.proposal}
    if len(members) == 1:
        files = {"solution.py": next(iter(programs.values()))}
    else:
        weights = {name: weight for name, (_, weight) in zip(programs, members, strict=True)}
        files = {"solution.py": blend_script(task, weights, probabilities=answer.probabilities), **programs}
    _publish(folder, {**files, "README.md": _page(task, answer)}, submission)


def _publish(folder: RunFolder, texts: dict[str, str], submission: Path | None) -> None:
    files: dict[str, Path | str] = dict(texts)
    if submission is not None and submission.exists():
        files["submission.csv"] = submission
    folder.publish(files)


def _page(task: Task, answer: Answer) -> str:
    several = len(answer.members) > 1
    spent = SPENT_ROWS if answer.spent else ""
    lines = [
        f"# The answer to {task.name}: {'a blend of' if several else 'node'} "
        + ", ".join(str(node.id) for node, _ in answer.members),
        "",
        (
            f"- Expected {task.metric.name}: {_score(answer.reported, answer.reported_se)}, on rows that the "
            f"search has not used, each graded by a choice made without it{spent}."
        ),
        "- Run again on all labelled rows: "
        + (", ".join(f"node {node}" for node in answer.refitted) if answer.refitted else "none")
        + ".",
        "- To make `working/submission.csv` again: put the data in `input/` and run `python solution.py`.",
        "",
        "| node | weight | score on search rows | plan |",
        "| --- | --- | --- | --- |",
        *(
            f"| {node.id} | {weight:.2f} | {_score(node.score, None)} | {_cell(node)} |"
            for node, weight in answer.members
        ),
    ]
    return "\n".join(lines) + "\n"


def _cell(node: Node) -> str:
    plan = node.proposal.plan if node.proposal else ""
    return " ".join(plan.split()).replace("|", "\\|")


def _score(value: float | None, standard_error: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.5g}" + (f" ± {standard_error:.2g}" if standard_error else "")
