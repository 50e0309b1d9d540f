"""The engine's face: shapes, dtypes, errors, limits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import petricore as pc

MAX = 2**31 - 1


@pytest.fixture
def engine() -> pc.Engine:
    net = pc.Net("producer-consumer")
    net.add_place("free", tokens=3)
    net.add_place("full")
    net.add_transition("produce", inputs={"free": 1}, outputs={"full": 1})
    net.add_transition("consume", inputs=["full"], outputs=["free"])
    return net.compile()


def test_one_marking_and_a_batch_answer_in_their_own_form(engine: pc.Engine) -> None:
    assert engine.enabled(engine.initial_marking).tolist() == [True, False]
    assert engine.enabled([[3, 0], [0, 3], [1, 2]]).tolist() == [[True, False], [False, True], [True, True]]
    assert engine.enabling_degree([3, 1]).tolist() == [3, 1]
    assert engine.enabling_degree([3, 1]).dtype == np.int32
    assert engine.fire([3, 0], "produce").tolist() == [2, 1]
    assert engine.fire([3, 1], [2, 1]).tolist() == [2, 2]
    assert engine.step([[3, 1], [0, 2]]).tolist() == [[3, 1], [0, 2]]


def test_one_marking_meets_many_firings_and_many_markings_one_firing(engine: pc.Engine) -> None:
    assert engine.fire([3, 1], [[1, 0], [0, 1]]).tolist() == [[2, 2], [4, 0]]
    assert engine.fire([[3, 1], [1, 0]], "produce").tolist() == [[2, 2], [0, 1]]
    with pytest.raises(pc.NetError, match="2 markings and 3 rows of firings"):
        engine.fire([[3, 1], [1, 0]], [[1, 0], [0, 1], [0, 0]])


def test_matrices_say_what_the_arcs_say(engine: pc.Engine) -> None:
    assert engine.pre.tolist() == [[1, 0], [0, 1]]
    assert engine.post.tolist() == [[0, 1], [1, 0]]
    assert engine.incidence.tolist() == [[-1, 1], [1, -1]]
    for which in ("pre", "post", "incidence", "reads", "inhibitors", "resets"):
        assert (engine.matrix(which, sparse=True).toarray() == engine.matrix(which)).all()  # type: ignore[union-attr]
    with pytest.raises(pc.NetError, match="not 'preset'"):
        engine.matrix("preset")  # type: ignore[arg-type]


@pytest.mark.parametrize("array", ["initial_marking", "pre", "post", "incidence"])
def test_what_the_engine_shares_is_read_only(engine: pc.Engine, array: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(engine, array)[:] = 0
    with pytest.raises(ValueError, match="WRITEABLE"):
        getattr(engine, array).setflags(write=True)


@pytest.mark.parametrize(
    ("marking", "message"),
    [
        ([3], r"marking: shape \(1,\), where one count per place is needed: \(2,\) or \(batch, 2\)"),
        ([[[3, 0]]], r"marking: shape \(1, 1, 2\)"),
        (3, r"marking: shape \(\)"),
        ([3.0, 0.0], "marking: dtype float64, where token counts are integers"),
        ([np.nan, 0], "marking: dtype float64"),
        ([True, False], "marking: dtype bool"),
        (["3", "0"], "marking: dtype <U1"),
        ([3, -1], "place 1 has -1, not between 0 and 2147483647"),
        ([3, 2**31], "place 1 has 2147483648"),
        ([3, 2**70], "marking: dtype object"),
        (np.array([3, -1], np.int32), "marking 0: place 'full' holds -1 tokens"),
        ([[1, 1], [3]], "marking: not an array of counts"),
        (None, "marking: "),
    ],
)
@pytest.mark.parametrize("method", ["enabled", "enabling_degree", "conflicts", "step", "fire"])
def test_a_bad_marking_is_refused_by_name(engine: pc.Engine, method: str, marking: Any, message: str) -> None:
    arguments = ["produce"] if method == "fire" else []
    with pytest.raises(pc.NetError, match=message):
        getattr(engine, method)(marking, *arguments)


def test_a_negative_count_deep_in_a_batch_is_named(engine: pc.Engine) -> None:
    batch = np.ones((1000, 2), np.int32)
    batch[777, 1] = -5
    for call in (engine.enabled, engine.enabling_degree, engine.conflicts, engine.step):
        for threads in (1, 2):
            with pytest.raises(pc.NetError, match="marking 777: place 'full' holds -5 tokens"):
                call(batch, threads=threads)  # type: ignore[operator]


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
)
def test_every_integer_dtype_is_welcome(engine: pc.Engine, dtype: type) -> None:
    assert engine.enabled(np.array([[3, 0], [0, 1]], dtype)).tolist() == [[True, False], [False, True]]


def test_strided_and_transposed_arrays_are_read_right(engine: pc.Engine) -> None:
    wide = np.arange(40, dtype=np.int32).reshape(4, 10) % 3
    for view in (wide[:, ::5], wide[::-1, 2:4], np.asfortranarray(wide[:, 1:3])):
        assert (engine.enabled(view) == engine.enabled(view.copy(order="C"))).all()
    big_endian = np.array([3, 0], ">i4")
    assert engine.enabled(big_endian).tolist() == [True, False]


def test_enabled_fills_what_it_is_given(engine: pc.Engine) -> None:
    out = np.zeros((2, 2), bool)
    assert engine.enabled([[3, 0], [0, 1]], out) is out
    assert out.tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros((2, 3), bool), r"not bool \(2, 3\)"),
        (np.zeros((2, 2), np.uint8), r"not uint8 \(2, 2\)"),
        ([[0, 0], [0, 0]], "not 'list'"),
        (np.zeros((2, 4), bool)[:, ::2], "C-contiguous and writable"),
        (np.broadcast_to(False, (2, 2)), "C-contiguous and writable"),
    ],
)
def test_a_bad_output_is_refused(engine: pc.Engine, out: Any, message: str) -> None:
    with pytest.raises(pc.NetError, match=message):
        engine.enabled([[3, 0], [0, 1]], out)


@pytest.mark.parametrize("firings", [[1], [1.0, 0.0], [-1, 0], [[1, 0, 0]], "nothing"])
def test_bad_firings_are_refused(engine: pc.Engine, firings: Any) -> None:
    with pytest.raises(pc.NetError):
        engine.fire([3, 0], firings)


def test_firing_a_dry_transition_names_the_place(engine: pc.Engine) -> None:
    with pytest.raises(
        pc.NotEnabledError, match="transition 'consume' is not enabled: place 'full' holds 0 of 1"
    ):
        engine.fire([3, 0], "consume")


def test_an_inhibited_transition_names_the_place_that_is_too_full() -> None:
    net = pc.Net()
    net.add_place("jam", tokens=4)
    net.add_transition("go", inhibitors={"jam": 3})
    with pytest.raises(
        pc.NotEnabledError, match="place 'jam' holds 4 tokens, where it allows at most 2"
    ) as caught:
        net.compile().fire([4], "go")
    assert (caught.value.needed, caught.value.found) == (2, 4)


def test_a_count_beyond_int32_raises_and_never_wraps() -> None:
    net = pc.Net()
    net.add_place("a", tokens=MAX)
    net.add_place("b", tokens=1)
    net.add_transition("t", inputs=["b"], outputs={"a": 1})
    engine = net.compile()
    with pytest.raises(pc.TokenOverflowError, match="place 'a' would hold 2147483648 tokens"):
        engine.fire(engine.initial_marking, "t")
    state = engine.state()
    for attempt in (lambda: state.fire("t"), lambda: state.run(1, 0)):
        with pytest.raises(OverflowError):
            attempt()
        assert state.marking.tolist() == [MAX, 1]
        assert state.enabled.tolist() == [0]


def test_huge_firing_counts_overflow_as_an_error() -> None:
    net = pc.Net()
    net.add_place("a")
    for i in range(5):
        net.add_transition(f"t{i}", outputs={"a": MAX})
    with pytest.raises(pc.TokenOverflowError):
        net.compile().fire([0], [MAX] * 5)


def test_a_thousand_tokens_mean_a_thousand_firings_at_once(engine: pc.Engine) -> None:
    assert engine.enabling_degree([1000, 0]).tolist() == [1000, 0]
    assert engine.step([1000, 0]).tolist() == [1000, 0]


def test_a_transition_without_inputs_has_no_bound_and_counts_once_in_a_step() -> None:
    net = pc.Net()
    net.add_place("a")
    net.add_transition("source", outputs=["a"])
    engine = net.compile()
    assert engine.enabling_degree([0]).tolist() == [MAX]
    assert engine.step([0]).tolist() == [1]


def test_priority_is_served_first_and_lots_are_drawn_among_equals() -> None:
    net = pc.Net()
    net.add_place("p", tokens=10)
    net.add_transition("low", inputs=["p"])
    net.add_transition("high", inputs=["p"], priority=1)
    engine = net.compile()
    assert engine.step([10]).tolist() == [0, 10]
    assert engine.step([10], "random", seed=1).tolist() == [0, 10]

    equals = pc.Net()
    equals.add_place("p", tokens=10)
    equals.add_transition("a", inputs=["p"])
    equals.add_transition("b", inputs=["p"])
    counts = equals.compile().step(np.full((500, 1), 10, np.int32), "random", seed=3)
    assert (counts.sum(axis=1) == 10).all()
    # Both get the same in the mean, by symmetry; the standard error of the mean of 500 shares is below 0.25.
    assert abs(counts[:, 0].mean() - 5) < 1.0
    assert len(np.unique(counts[:, 0])) > 5


def test_a_random_step_depends_on_seed_and_row_only(engine: pc.Engine) -> None:
    batch = np.full((300, 2), 9, np.int32)
    one = engine.step(batch, "random", seed=5, threads=1)
    assert (one == engine.step(batch, "random", seed=5, threads=2)).all()
    assert (one[:100] == engine.step(batch[:100], "random", seed=5)).all()


@pytest.mark.parametrize(
    ("seed", "policy"), [(-1, "random"), (2**64, "random"), (1.5, "random"), (0, "lifo")]
)
def test_bad_seeds_and_policies_are_refused(engine: pc.Engine, seed: Any, policy: Any) -> None:
    with pytest.raises(pc.NetError):
        engine.step([3, 0], policy, seed=seed)


def test_conflicts_come_as_rows_and_as_sets() -> None:
    net = pc.Net()
    for place in ("a", "b", "c", "d"):
        net.add_place(place, tokens=1)
    net.add_transition("t0", inputs=["a"])
    net.add_transition("t1", inputs=["a", "b"])
    net.add_transition("t2", inputs=["b"])
    net.add_transition("t3", inputs=["c"])
    net.add_transition("t4", inputs=["c"])
    net.add_transition("t5", inputs=["d"])
    engine = net.compile()
    found = engine.conflicts([[1, 1, 1, 1], [2, 2, 2, 2], [1, 0, 1, 0]])
    assert found.offsets.tolist() == [0, 3, 3, 4]
    assert found.pairs.tolist() == [[0, 1], [1, 2], [3, 4], [3, 4]]
    assert found.sets(0) == [("t0", "t1", "t2"), ("t3", "t4")]
    assert found.sets(1) == []
    assert found.sets(2) == [("t3", "t4")]
    with pytest.raises(IndexError):
        found.sets(3)


def test_an_empty_net_has_answers_of_no_width() -> None:
    engine = pc.Net().compile()
    assert engine.enabled([]).shape == (0,)
    assert engine.enabled(np.zeros((5, 0), np.int32)).shape == (5, 0)
    assert engine.step(np.zeros((5, 0), np.int32)).shape == (5, 0)
    assert engine.conflicts([]).sets(0) == []
    assert engine.incidence.shape == (0, 0)
    assert engine.state().run(10, 0) == 0


def test_an_empty_batch_has_empty_answers(engine: pc.Engine) -> None:
    nothing = np.zeros((0, 2), np.int32)
    assert engine.enabled(nothing).shape == (0, 2)
    assert engine.enabling_degree(nothing).shape == (0, 2)
    assert len(engine.conflicts(nothing)) == 0
    assert engine.fire(nothing, np.zeros((0, 2), np.int32)).shape == (0, 2)


def test_a_net_of_a_million_places_compiles_and_runs() -> None:
    n = 1_000_000
    net = pc.Net("ring")
    names = [str(i) for i in range(n)]
    for i, name in enumerate(names):
        net.add_place(name, tokens=int(i == 0))
    for i in range(0, n, 10):
        net.add_transition(names[i], inputs=[names[i]], outputs=[names[(i + 10) % n]])
    engine = net.compile()
    assert engine.enabled(engine.initial_marking).sum() == 1
    state = engine.state()
    assert state.run(n // 10, 0) == n // 10
    assert (state.marking == engine.initial_marking).all()


@pytest.mark.parametrize(
    ("weight", "high"), [(1, 3), (254, 300), (255, 300), (65_534, 70_000), (65_535, MAX), (MAX, MAX)]
)
def test_every_width_of_lane_compares_exactly(weight: int, high: int) -> None:
    net = pc.Net()
    net.add_place("p")
    net.add_transition("at_least", inputs={"p": weight})
    net.add_transition("below", inhibitors={"p": weight})
    counts = [c for c in {0, weight - 1, weight, weight + 1, 255, 256, 65_535, 65_536, high, MAX} if c <= MAX]
    got = net.compile().enabled(np.array(counts, np.int64)[:, None])
    assert got.tolist() == [[c >= weight, c < weight] for c in counts]


def test_all_instruction_sets_compute_the_same() -> None:
    script = """
import numpy as np, petricore as pc, hashlib
rng = np.random.default_rng(1)
digest = hashlib.sha256()
for size, weight in ((20, 3), (150, 2), (300, 2), (30, 300)):
    net = pc.Net()
    for i in range(size):
        net.add_place(f"p{i}", tokens=int(rng.integers(0, 5)))
    for i in range(size):
        a, b, c, d = (f"p{k}" for k in rng.choice(size, 4, replace=False))
        weights = {a: int(rng.integers(1, weight + 1)), b: 1}
        net.add_transition(f"t{i}", weights, {c: 1, d: 1}, inhibitors={c: 9})
        net.add_transition(f"r{i}", [c, d], [a, b])
    engine = net.compile()
    batch = rng.integers(0, 400, (200, size), np.int32) // rng.integers(1, 200, (200, 1), np.int32)
    state = engine.state()
    state.run(10_000, 7)
    step = engine.step(batch, "random", seed=3)
    for array in (engine.enabled(batch), engine.enabling_degree(batch), step, engine.conflicts(batch).pairs,
                  engine.fire(batch, step), state.marking, state.enabled):
        digest.update(np.ascontiguousarray(array).tobytes())
print(pc._core.simd_level(), digest.hexdigest())
"""
    outputs = {}
    for level in ("baseline", "avx2", "avx512"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PETRICORE_SIMD": level},
            capture_output=True,
            text=True,
            check=True,
        )
        used, digest = done.stdout.split()
        outputs[used] = digest
    assert len(set(outputs.values())) == 1, outputs
    assert "baseline" in outputs


def test_a_state_fires_by_name_and_by_index(engine: pc.Engine) -> None:
    state = engine.state()
    state.fire("produce")
    state.fire(0)
    assert state.marking.tolist() == [1, 2]
    assert state.is_enabled("consume")
    with pytest.raises(pc.NetError, match="no transition 'eat'"):
        state.fire("eat")
    with pytest.raises(pc.NetError, match="transition 2 is not between 0 and 1"):
        state.fire(2)


def test_a_states_marking_is_a_live_view_that_outlives_the_state(engine: pc.Engine) -> None:
    state = engine.state([1, 0])
    view = state.marking
    state.fire("produce")
    assert view.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    del state
    assert view.tolist() == [0, 1]


def test_a_run_into_a_dead_marking_says_how_far_it_came() -> None:
    net = pc.Net()
    net.add_place("fuel", tokens=7)
    net.add_transition("burn", inputs=["fuel"])
    state = net.compile().state()
    assert state.run(100, 1) == 7
    assert state.enabled.size == 0
    assert state.run(100, 1) == 0


@pytest.mark.parametrize("steps", [-1, 1.5, "3", None, True])
def test_a_bad_number_of_steps_is_refused(engine: pc.Engine, steps: Any) -> None:
    with pytest.raises(pc.NetError, match="steps is an integer"):
        engine.state().run(steps)


def test_one_state_and_one_engine_survive_many_threads(engine: pc.Engine) -> None:
    state = engine.state()
    batch = np.ones((5000, 2), np.int32)

    def work() -> None:
        for i in range(20):
            state.run(1000, i)
            engine.enabled(batch, threads=2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.marking.sum() == 3


def test_ctrl_c_stops_a_long_run() -> None:
    script = """
import _thread, threading, petricore as pc
net = pc.Net()
net.add_place("p", tokens=1)
net.add_transition("t", inputs=["p"], outputs=["p"])
state = net.compile().state()
threading.Timer(0.2, _thread.interrupt_main).start()
try:
    state.run(2**62)
except KeyboardInterrupt:
    print("stopped", state.marking.tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "stopped [1]"


def test_a_step_with_resets_ends_where_one_order_does_and_within_capacity() -> None:
    net = pc.Net()
    net.add_place("g", tokens=3)
    net.add_place("p", capacity=1)
    net.add_transition("t", inputs=["g"], outputs=["p"], resets=["p"])
    engine = net.compile()
    assert engine.step([3, 0]).tolist() == [3]
    assert engine.fire([3, 0], [3]).tolist() == [0, 1]


@pytest.mark.parametrize("transition", [1.9, True, None])
def test_a_transition_is_named_or_numbered(engine: pc.Engine, transition: Any) -> None:
    with pytest.raises(pc.NetError, match="named or numbered"):
        engine.state().fire(transition)
