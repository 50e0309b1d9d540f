"""What is no argument is refused with an error that names it, and whatever is an integer is taken as one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest

import petricore as pc
from petricore import Engine, Net, NetError
from petricore.analysis import ctl, liveness, reduction, state_equation, structure
from petricore.analysis.formula import Compare, Deadlock, Fireable


class Two:
    def __index__(self) -> int:
        return 2


def one_step() -> Engine:
    net = Net("one step")
    net.add_place("a", 1)
    net.add_place("b")
    net.add_transition("t", ["a"], ["b"])
    return net.compile()


@pytest.mark.parametrize("threads", [np.int64(2), np.uint8(2), Two()])
def test_threads_may_be_anything_that_is_an_integer(threads: int) -> None:
    engine = one_step()
    rows = np.array([[1, 0]] * 8)
    assert engine.enabled(rows, threads=threads).all()
    assert engine.enabling_degree(rows, threads=threads).sum() == 8
    assert engine.fire(rows, "t", threads=threads)[:, 1].sum() == 8
    assert engine.step(rows, threads=threads).sum() == 8
    assert len(engine.conflicts(rows, threads=threads)) == 8
    assert len(engine.state_space(threads=threads)) == 2
    assert engine.check("reachable: b >= 1", threads=threads).holds


@pytest.mark.parametrize("threads", [None, "2", 2.0, True, np.array([1, 2]), -1, 10**30])
def test_threads_of_bulk_operations_are_refused_with_their_value(threads: Any) -> None:
    with pytest.raises(NetError, match="threads is an integer between 0 and 1024, not"):
        one_step().enabled([1, 0], threads=threads)


def test_a_search_takes_any_number_of_threads_above_none() -> None:
    assert one_step().check("AG EF b >= 1", threads=10**30).holds
    assert len(one_step().state_space(threads=10**30)) == 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.soundness(["a"], "b"),
        lambda engine: engine.soundness("a", {"b"}),
        lambda engine: engine.soundness(None, "b"),
        lambda engine: engine.coverability().witness(np.array(["a"])),
        lambda engine: structure.greatest_siphon(engine, [["a"]]),
        lambda engine: structure.greatest_trap(engine, [None]),
        lambda engine: reduction.reduce(engine, "reachability", ["z"]),
        lambda engine: state_equation.place_bounds_lp(engine, ["z"]),
        lambda engine: state_equation.upper_bound(engine, [("z", 1)]),
    ],
)
def test_what_is_no_place_is_named(ask: Callable[[Engine], object]) -> None:
    with pytest.raises(NetError, match="there is no place"):
        ask(one_step())


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda e: e.state_space().marking(None), "a state is numbered, not None"),
        (lambda e: e.state_space().path("a"), "a state is numbered, not 'a'"),
        (lambda e: e.state_space().markings(0.5, 1), "a state is numbered, not 0.5"),
        (lambda e: e.state_space().markings(0, "a"), "a state is numbered, not 'a'"),
        (lambda e: e.state_space(order=["depth"]), "order is 'breadth' or 'depth', not"),
        (lambda e: e.state_space(timeout="1"), "timeout is a number of seconds, not '1'"),
        (lambda e: e.matrix(["pre"]), "matrix is 'inputs', 'outputs'|matrix is 'pre'"),
        (lambda e: e.marking([1, 0]), "a mapping of places to counts"),
        (lambda e: e.step([1, 0], np.arange(3)), "policy is 'fifo' or 'random', not"),
        (lambda e: structure.greatest_siphon(e, 5), "several names of places are asked for, not 5"),
        (lambda e: structure.greatest_siphon(e, "a"), "several names of places are asked for, not 'a'"),
        (lambda e: structure.minimal_sets(e, np.arange(3)), "'siphons' or 'traps', not"),
        (lambda e: structure.semiflows(e, None), "'places' or 'transitions', not None"),
        (lambda e: reduction.reduce(e, None), "'deadlock' or 'reachability', not None"),
        (lambda e: reduction.reduce(e, "deadlock", timeout="1"), "timeout is a number of seconds, not '1'"),
        (lambda e: reduction.reduce(e, "deadlock").lift(None), "several names of transitions"),
        (lambda e: reduction.reduce(e, "deadlock").lift(["z"]), "there is no transition 'z'"),
        (lambda e: ctl.label(e.state_space(), "deadlock"), "a Formula is needed, not 'deadlock'"),
        (lambda e: ctl.label(e.state_space(), Fireable("z")), "unknown transition 'z'"),
        (lambda e: ctl.always_possible(e.state_space(), None), "a Formula is needed, not None"),
        (lambda e: ctl.label(None, Deadlock()), "a StateSpace is needed, not None"),
        (lambda e: liveness.terminals([]), "a StateSpace is needed, not \\[\\]"),
    ],
)
def test_other_arguments_are_refused_with_their_value(ask: Callable[[Engine], object], text: str) -> None:
    with pytest.raises(NetError, match=text):
        ask(one_step())


def test_a_constant_beyond_all_sums_is_refused_with_its_value() -> None:
    for constant in (10**30, -(10**330)):
        with pytest.raises(NetError, match=f"a sum is compared with {constant}, beyond 2\\^62"):
            one_step().check(Compare((("a", 1),), constant))
    assert one_step().check(Compare((("a", 1),), 2**62)).holds


@pytest.mark.parametrize("source", [None, 5, ["net.pnml"], b"net.pnml"])
@pytest.mark.parametrize("read", [pc.read_pnml, pc.read_mcc_formulas])
def test_what_is_no_source_is_refused_with_its_value(read: Callable[[Any], object], source: object) -> None:
    with pytest.raises(TypeError, match="source is a path, or a file opened for reading bytes, not"):
        read(source)


def test_what_is_no_target_is_refused_before_anything_is_written() -> None:
    with pytest.raises(TypeError, match="target is a path, or a file opened for writing bytes, not None"):
        pc.write_pnml(Net("n"), None)  # type: ignore[arg-type]
    pc.write_pnml(Net("n"), target := BytesIO())
    assert target.getvalue()


def test_an_endless_timeout_is_none() -> None:
    for timeout in (float("inf"), 10**400):
        assert one_step().check("AG EF b >= 1", timeout=timeout).holds
        assert one_step().state_space(timeout=timeout).complete


def test_a_state_pickles_and_copies_with_its_marking() -> None:
    state = one_step().state()
    state.fire("t")
    for twin in (pickle.loads(pickle.dumps(state)), copy.copy(state), copy.deepcopy(state)):
        assert twin.marking.tolist() == [0, 1]
        assert len(twin.enabled) == 0
    copied = copy.copy(one_step().state())
    copied.fire("t")
    assert one_step().state().marking.tolist() == [1, 0]
