"""Where everything stands in a layered drawing: coordinates for `petricore.io.layers`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from petricore.io.layers import Layering, layered

__all__ = ["Extent", "Layout", "Pass", "laid_out"]

_GAP = 14.0
_PASS_EXTENT = 4.0
_COLUMN_GAP = 42.0
_WIDEST_COLUMN_GAP = 130.0
_COMPONENT_GAP = 30.0
_SHELF_WIDTH = 900.0
_SWEEPS = 28
_LAST_SWEEPS = 12
_STRAIGHT_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Extent:
    """The room a node takes around its centre, in pixels."""

    half_width: float
    above: float
    below: float


@dataclass(frozen=True, slots=True)
class Pass:
    """Where an edge passes a column: straight at `y` between the column's sides."""

    left: float
    right: float
    y: float


@dataclass(slots=True)
class Layout:
    """Centres of nodes, the sides of their columns, and the columns that each edge passes on its way."""

    x: list[float]
    y: list[float]
    columns: list[tuple[float, float]]
    passes: list[list[Pass]]
    width: float = 0.0
    height: float = 0.0


@dataclass(slots=True)
class _Component:
    nodes: list[int] = field(default_factory=list)
    edges: list[int] = field(default_factory=list)


def laid_out(
    extents: Sequence[Extent], edges: Sequence[tuple[int, int]], roots: Iterable[int] = ()
) -> Layout:
    """Lay out a graph from left to right, its connected components on shelves below each other.

    Args:
        extents: one per node.
        edges: pairs of nodes; parallel ones are laid out side by side.
        roots: nodes to begin with where a cycle has no beginning of its own.
    """
    count = len(extents)
    layout = Layout([0.0] * count, [0.0] * count, [(0.0, 0.0)] * count, [[] for _ in edges])
    roots = list(roots)
    left = top = shelf = 0.0
    for component in _components(count, edges):
        width, height = _place(layout, component, extents, edges, roots)
        if left and left + width > _SHELF_WIDTH:
            left, top, shelf = 0.0, top + shelf + _COMPONENT_GAP, 0.0
        _move(layout, component, left, top)
        shelf = max(shelf, height)
        layout.width = max(layout.width, left + width)
        layout.height = top + shelf
        left += width + _COMPONENT_GAP
    return layout


def _components(count: int, edges: Sequence[tuple[int, int]]) -> list[_Component]:
    """Connected components, each in the order of its first node."""
    parent = list(range(count))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for source, target in edges:
        first, second = sorted((root(source), root(target)))
        parent[second] = first
    found: dict[int, _Component] = {}
    for node in range(count):
        found.setdefault(root(node), _Component()).nodes.append(node)
    for number, (source, _) in enumerate(edges):
        found[root(source)].edges.append(number)
    return list(found.values())


def _place(
    layout: Layout,
    component: _Component,
    extents: Sequence[Extent],
    edges: Sequence[tuple[int, int]],
    roots: Iterable[int],
) -> tuple[float, float]:
    """Lay out one component with its upper left corner at the origin; its width and height."""
    local = {node: position for position, node in enumerate(component.nodes)}
    ends = [(local[edges[number][0]], local[edges[number][1]]) for number in component.edges]
    layering = layered(len(component.nodes), ends, [local[node] for node in roots if node in local])
    room = [extents[node] for node in component.nodes]
    room += [Extent(0.0, _PASS_EXTENT, _PASS_EXTENT)] * (len(layering.layer_of) - len(room))
    y = _rows(layering, room)
    columns = _columns(layering, room, y)
    for node, item in local.items():
        left, right = layout.columns[node] = columns[layering.layer_of[item]]
        layout.x[node] = (left + right) / 2
        layout.y[node] = y[item]
    for number, passed in zip(component.edges, layering.passes, strict=True):
        layout.passes[number] = [Pass(*columns[layering.layer_of[item]], y[item]) for item in passed]
    return columns[-1][1], max(y[item] + room[item].below for item in range(len(y)))


def _move(layout: Layout, component: _Component, right: float, down: float) -> None:
    for node in component.nodes:
        layout.x[node] += right
        layout.y[node] += down
        layout.columns[node] = (layout.columns[node][0] + right, layout.columns[node][1] + right)
    for edge in component.edges:
        layout.passes[edge] = [Pass(p.left + right, p.right + right, p.y + down) for p in layout.passes[edge]]


def _rows(layering: Layering, room: Sequence[Extent]) -> list[float]:
    """The y of every item: as close to its neighbours as the order and the room of the others allow."""
    y = [0.0] * len(room)
    for layer in layering.layers:
        for item, offset in zip(layer, _offsets(layer, room), strict=True):
            y[item] = offset
    both = [before + after for before, after in zip(layering.before, layering.after, strict=True)]
    for sweep in range(_SWEEPS):
        rightward = sweep % 2 == 0
        neighbours = layering.before if rightward else layering.after
        if sweep >= _SWEEPS - _LAST_SWEEPS:
            neighbours = both
        for layer in layering.layers if rightward else reversed(layering.layers):
            _settle(y, layer, layering, room, neighbours)
        if sweep >= _SWEEPS - _STRAIGHT_SWEEPS:
            _straighten(y, layering, room)
    top = min(y[item] - room[item].above for item in range(len(y)))
    return [value - top for value in y]


def _settle(
    y: list[float],
    layer: Sequence[int],
    layering: Layering,
    room: Sequence[Extent],
    neighbours: Sequence[Sequence[int]],
) -> None:
    """Move the items of one layer to the weighted means of their neighbours, keeping order and distances."""
    wanted, weights = [], []
    for item in layer:
        pulls = [(_pull(layering, item, other), other) for other in neighbours[item]]
        total = sum(pull for pull, _ in pulls)
        wanted.append(sum(pull * y[other] for pull, other in pulls) / total if pulls else y[item])
        weights.append(total or 0.5)
    offsets = _offsets(layer, room)
    free = [goal - offset for goal, offset in zip(wanted, offsets, strict=True)]
    for item, offset, value in zip(layer, offsets, _isotonic(free, weights), strict=True):
        y[item] = offset + value


def _straighten(y: list[float], layering: Layering, room: Sequence[Extent]) -> None:
    """Draw each long edge at one height where its neighbours leave room for that."""
    limits = {}
    for layer in layering.layers:
        for above, item, below in zip([None, *layer], layer, [*layer[1:], None], strict=False):
            limits[item] = (above, below)
    for passed in layering.passes:
        least, most = -math.inf, math.inf
        for item in passed:
            above, below = limits[item]
            if above is not None:
                least = max(least, y[above] + room[above].below + _GAP + room[item].above)
            if below is not None:
                most = min(most, y[below] - room[below].above - _GAP - room[item].below)
        if passed and least <= most:
            mean = sum(y[item] for item in passed) / len(passed)
            level = min(max(mean, least), most)
            for item in passed:
                y[item] = level


def _pull(layering: Layering, item: int, other: int) -> float:
    """How strongly an edge is kept level: most where it only passes by, so that long edges are straight."""
    return (1.0, 2.0, 6.0)[(item >= layering.nodes) + (other >= layering.nodes)]


def _offsets(layer: Sequence[int], room: Sequence[Extent]) -> list[float]:
    """The y of a layer's items packed as closely as they may be, the first at 0."""
    offsets = [0.0]
    for above, below in pairwise(layer):
        offsets.append(offsets[-1] + room[above].below + _GAP + room[below].above)
    return offsets


def _isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence closest to `values` in weighted least squares (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pool = (value, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, mass, size = pools.pop()
            together = mass + pool[1]
            pool = ((mean * mass + pool[0] * pool[1]) / together, together, size + pool[2])
        pools.append(pool)
    return [mean for mean, _, size in pools for _ in range(size)]


def _columns(layering: Layering, room: Sequence[Extent], y: Sequence[float]) -> list[tuple[float, float]]:
    """The sides of every column; the gap before it grows with the steepest edge that crosses it."""
    columns: list[tuple[float, float]] = []
    left = 0.0
    for layer in layering.layers:
        rise = max(
            (abs(y[item] - y[other]) for item in layer for other in layering.before[item]), default=0.0
        )
        if columns:
            left = columns[-1][1] + min(max(_COLUMN_GAP, 0.4 * rise), _WIDEST_COLUMN_GAP)
        columns.append((left, left + 2 * max(room[item].half_width for item in layer)))
        left = columns[-1][1]
    return columns
