"""Karp and Miller's tree as in the textbook: nothing is pruned but repetitions on a path. Slow, and plain to read."""

from __future__ import annotations

import math

from petricore import Net

Marking = tuple[float, ...]  # math.inf for omega


class TooLargeError(Exception):
    """The tree has too many nodes for a test."""


def naive_coverability(net: Net, most: int = 3000) -> set[Marking]:
    """The maximal markings of the Karp-Miller tree; only weighted and read arcs, no capacities."""
    places = list(net.places)
    tree: list[Marking] = []

    def below(a: Marking, b: Marking) -> bool:
        return all(x <= y for x, y in zip(a, b, strict=True))

    def expand(m: Marking, ancestors: tuple[Marking, ...]) -> None:
        tree.append(m)
        if len(tree) > most:
            raise TooLargeError
        if m in ancestors:
            return
        for t in net.transitions.values():
            tokens = dict(zip(places, m, strict=True))
            needs = [*t.inputs.items(), *t.reads.items()]
            if any(tokens[p] < w for p, w in needs):
                continue
            for p, w in t.inputs.items():
                tokens[p] -= w
            for p, w in t.outputs.items():
                tokens[p] += w
            after = tuple(tokens[p] for p in places)
            for old in (*ancestors, m):
                if below(old, after):
                    after = tuple(math.inf if x < y else y for x, y in zip(old, after, strict=True))
            expand(after, (*ancestors, m))

    expand(tuple(place.tokens for place in net.places.values()), ())
    return {m for m in set(tree) if not any(m != other and below(m, other) for other in set(tree))}
