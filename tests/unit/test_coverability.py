from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from petricore import Net, NetError
from petricore.analysis.coverability import OMEGA


def producer() -> Net:
    net = Net()
    net.add_place("idle", 1)
    net.add_place("store")
    net.add_place("done")
    net.add_transition("make", ["idle"], ["idle", "store"])
    net.add_transition("stop", ["idle"], ["done"])
    net.add_transition("never", {"idle": 2}, ["done"])
    return net


def counters(places: int) -> Net:
    """2^places markings, none of them below another."""
    net = Net()
    for i in range(places):
        net.add_place(f"off{i}", 1)
        net.add_place(f"on{i}")
        net.add_transition(f"set{i}", [f"off{i}"], [f"on{i}"])
        net.add_transition(f"clear{i}", [f"on{i}"], [f"off{i}"])
    return net


def test_a_producer_fills_its_store_without_bound() -> None:
    found = producer().compile().coverability()
    assert found.complete
    assert found.exact
    assert found.bounded is False
    assert found.unbounded_places == ("store",)
    assert found.bounds.tolist() == [1, OMEGA, 1]
    assert sorted(found.markings.tolist()) == [[0, OMEGA, 1], [1, OMEGA, 0]]
    assert found.dead_transitions == ("never",)
    witness = found.witness("store")
    assert witness is not None
    assert (witness.stem, witness.cycle, witness.grows) == ((), ("make",), ("store",))
    assert found.witness("idle") is None


def test_covers_tells_what_can_be_held_at_once() -> None:
    found = producer().compile().coverability()
    assert found.covers([1, 10**9, 0]) is True
    assert found.covers([1, 0, 1]) is False
    with pytest.raises(NetError, match="shape"):
        found.covers([1, 2])


def test_a_place_can_be_unbounded_without_a_cycle_that_fills_it() -> None:
    net = Net()
    net.add_place("gathering", 1)
    for place in ("converting", "raw", "ready"):
        net.add_place(place)
    net.add_transition("gather", ["gathering"], ["gathering", "raw"])
    net.add_transition("switch", ["gathering"], ["converting"])
    net.add_transition("convert", ["converting", "raw"], ["converting", "ready"])
    found = net.compile().coverability()
    assert found.unbounded_places == ("raw", "ready")
    assert found.witness("ready") is None
    witness = found.witness("raw")
    assert witness is not None
    assert witness.grows == ("raw",)


def test_a_cycle_that_needs_other_places_filled_first_is_found() -> None:
    net = Net()
    for place in ("first", "second", "third"):
        net.add_place(place)
    net.add_transition("fill", [], ["first"])
    net.add_transition("start", {"first": 3}, ["second"])
    net.add_transition("grow", ["second"], ["second", "third"])
    found = net.compile().coverability()
    witness = found.witness("third")
    assert witness is not None
    assert witness.stem == ("fill", "fill", "fill", "start")
    assert witness.cycle == ("grow",)


def test_a_capacity_bounds_a_place() -> None:
    net = Net()
    net.add_place("queue", 0, capacity=5)
    net.add_place("log")
    net.add_transition("put", [], ["queue"])
    net.add_transition("take", ["queue"], ["log"])
    found = net.compile().coverability()
    assert found.exact
    assert found.bounds.tolist() == [5, OMEGA]
    assert found.unbounded_places == ("log",)


def test_an_inhibitor_on_a_bounded_place_is_obeyed() -> None:
    net = Net()
    net.add_place("lock", 1)
    net.add_place("store")
    net.add_transition("make", [], ["store"], inhibitors=["lock"])
    found = net.compile().coverability()
    assert found.exact
    assert found.bounded
    assert found.dead_transitions == ("make",)


def test_an_inhibitor_on_a_growing_place_leaves_only_bounds_and_proofs() -> None:
    net = Net()
    net.add_place("free")
    net.add_place("checked")
    net.add_place("still", 1)
    net.add_transition("grow", [], ["free"])
    net.add_transition("check", ["still"], ["still", "checked"], inhibitors={"free": 3, "checked": 2})
    found = net.compile().coverability()
    assert found.complete
    assert not found.exact
    assert "ignored" in found.reason
    assert found.unbounded_places == ("free",)
    assert found.bounds.tolist() == [OMEGA, OMEGA, 1]
    assert found.bounded is False
    assert found.covers([0, 2, 1]) is None
    assert found.covers([0, 0, 2]) is False


def test_a_limit_leaves_what_is_certain() -> None:
    found = counters(6).compile().coverability(limit=10)
    assert not found.complete
    assert found.nodes == 10
    assert found.bounded is None
    assert (found.bounds == OMEGA).all()
    assert found.covers(np.zeros(12, np.int32)) is True
    assert found.covers(np.ones(12, np.int32)) is None
    assert found.dead_transitions == ()
    assert "limit" in found.reason


def test_memory_and_time_limits_end_it() -> None:
    engine = counters(16).compile()
    assert "memory" in engine.coverability(memory=100_000).reason
    assert "time" in engine.coverability(timeout=0.02).reason


def test_an_exception_of_progress_comes_through() -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        counters(20).compile().coverability(progress=stop)
    assert time.monotonic() - started < 5


def test_other_threads_run_meanwhile() -> None:
    ran = threading.Event()
    threading.Timer(0, ran.set).start()
    counters(20).compile().coverability(limit=50_000)
    assert ran.is_set()


@pytest.mark.parametrize(
    "option", [{"limit": 0}, {"memory": -1}, {"timeout": -1.0}, {"progress": 3}, {"limit": True}]
)
def test_options_out_of_range_are_refused(option: dict[str, object]) -> None:
    with pytest.raises(NetError, match=next(iter(option))):
        producer().compile().coverability(**option)  # type: ignore[arg-type]


def test_a_net_without_places_or_transitions_is_bounded() -> None:
    empty = Net().compile().coverability()
    assert empty.bounded
    assert len(empty) == 1


def test_queries_about_unbounded_nets_are_decided() -> None:
    engine = producer().compile()
    many = engine.check("reachable: store >= 30000 and done >= 1")
    assert many.holds
    assert many.witness == ("make",) * 30000 + ("stop",)
    never = engine.check("reachable: store >= 3 and idle + done >= 2")
    assert never.holds is False
    assert engine.check("quasi-live: never").holds is False


def test_a_transition_to_enable_may_be_numbered() -> None:
    net = Net()
    net.add_place("a")
    net.add_transition("fill", outputs=["a"])
    net.add_transition("take", inputs=["a"])
    found = net.compile().coverability()
    assert found.path_enabling(1) == found.path_enabling("take") == ("fill",)
