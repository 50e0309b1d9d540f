"""Nets by definition: plain Python that computes what the engine computes, by trying everything.

Nothing here shares code or ideas with the core: firing follows the three phases of the semantics word for
word, and servability tries every order.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from petricore import Net

Marking = tuple[int, ...]


class Oracle:
    """The token game of a net on tuples of counts."""

    def __init__(self, net: Net) -> None:
        self.places = list(net.places)
        self.capacities = [place.capacity for place in net.places.values()]
        self.transitions = list(net.transitions.values())
        self.initial = tuple(place.tokens for place in net.places.values())

    def fire(self, m: Marking, t: int) -> Marking | None:
        """The marking after t, or None if t is not enabled."""
        transition = self.transitions[t]
        tokens = dict(zip(self.places, m, strict=True))
        if any(tokens[p] < w for p, w in transition.inputs.items()):
            return None
        if any(tokens[p] < w for p, w in transition.reads.items()):
            return None
        if any(tokens[p] >= w for p, w in transition.inhibitors.items()):
            return None
        for p, w in transition.inputs.items():
            tokens[p] -= w
        for p in transition.resets:
            tokens[p] = 0
        for p, w in transition.outputs.items():
            tokens[p] += w
        for p, capacity in zip(self.places, self.capacities, strict=True):
            if p in transition.outputs and capacity is not None and tokens[p] > capacity:
                return None
        return tuple(tokens[p] for p in self.places)

    def enabled(self, m: Marking) -> list[bool]:
        return [self.fire(m, t) is not None for t in range(len(self.transitions))]

    def servable(self, m: Marking, firings: list[int]) -> bool:
        """Whether m covers the inputs of all firings together and every order of them can fire."""
        for i, p in enumerate(self.places):
            if sum(self.transitions[t].inputs.get(p, 0) for t in firings) > m[i]:
                return False
        return all(self._order_fires(m, order) for order in set(permutations(firings)))

    def _order_fires(self, m: Marking, order: tuple[int, ...]) -> bool:
        at: Marking | None = m
        for t in order:
            assert at is not None
            at = self.fire(at, t)
            if at is None:
                return False
        return True

    def degree(self, m: Marking, t: int, at_most: int) -> int:
        """The enabling degree, counted up to at_most."""
        k = 0
        while k < at_most and self.servable(m, [t] * (k + 1)):
            k += 1
        return k

    def conflicts(self, m: Marking) -> Iterator[tuple[int, int]]:
        on = [t for t, enabled in enumerate(self.enabled(m)) if enabled]
        for i, t in enumerate(on):
            for u in on[i + 1 :]:
                if not self.servable(m, [t, u]):
                    yield t, u

    def fire_step(self, m: Marking, firings: list[int]) -> Marking:
        """One after the other: first those that empty no place, then the others by position."""
        for t in sorted(firings, key=lambda t: (bool(self.transitions[t].resets), t)):
            after = self.fire(m, t)
            assert after is not None
            m = after
        return m
