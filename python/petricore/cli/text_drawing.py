"""A net as text: every transition with what goes in on its left and what comes out on its right.

```
     (Report) ─┬▶ [publish] ──▶ (Published)
(Destination) ─┘
```
Arcs that do not simply consume one token say what they do: `─2─`, `─all─`, `─read─`, `─inhibit─`,
`─reset─`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from unicodedata import combining, east_asian_width

from petricore.net import Net, Transition

__all__ = ["draw_text"]


def draw_text(net: Net) -> str:
    """The drawing, a line per place of each transition. Cost: O(arcs)."""
    if not net.transitions:
        return "\n".join(_place(net, name) for name in net.places)
    transitions = net.transitions.values()
    inputs = {
        each.name: [(_place(net, place), label) for place, label in _inputs(each)] for each in transitions
    }
    places = max((_width(place) for arcs in inputs.values() for place, _ in arcs), default=0)
    labels = max((len(label) for arcs in inputs.values() for _, label in arcs), default=0)
    boxes = max(_width(_clean(name)) for name in net.transitions) + 2
    lines: list[str] = []
    for each in transitions:
        into = inputs[each.name]
        out = [(weight, _place(net, place)) for place, weight in each.outputs.items()]
        left = [
            f"{_right(place, places)} ─{label.ljust(labels, '─')}{_joint(row, len(into), '─┬┤┘')}"
            for row, (place, label) in enumerate(into)
        ]
        right = [
            f"{_joint(row, len(out), '─┬├└')}{_label(weight) or '─'}▶ {place}"
            for row, (weight, place) in enumerate(out)
        ]
        blank = " " * (places + labels + 3)
        box = f"[{_clean(each.name)}]"
        for row, (before, after) in enumerate(zip_longest(left or [blank], right)):
            arrow = "▶" if row == 0 and left else " "
            middle = box if row == 0 else ""
            lines.append(f"{before or blank}{arrow} {_left(middle, boxes)} {after or ''}".rstrip())
    idle = [name for name in net.places if not _touched(net, name)]
    return "\n".join([*lines, *(_place(net, name) for name in idle)])


def _inputs(transition: Transition) -> Iterator[tuple[str, str]]:
    """The arcs between places and the transition other than outputs, and their labels."""
    for place, weight in transition.inputs.items():
        emptied = place in transition.resets
        yield place, f"{'' if weight == 1 else f'{weight} or more: '}all─" if emptied else _label(weight)
    yield from ((place, f"read{_label(weight)}─") for place, weight in transition.reads.items())
    yield from ((place, f"inhibit{_label(weight)}─") for place, weight in transition.inhibitors.items())
    yield from ((place, "reset─") for place in transition.resets if place not in transition.inputs)


def _label(weight: int) -> str:
    return "" if weight == 1 else f"{weight}─"


def _joint(row: int, rows: int, signs: str) -> str:
    """The sign where the arcs of one side meet: alone, first, middle, last."""
    alone, first, middle, last = tuple(signs)
    if rows == 1:
        return alone
    return first if row == 0 else last if row == rows - 1 else middle


def _place(net: Net, name: str) -> str:
    tokens = net.places[name].tokens
    return f"({_clean(name)}{f' •{tokens}' if tokens else ''})"


def _touched(net: Net, place: str) -> bool:
    return any(
        place in arcs
        for each in net.transitions.values()
        for arcs in (each.inputs, each.outputs, each.reads, each.inhibitors, each.resets)
    )


def _clean(name: str) -> str:
    """`name` on one line, without signs that would steer a terminal."""
    return "".join(sign if sign.isprintable() else "·" for sign in name)


def _width(text: str) -> int:
    """Columns on a terminal."""
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _left(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _right(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text
