"""The event-driven algorithm against closed forms, exact Markov chains and scipy's distributions.

Tolerances are five standard deviations of the estimate, from the replicas themselves or from n.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

import petricore as pc
from petricore import _core
from petricore.timing import lower

Floats = npt.NDArray[np.float64]


def simulated(net: pc.Net, *, replicas: int, observe: tuple[str, ...] = (), **options: Any) -> dict[str, Any]:
    """`_core.simulate` with the event-driven algorithm, and the time averages of expressions."""
    engine = net.compile()
    timed = _core.TimedNet(engine._core, *lower(net.transitions), list(engine.places))
    defaults: dict[str, Any] = {
        "algorithm": "event_driven",
        "replicas": replicas,
        "first_replica": 0,
        "seed": 20,
        "until": math.inf,
        "steps": 2**63,
        "most_events": 2**63,
        "warmup": 0.0,
        "tolerance": 0.03,
        "end_when": None,
        "record": "final",
        "grid": np.zeros(0),
        "initial": np.zeros(0, np.int32),
        "rates": np.zeros((0, 0)),
        "observables": [("time_average", text, None, 0) for text in observe],
        "count_firings": True,
        "most_recorded": 2**64 - 1,
        "threads": 1,
        "progress": None,
        "device": "cpu",
    }
    return _core.simulate(timed, **{**defaults, **options})


def within_five_sigma(samples: Floats, exact: float, rare: float = 0.0) -> bool:
    """Whether the mean of independent samples is as close to the exact one as it must be.

    `rare` is how far a sample may be off that does what too few do to be seen: with a probability p none of n does
    it with one of exp(-p n), 6e-6 for p = 12 / n.
    """
    deviation = samples.std(ddof=1) / math.sqrt(len(samples))
    return bool(abs(samples.mean() - exact) <= 5 * deviation + 12 * rare / len(samples) + 1e-12)


def queue(rate: float, service: pc.Delay, servers: float = 1) -> pc.Net:
    net = pc.Net("queue")
    net.add_place("customers")
    net.add_transition("arrive", outputs=["customers"], rate=rate)
    net.add_transition("serve", ["customers"], delay=service, servers=servers)
    return net


DELAYS: list[tuple[pc.Delay, Any]] = [
    (pc.Uniform(1, 3), stats.uniform(1, 2)),
    (pc.Interval(0, 0.25), stats.uniform(0, 0.25)),
    (pc.Erlang(3, 2.0), stats.gamma(3, scale=0.5)),
    (pc.Erlang(30, 2.0), stats.gamma(30, scale=0.5)),
    (pc.Lognormal(0.3, 0.8), stats.lognorm(0.8, scale=math.exp(0.3))),
    (pc.Weibull(0.7, 2.5), stats.weibull_min(0.7, scale=2.5)),
    (pc.Triangular(1, 5, 2), stats.triang(0.25, loc=1, scale=4)),
    (pc.Exponential(0.5), stats.expon(scale=2)),
]


@pytest.mark.parametrize(("delay", "reference"), DELAYS, ids=[repr(delay) for delay, _ in DELAYS])
def test_the_first_firing_has_the_distribution_of_the_delay(delay: pc.Delay, reference: Any) -> None:
    net = pc.Net("one")
    net.add_place("p", 1)
    net.add_transition("t", ["p"], delay=delay)
    times = simulated(net, replicas=20_000)["times"]
    assert stats.kstest(times, reference.cdf).pvalue > 1e-6


def test_empirical_delays_are_the_samples_equally_often() -> None:
    net = pc.Net("one")
    net.add_place("p", 1)
    net.add_transition("t", ["p"], delay=pc.Empirical([3, 1, 1, 2]))
    values, counts = np.unique(simulated(net, replicas=40_000)["times"], return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert stats.chisquare(counts, [20_000, 10_000, 10_000]).pvalue > 1e-6


@pytest.mark.parametrize(
    "service",
    [
        pc.Deterministic(1),
        pc.Uniform(0, 2),
        pc.Erlang(2, 2),
        pc.Triangular(0, 3, 0),
        pc.Empirical([0.5, 0.5, 2]),
        pc.Lognormal(-0.125, 0.5),
    ],
    ids=repr,
)
def test_the_mean_queue_is_that_of_pollaczek_and_khinchine(service: pc.Delay) -> None:
    rate = 0.6 / service.mean
    load = rate * service.mean
    exact = load + load**2 * (1 + service.variance / service.mean**2) / (2 * (1 - load))
    found = simulated(
        queue(rate, service),
        replicas=200,
        until=2300.0,
        warmup=300.0,
        observe=("customers", "min(customers, 1)"),
    )["observed"]
    assert within_five_sigma(found[:, 0], exact)
    assert within_five_sigma(found[:, 1], load)
    # Little's law turns the queue into the waiting time of Pollaczek and Khinchine.
    waiting = rate * (service.variance + service.mean**2) / (2 * (1 - load))
    assert within_five_sigma((found[:, 0] - found[:, 1]) / rate, waiting)


@pytest.mark.parametrize("service", [pc.Deterministic(2), pc.Weibull(0.8, 2.0)], ids=repr)
def test_with_a_server_for_everybody_the_customers_are_poisson(service: pc.Delay) -> None:
    until = 60 * service.mean
    counts = simulated(queue(1.5, service, math.inf), replicas=20_000, until=until)["final"][:, 0]
    mean = 1.5 * service.mean
    low, high = int(stats.poisson.ppf(0.001, mean)), int(stats.poisson.ppf(0.999, mean))
    observed = np.bincount(np.clip(counts, low, high) - low, minlength=high - low + 1)
    share = stats.poisson.pmf(np.arange(low, high + 1), mean)
    share[0], share[-1] = stats.poisson.cdf(low, mean), stats.poisson.sf(high - 1, mean)
    assert stats.chisquare(observed, share * len(counts)).pvalue > 1e-6


@pytest.mark.parametrize("memory", ["enabling", "age"])
def test_a_preempted_job_takes_as_long_as_its_memory_says(memory: str) -> None:
    """Work d against failures of rate f and repairs of mean 1 / r.

    With age memory a job meets failures of rate f while it works: E = d (1 + f / r). With enabling memory each
    failure starts it anew: E = (exp(f d) - 1) (1 / f + 1 / r).
    """
    work, fail, repair = 2.0, 0.4, 1.5
    net = pc.Net("machine")
    net.add_place("job", 1)
    net.add_place("up", 1)
    net.add_place("down")
    net.add_transition("finish", ["job"], reads=["up"], delay=pc.Deterministic(work), memory=memory)
    net.add_transition("fail", ["up"], ["down"], reads=["job"], rate=fail)
    net.add_transition("repair", ["down"], ["up"], rate=repair)
    times = simulated(net, replicas=20_000)["times"]
    restarted = (math.exp(fail * work) - 1) * (1 / fail + 1 / repair)
    assert within_five_sigma(times, work * (1 + fail / repair) if memory == "age" else restarted)


def test_a_time_petri_net_fires_inside_its_intervals() -> None:
    net = pc.Net("intervals")
    net.add_place("p", 1)
    net.add_place("q", 1)
    net.add_transition("a", ["p"], ["p"], delay=pc.Interval(2, 3))
    net.add_transition("b", ["q"], ["q"], delay=pc.Interval(0.5, 0.5))
    net.add_transition("late", ["p"], delay=pc.Interval(3.5, 9))
    net.add_transition("stop", ["q"], inhibitors=["p"], delay=pc.Interval(0, 1))
    out = simulated(net, replicas=50, until=200.0, record="events")
    for row in range(50):
        rows = slice(out["offsets"][row], out["offsets"][row + 1])
        times, fired = out["event_times"][rows], out["event_transitions"][rows]
        gaps = np.diff(times[fired == 0], prepend=0.0)
        assert ((gaps >= 2 - 1e-9) & (gaps <= 3 + 1e-9)).all()
        np.testing.assert_allclose(np.diff(times[fired == 1], prepend=0.0), 0.5)
        late = times[fired == 2]
        assert (late >= 3.5).all()
        assert (late <= 9).all()


# Exact chains


def markov_chain(net: pc.Net, limit: int) -> tuple[Floats, Floats, Floats] | None:
    """Generator (S, S), initial distribution (S,) and tangible markings (S, P); None beyond the limit.

    Vanishing markings are eliminated: the matrix of the probabilities to go on from them is inverted. None as well
    if that cannot be done, because immediate transitions may go round for ever.
    """
    engine = net.compile()
    transitions = list(net.transitions.values())
    index: dict[bytes, int] = {}
    markings: list[npt.NDArray[np.int32]] = []
    edges: list[tuple[int, int, float, bool]] = []

    def number(marking: npt.NDArray[np.int32]) -> int:
        key = marking.tobytes()
        if key not in index:
            index[key] = len(markings)
            markings.append(marking)
        return index[key]

    number(np.array(engine.initial_marking))
    vanishing: list[bool] = []
    for source in itertools.count():
        if source == len(markings):
            break
        if len(markings) > limit:
            return None
        marking = markings[source]
        degrees = engine.enabling_degree(marking)
        enabled = [t for t in range(len(transitions)) if degrees[t] > 0]
        immediate = [t for t in enabled if transitions[t].weight is not None]
        vanishing.append(bool(immediate))
        if immediate:
            highest = max(transitions[t].priority for t in immediate)
            chosen = [t for t in immediate if transitions[t].priority == highest]
            total = sum(transitions[t].weight or 0.0 for t in chosen)
            shares = {t: (transitions[t].weight or 0.0) / total for t in chosen}
        else:
            shares = {t: rate_of(transitions[t], int(degrees[t]), marking, net) for t in enabled}
        for t, share in shares.items():
            edges.append((source, number(engine.fire(marking, transitions[t].name)), share, bool(immediate)))
    count = len(markings)
    rates, jumps = np.zeros((count, count)), np.zeros((count, count))
    for source, target, share, is_jump in edges:
        (jumps if is_jump else rates)[source, target] += share
    gone = np.array(vanishing)
    onward = np.eye(gone.sum()) - jumps[np.ix_(gone, gone)]
    if gone.any() and np.linalg.cond(onward) > 1e9:
        return None
    absorbed = np.linalg.solve(onward, jumps[np.ix_(gone, ~gone)])
    generator = rates[np.ix_(~gone, ~gone)] + rates[np.ix_(~gone, gone)] @ absorbed
    np.fill_diagonal(generator, 0)
    np.fill_diagonal(generator, -generator.sum(axis=1))
    initial = absorbed[0] if gone[0] else np.eye(count)[0][~gone]
    return generator, initial, np.array(markings)[~gone].astype(np.float64)


def rate_of(transition: pc.Transition, degree: int, marking: npt.NDArray[np.int32], net: pc.Net) -> float:
    if isinstance(transition.rate, pc.MassAction):
        tokens = dict(zip(net.places, marking.tolist(), strict=True))
        return transition.rate.k * math.prod(math.comb(tokens[p], w) for p, w in transition.inputs.items())
    assert isinstance(transition.rate, float)
    return transition.rate * min(transition.servers, degree)


def averages(generator: Floats, initial: Floats, until: float) -> Floats:
    """The expected fraction of [0, until] in each state: the integral of exp(Q t), a block of a larger exponential."""
    from scipy.linalg import expm

    count = len(initial)
    block = np.zeros((2 * count, 2 * count))
    block[:count, :count] = generator * until
    block[:count, count:] = np.eye(count)
    return np.asarray(initial @ expm(block)[:count, count:], np.float64)


@st.composite
def gspns(draw: st.DrawFn) -> pc.Net:
    """Small bounded nets: every transition keeps the number of tokens, or lowers it."""
    net = pc.Net("random")
    places = [f"p{i}" for i in range(draw(st.integers(2, 4)))]
    for place in places:
        net.add_place(place, draw(st.integers(0, 2)))
    one = st.sampled_from(places)
    for i in range(draw(st.integers(2, 6))):
        source, target = draw(one), draw(one)
        double = draw(st.integers(0, 4)) == 0
        inputs = {source: 2} if double else {source: 1}
        outputs = {target: draw(st.integers(1, 2))} if double else {target: 1}
        kind = draw(st.sampled_from(["rate", "rate", "many", "mass", "weight"]))
        timing: dict[str, Any] = {
            "rate": {"rate": draw(st.sampled_from([0.5, 1.0, 3.0]))},
            "many": {"rate": 0.7, "servers": draw(st.sampled_from([2, math.inf]))},
            "mass": {"rate": pc.MassAction(0.4)},
            "weight": {"weight": draw(st.sampled_from([1.0, 2.5])), "priority": draw(st.integers(0, 1))},
        }[kind]
        inhibitors = draw(st.sampled_from([{}, {}, {draw(one): 2}]))
        net.add_transition(f"t{i}", inputs, outputs, inhibitors=inhibitors, **timing)
    return net


@given(gspns())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_random_gspns_agree_with_their_markov_chain(net: pc.Net) -> None:
    chain = markov_chain(net, limit=120)
    assume(chain is not None)
    assert chain is not None
    generator, initial, markings = chain
    until = 4.0
    exact = averages(generator, initial, until) @ markings
    found = simulated(net, replicas=2000, until=until, observe=tuple(net.places))["observed"]
    for place in range(len(net.places)):
        assert within_five_sigma(found[:, place], float(exact[place]), rare=8.0), net.to_json()


def test_phases_in_a_delay_are_phases_in_a_chain() -> None:
    """An Erlang service with memory against a chain that counts the phases: M/E2/1/3, general against exact."""
    net = pc.Net("bounded")
    net.add_place("customers", capacity=3)
    net.add_transition("arrive", outputs=["customers"], rate=1.0)
    net.add_transition("serve", ["customers"], delay=pc.Erlang(2, 3.0))
    chain = pc.Net("phases")
    chain.add_place("customers", capacity=3)
    chain.add_place("phase")
    chain.add_transition("arrive", outputs=["customers"], rate=1.0)
    chain.add_transition("first", outputs=["phase"], reads=["customers"], inhibitors=["phase"], rate=3.0)
    chain.add_transition("second", ["phase", "customers"], rate=3.0)
    exact = markov_chain(chain, 100)
    assert exact is not None
    expected = averages(exact[0], exact[1], 10.0) @ exact[2]
    found = simulated(net, replicas=20_000, until=10.0, observe=("customers",))["observed"]
    assert within_five_sigma(found[:, 0], float(expected[0]))


def test_a_loop_of_immediate_transitions_is_named() -> None:
    net = pc.Net("loop")
    net.add_place("p", 1)
    net.add_place("q")
    net.add_transition("there", ["p"], ["q"], weight=1)
    net.add_transition("back", ["q"], ["p"], weight=1)
    net.add_transition("apart", rate=1.0)
    with pytest.raises(_core.SimulationFault) as caught:
        simulated(net, replicas=1, until=1.0)
    assert (caught.value.kind, caught.value.loop) == ("loop", [0, 1])
