"""Names and counts as text in a drawing, whatever characters a name has."""

from __future__ import annotations

import math
import re
import unicodedata

from petricore.distributions import Delay, Deterministic, Empirical, Interval
from petricore.io.delays import delay_to_fields
from petricore.net import Place, Transition
from petricore.timing import MassAction

__all__ = ["annotation", "drawable", "shortened", "text_width"]

_UNDRAWABLE = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def drawable(text: str) -> str:
    """The text with what no drawing can show (control characters, lone surrogates) replaced by U+FFFD."""
    return _UNDRAWABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))


def shortened(text: str, most: int) -> str:
    """One line of at most `most` characters, an ellipsis where something was left out."""
    line = " ".join(drawable(text).split())
    return line if len(line) <= most else line[: most - 1] + "\u2026"


def text_width(text: str, size: float) -> float:
    """About how wide `text` is in a sans-serif font of `size` pixels."""
    return size * sum(1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6 for character in text)


def annotation(node: Place | Transition) -> str:
    """What stands below a node's name: its capacity, or priority and timing unless they are the default."""
    if isinstance(node, Place):
        return "" if node.capacity is None else f"\u2264 {node.capacity}"
    parts = []
    if node.priority != 0:
        parts.append(f"priority {node.priority}")
    parts += _timing(node)
    return ", ".join(parts)


_MOST_LETTERS = 40


def _timing(transition: Transition) -> list[str]:
    parts = []
    if isinstance(transition.rate, MassAction):
        parts.append(f"mass action {transition.rate.k:g}")
    elif isinstance(transition.rate, str):
        parts.append(f"rate {shortened(transition.rate, _MOST_LETTERS)}")
    elif transition.rate != 1.0:
        parts.append(f"rate {transition.rate:g}")
    if transition.delay is not None:
        parts.append(_delay(transition.delay))
    if transition.weight is not None and transition.weight != 1.0:
        parts.append(f"weight {transition.weight:g}")
    if transition.servers != 1:
        parts.append("\u221e servers" if transition.servers == math.inf else f"{transition.servers} servers")
    if transition.memory != "enabling":
        parts.append(f"{transition.memory} memory")
    return parts


def _delay(delay: Delay) -> str:
    if isinstance(delay, Empirical):
        return f"empirical, {len(delay.samples)} samples"
    if isinstance(delay, Deterministic):
        return f"delay {delay.value:g}"
    numbers = [f"{value:g}" for value in delay_to_fields(delay).values() if not isinstance(value, str)]
    if isinstance(delay, Interval):
        return f"[{', '.join(numbers)}]"
    return f"{type(delay).__name__.lower()}({', '.join(numbers)})"
