"""Every bulk operation against the oracle that tries everything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import petricore as pc
from tests.property.examples import examples
from tests.property.nets import nets, nets_with_markings
from tests.property.oracle import Oracle

Case = tuple[pc.Net, npt.NDArray[np.int32]]
MAX = 2**31 - 1


def as_list(counts: npt.NDArray[np.int32]) -> list[int]:
    return [t for t, count in enumerate(counts.tolist()) for _ in range(count)]


@given(nets_with_markings(batch=6))
def test_enabled_agrees_with_firing_each_transition(case: Case) -> None:
    net, rows = case
    oracle = Oracle(net)
    assert net.compile().enabled(rows).tolist() == [oracle.enabled(tuple(row)) for row in rows.tolist()]


@given(nets_with_markings(batch=2, tokens=5), st.integers(1, 200), st.integers(0, 3))
def test_a_batch_answers_as_its_rows_do(case: Case, repeats: int, threads: int) -> None:
    net, rows = case
    engine = net.compile()
    batch = np.tile(rows, (repeats, 1))
    assert (engine.enabled(batch, threads=threads) == np.tile(engine.enabled(rows), (repeats, 1))).all()
    assert (
        engine.enabling_degree(batch, threads=threads) == np.tile(engine.enabling_degree(rows), (repeats, 1))
    ).all()
    single = [engine.conflicts(row).pairs.tolist() for row in rows]
    found = engine.conflicts(batch, threads=threads)
    assert [found.of(i).tolist() for i in range(len(found))] == single * repeats


@given(nets_with_markings(batch=2, tokens=6))
def test_enabling_degree_is_the_largest_servable_multiple(case: Case) -> None:
    net, rows = case
    oracle, engine = Oracle(net), net.compile()
    for row in rows:
        degrees = engine.enabling_degree(row).tolist()
        for t, transition in enumerate(oracle.transitions):
            at_most = 8
            expected = oracle.degree(tuple(row.tolist()), t, at_most)
            assert min(degrees[t], at_most) == expected
            if expected and not transition.inputs and not transition.outputs and not transition.resets:
                assert degrees[t] == MAX


@given(nets_with_markings(batch=3))
def test_conflicts_are_exactly_the_pairs_not_servable_together(case: Case) -> None:
    net, rows = case
    oracle, found = Oracle(net), net.compile().conflicts(rows)
    for i, row in enumerate(rows.tolist()):
        assert list(map(tuple, found.of(i).tolist())) == list(oracle.conflicts(tuple(row)))


@given(
    nets_with_markings(batch=2, tokens=4, max_transitions=4),
    st.sampled_from(["fifo", "random"]),
    st.integers(0, 99),
)
def test_a_step_is_servable_and_maximal(case: Case, policy: str, seed: int) -> None:
    net, rows = case
    oracle, engine = Oracle(net), net.compile()
    for row, counts in zip(rows, engine.step(rows, policy, seed=seed), strict=True):  # type: ignore[call-overload]
        marking, firings = tuple(row.tolist()), as_list(counts)
        if len(firings) > 6:
            continue  # 7! orders and more: the closed form is compared on the smaller ones
        assert oracle.servable(marking, firings)
        for t, transition in enumerate(oracle.transitions):
            if transition.inputs or counts[t] == 0:
                assert not oracle.servable(marking, [*firings, t])
            else:
                assert counts[t] == 1


@given(nets_with_markings(batch=3, tokens=5, max_transitions=4), st.data())
def test_firing_a_multiset_needs_it_servable_and_ends_where_one_order_does(
    case: Case, data: st.DataObject
) -> None:
    net, rows = case
    oracle, engine = Oracle(net), net.compile()
    for row in rows:
        counts = data.draw(
            st.lists(st.integers(0, 2), min_size=len(net.transitions), max_size=len(net.transitions))
        )
        if sum(counts) > 5:
            continue
        marking, firings = tuple(row.tolist()), as_list(np.array(counts, np.int32))
        before = row.copy()
        if oracle.servable(marking, firings):
            after = engine.fire(row, counts)
            assert tuple(after.tolist()) == oracle.fire_step(marking, firings)
        else:
            with pytest.raises(pc.NotEnabledError) as caught:
                engine.fire(row, counts)
            assert caught.value.found == marking[engine.places.index(caught.value.place)]
        assert (row == before).all()


@given(nets(), st.lists(st.integers(0, 4), max_size=30))
def test_incremental_enabling_equals_recomputed(net: pc.Net, choices: list[int]) -> None:
    oracle, engine = Oracle(net), net.compile()
    state, marking = engine.state(), oracle.initial
    for choice in choices:
        assert tuple(state.marking.tolist()) == marking
        enabled = [t for t, on in enumerate(oracle.enabled(marking)) if on]
        assert state.enabled.tolist() == enabled
        assert [state.is_enabled(t) for t in range(len(engine.transitions))] == oracle.enabled(marking)
        if choice < len(engine.transitions):
            after = oracle.fire(marking, choice)
            if after is None:
                with pytest.raises(pc.NotEnabledError):
                    state.fire(choice)
            else:
                state.fire(choice)
                marking = after


@given(nets(), st.integers(0, 200), st.integers(0, 2**64 - 1))
def test_a_random_run_ends_where_it_says_and_repeats(net: pc.Net, steps: int, seed: int) -> None:
    engine = net.compile()
    one, two = engine.state(), engine.state()
    fired = one.run(steps, seed)
    assert fired == two.run(steps, seed)
    assert (one.marking == two.marking).all()
    assert fired == steps or one.enabled.size == 0
    assert one.enabled.tolist() == np.flatnonzero(engine.enabled(one.marking)).tolist()


@given(nets(kinds=(), max_transitions=4), st.integers(0, 100), st.integers(0, 1000))
@examples(50)
def test_place_invariants_hold_along_every_run(net: pc.Net, steps: int, seed: int) -> None:
    from scipy.linalg import null_space

    engine = net.compile()
    invariants = null_space(engine.incidence.T.astype(float))
    state = engine.state()
    state.run(steps, seed)
    assert np.allclose(
        invariants.T @ state.marking, invariants.T @ engine.initial_marking, atol=1e-6 * (1 + steps)
    )


@pytest.mark.parametrize("size", [40, 64, 65, 128, 200, 256, 300])
@pytest.mark.parametrize("weight", [1, 3, 300])
def test_random_runs_of_larger_nets_stay_exact(size: int, weight: int) -> None:
    """Both walking algorithms, every number of words: each step is an enabled one's, and enabling stays exact."""
    rng = np.random.default_rng(size * weight)
    net = pc.Net("large")
    for i in range(size):
        net.add_place(f"p{i}", tokens=int(rng.integers(0, 2 * weight + 1)), capacity=50 * weight)
    for i in range(size):
        p, q, r, s = (f"p{k}" for k in rng.choice(size, 4, replace=False))
        w = int(rng.integers(1, weight + 1))
        net.add_transition(f"t{i}", {p: w}, {q: w, r: 1}, reads={s: 1}, inhibitors={r: 9 * weight})
    engine = net.compile()
    state = engine.state()
    for seed in range(60):
        before, enabled = state.marking.copy(), state.enabled
        if state.run(1, seed) == 0:
            assert enabled.size == 0
            break
        change = state.marking - before
        assert (engine.incidence[:, enabled] == change[:, None]).all(axis=0).any()
        state.run(6, seed)
        assert state.enabled.tolist() == np.flatnonzero(engine.enabled(state.marking)).tolist()
