"""Properties of the whole net: bounds, boundedness, liveness, safeness, stable places."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from petricore import _core
from petricore.analysis.by_commoner import live_by_commoner
from petricore.analysis.coverability import OMEGA, coverability
from petricore.analysis.facts import facts_of
from petricore.analysis.formula import (
    Bound,
    Bounded,
    Compare,
    Deadlock,
    Fireable,
    Formula,
    Live,
    OneSafe,
    Property,
    QuasiLive,
    Stable,
    Temporal,
    Terms,
    compare,
    quoted,
    terms_text,
)
from petricore.analysis.liveness import live_search
from petricore.analysis.portfolio import Budget
from petricore.analysis.reachability import reachable
from petricore.analysis.rewrite import disjunction, evaluate_terms, terms_interval
from petricore.analysis.searching import space_for, why_partial
from petricore.analysis.solver import load_solver
from petricore.analysis.state_equation import applies, upper_bound
from petricore.analysis.temporal import decide
from petricore.analysis.verdict import Verdict
from petricore.analysis.walk import largest_seen, seen_enabled

if TYPE_CHECKING:
    from petricore.engine import Engine

__all__ = ["decide_property"]

_SMALL = 20_000
_CHUNK = 1 << 16
_MOST_WEIGHT = 2**32  # the core's limit on the sizes of the weights of one sum
_TURN = 30.0
"""Seconds that a method which may never end gets before a search that ends with the memory."""


def decide_property(engine: Engine, query: Property, budget: Budget) -> Verdict:
    """The verdict on one property."""
    match query:
        case Bound(terms):
            return _bound(engine, terms, budget)
        case Bounded(places):
            return _bounded(engine, places or engine.places, budget)
        case OneSafe():
            crowded = disjunction(Compare(((place, -1),), -2) for place in engine.places)
            verdict = reachable(engine, crowded, budget)
            return verdict if verdict.holds is None else replace(verdict, holds=not verdict.holds)
        case QuasiLive(str(name)):
            return reachable(engine, Fireable(name), budget)
        case QuasiLive():
            return _quasi_live(engine, budget)
        case Live(str(name)):
            return _live(engine, (name,), budget)
        case Live():
            return _live(engine, engine.transitions, budget)
        case Stable():
            return _stable(engine, budget)
        case _:
            raise AssertionError(query)


def _shares(budget: Budget, count: int) -> Iterable[Budget]:
    """The budget in turns, one for each of `count` questions; what one leaves, the next ones have."""
    for left in range(count, 0, -1):
        seconds = budget.seconds
        yield budget if seconds is None else budget.part(seconds / left)


def _two_turns(budget: Budget) -> tuple[Budget, Budget]:
    """A small search, and one that leaves time for single questions."""
    seconds = budget.seconds
    return (
        replace(budget, states=_fewer(budget.states, _SMALL)),
        budget.part(_TURN if seconds is None else 0.4 * seconds),
    )


def _late(name: str, undecided: Verdict | None) -> Verdict:
    """The time is over, and `name` was not asked about yet."""
    if undecided is not None:
        return undecided
    return Verdict(None, None, f"the time limit was reached before {name!r} was looked at")


# Bounds


def _bound(engine: Engine, terms: Terms, budget: Budget) -> Verdict:
    """From above by the arcs, from below by searches for a larger value; a complete search has both."""
    _, most = terms_interval(terms, facts_of(engine).bounds)
    known = evaluate_terms(terms, lambda place: engine._places[place].tokens)
    if most is not None and most <= known:
        return Verdict(True, (), f"the arcs alone keep {terms_text(terms)} at {known}", "structure", 1, known)
    space = space_for(engine, replace(budget, states=_fewer(budget.states, _SMALL)))
    best, at = _largest(engine, space, terms)
    if space.end == "complete" or best == most:
        return _found_bound(engine, space, best, at)
    if load_solver(budget) and applies(engine):
        seconds = 3.0 if budget.seconds is None else min(3.0, budget.seconds / 5)
        proven = upper_bound(engine, terms, seconds=seconds)
        if proven is not None and (most is None or proven < most):
            most = proven
        if best == most:
            return replace(_found_bound(engine, space, best, at), method="state equation")
    if most is not None and sum(abs(weight) for _, weight in terms) <= _MOST_WEIGHT:
        seconds = 2.0 if budget.seconds is None else min(2.0, budget.seconds / 5)
        seen, witness = largest_seen(engine, terms, most, budget.part(seconds))
        if seen == most:
            reason = f"a walk reached {most}, and no more is possible"
            return Verdict(True, witness, reason, "walk", len(space), most)
    if most is None and all(weight > 0 for _, weight in terms):
        half = budget.part(_TURN if budget.seconds is None else budget.seconds / 2)
        verdict = _covered(engine, [place for place, _ in terms], half)
        if verdict.holds is False:
            return verdict
    # The largest conceivable value first, then the complete search.
    if most is not None:
        goal = compare(terms, ">=", most)
        verdict = reachable(
            engine, goal, budget if budget.seconds is None else budget.part(budget.seconds / 2)
        )
        if verdict.holds:
            return replace(verdict, bound=most)
    space = space_for(engine, budget)
    best, at = _largest(engine, space, terms)
    if space.end == "complete" or best == most:
        return _found_bound(engine, space, best, at)
    reason = f"{why_partial(engine, space)}; {best} is reached" + (
        "" if most is None else f" of at most {most}"
    )
    return Verdict(None, None, reason, "full search", len(space), best)


def _fewer(states: int | None, than: int) -> int:
    return than if states is None else min(states, than)


def _found_bound(engine: Engine, space: _core.StateSpace, best: int, at: int) -> Verdict:
    witness = tuple(engine.transitions[t] for t in space.path(at))
    return Verdict(
        True, witness, f"no reachable marking has more than {best}", "full search", len(space), best
    )


def _largest(engine: Engine, space: _core.StateSpace, terms: Terms) -> tuple[int, int]:
    """The largest value of the sum over the markings of a space, and a marking that has it."""
    columns = [engine._place_index[place] for place, _ in terms]
    weights = np.array([weight for _, weight in terms], np.int64)
    best, at = None, 0
    for first in range(0, len(space), _CHUNK):
        rows = space.markings(first, min(first + _CHUNK, len(space)))
        values = rows[:, columns].astype(np.int64) @ weights
        here = int(values.argmax())
        if best is None or values[here] > best:
            best, at = int(values[here]), first + here
    assert best is not None
    return best, at


def _bounded(engine: Engine, places: tuple[str, ...], budget: Budget) -> Verdict:
    bounds = facts_of(engine).bounds
    open_places = [place for place in places if bounds[place][1] is None]
    if not open_places:
        return Verdict(True, None, "the arcs alone bound every place asked for", "structure")
    space = space_for(engine, replace(budget, states=_fewer(budget.states, _SMALL)))
    if space.end != "complete":
        half = budget.part(_TURN if budget.seconds is None else budget.seconds / 2)
        verdict = _covered(engine, open_places, half)
        if verdict.holds is not None:
            return verdict
        space = space_for(engine, budget)
    if space.end != "complete":
        return Verdict(None, None, why_partial(engine, space), "full search", len(space))
    return Verdict(True, None, f"there are {len(space):,} reachable markings", "full search", len(space))


def _covered(engine: Engine, places: Iterable[str], budget: Budget) -> Verdict:
    """Whether the coverability set bounds all of the places, or proves that one grows beyond every count."""
    found = coverability(
        engine, limit=budget.states, memory=budget.memory, timeout=budget.seconds, progress=budget.progress
    )
    for place in places:
        if place in found.unbounded_places:
            reason = f"{place!r} grows without bound"
            witness = found.witness(place)
            firings = None if witness is None else witness.stem + witness.cycle
            if witness is not None:
                reason += f": the last {len(witness.cycle)} firings can be repeated forever"
            return Verdict(False, firings, reason, "coverability", found.nodes)
    if all(found.bounds[engine._place_index[place]] != OMEGA for place in places):
        reason = "the coverability set bounds every place asked for"
        return Verdict(True, None, reason, "coverability", found.nodes)
    return Verdict(None, None, found.reason, "coverability", found.nodes)


# Liveness


def _quasi_live(engine: Engine, budget: Budget) -> Verdict:
    dead = facts_of(engine).dead
    if dead:
        return Verdict(False, None, f"{_named(sorted(dead))} can never fire", "structure")
    if not engine.transitions:
        return Verdict(True, None, "there are no transitions", "structure")
    for turn in _two_turns(budget):
        space = space_for(engine, turn)
        unseen = _unseen(engine, space)
        if not unseen or space.end == "complete":
            break
    if not unseen:
        return Verdict(True, None, "every transition was seen enabled", "full search", len(space))
    if space.end == "complete":
        return Verdict(False, None, f"{_named(unseen)} is never enabled", "full search", len(space))
    seconds = 2.0 if budget.seconds is None else min(2.0, budget.seconds / 5)
    walked = seen_enabled(engine, budget.part(seconds))
    unseen = [name for name in unseen if not walked[engine._transition_index[name]]]
    undecided: Verdict | None = None
    for name, share in zip(unseen, _shares(budget, len(unseen)), strict=True):
        if share.spent:
            return _late(name, undecided)
        verdict = reachable(engine, Fireable(name), share)
        if verdict.holds is False:
            return replace(verdict, reason=f"{name!r} is never enabled: {verdict.reason}")
        if verdict.holds is None:
            undecided = replace(verdict, reason=f"{name!r}: {verdict.reason}")
    if undecided is not None:
        return undecided
    return Verdict(True, None, "every transition can become enabled", "portfolio", len(space))


def _unseen(engine: Engine, space: _core.StateSpace) -> list[str]:
    return [name for name, seen in zip(engine.transitions, space.fireable(), strict=True) if not seen]


def _named(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _live(engine: Engine, names: tuple[str, ...], budget: Budget) -> Verdict:
    dead = facts_of(engine).dead
    for name in names:
        if name in dead:
            return Verdict(False, (), f"{name!r} can never fire", "structure")
    if not names:
        return Verdict(True, None, "there are no transitions", "structure")
    by_structure = live_by_commoner(engine, budget)
    if by_structure is not None:
        return by_structure
    # After a deadlock nothing fires again: the cheapest refutation.
    third = budget if budget.seconds is None else budget.part(budget.seconds / 3)
    deadlock = reachable(engine, Deadlock(), third)
    if deadlock.holds:
        return replace(deadlock, holds=False, reason=f"a deadlock is reached: {deadlock.reason}")
    # One pass over a complete graph answers for all of them.
    for states, part in ((_SMALL, 0.2), (None, 0.8)):
        seconds = math.inf if budget.seconds is None else part * budget.seconds
        together = live_search(engine, names, budget.part(seconds, states=states))
        if together.holds is not None:
            return together
        if together.states < _SMALL or (budget.states is not None and budget.states <= _SMALL):
            break
    last = Verdict(True, None, "each can always become enabled again", "portfolio")
    undecided: Verdict | None = None
    for name, share in zip(names, _shares(budget, len(names)), strict=True):
        if share.spent:
            return together if undecided is None else undecided
        verdict = decide(engine, Temporal("AG", Temporal("EF", Fireable(name))), share)
        if verdict.holds is False:
            return replace(verdict, reason=f"{name!r} is not live: {verdict.reason}")
        last = replace(last, states=max(last.states, verdict.states), method=verdict.method)
        if verdict.holds is None:
            undecided = replace(verdict, reason=f"{name!r}: {verdict.reason}")
    return last if undecided is None else undecided


# Stable places


def _stable(engine: Engine, budget: Budget) -> Verdict:
    bounds = facts_of(engine).bounds
    for place, (low, high) in bounds.items():
        if low == high:
            return Verdict(True, None, f"the arcs alone keep {place!r} at {low}", "structure")
    if not engine.places:
        return Verdict(False, None, "there are no places", "structure")
    for turn in _two_turns(budget):
        space = space_for(engine, turn)
        names = _unchanged(engine, space)
        if not names or space.end == "complete":
            break
    if not names:
        return Verdict(False, None, "the count of every place was seen to change", "full search", len(space))
    if space.end == "complete":
        return Verdict(True, None, f"{_named(names)} never changes", "full search", len(space))
    undecided: Verdict | None = None
    for name, share in zip(names, _shares(budget, len(names)), strict=True):
        if share.spent:
            return _late(name, undecided)
        changed: Formula = compare(((name, 1),), "!=", engine._places[name].tokens)
        verdict = reachable(engine, changed, share)
        if verdict.holds is False:
            return replace(verdict, holds=True, reason=f"{name!r} never changes: {verdict.reason}")
        if verdict.holds is None:
            undecided = replace(verdict, reason=f"whether {quoted(name)} changes: {verdict.reason}")
    if undecided is not None:
        return undecided
    return Verdict(False, None, "the count of every place can change", "portfolio", len(space))


def _unchanged(engine: Engine, space: _core.StateSpace) -> list[str]:
    """The places whose count is the initial one in all markings of a space."""
    still = np.ones(len(engine.places), np.bool_)
    for first in range(0, len(space), _CHUNK):
        rows = space.markings(first, min(first + _CHUNK, len(space)))
        still &= (rows == engine.initial_marking).all(axis=0)
        if not still.any():
            break
    return [engine.places[i] for i in np.flatnonzero(still)]
