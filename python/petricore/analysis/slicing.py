"""Leave out what a formula cannot feel: the part of a net that decides the counts it asks about.

A place matters if the formula names it, or if it helps to enable a transition that changes a place that matters. The
transitions that change no such place come and go unnoticed, so every path of the net is, seen on the places that
matter, a path of the slice, and every path of the slice fires in the net as it stands. That keeps formulas made of EF,
AG, E[p U q] and connectives; not those that ask about deadlocks, the next marking or all paths, for a transition left
out may keep a path going.

Rakow: Safety slicing Petri nets (2012), 10.1007/978-3-642-31131-4_15, here with all kinds of arcs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from petricore.analysis.facts import Facts, facts_of
from petricore.analysis.formula import (
    Deadlock,
    Formula,
    Temporal,
    Until,
    places_of,
    subformulas,
    transitions_of,
)
from petricore.net import Net

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["sliced"]


def sliced(engine: Engine, formula: Formula) -> Engine:
    """A net in which the formula holds initially if and only if it does in this one; this one if nothing can go.

    Names stay, and each firing sequence of the slice is one of the net. Transitions proven dead go too. Costs O(arcs).
    """
    if not _can_be_sliced(formula):
        return engine
    facts = facts_of(engine)
    asked = set(transitions_of(formula))
    places = _places_that_matter(engine, facts, formula)
    kept = [
        name
        for name in engine.transitions
        if name in asked or (name not in facts.dead and not places.isdisjoint(_changed(engine, name)))
    ]
    if len(places) == len(engine.places) and len(kept) == len(engine.transitions):
        return engine
    return _restricted(engine, places, kept)


def _can_be_sliced(formula: Formula) -> bool:
    for part in subformulas(formula):
        match part:
            case Deadlock() | Temporal("EX" | "AX" | "AF" | "EG", _) | Until("A", _, _):
                return False
    return True


def _changed(engine: Engine, name: str) -> list[str]:
    """The places whose count the transition can change."""
    transition = engine._transitions[name]
    changed = [
        place
        for place in {**transition.inputs, **transition.outputs}
        if transition.inputs.get(place, 0) != transition.outputs.get(place, 0)
    ]
    return [*changed, *transition.resets]


def _places_that_matter(engine: Engine, facts: Facts, formula: Formula) -> set[str]:
    changers: dict[str, list[str]] = {name: [] for name in engine.places}
    for name in engine.transitions:
        if name not in facts.dead:
            for place in _changed(engine, name):
                changers[place].append(name)
    pending = list(places_of(formula))
    seen: set[str] = set()
    for name in transitions_of(formula):
        seen.add(name)
        pending.extend(place for place, _, _ in facts.ranges[name])
    matter: set[str] = set()
    while pending:
        place = pending.pop()
        if place in matter:
            continue
        matter.add(place)
        for name in changers[place]:
            if name not in seen:
                seen.add(name)
                pending.extend(place for place, _, _ in facts.ranges[name])
    return matter


def _restricted(engine: Engine, places: set[str], transitions: list[str]) -> Engine:
    net = Net(engine.name)
    for name, place in engine._places.items():
        if name in places:
            net.add_place(name, place.tokens, place.capacity)
    for name in transitions:
        whole = engine._transitions[name]
        inputs, outputs, reads, inhibitors = (
            {place: weight for place, weight in arcs.items() if place in places}
            for arcs in (whole.inputs, whole.outputs, whole.reads, whole.inhibitors)
        )
        resets = [place for place in whole.resets if place in places]
        net.add_transition(name, inputs, outputs, reads=reads, inhibitors=inhibitors, resets=resets)
    return net.compile()
