"""``best/``: a script, its submission, and a page that says what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from treewright.evaluation.blend import blend_script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from treewright.evaluation.predictions import Predictions
    from treewright.events import Selected
    from treewright.folder import RunFolder
    from treewright.task import Task
    from treewright.tree import Node


SPENT_ROWS = " (though an earlier end of this run has shown their scores)"


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


def publish(
    folder: RunFolder,
    task: Task,
    selected: Selected,
    *,
    members: Sequence[Node],
    tests: Sequence[Predictions],
    submission: Path | None,
) -> None:
    """Put the final answer in ``best/``; ``tests`` are the members' predictions that were combined."""
    programs = {f"node_{node.id:04d}.py": node.proposal.code for node in members if node.proposal}
    if len(members) == 1 and not selected.factors:
        files = {"solution.py": next(iter(programs.values()))}
    else:
        weights = {name: member.weight for name, member in zip(programs, selected.members, strict=True)}
        soft = bool(tests) and all(test.probabilities is not None for test in tests)
        by_probability = bool(selected.factors) or (soft and task.metric.name == "accuracy")
        script = blend_script(task, weights, probabilities=by_probability, factors=selected.factors)
        files = {"solution.py": script, **programs}
    _publish(folder, {**files, "README.md": _page(task, selected, members)}, submission)


def _publish(folder: RunFolder, texts: dict[str, str], submission: Path | None) -> None:
    files: dict[str, Path | str] = dict(texts)
    if submission is not None and submission.exists():
        files["submission.csv"] = submission
    folder.publish(files)


def _page(task: Task, selected: Selected, members: Sequence[Node]) -> str:
    several = len(members) > 1
    spent = SPENT_ROWS if selected.spent else ""
    refitted = ", ".join(f"node {node}" for node in selected.refitted) or "none"
    lines = [
        f"# The answer to {task.name}: {'a blend of' if several else 'node'} "
        + ", ".join(str(node.id) for node in members),
        "",
        (
            f"- Expected {task.metric.name}: {_score(selected.reported, selected.reported_se)}, on rows that the "
            f"search has not used, each graded by a choice made without it{spent}."
        ),
        f"- Run again on all labelled rows: {refitted}.",
        "- To make `working/submission.csv` again: put the data in `input/` and run `python solution.py`.",
        *(f"- {remark[:1].upper()}{remark[1:]}." for remark in selected.remarks),
        "",
        "| node | weight | on search rows | on selection rows | confirmed on further rows | plan |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {node.id} | {member.weight:.2f} | {_score(node.score, None)} "
            f"| {_score(selected.selection_scores.get(node.id), None)} | {_score(node.confirmed_score, None)} "
            f"| {_cell(node)} |"
            for node, member in zip(members, selected.members, strict=True)
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
