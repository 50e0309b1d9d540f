"""Layered ordering of a directed graph (Sugiyama, Tagawa, Toda 1981): few crossings between its layers.

Deterministic: the same graph in the same order gives the same layers.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence

__all__ = ["Layering", "layered"]

_SWEEPS = 12
_BACKWARD = 4


class Layering:
    """Items of a graph in layers.

    Items below `nodes` are the graph's nodes; the others stand for an edge where it passes a layer.

    Attributes:
        layers: items by layer, from left to right and from top to bottom.
        layer_of: the layer of each item.
        before, after: the neighbours of each item in the layer to the left and to the right.
        passes: per edge, in the direction of the edge, the items that it passes through.
    """

    def __init__(self, nodes: int, layer_of: list[int], edges: Sequence[tuple[int, int]]) -> None:
        self.nodes = nodes
        self.layer_of = layer_of
        self.before: list[list[int]] = [[] for _ in range(nodes)]
        self.after: list[list[int]] = [[] for _ in range(nodes)]
        self.passes = [self._route(source, target) for source, target in edges]
        self.layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]

    def _route(self, source: int, target: int) -> list[int]:
        backward = self.layer_of[source] > self.layer_of[target]
        left, right = (target, source) if backward else (source, target)
        passed = []
        previous = left
        for layer in range(self.layer_of[left] + 1, self.layer_of[right]):
            item = len(self.layer_of)
            self.layer_of.append(layer)
            self.before.append([])
            self.after.append([])
            self._join(previous, item)
            passed.append(item)
            previous = item
        self._join(previous, right)
        return passed[::-1] if backward else passed

    def _join(self, left: int, right: int) -> None:
        self.after[left].append(right)
        self.before[right].append(left)


def layered(nodes: int, edges: Sequence[tuple[int, int]], roots: Iterable[int] = ()) -> Layering:
    """Layers of the graph with the nodes 0 .. nodes-1.

    Cycles are broken at the edges that lead back in a search from the nodes without predecessors, then from
    `roots`; every other edge leads to the right. Of a depth-first search, which follows a process to its end,
    and a breadth-first one, which keeps dense graphs short, the one with the shorter edges is taken. Costs
    O(nodes + edges x layers) times a constant number of sweeps.
    """
    successors: list[list[int]] = [[] for _ in range(nodes)]
    has_predecessor = [False] * nodes
    for source, target in edges:
        successors[source].append(target)
        has_predecessor[target] = True
    starts = [node for node in range(nodes) if not has_predecessor[node]]
    starts += [*roots, *range(nodes)]
    orders = [search(starts, successors) for search in (_depth_first, _breadth_first)]
    candidates = [(order, _longest_paths(order, edges)) for order in orders]
    order, layer_of = min(candidates, key=lambda candidate: _length(candidate[1], edges))
    layering = Layering(nodes, layer_of, edges)
    rank = {node: position for position, node in enumerate(order)}
    for item in sorted(range(len(layering.layer_of)), key=lambda item: rank.get(item, nodes)):
        layering.layers[layering.layer_of[item]].append(item)
    _reduce_crossings(layering)
    return layering


def _length(layer_of: Sequence[int], edges: Sequence[tuple[int, int]]) -> int:
    """The layers that all edges span; one that leads back counts for some more."""
    spans = (layer_of[target] - layer_of[source] for source, target in edges)
    return sum(span if span > 0 else _BACKWARD - span for span in spans)


def _breadth_first(starts: Iterable[int], successors: Sequence[Sequence[int]]) -> list[int]:
    """The nodes by their distance from the first start that reaches them."""
    distance: dict[int, int] = {}
    for start in starts:
        queue = [] if start in distance else [start]
        distance.setdefault(start, 0)
        for node in queue:  # grows while it is walked
            for other in successors[node]:
                if other not in distance:
                    distance[other] = distance[node] + 1
                    queue.append(other)
    return sorted(distance, key=lambda node: distance[node])


def _depth_first(starts: Iterable[int], successors: Sequence[Sequence[int]]) -> list[int]:
    """Reverse postorder: topological but for the edges that close a cycle."""
    seen = [False] * len(successors)
    postorder: list[int] = []
    for start in starts:
        if not seen[start]:
            _search(start, successors, seen, postorder)
    return postorder[::-1]


def _search(start: int, successors: Sequence[Sequence[int]], seen: list[bool], postorder: list[int]) -> None:
    seen[start] = True
    path = [(start, iter(successors[start]))]
    while path:
        node, rest = path[-1]
        following = next((other for other in rest if not seen[other]), None)
        if following is None:
            postorder.append(node)
            path.pop()
        else:
            seen[following] = True
            path.append((following, iter(successors[following])))


def _longest_paths(order: Sequence[int], edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each node: right of all its predecessors, and sources close to their successors."""
    rank = [0] * len(order)
    for position, node in enumerate(order):
        rank[node] = position
    successors: list[list[int]] = [[] for _ in order]
    has_predecessor = [False] * len(order)
    for source, target in edges:
        left, right = (source, target) if rank[source] < rank[target] else (target, source)
        successors[left].append(right)
        has_predecessor[right] = True
    layer = [0] * len(order)
    for node in order:
        for other in successors[node]:
            layer[other] = max(layer[other], layer[node] + 1)
    for node in order:
        if successors[node] and not has_predecessor[node]:
            layer[node] = min(layer[other] for other in successors[node]) - 1
    return layer


def _reduce_crossings(layering: Layering) -> None:
    """Barycentre sweeps to the right and to the left; the order with the fewest crossings is kept."""
    best, fewest = [list(layer) for layer in layering.layers], _crossings(layering)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        rightward = sweep % 2 == 0
        neighbours = layering.before if rightward else layering.after
        position = _positions(layering)
        for layer in layering.layers if rightward else reversed(layering.layers):
            layer.sort(key=lambda item: _barycentre(position, neighbours[item], position[item]))
            for place, item in enumerate(layer):
                position[item] = place
        crossings = _crossings(layering)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layering.layers], crossings
    layering.layers = best


def _barycentre(position: Sequence[int], neighbours: Sequence[int], own: int) -> float:
    return sum(position[item] for item in neighbours) / len(neighbours) if neighbours else float(own)


def _positions(layering: Layering) -> list[int]:
    position = [0] * len(layering.layer_of)
    for layer in layering.layers:
        for place, item in enumerate(layer):
            position[item] = place
    return position


def _crossings(layering: Layering) -> int:
    position = _positions(layering)
    total = 0
    for layer in layering.layers:
        ends: list[int] = []
        for item in layer:
            targets = sorted(position[other] for other in layering.after[item])
            total += sum(len(ends) - bisect_right(ends, target) for target in targets)
            for target in targets:
                insort(ends, target)
    return total
