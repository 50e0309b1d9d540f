"""One explored view: what can start where, what is at rest, and which steps the runtime is sure to be able to take."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from petricore.agent.routing import output_places
from petricore.agent.verify.abstraction import LISTS, Abstraction
from petricore.agent.verify.exploration import Graph
from petricore.agent.verify.rules import Step

__all__ = ["Explored", "Run"]

Mask = npt.NDArray[np.bool_]

_CHUNK = 1 << 18


class Run:
    """A run in words, what it depends on, and which transitions fire in it."""

    def __init__(self, steps: list[Step], again: Iterable[Step] = ()) -> None:
        every = [*steps, *again]
        self.told = (*(one.text for one in steps), *(f"again and again: {one.text}" for one in again))
        self.depends = tuple(dict.fromkeys(d for one in every for d in one.depends))
        self.fired = tuple(dict.fromkeys(one.transition for one in every if one.transition))


class Explored:
    """A graph with what the properties ask of it."""

    def __init__(self, graph: Graph, abstraction: Abstraction) -> None:
        self.graph = graph
        self._abstraction = abstraction
        self._specs = [one.spec for one in abstraction.plan.transitions]
        self.number = {spec.name: i for i, spec in enumerate(self._specs)}
        """Transitions of the agent, numbered."""

    @cached_property
    def agents(self) -> npt.NDArray[np.int64]:
        """The agent's transition of each edge, -1 where none fires, (E,)."""
        numbers = [
            -1 if step.transition is None else self.number[step.transition] for step in self.graph.steps
        ]
        return np.array(numbers, np.int64)[self.graph.transitions]

    @cached_property
    def claiming(self) -> Mask:
        """Edges that take tokens of the agent, and do not only end a firing, (E,)."""
        places = self._abstraction.places
        claims = []
        for one in self.graph.net.transitions.values():
            taken = (*one.inputs, *one.resets)
            claims.append(any(place in places or place.startswith(LISTS) for place in taken))
        return self.graph.edges_of(claims)

    @cached_property
    def able(self) -> Mask:
        """Which transitions of the agent can start in which marking, (N, T)."""
        able = np.zeros((len(self.graph), max(len(self._specs), 1)), bool)
        starts = self.claiming & (self.agents >= 0)
        able[self.graph.sources[starts], self.agents[starts]] = True
        return able

    @cached_property
    def exact_edges(self) -> Mask:
        """Steps that depend on nothing but the counts.

        The runtime starts whatever can start at once, by priority and then by age. So a step by which another
        transition loses what it could have had is real only if its own has the higher priority.
        """
        graph, agents = self.graph, self.agents
        exact = graph.edges_of(not step.depends for step in graph.steps)
        priority = np.array([spec.options.priority for spec in self._specs] or [0])
        before = priority[None, :] >= priority[:, None]  # [t, u]: u may be served before t
        inhibits = np.array(
            [[self._inhibits(t, u) for u in range(len(priority))] for t in range(len(priority))]
        )
        itself = np.eye(len(priority), dtype=bool)
        taken_away = np.zeros_like(self.able)
        for first in range(0, len(agents), _CHUNK):
            part = slice(first, first + _CHUNK)
            mine, starts = agents[part], self.claiming[part]
            lost = self.able[graph.sources[part]] & ~self.able[graph.targets[part]] & (mine >= 0)[:, None]
            others = ~itself[mine]
            exact[part] &= ~(lost & ((others & (before | inhibits)[mine]) | ~starts[:, None])).any(axis=1)
            taken = lost & others & before.T[mine] & starts[:, None]
            np.logical_or.at(taken_away, graph.sources[part], taken)
        starts = self.claiming & (agents >= 0)
        exact[starts] &= ~taken_away[graph.sources[starts], agents[starts]]
        return exact

    def _inhibits(self, t: int, u: int) -> bool:
        """Whether `t` may put what keeps `u` from starting."""
        if t >= len(self._specs):
            return False
        one = self._specs[t]
        put = {*output_places(one.output), one.error_place, one.dead_letter}
        if one.options.confirm or one.options.on_error == "release":
            put |= {arc.place for arc in one.inputs}
        return any(place in put for place in self._specs[u].inhibitors)

    @cached_property
    def exact_tree(self) -> npt.NDArray[np.int64]:
        """The tree of exact steps."""
        return self.graph.tree(self.exact_edges)

    @cached_property
    def any_tree(self) -> npt.NDArray[np.int64]:
        """The tree of all steps."""
        return self.graph.tree()

    @cached_property
    def at_rest(self) -> Mask:
        """Markings from which nothing surely goes on."""
        sure = self.graph.edges_of(not step.may for step in self.graph.steps)
        rest = np.zeros(len(self.graph), bool)
        rest[: self.graph.expanded] = True
        rest[self.graph.sources[sure]] = False
        return rest

    @cached_property
    def dead(self) -> Mask:
        """Markings that enable nothing at all."""
        dead = np.zeros(len(self.graph), bool)
        dead[: self.graph.expanded] = True
        dead[self.graph.sources] = False
        return dead

    def holding(self, places: Iterable[str]) -> Mask:
        """Markings with a token in one of the agent's places."""
        wanted = set(places)
        columns = [column for name, column in self.graph.columns.items()
                   if self._abstraction.places.get(name) in wanted]  # fmt: skip
        return np.asarray(self.graph.markings[:, columns].any(axis=1))

    def tokens(self, marking: int) -> dict[str, int]:
        """Tokens per place of the agent."""
        counts: dict[str, int] = {}
        for name, column in self.graph.columns.items():
            owner = self._abstraction.places.get(name)
            if owner is not None and self.graph.markings[marking, column]:
                counts[owner] = counts.get(owner, 0) + int(self.graph.markings[marking, column])
        return counts

    def run(self, marking: int, *, exact: bool) -> Run:
        """How the marking is reached."""
        names = self.graph.path(marking, self.exact_tree if exact else self.any_tree)
        by_name = dict(zip(self.graph.names, self.graph.steps, strict=True))
        return Run([by_name[name] for name in names])
