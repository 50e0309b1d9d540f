from __future__ import annotations

import numpy as np
import pytest

from petricore import LimitReached, Net, NetError, WeightOverflowError, _core
from petricore.analysis.structure import commoner, greatest_siphon, greatest_trap


def philosophers(n: int) -> Net:
    """Each takes the left fork, then the right one."""
    net = Net("philosophers")
    for i in range(n):
        net.add_place(f"think{i}", 1)
        net.add_place(f"fork{i}", 1)
        net.add_place(f"left{i}")
        net.add_place(f"eat{i}")
    for i in range(n):
        right = (i + 1) % n
        net.add_transition(f"take{i}", {f"think{i}": 1, f"fork{i}": 1}, {f"left{i}": 1})
        net.add_transition(f"start{i}", {f"left{i}": 1, f"fork{right}": 1}, {f"eat{i}": 1})
        net.add_transition(f"end{i}", {f"eat{i}": 1}, {f"think{i}": 1, f"fork{i}": 1, f"fork{right}": 1})
    return net


def component(start: int = 1) -> Net:
    net = Net("cycle")
    net.add_place("a", start)
    net.add_place("b")
    net.add_transition("go", {"a": 1}, {"b": 1})
    net.add_transition("back", {"b": 1}, {"a": 1})
    return net


def test_philosophers_have_one_invariant_for_each_fork_and_each_philosopher() -> None:
    engine = philosophers(50).compile()
    rows = engine.place_invariants()
    assert rows.shape == (100, 200)
    assert (rows @ engine.incidence == 0).all()
    assert (rows @ engine.initial_marking == 1).all()
    assert engine.transition_invariants().sum(axis=1).tolist() == [3] * 50


def test_sparse_invariants_are_the_dense_ones() -> None:
    engine = philosophers(5).compile()
    assert (engine.place_invariants(sparse=True).toarray() == engine.place_invariants()).all()


def test_fifty_philosophers_have_a_siphon_more_than_they_have_invariants() -> None:
    engine = philosophers(50).compile()
    siphons = engine.siphons()
    assert len(siphons) == 101
    verdict = commoner(engine)
    assert verdict.holds is False
    assert verdict.live is None  # not a free choice net
    assert verdict.siphon in siphons
    assert greatest_trap(engine, verdict.siphon or ()) == ()
    assert "marked trap" in verdict.reason


def test_minimal_siphons_and_traps_of_separate_parts_are_those_of_each_part() -> None:
    parts = [philosophers(size) for size in (5, 3, 4)]
    net = Net("parts")
    # Places of the parts take turns, so that no part is a range of them.
    places = [(k, i, place) for k, part in enumerate(parts) for i, place in enumerate(part.places.values())]
    for k, _, place in sorted(places, key=lambda entry: entry[1]):
        net.add_place(f"{k}.{place.name}", place.tokens)
    for k, part in enumerate(parts):
        for t in part.transitions.values():
            inputs, outputs = ({f"{k}.{p}": w for p, w in arcs.items()} for arcs in (t.inputs, t.outputs))
            net.add_transition(f"{k}.{t.name}", inputs, outputs)
    whole = net.compile()
    for kind in ("siphons", "traps"):
        expected = {
            frozenset(f"{k}.{p}" for p in names)
            for k, part in enumerate(parts)
            for names in getattr(part.compile(), kind)()
        }
        found = getattr(whole, kind)()
        assert len(found) == len(expected)
        assert {frozenset(names) for names in found} == expected
        order = [[whole.places.index(p) for p in names] for names in found]
        assert order == sorted(order)
        assert all(row == sorted(row) for row in order)


def test_one_part_without_a_marked_trap_is_found_among_many() -> None:
    net = Net("loops")
    for i in range(1000):
        for end in "ab":
            net.add_place(f"{end}{i}", int(end == "a" and i != 700))
        net.add_transition(f"t{i}", [f"a{i}"], [f"b{i}"])
        net.add_transition(f"u{i}", [f"b{i}"], [f"a{i}"])
    verdict = commoner(net.compile(), timeout=10)
    assert verdict.holds is False
    assert verdict.live is False
    assert verdict.siphon == ("a700", "b700")


def test_a_limit_of_siphons_counts_those_of_all_parts() -> None:
    net = Net("loops")
    for i in range(20):
        net.add_place(f"p{i}")
        net.add_transition(f"t{i}", [f"p{i}"], [f"p{i}"])
    with pytest.raises(LimitReached):
        net.compile().siphons(limit=19)
    assert len(net.compile().siphons(limit=20)) == 20


def test_a_net_without_places_has_no_invariant_and_no_siphon() -> None:
    net = Net("bare")
    net.add_transition("t", {}, {})
    engine = net.compile()
    assert engine.place_invariants().shape == (0, 0)
    assert engine.transition_invariants().tolist() == [[1]]
    assert engine.siphons() == engine.traps() == []
    assert commoner(engine).live is True


def test_an_empty_net_is_classified() -> None:
    engine = Net("empty").compile()
    assert engine.classification.ordinary
    assert not engine.classification.workflow_net
    assert commoner(engine).deadlock_free is False


def test_an_invariant_gives_no_weight_to_a_place_that_is_reset() -> None:
    net = component()
    net.add_place("c")
    net.add_place("d")
    net.add_transition("swap", {"c": 1}, {"d": 1}, resets=["a"])
    engine = net.compile()
    assert engine.place_invariants().tolist() == [[0, 0, 1, 1]]
    assert engine.transition_invariants().tolist() == [[1, 1, 0]]


def test_weights_above_64_bits_on_the_way_are_no_obstacle() -> None:
    net = Net("powers")
    net.add_place("p0")
    for i in range(4):
        net.add_place(f"p{i + 1}")
        up, down = (2**30 + 1, 2**30 - 1) if i % 2 == 0 else (2**30 - 1, 2**30 + 1)
        net.add_transition(f"t{i}", {f"p{i}": up}, {f"p{i + 1}": down})
    (row,) = net.compile().place_invariants().tolist()
    assert row == [2**30 - 1, 2**30 + 1, 2**30 - 1, 2**30 + 1, 2**30 - 1]


def test_weights_beyond_63_bits_are_whole_numbers_of_any_size() -> None:
    net = Net("powers")
    net.add_place("p0")
    for i in range(90):
        net.add_place(f"p{i + 1}")
        net.add_transition(f"t{i}", {f"p{i}": 3}, {f"p{i + 1}": 2})
    engine = net.compile()
    [row] = engine.place_invariants().tolist()
    assert row == [2 ** (90 - i) * 3**i for i in range(91)]
    assert engine.transition_invariants().shape == (0, 90)
    with pytest.raises(WeightOverflowError, match="127 bits"):
        engine.place_invariants(sparse=True)


def test_limits_end_the_search_with_an_error() -> None:
    net = Net("product")  # 2^20 ways from the first place to the last
    net.add_place("p0")
    for i in range(20):
        for side in "ab":
            net.add_place(f"{side}{i}")
        net.add_place(f"p{i + 1}")
        for side in "ab":
            net.add_transition(f"in_{side}{i}", {f"p{i}": 1}, {f"{side}{i}": 1})
            net.add_transition(f"out_{side}{i}", {f"{side}{i}": 1}, {f"p{i + 1}": 1})
    net.add_transition("again", {"p20": 1}, {"p0": 1})
    engine = net.compile()
    assert engine.place_invariants().sum() == 61
    with pytest.raises(LimitReached, match="limit of 1000 rows"):
        engine.transition_invariants(limit=1000)
    with pytest.raises(LimitReached, match="time limit of 0 s"):
        engine.transition_invariants(timeout=0)
    with pytest.raises(LimitReached, match="limit of 3"):
        philosophers(5).compile().siphons(limit=3)
    assert len(philosophers(5).compile().siphons(limit=11)) == 11


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "many"])
def test_a_limit_that_is_none_is_refused(limit: object) -> None:
    with pytest.raises(NetError, match="limit is a positive integer"):
        component().compile().place_invariants(limit=limit)  # type: ignore[arg-type]


def test_unknown_places_are_refused() -> None:
    with pytest.raises(NetError, match="no place 'x'"):
        greatest_siphon(component().compile(), ["x"])


def test_a_marked_cycle_is_live_and_an_empty_one_is_not() -> None:
    assert commoner(component().compile()).live is True
    verdict = commoner(component(0).compile())
    assert verdict.live is False
    assert verdict.siphon == ("a", "b")


def test_a_read_arc_makes_a_siphon_and_no_trap() -> None:
    net = Net("reads")
    net.add_place("a", 1)
    net.add_place("b")
    net.add_transition("t", {}, {"b": 1}, reads={"a": 1})
    net.add_transition("u", {"b": 1}, {})
    engine = net.compile()
    assert engine.siphons() == [("a",)]
    assert engine.traps() == [("a",)]
    assert greatest_siphon(engine, ["a", "b"]) == ("a", "b")
    assert greatest_trap(engine, ["a", "b"]) == ("a",)


def test_a_reset_empties_a_trap() -> None:
    net = component()
    net.add_transition("clear", {}, {}, resets=["a"])
    assert net.compile().traps() == []


def test_workflow_nets_are_recognised() -> None:
    net = Net("flow")
    for place in ("start", "middle", "end"):
        net.add_place(place)
    net.add_transition("t", {"start": 1}, {"middle": 1})
    net.add_transition("u", {"middle": 1}, {"end": 1})
    classes = net.compile().classification
    assert classes.workflow_net
    assert not classes.strongly_connected
    assert classes.state_machine
    assert not classes.marked_graph
    assert classes.free_choice
    assert classes.conservative
    net.add_place("aside")
    assert not net.compile().classification.workflow_net


def test_a_cycle_is_of_every_class_but_workflow_nets() -> None:
    classes = component().compile().classification
    assert classes.state_machine
    assert classes.marked_graph
    assert classes.strongly_connected
    assert classes.pure
    assert not classes.workflow_net


@pytest.mark.parametrize("special", ["inhibitors", "resets", "capacity", "weight"])
def test_other_arcs_leave_the_choice_classes(special: str) -> None:
    net = component()
    net.add_place("extra", 1, capacity=3 if special == "capacity" else None)
    net.add_transition(
        "special",
        {"extra": 2 if special == "weight" else 1},
        {"extra": 2 if special == "weight" else 1},
        inhibitors={"a": 1} if special == "inhibitors" else {},
        resets=["a"] if special == "resets" else [],
    )
    classes = net.compile().classification
    assert classes.plain == (special == "weight")
    assert classes.ordinary == (special != "weight")
    assert classes.conservative == (special != "resets")
    assert not classes.free_choice
    assert not classes.asymmetric_choice
    assert not classes.pure


def test_invariants_are_those_of_every_call() -> None:
    engine = philosophers(7).compile()
    assert np.array_equal(engine.place_invariants(), engine.place_invariants())


def test_dense_rows_are_those_given_and_can_be_written() -> None:
    offsets, indices, weights = (
        np.array([0, 2, 2, 3]),
        np.array([0, 3, 1], np.uint32),
        np.array([5, 6, 2**62]),
    )
    rows = _core.dense_rows(offsets, indices, weights, 4)
    assert rows.tolist() == [[5, 0, 0, 6], [0, 0, 0, 0], [0, 2**62, 0, 0]]
    rows[1, 1] = 7
    assert _core.dense_rows(np.array([0]), indices[:0], weights[:0], 4).shape == (0, 4)
    for wrong in (
        (offsets[:3], indices, weights, 4),
        (offsets, indices, weights[:2], 4),
        (offsets, indices, weights, 3),
    ):
        with pytest.raises(ValueError, match="those of no rows"):
            _core.dense_rows(*wrong)
