"""The static side of the naive Fleet: arcs by transition, and reachability by plain search."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

TAKE, DRAIN, GATHER, READ = 0, 1, 2, 3

Queue = tuple[int, int]  # a gather queue: (place, guard)


@dataclass(frozen=True)
class Arc:
    place: int
    mode: int
    weight: int
    guard: int
    slot: int


class Net:
    def __init__(self, spec: dict[str, Any]) -> None:
        self.places: int = spec["places"]
        self.transitions: int = spec["transitions"]
        self.resources: dict[int, int] = dict(spec.get("resources", {}))
        self.capacities: dict[int, int] = dict(spec.get("capacities", {}))
        self.priorities = list(spec.get("priorities") or [0] * self.transitions)
        self.inputs: list[list[Arc]] = [[] for _ in range(self.transitions)]
        self.needs: list[dict[int, int]] = [{} for _ in range(self.transitions)]
        for t, place, mode, weight, guard, slot in spec["inputs"]:
            if place in self.resources:
                self.needs[t][place] = self.needs[t].get(place, 0) + weight
            else:
                self.inputs[t].append(Arc(place, mode, weight, guard, slot))
        scatters = set(spec.get("scatters", ()))
        self.outputs: list[dict[int, int]] = [{} for _ in range(self.transitions)]
        self.returns: list[dict[int, int]] = [{} for _ in range(self.transitions)]
        self.lists: list[set[int]] = [{p for t2, p in scatters if t2 == t} for t in range(self.transitions)]
        for t, place, weight in spec["outputs"]:
            side = self.returns if place in self.resources else self.outputs
            side[t][place] = side[t].get(place, 0) + weight
        self.inhibitors: list[list[tuple[int, int]]] = [[] for _ in range(self.transitions)]
        for t, place, weight in spec.get("inhibitors", ()):
            self.inhibitors[t].append((place, weight))
        self.slots = max((arc.slot + 1 for arcs in self.inputs for arc in arcs), default=0)
        self.gathers = [[arc for arc in arcs if arc.mode == GATHER] for arcs in self.inputs]
        self.after = [self._reach(p) for p in range(self.places)]
        self.balanced = [self._walk(p) for p in range(self.places)]
        self._ways: dict[tuple[int, int, bool], set[int]] = {}

    def ways(self, place: int, guards: int, balanced: bool) -> set[int]:
        """Where a token with these guard bits may come to: its own arcs first, then anything."""
        known = self._ways.get((place, guards, balanced))
        if known is None:
            known = self._walk(place, guards) if balanced else self._reach(place, guards)
            self._ways[place, guards, balanced] = known
        return known

    def consumers(self, place: int) -> list[tuple[int, Arc]]:
        return [
            (t, arc)
            for t in range(self.transitions)
            for arc in self.inputs[t]
            if arc.place == place and arc.mode != READ
        ]

    def _leaving(self, place: int, guards: int | None) -> list[tuple[int, Arc]]:
        return [
            (t, arc)
            for t, arc in self.consumers(place)
            if guards is None or arc.guard < 0 or guards >> arc.guard & 1
        ]

    def _reach(self, start: int, guards: int | None = None) -> set[int]:
        """Places after one firing or more, on any path that begins as the guard bits allow (None: any way)."""
        seen = {p for t, _ in self._leaving(start, guards) for p in self.outputs[t]}
        stack = list(seen)
        while stack:
            for t, _ in self.consumers(stack.pop()):
                stack.extend(p for p in self.outputs[t] if p not in seen)
                seen.update(self.outputs[t])
        return seen

    def _walk(self, start: int, guards: int | None = None) -> set[int]:
        """Places after one firing or more with as many lists gathered as were emitted, and never one more.

        Breadth-first over (place, depth): a list goes one deeper, a gather one up. A shortest balanced path
        needs no more depth than places squared.
        """
        seen: set[tuple[int, int]] = set()
        todo = deque([(0, t, arc) for t, arc in self._leaving(start, guards)])
        while todo:
            depth, t, arc = todo.popleft()
            up = depth - (arc.mode == GATHER)
            if up < 0:
                continue
            for p in self.outputs[t]:
                state = (p, up + (p in self.lists[t]))
                if state[1] <= self.places**2 and state not in seen:
                    seen.add(state)
                    todo.extend((state[1], u, onward) for u, onward in self.consumers(p))
        return {p for p, depth in seen if depth == 0}

    def gathered(self, place: int) -> set[Queue]:
        """The gather queues that a list put to `place` comes to, with the other arcs of their transitions."""
        near = self.balanced[place] | {place}
        found = {(arc.place, arc.guard) for arcs in self.gathers for arc in arcs if arc.place in near}
        while True:
            more = set(found)
            for arcs in self.gathers:
                queues = {(arc.place, arc.guard) for arc in arcs}
                if queues & found:
                    more |= queues
            if more == found:
                return found
            found = more
