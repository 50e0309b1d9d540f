"""Names and counts as text in a drawing, whatever characters a name has."""

from __future__ import annotations

import re
import unicodedata

from petricore.net import Place, Transition

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
    """What stands below a node's name: its capacity, or priority and rate unless they are the default."""
    if isinstance(node, Place):
        return "" if node.capacity is None else f"\u2264 {node.capacity}"
    parts = []
    if node.priority != 0:
        parts.append(f"priority {node.priority}")
    if node.rate != 1.0:
        parts.append(f"rate {node.rate:g}")
    return ", ".join(parts)
