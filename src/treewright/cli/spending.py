"""What language models took, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from treewright.cli.render import duration_text, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from treewright.tree import Usage


def short_usage(usage: Usage) -> str:
    """Tokens and cost of a run so far, for a line that has little room; empty where no model was asked."""
    if not usage.requests:
        return ""
    return f"{_count(usage)} tokens{'' if usage.cost_usd is None else f', ${usage.cost_usd:.2f}'}"


def short_shares(shares: Mapping[str, Usage]) -> str:
    """Tokens of each model, or operator, for a line that may have a little more room; empty if there is but one."""
    if len(shares) < 2:
        return ""
    return ", ".join(f"{plain(name)} {_count(usage)}" for name, usage in shares.items())


def usage_words(usage: Mapping[str, Any]) -> str:
    """Requests, tokens, waiting and cost, from what ``record.summary`` says of them."""
    cost = "price unknown" if usage["cost_usd"] is None else f"${usage['cost_usd']:.4f}"
    requests = f"{usage['requests']} request{'s' if usage['requests'] != 1 else ''}"
    tokens = f"{usage['input_tokens']:,} + {usage['output_tokens']:,} tokens"
    return f"{requests}, {tokens}, {duration_text(usage['seconds'])} of waiting, {cost}"


def usage_lines(usage: Mapping[str, Any]) -> list[Text]:
    """The usage of a run, by model and by operator, or of a node, by purpose; a share that is all is not repeated."""
    if not usage["requests"]:
        return []
    models = usage.get("by_model", {})
    named = f" ({plain(next(iter(models)))})" if len(models) == 1 else ""
    lines = [Text(f"language models: {usage_words(usage)}{named}")]
    for shares in (usage.get("by_model", {}), usage.get("by_operator", {}), usage.get("by_purpose", {})):
        if len(shares) > 1:
            lines += [Text(f"  {plain(name)}: {usage_words(share)}", "dim") for name, share in shares.items()]
    return lines


def _count(usage: Usage) -> str:
    tokens = usage.input_tokens + usage.output_tokens
    return (
        f"{tokens / 1e6:.1f}M" if tokens >= 1_000_000 else f"{tokens / 1e3:.0f}k" if tokens >= 10_000 else f"{tokens:,}"
    )
