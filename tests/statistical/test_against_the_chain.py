"""Random bounded nets with immediate transitions, priorities and servers: simulated, and solved exactly."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings

from petricore import Net, _core
from tests.property.gspn import DenseChain, TooLargeError, timed_nets
from tests.statistical.moments import assert_bounded_mean, assert_moments

ALGORITHMS = ("direct", "next_reaction", "rejection", "event_driven")
REPLICAS = 4000
TIMES = np.array([0.0, 0.7, 3.0])


@given(timed_nets())
@settings(max_examples=50)
def test_simulated_nets_are_distributed_as_their_markov_chains(net: Net) -> None:
    try:
        trapped = DenseChain(net).trapped
    except TooLargeError:
        assume(False)
    assume(not trapped)
    engine = net.compile()
    chain = engine.markov_chain()
    exact = chain.transient(TIMES)
    numbers = {m.tobytes(): i for i, m in enumerate(chain.markings)}
    rates = chain.rates.toarray()
    # Firings from 0 to the end: the integral of the rates, by Simpson's rule.
    fine = np.linspace(0, TIMES[-1], 65)
    weights = np.array([1, *[4, 2] * 31, 4, 1]) * (fine[1] / 3)
    fired = weights @ (chain.transient(fine) @ rates)
    starts_at_once = (
        chain.initial.max() < 1 or (engine.initial_marking != chain.markings[chain.initial.argmax()]).any()
    )
    for algorithm in ALGORITHMS:
        if _core.unsupported(algorithm, engine._timed):
            continue
        result = engine.simulate(
            until=float(TIMES[-1]), replicas=REPLICAS, seed=11, algorithm=algorithm, grid=TIMES, threads=1
        )
        for g, at in enumerate(exact):
            seen = np.array([numbers[np.ascontiguousarray(m).tobytes()] for m in result.markings[:, g]])
            share = np.bincount(seen, minlength=len(chain)) / REPLICAS
            for state, p in enumerate(at):
                what = f"{algorithm}: marking {chain.markings[state]} at {TIMES[g]}"
                assert_bounded_mean(share[state], p, p * (1 - p), 1.0, REPLICAS, what)
        if not starts_at_once:
            for t, name in enumerate(engine.transitions):
                if fired[t] > 0.05:
                    assert_moments(
                        result.firings[:, t],
                        fired[t],
                        None,
                        drift=1e-4,
                        rare=2.0,
                        what=f"{algorithm}: {name}",
                    )
