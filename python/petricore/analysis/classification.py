"""`Classification`: the textbook classes a net belongs to, by its arcs alone.

The classes are those of J. Desel and J. Esparza, "Free choice Petri nets", 1995 (10.1017/CBO9780511526558). A read arc
counts as an arc in both directions. Classes that say what may be in conflict are of *plain* and *ordinary* nets: the
theorems about them hold nowhere else, so any other net is in none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from petricore.engine import Engine
    from petricore.net import Transition

__all__ = ["Classification", "classify"]

_Weights: TypeAlias = dict[str, int]
_Graph: TypeAlias = dict[tuple[str, str], list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Classification:
    """What a net is, structurally. The initial marking plays no part."""

    plain: bool
    """No inhibitor arcs, reset arcs or capacities: inputs and reads alone decide what is enabled."""
    ordinary: bool
    """Every arc has the weight 1."""
    pure: bool
    """No transition has a place both before and after it."""
    conservative: bool
    """Every firing keeps the number of tokens."""
    state_machine: bool
    """Plain and ordinary; every transition has exactly one input place and one output place."""
    marked_graph: bool
    """Plain and ordinary; every place has exactly one transition before it and one after it."""
    free_choice: bool
    """Plain and ordinary; a transition that shares an input place has no other."""
    extended_free_choice: bool
    """Plain and ordinary; transitions that share an input place share all."""
    asymmetric_choice: bool
    """Plain and ordinary; of two places with a common output transition, one has all those of the other."""
    workflow_net: bool
    """One place that nothing puts into, another that nothing takes from, and all on paths from the one to the other."""
    strongly_connected: bool
    """Arcs lead from every place and transition to every other."""


def classify(engine: Engine) -> Classification:
    """The classes of a net, in time close to linear in its arcs."""
    transitions = engine._transitions
    before = {name: _needs(t) for name, t in transitions.items()}
    after = {name: _leaves(t, before[name]) for name, t in transitions.items()}
    plain = not any(t.inhibitors or t.resets for t in transitions.values()) and not any(
        place.capacity is not None for place in engine._places.values()
    )
    ordinary = all(weight == 1 for sides in (before, after) for w in sides.values() for weight in w.values())
    takers: dict[str, list[str]] = {place: [] for place in engine.places}
    givers: dict[str, list[str]] = {place: [] for place in engine.places}
    for name in transitions:
        for place in before[name]:
            takers[place].append(name)
        for place in after[name]:
            givers[place].append(name)
    simple = plain and ordinary
    shared = [names for names in takers.values() if len(names) > 1]
    return Classification(
        plain=plain,
        ordinary=ordinary,
        pure=not any(before[name].keys() & after[name].keys() for name in transitions),
        conservative=not any(t.resets for t in transitions.values())
        and all(sum(before[name].values()) == sum(after[name].values()) for name in transitions),
        state_machine=simple and all(len(before[t]) == len(after[t]) == 1 for t in transitions),
        marked_graph=simple and all(len(takers[p]) == len(givers[p]) == 1 for p in engine.places),
        free_choice=simple and all(len(before[t]) == 1 for names in shared for t in names),
        extended_free_choice=simple
        and all(before[t].keys() == before[names[0]].keys() for names in shared for t in names),
        asymmetric_choice=simple and _is_asymmetric(before.values(), takers),
        workflow_net=_is_workflow_net(engine),
        strongly_connected=_is_strongly_connected(engine),
    )


def _needs(transition: Transition) -> _Weights:
    """What must be there: inputs and reads, each by itself."""
    weights: _Weights = dict(transition.inputs)
    for place, weight in transition.reads.items():
        weights[place] = max(weight, weights.get(place, 0))
    return weights


def _leaves(transition: Transition, needs: _Weights) -> _Weights:
    """What is there afterwards of the least that must be there before."""
    weights = dict(needs)
    for place, weight in transition.inputs.items():
        weights[place] -= weight
    for place, weight in transition.outputs.items():
        weights[place] = weights.get(place, 0) + weight
    return {place: weight for place, weight in weights.items() if weight > 0}


def _is_asymmetric(before: Iterable[_Weights], takers: dict[str, list[str]]) -> bool:
    sets = {place: frozenset(names) for place, names in takers.items()}
    for inputs in before:
        # Inclusion among the places of each transition is a chain iff it holds between neighbours by size.
        chain = sorted((sets[place] for place in inputs), key=len)
        if any(not smaller <= larger for smaller, larger in pairwise(chain)):
            return False
    return True


def _graph(engine: Engine) -> tuple[_Graph, _Graph]:
    """Arcs by their ends, forwards and backwards. Reads go both ways, resets as inputs do."""
    nodes = [("place", p) for p in engine.places] + [("transition", t) for t in engine.transitions]
    forwards: _Graph = {node: [] for node in nodes}
    backwards: _Graph = {node: [] for node in nodes}
    for name, transition in engine._transitions.items():
        here = ("transition", name)
        for place in (*transition.inputs, *transition.reads, *transition.resets):
            forwards["place", place].append(here)
            backwards[here].append(("place", place))
        for place in (*transition.outputs, *transition.reads):
            forwards[here].append(("place", place))
            backwards["place", place].append(here)
    return forwards, backwards


def _reaches_all(graph: _Graph, start: tuple[str, str]) -> bool:
    seen = {start}
    queue = [start]
    while queue:
        for node in graph[queue.pop()]:
            if node not in seen:
                seen.add(node)
                queue.append(node)
    return len(seen) == len(graph)


def _is_workflow_net(engine: Engine) -> bool:
    put = {place for t in engine._transitions.values() for place in t.outputs}
    taken = {place for t in engine._transitions.values() for place in (*t.inputs, *t.resets)}
    sources = [place for place in engine.places if place not in put]
    sinks = [place for place in engine.places if place not in taken]
    if len(sources) != 1 or len(sinks) != 1 or sources == sinks:
        return False
    forwards, backwards = _graph(engine)
    return _reaches_all(forwards, ("place", sources[0])) and _reaches_all(backwards, ("place", sinks[0]))


def _is_strongly_connected(engine: Engine) -> bool:
    forwards, backwards = _graph(engine)
    start = next(iter(forwards), None)
    return start is None or (_reaches_all(forwards, start) and _reaches_all(backwards, start))
