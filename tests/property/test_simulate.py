"""Simulated replicas obey their net, and what is told of them agrees with what they did event by event."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import petricore as pc
from tests.property.timed_nets import EXPONENTIAL, timed_nets

UNTIL, LIMIT, REPLICAS = 4.0, 200, 6
WITHOUT_RESETS = ("reads", "inhibitors", "capacities", "priorities")

ALGORITHMS = {
    "direct": (*EXPONENTIAL, "immediate"),
    "next_reaction": (*EXPONENTIAL, "immediate"),
    "rejection": (*EXPONENTIAL, "immediate"),
    "event_driven": (*EXPONENTIAL, "immediate", "general"),
    "token_game": (*EXPONENTIAL, "immediate", "general"),
    "maximal_step": (*EXPONENTIAL, "immediate", "general"),
}
EACH = pytest.mark.parametrize("algorithm", ALGORITHMS)


def run(engine: pc.Engine, algorithm: str, **arguments: Any) -> pc.Trajectories:
    """Some replicas; nets that run away, and loops without time, are not what is tested here."""
    wanted = {"until": UNTIL, "limit": LIMIT, "replicas": REPLICAS, "threads": 1, **arguments}
    try:
        return engine.simulate(algorithm=algorithm, **wanted)
    except (pc.SimulationError, pc.TokenOverflowError):
        assume(False)
        raise


def drawn(data: st.DataObject, algorithm: str, **options: Any) -> tuple[pc.Engine, int]:
    net = data.draw(timed_nets(timings=ALGORITHMS[algorithm], **options))
    return net.compile(), data.draw(st.integers(0, 2**64 - 1))


def same(a: pc.Trajectories, b: pc.Trajectories, rows: slice = slice(None)) -> None:
    for name in ("final", "firings", "end_times", "events", "ends"):
        assert np.array_equal(getattr(a, name)[rows], getattr(b, name)), name
    for name in a.observables:
        assert np.array_equal(a.observables[name][rows], b.observables[name], equal_nan=True), name


@EACH
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_bits_depend_on_seed_and_replica_only(algorithm: str, data: st.DataObject) -> None:
    engine, seed = drawn(data, algorithm)
    observables = {"mean": pc.TimeAverage("p0"), "most": pc.Maximum("p0")}
    whole = run(engine, algorithm, seed=seed, observables=observables)
    same(whole, run(engine, algorithm, seed=seed, observables=observables, threads=2))
    same(whole, run(engine, algorithm, seed=seed, observables=observables, record="events"))
    cut = data.draw(st.integers(1, REPLICAS - 1))
    first = run(engine, algorithm, seed=seed, observables=observables, replicas=cut)
    rest = run(
        engine, algorithm, seed=seed, observables=observables, replicas=REPLICAS - cut, first_replica=cut
    )
    same(whole, first, slice(0, cut))
    same(whole, rest, slice(cut, None))


@EACH
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_events_lead_from_the_initial_marking_to_the_final_one(algorithm: str, data: st.DataObject) -> None:
    engine, seed = drawn(data, algorithm)
    found = run(engine, algorithm, seed=seed, record="events")
    for i in range(REPLICAS):
        times, fired, markings = found.path(i)
        assert (markings[0] == engine.initial_marking).all()
        assert (markings[-1] == found.final[i]).all()
        assert (np.bincount(fired, minlength=len(engine.transitions)) == found.firings[i]).all()
        assert (np.diff(times) >= 0).all()
        assert times.size == 0 or times[-1] <= found.end_times[i] <= UNTIL
        if algorithm == "maximal_step":
            assert len(np.unique(times)) == found.events[i]
            continue
        assert len(times) == found.events[i]
        if len(fired):
            enabled = engine.enabled(markings[:-1])
            assert enabled[np.arange(len(fired)), fired].all()
        if found.ends[i] == "dead":
            assert not engine.enabled(markings[-1]).any()


@EACH
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_grid_shows_what_events_led_to(algorithm: str, data: st.DataObject) -> None:
    engine, seed = drawn(data, algorithm)
    grid = sorted(data.draw(st.lists(st.floats(0, UNTIL), min_size=1, max_size=6)))
    events = run(engine, algorithm, seed=seed, record="events")
    shown = run(engine, algorithm, seed=seed, grid=grid)
    same(events, shown)
    for i in range(REPLICAS):
        times, _, markings = events.path(i)
        after = np.searchsorted(times, np.array(grid), side="right")
        assert (shown.markings[i] == markings[after]).all()


@EACH
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_firings_times_incidence_lead_to_the_final_marking(algorithm: str, data: st.DataObject) -> None:
    engine, seed = drawn(data, algorithm, kinds=WITHOUT_RESETS)
    found = run(engine, algorithm, seed=seed)
    assert (found.final == engine.initial_marking + found.firings @ engine.incidence.T.astype(np.int64)).all()


def integral(values: npt.NDArray[Any], times: npt.NDArray[Any], start: float, end: float) -> float:
    """Of a step function that is values[i] from times[i] on."""
    edges = np.clip(np.append(times, end), start, end)
    return float(np.sum(values * np.diff(edges)))


@EACH
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_observables_are_what_the_events_say(algorithm: str, data: st.DataObject) -> None:
    engine, seed = drawn(data, algorithm)
    assume(engine.transitions)
    warmup = data.draw(st.sampled_from([0.0, 0.7, 3.0]))
    weights = np.array(data.draw(st.lists(st.integers(-2, 3), min_size=len(engine.places),
                                          max_size=len(engine.places))))  # fmt: skip
    least = data.draw(st.integers(-2, 8))
    transition = data.draw(st.integers(0, len(engine.transitions) - 1))
    text = " + ".join(f"({weight}) * {name}" for weight, name in zip(weights, engine.places, strict=True))
    condition = " + ".join(f"{weight} * {name}" for weight, name in zip(weights, engine.places, strict=True))
    condition = f"{condition.replace('+ -', '- ')} >= {least}"
    found = run(
        engine,
        algorithm,
        seed=seed,
        record="events",
        warmup=warmup,
        observables={
            "average": pc.TimeAverage(text),
            "final": pc.Final(text),
            "maximum": pc.Maximum(text),
            "minimum": pc.Minimum(text),
            "throughput": pc.Throughput(engine.transitions[transition]),
            "first": pc.FirstPassage(condition),
            "in": pc.TimeIn(condition),
        },
    )
    for i in range(REPLICAS):
        times, fired, markings = found.path(i)
        steps = np.append(0.0, times)
        if algorithm == "maximal_step":  # what stands between the members of a step was never there
            last = np.append(np.diff(steps) > 0, True)
            steps, markings = steps[last], markings[last]
        values = (markings @ weights).astype(np.float64)
        holds = values >= least
        end = UNTIL if found.ends[i] == "dead" else found.end_times[i]
        span = end - warmup
        seen = {name: float(array[i]) for name, array in found.observables.items()}
        assert seen["final"] == values[-1]
        assert seen["maximum"] == values.max()
        assert seen["minimum"] == values.min()
        assert seen["first"] == (steps[np.argmax(holds)] if holds.any() else math.inf)
        if span <= 0:
            assert all(math.isnan(seen[name]) for name in ("average", "throughput", "in"))
            continue
        fired_after = np.count_nonzero((fired == transition) & (times >= warmup))
        assert seen["throughput"] == pytest.approx(fired_after / span, rel=1e-9)
        assert seen["average"] == pytest.approx(
            integral(values, steps, warmup, end) / span, rel=1e-9, abs=1e-9
        )
        assert seen["in"] == pytest.approx(integral(holds, steps, warmup, end) / span, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("algorithm", ["direct", "next_reaction", "rejection", "event_driven"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_sweep_is_its_points_one_by_one(algorithm: str, data: st.DataObject) -> None:
    engine, seed = drawn(data, algorithm)
    timed = [one.name for one in engine.net().transitions.values() if one.weight is None]
    assume(timed)
    name = data.draw(st.sampled_from(timed))
    assume(engine.net().transitions[name].delay is None)
    rates = data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=3))
    sweep = run(engine, algorithm, seed=seed, rates={name: rates}, grid=3)
    for k, rate in enumerate(rates):
        alone = run(engine, algorithm, seed=seed, rates={name: rate}, grid=3)
        same(alone, sweep.point(k))
        assert (alone.markings == sweep.markings[k]).all()


@EACH
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_stop_formula_ends_a_replica_when_it_first_holds(algorithm: str, data: st.DataObject) -> None:
    engine, seed = drawn(data, algorithm)
    least = data.draw(st.integers(0, 8))
    formula = f"p0 >= {least}"
    free = run(engine, algorithm, seed=seed, observables={"first": pc.FirstPassage(formula)})
    stopped = run(engine, algorithm, seed=seed, stop=formula)
    first = free.observables["first"]
    assert ((stopped.ends == "stop") == np.isfinite(first)).all()
    reached = stopped.ends == "stop"
    assert (stopped.end_times[reached] == first[reached]).all()
    assert (stopped.final[reached, 0] >= least).all()
