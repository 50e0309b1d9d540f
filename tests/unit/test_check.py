"""`Engine.check`: verdicts, witnesses, limits and refusals; published answers of small contest nets."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

import petricore as pc
from petricore.analysis.formula import And, Compare, Fireable, Live, Temporal
from petricore.analysis.verdict import Verdict
from petricore.analysis.witness import verified

MODELS = Path(__file__).parents[1] / "models"


def producer_consumer() -> pc.Engine:
    net = pc.Net("producer-consumer")
    net.add_place("free", tokens=3)
    net.add_place("full")
    net.add_transition("produce", {"free": 1}, {"full": 1})
    net.add_transition("consume", ["full"], ["free"])
    return net.compile()


def growing() -> pc.Engine:
    net = pc.Net("growing")
    net.add_place("seed", tokens=1)
    net.add_place("crop")
    net.add_transition("grow", ["seed"], ["seed", "crop"])
    return net.compile()


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("reachable: full >= 3", True),
        ("reachable: full >= 4", False),
        ("invariant: free + full == 3", True),
        ("invariant: full <= 2", False),
        ("deadlock", False),
        ("live", True),
        ("live: consume", True),
        ("quasi-live", True),
        ("quasi-live: produce", True),
        ("bounded", True),
        ("bounded: full", True),
        ("one-safe", False),
        ("stable", False),
        ("AG (full >= 1 => EF free == 3)", True),
        ("E[full <= 1 U full == 2]", True),
        ("A[full <= 1 U full == 2]", False),
        ("AF full >= 1", True),
        ("EG full <= 1", True),
        ("EX fireable(consume)", True),
        ("AX (full == 1 and EX full == 0)", True),
    ],
)
def test_a_query_holds_or_not(query: str, holds: bool) -> None:
    verdict = producer_consumer().check(query)
    assert verdict.holds is holds
    assert verdict.reason
    assert verdict.method


def test_a_witness_replays_to_the_marking_asked_for() -> None:
    engine = producer_consumer()
    verdict = engine.check("reachable: full == 2")
    assert verdict.witness == ("produce", "produce")
    state = engine.state()
    for transition in verdict.witness:
        state.fire(transition)
    assert state.marking.tolist() == [1, 2]
    violated = engine.check("invariant: full <= 2")
    assert violated.witness == ("produce",) * 3


def test_a_formula_object_is_asked_at_the_initial_marking() -> None:
    engine = producer_consumer()
    assert engine.check(Fireable("produce")).holds is True
    assert engine.check(Fireable("consume")).holds is False
    assert engine.check(~Fireable("consume") & Temporal("EF", Fireable("consume"))).holds is True


@pytest.mark.parametrize(
    ("query", "bound"), [("full", 3), ("2*full", 6), ("free + full", 3), ("full - free", 3)]
)
def test_a_bound_is_the_largest_reachable_value(query: str, bound: int) -> None:
    verdict = producer_consumer().check(f"bound: {query}")
    assert verdict.holds is True
    assert verdict.bound == bound


def test_a_place_without_a_bound_is_shown_by_firings_that_repeat() -> None:
    engine = growing()
    for query in ("bounded", "bounded: seed, crop", "bound: crop"):
        verdict = engine.check(query)
        assert verdict.holds is False
        assert verdict.method == "coverability"
        assert verdict.witness
        assert "'crop' grows without bound" in verdict.reason
    assert engine.check("bounded: seed").holds is True


def test_a_limit_gives_none_with_the_reason() -> None:
    verdict = growing().check("AG EF crop == 0", limit=100, timeout=10)
    assert verdict.holds is None
    assert verdict.witness is None
    assert "100 states" in verdict.reason


def test_a_time_limit_is_kept() -> None:
    engine = pc.read_pnml(MODELS / "Kanban-PT-00005.pnml").compile()
    started = time.monotonic()
    verdict = engine.check("AG EF (P1 >= 4 and P2 >= 3 and P3 >= 2)", timeout=0.05)
    assert time.monotonic() - started < 5.0
    assert verdict.holds in (None, True)


def test_a_verdict_is_neither_true_nor_false_by_itself() -> None:
    with pytest.raises(TypeError, match=r"\.holds"):
        bool(Verdict(None))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit is a positive integer, not 0"),
        ({"memory": 1.5}, "memory is a positive integer, not 1.5"),
        ({"threads": True}, "threads is a positive integer, not True"),
        ({"timeout": -1}, "timeout is a number of seconds, not -1"),
        ({"timeout": math.nan}, "timeout is a number of seconds, not nan"),
        ({"progress": 3}, "progress is a callable or True, not 3"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(pc.NetError, match=message):
        growing().check("AG EF crop == 0", **options)  # type: ignore[arg-type]


def test_a_limit_beyond_64_bits_is_none() -> None:
    engine = producer_consumer()
    verdict = engine.check("AG EF full == 0", limit=10**30, memory=10**30, timeout=10)
    assert verdict.holds is True


def test_unknown_names_are_refused_with_what_was_meant() -> None:
    engine = producer_consumer()
    with pytest.raises(pc.FormulaError, match=r"no place 'fre' \(did you mean 'free'\?\)"):
        engine.check("reachable: fre >= 1")
    with pytest.raises(pc.NetError, match=r"unknown place 'fre' \(did you mean 'free'\?\)"):
        engine.check(Temporal("EF", Compare((("fre", 1),), 0)))
    with pytest.raises(pc.NetError, match="unknown transition 'x'"):
        engine.check(Live("x"))
    with pytest.raises(pc.NetError, match="stands alone"):
        engine.check(And((Live(), Fireable("produce"))))
    with pytest.raises(pc.NetError, match="not int"):
        engine.check(3)  # type: ignore[arg-type]


def test_a_witness_that_does_not_show_the_goal_is_an_internal_error() -> None:
    engine = producer_consumer()
    with pytest.raises(AssertionError, match="does not fire"):
        verified(engine, ["consume"], Fireable("consume"), "made up")
    with pytest.raises(AssertionError, match="ends where"):
        verified(engine, ["produce"], Compare((("full", -1),), -2), "made up")


def test_a_net_without_anything_answers() -> None:
    engine = pc.Net().compile()
    assert engine.check("deadlock").holds is True
    assert engine.check("live").holds is True
    assert engine.check("quasi-live").holds is True
    assert engine.check("bounded").holds is True
    assert engine.check("one-safe").holds is True
    assert engine.check("stable").holds is False


# Published answers: deadlock, live, quasi-live, one-safe, stable.
PUBLISHED = {
    "FMS-PT-00002": (False, True, True, False, False),
    "Peterson-PT-2": (False, False, True, True, False),
    "ShieldRVt-PT-001A": (False, False, True, True, False),
    "Sudoku-PT-AN01": (True, False, True, True, False),
    "SwimmingPool-PT-01": (False, True, True, False, False),
}


@pytest.mark.parametrize("model", PUBLISHED)
def test_small_contest_nets_give_the_published_answers(model: str) -> None:
    engine = pc.read_pnml(MODELS / f"{model}.pnml").compile()
    queries = ("deadlock", "live", "quasi-live", "one-safe", "stable")
    assert tuple(engine.check(query).holds for query in queries) == PUBLISHED[model]
