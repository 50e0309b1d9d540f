"""A net as an SVG drawing: a layered layout of our own, no program or library needed, the same picture every
time.

The colours are middle tones on a transparent ground, legible on white and on black.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import SupportsIndex
from xml.sax.saxutils import escape

from petricore.errors import NetError
from petricore.io.arcs import Arc, arcs_of
from petricore.io.labels import annotation, drawable, shortened, text_width
from petricore.io.layout import Extent, Layout, laid_out
from petricore.net import Net, Place, Transition

__all__ = ["to_svg"]

_MARGIN = 16.0
_RADIUS = 15.0
_LARGEST_RADIUS = 32.0
_BOX_HEIGHT = 28.0
_BAR_WIDTH = 5.0
_PORT_GAP = 9.0
_FONT = 11.0
_SMALL_FONT = 9.5
_LINE = 13.0
_MOST_LETTERS = 28
_HEAD = 8.0

_TEXT = "#64748b"
_PLACE = "#3b82f6"
_TRANSITION = "#d97706"
_STROKES = {
    "input": "#7c8aa0",
    "output": "#7c8aa0",
    "read": "#0d9488",
    "inhibitor": "#e11d48",
    "reset": "#9333ea",
}

_DICE: dict[int, list[tuple[float, float]]] = {
    1: [(0, 0)],
    2: [(-1, 0), (1, 0)],
    3: [(-1, 0.8), (1, 0.8), (0, -0.9)],
    4: [(-1, -1), (1, -1), (-1, 1), (1, 1)],
    5: [(-1.1, -1.1), (1.1, -1.1), (-1.1, 1.1), (1.1, 1.1), (0, 0)],
}
"""Where the tokens of a place stand, in units of the distance between two of them."""

Marking = Mapping[str, SupportsIndex] | Sequence[SupportsIndex]


def to_svg(net: Net, marking: Marking | None = None) -> str:
    """Draw `net` as an SVG document, from left to right.

    Places are circles with their tokens (dots up to five, then the number), transitions are boxes, immediate
    ones thin bars. An inhibitor arc ends in a circle, a read arc is dashed and has no head, a reset arc has a
    double head; weights above 1 are written at the arcs.

    Args:
        net: any net; one of some hundred nodes is still readable.
        marking: the tokens to show, by place name (0 where a name is missing) or one count per place in the
        net's
            order; the initial marking if None.

    Raises:
        NetError: the marking names an unknown place, has the wrong length or holds no counts.
    """
    return "".join(_Drawing(net, _tokens(net, marking)).document())


def _tokens(net: Net, marking: Marking | None) -> list[int]:
    if marking is None:
        return [place.tokens for place in net.places.values()]
    counts: list[SupportsIndex]
    if isinstance(marking, Mapping):
        unknown = [name for name in marking if name not in net.places]
        if unknown:
            raise NetError(f"the marking names the unknown place {unknown[0]!r}")
        counts = [marking.get(name, 0) for name in net.places]
    else:
        counts = list(marking)
        if len(counts) != len(net.places):
            raise NetError(f"a marking of this net has {len(net.places)} counts, not {len(counts)}")
    for name, tokens in zip(net.places, counts, strict=True):
        if not hasattr(tokens, "__index__") or tokens.__index__() < 0:
            raise NetError(f"the marking of place {name!r} is a count, not {tokens!r}")
    return [tokens.__index__() for tokens in counts]


class _Shape:
    """A node: how much room it takes, and where arcs may touch it."""

    def __init__(self, node: Place | Transition, ports: int) -> None:
        self.node = node
        self.is_place = isinstance(node, Place)
        self.is_bar = isinstance(node, Transition) and node.weight is not None
        self.is_labelled_below = self.is_place or self.is_bar
        self.label = shortened(node.name, _MOST_LETTERS)
        self.note = annotation(node)
        if self.is_place:
            self.half_width = self.half_height = min(max(_RADIUS, 1.5 * ports), _LARGEST_RADIUS)
        else:
            inside = max(14.0, text_width(self.label, _FONT) / 2 + 8.0)
            self.half_width = _BAR_WIDTH / 2 if self.is_bar else inside
            self.half_height = max(_BOX_HEIGHT, _PORT_GAP * ports + 6.0) / 2

    @property
    def extent(self) -> Extent:
        note_width = text_width(self.note, _SMALL_FONT) / 2
        if self.is_labelled_below:
            half_width = max(self.half_width, text_width(self.label, _FONT) / 2, note_width)
            lines = 2 if self.note else 1
        else:
            half_width = max(self.half_width, note_width)
            lines = 1 if self.note else 0
        return Extent(
            half_width, self.half_height, self.half_height + _LINE * lines + (3.0 if lines else 0.0)
        )

    def ports(self, count: int) -> list[tuple[float, float]]:
        """Where `count` arcs touch one side, from the top: distance from the centre to the side, and down."""
        room = 2 * self.half_height * (0.78 if self.is_place else 1.0) - (0.0 if self.is_place else 8.0)
        gap = min(_PORT_GAP, room / (count - 1)) if count > 1 else 0.0
        downs = [gap * (number - (count - 1) / 2) for number in range(count)]
        if self.is_place:
            return [(math.sqrt(self.half_width**2 - down**2), down) for down in downs]
        return [(self.half_width, down) for down in downs]


class _Drawing:
    def __init__(self, net: Net, tokens: list[int]) -> None:
        self._net = net
        self._tokens = tokens
        self._arcs = list(arcs_of(net))
        places = {name: number for number, name in enumerate(net.places)}
        transitions = {name: len(places) + number for number, name in enumerate(net.transitions)}
        self._edges = [
            (transitions[arc.transition], places[arc.place])
            if arc.kind == "output"
            else (places[arc.place], transitions[arc.transition])
            for arc in self._arcs
        ]
        degrees = [0] * (len(places) + len(transitions))
        for source, target in self._edges:
            degrees[source] += 1
            degrees[target] += 1
        nodes: list[Place | Transition] = [*net.places.values(), *net.transitions.values()]
        # About half of a node's arcs touch each of its sides.
        self._shapes = [_Shape(node, (degree + 1) // 2) for node, degree in zip(nodes, degrees, strict=True)]
        marked = [number for number, count in enumerate(tokens) if count]
        self._layout: Layout = laid_out([shape.extent for shape in self._shapes], self._edges, marked)

    def document(self) -> Iterator[str]:
        width = max(self._layout.width, 60.0) + 2 * _MARGIN
        height = max(self._layout.height, 20.0) + 2 * _MARGIN
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
            f'viewBox="{_n(-_MARGIN)} {_n(-_MARGIN)} {_n(width)} {_n(height)}" '
            f'style="max-width:100%;height:auto" role="img" '
            f'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="{_n(_FONT)}" '
            f'text-anchor="middle">\n<title>{_escaped(self._net.name)}</title>\n'
        )
        if not self._shapes:
            yield f'<text x="30" y="14" fill="{_TEXT}">empty net</text>\n'
        starts, ends = self._ports()
        for number, arc in enumerate(self._arcs):
            yield self._arc(number, arc, starts[number], ends[number])
        for number, shape in enumerate(self._shapes):
            yield self._node(number, shape)
        yield "</svg>\n"

    # Arcs

    def _ports(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Where each arc starts and ends: the arcs at one side of a node in the order of where they come
        from."""
        layout = self._layout
        sides: dict[tuple[int, bool], list[tuple[float, int, bool]]] = {}
        for number, (source, target) in enumerate(self._edges):
            passes = layout.passes[number]
            rightward = layout.x[source] < layout.x[target]
            next_y = passes[0].y if passes else layout.y[target]
            last_y = passes[-1].y if passes else layout.y[source]
            sides.setdefault((source, rightward), []).append((next_y, number, True))
            sides.setdefault((target, not rightward), []).append((last_y, number, False))
        starts = [(0.0, 0.0)] * len(self._edges)
        ends = [(0.0, 0.0)] * len(self._edges)
        for (node, right), arcs in sides.items():
            arcs.sort()
            ports = self._shapes[node].ports(len(arcs))
            for (across, down), (_, number, is_start) in zip(ports, arcs, strict=True):
                point = (layout.x[node] + (across if right else -across), layout.y[node] + down)
                (starts if is_start else ends)[number] = point
        return starts, ends

    def _arc(self, number: int, arc: Arc, start: tuple[float, float], end: tuple[float, float]) -> str:
        layout = self._layout
        source, target = self._edges[number]
        sign = 1.0 if start[0] < end[0] else -1.0
        near, far = (1, 0) if sign > 0 else (0, 1)  # the sides by which the arc leaves and enters a column
        stops = [(layout.columns[source][near], start[1])]
        for passed in layout.passes[number]:
            sides = (passed.left, passed.right)
            stops += [(sides[far], passed.y), (sides[near], passed.y)]
        head, reach = _head(arc.kind, end, sign)
        line_end = end[0] - sign * reach
        stops.append((sign * min(sign * layout.columns[target][far], sign * line_end), end[1]))
        path = [f"M{_n(start[0])} {_n(start[1])}"]
        for (x0, y0), (x1, y1) in zip(stops[::2], stops[1::2], strict=True):
            path.append(f"H{_n(x0)}")
            middle = (x0 + x1) / 2
            path.append(f"C{_n(middle)} {_n(y0)} {_n(middle)} {_n(y1)} {_n(x1)} {_n(y1)}")
        path.append(f"H{_n(line_end)}")
        colour = _STROKES[arc.kind]
        dashes = ' stroke-dasharray="4 3"' if arc.kind == "read" else ""
        line = f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.3"{dashes}/>\n'
        return line + head + self._weight(arc, stops, colour)

    def _weight(self, arc: Arc, stops: Sequence[tuple[float, float]], colour: str) -> str:
        if arc.weight == 1:
            return ""
        middle = len(stops) // 4 * 2
        (x0, y0), (x1, y1) = stops[middle], stops[middle + 1]
        # Above the line, and to the side on which a rising or falling line leaves room.
        slope = (y1 - y0) / (x1 - x0)
        shift = 3.0 * len(str(arc.weight)) * min(1.0, abs(slope))
        x, y = (x0 + x1) / 2 + (shift if slope > 0 else -shift), (y0 + y1) / 2 - 4.0
        at = f'x="{_n(x)}" y="{_n(y)}"'
        return f'<text {at} font-size="{_n(_SMALL_FONT)}" fill="{colour}">{arc.weight}</text>\n'

    # Nodes

    def _node(self, number: int, shape: _Shape) -> str:
        x, y = self._layout.x[number], self._layout.y[number]
        title = f"<title>{_escaped(shape.node.name)}</title>"
        body = _circle(x, y, shape.half_width, self._tokens[number]) if shape.is_place else _box(x, y, shape)
        baseline = y + shape.half_height + _LINE if shape.is_labelled_below else y + 4.0
        below = y + shape.half_height + _LINE * (2 if shape.is_labelled_below else 1)
        body += f'<text x="{_n(x)}" y="{_n(baseline)}" fill="{_TEXT}">{escape(shape.label)}</text>'
        if shape.note:
            body += (
                f'<text x="{_n(x)}" y="{_n(below)}" font-size="{_n(_SMALL_FONT)}" fill="{_TEXT}" '
                f'fill-opacity="0.85">{escape(shape.note)}</text>'
            )
        return f"<g>{title}{body}</g>\n"


def _head(kind: str, end: tuple[float, float], sign: float) -> tuple[str, float]:
    """The head of an arc that ends at `end`, and how far before it the line stops."""
    x, y = end
    colour = _STROKES[kind]
    if kind == "read":
        return "", 0.0
    if kind == "inhibitor":
        centre = x - sign * 4.0
        style = f'fill="none" stroke="{colour}" stroke-width="1.3"'
        return f'<circle cx="{_n(centre)}" cy="{_n(y)}" r="3.4" {style}/>\n', 7.4
    tips = [x, x - sign * (_HEAD - 2.0)] if kind == "reset" else [x]
    path = "".join(
        f"M{_n(tip)} {_n(y)}L{_n(tip - sign * _HEAD)} {_n(y - 3.6)}L{_n(tip - sign * (_HEAD - 2.0))} {_n(y)}"
        f"L{_n(tip - sign * _HEAD)} {_n(y + 3.6)}Z"
        for tip in tips
    )
    return f'<path d="{path}" fill="{colour}"/>\n', (_HEAD - 2.0) * len(tips)


def _circle(x: float, y: float, radius: float, tokens: int) -> str:
    circle = (
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{_PLACE}" fill-opacity="0.12" '
        f'stroke="{_PLACE}" stroke-width="1.5"/>'
    )
    if tokens in _DICE:
        return circle + "".join(
            f'<circle cx="{_n(x + 5.0 * right)}" cy="{_n(y + 5.0 * down)}" r="3" fill="{_PLACE}"/>'
            for right, down in _DICE[tokens]
        )
    if tokens == 0:
        return circle
    count = str(tokens)
    size = min(12.0, 42.0 / len(count))
    return circle + (
        f'<text x="{_n(x)}" y="{_n(y + size * 0.36)}" font-size="{_n(size)}" font-weight="600" '
        f'fill="{_PLACE}">{count}</text>'
    )


def _box(x: float, y: float, shape: _Shape) -> str:
    rect = (
        f'<rect x="{_n(x - shape.half_width)}" y="{_n(y - shape.half_height)}" '
        f'width="{_n(2 * shape.half_width)}" height="{_n(2 * shape.half_height)}" '
    )
    if shape.is_bar:
        return f'{rect}fill="{_TRANSITION}"/>'
    return (
        f'{rect}rx="4" fill="{_TRANSITION}" fill-opacity="0.12" stroke="{_TRANSITION}" stroke-width="1.5"/>'
    )


def _escaped(text: str) -> str:
    return escape(drawable(text))


def _n(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")
