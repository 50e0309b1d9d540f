"""Structural reductions against trying everything: the same deadlocks and visible counts, and witnesses that replay."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from petricore import Net
from petricore.analysis.by_reduction import by_reduction
from petricore.analysis.formula import Compare, Deadlock, Fireable, Formula, Temporal
from petricore.analysis.portfolio import Budget, Problem
from petricore.analysis.reduction import reduce
from petricore.analysis.searching import full_search
from petricore.analysis.witness import verified
from tests.property.examples import examples
from tests.property.nets import nets
from tests.property.oracle import Marking, Oracle

_MOST = 400

_small = nets(max_places=6, max_transitions=7, weights=2, tokens=2)
_plain = nets(max_places=7, max_transitions=7, weights=1, tokens=1, kinds=())
_heavy = nets(max_places=5, max_transitions=6, weights=3, tokens=3, kinds=("reads",))


@st.composite
def _chains(draw: st.DrawFn) -> Net:
    """Mostly one input and one output each, so that agglomerations abound."""
    net = Net("chains")
    places = [f"p{i}" for i in range(draw(st.integers(2, 8)))]
    for place in places:
        net.add_place(place, draw(st.sampled_from([0, 0, 0, 1, 2])))
    for i in range(draw(st.integers(1, 8))):
        inputs, outputs = (
            {
                p: draw(st.sampled_from([1, 1, 1, 2]))
                for p in draw(st.sets(st.sampled_from(places), max_size=2))
            }
            for _ in range(2)
        )
        reads = draw(st.sets(st.sampled_from(places), max_size=1)) if draw(st.integers(0, 5)) == 0 else ()
        inhibitors = (
            draw(st.sets(st.sampled_from(places), max_size=1)) if draw(st.integers(0, 8)) == 0 else ()
        )
        net.add_transition(f"t{i}", inputs, outputs, reads=reads, inhibitors=inhibitors)
    return net


_all = st.one_of(_small, _plain, _heavy, _chains(), _chains())


def _reachable(net: Net) -> dict[Marking, tuple[str, ...]] | None:
    """Every reachable marking with a path, or None if there are too many."""
    oracle = Oracle(net)
    paths: dict[Marking, tuple[str, ...]] = {oracle.initial: ()}
    pending = [oracle.initial]
    for marking in pending:
        for t, transition in enumerate(oracle.transitions):
            after = oracle.fire(marking, t)
            if after is not None and after not in paths:
                paths[after] = (*paths[marking], transition.name)
                pending.append(after)
        if len(paths) > _MOST:
            return None
    return paths


def _replayed(net: Net, path: tuple[str, ...]) -> Marking:
    oracle = Oracle(net)
    names = list(net.transitions)
    marking = oracle.initial
    for name in path:
        after = oracle.fire(marking, names.index(name))
        assert after is not None, f"{name} cannot fire at {marking}"
        marking = after
    return marking


@examples(200)
@given(net=_all)
def test_a_reduced_net_has_a_deadlock_if_and_only_if_the_whole_one_has(net: Net) -> None:
    whole = _reachable(net)
    assume(whole is not None)
    assert whole is not None
    reduction = reduce(net.compile(), "deadlock")
    small = reduction.engine.net()
    reduced = _reachable(small)
    assert reduced is not None
    oracle = Oracle(net)
    dead = {m for m in whole if not any(oracle.enabled(m))}
    dead_reduced = [m for m in reduced if not any(Oracle(small).enabled(m))]
    assert bool(dead) == bool(dead_reduced)
    for m in dead_reduced:
        assert _replayed(net, reduction.lift(reduced[m])) in dead


@examples(200)
@given(net=_all, data=st.data())
def test_a_reduced_net_reaches_the_same_visible_counts(net: Net, data: st.DataObject) -> None:
    whole = _reachable(net)
    assume(whole is not None)
    assert whole is not None
    places = sorted(data.draw(st.sets(st.sampled_from(list(net.places)), max_size=2)))
    shown = list(net.transitions)
    transitions = data.draw(st.sets(st.sampled_from(shown), max_size=1)) if shown else set()
    reduction = reduce(net.compile(), "reachability", places, transitions)
    small = reduction.engine.net()
    reduced = _reachable(small)
    assert reduced is not None

    def seen(of: Net, m: Marking) -> tuple[object, ...]:
        names, enabled = list(of.places), dict(zip(of.transitions, Oracle(of).enabled(m), strict=True))
        return (*(m[names.index(p)] for p in places), *(enabled[t] for t in sorted(transitions)))

    assert {seen(net, m) for m in whole} == {seen(small, m) for m in reduced}
    for m, path in reduced.items():
        assert seen(net, _replayed(net, reduction.lift(path))) == seen(small, m)


@given(_small | _plain | _chains(), st.data())
def test_the_portfolio_method_agrees_with_the_whole_search(net: Net, data: st.DataObject) -> None:
    engine = net.compile()
    if not engine.state_space(limit=400).complete:
        return
    place = data.draw(st.sampled_from(engine.places))
    goals: list[Formula] = [Deadlock(), Compare(((place, -1),), -data.draw(st.integers(1, 4)))]
    if engine.transitions:
        goals.append(Fireable(data.draw(st.sampled_from(engine.transitions))))
    for goal in goals:
        problem = Problem(engine, Temporal("EF", goal))
        mine, whole = by_reduction(problem, Budget()), full_search(problem, Budget())
        assert whole is not None
        if mine is None:
            continue
        assert mine.holds == whole.holds
        if mine.witness is not None:
            verified(engine, mine.witness, goal, mine.method)
