"""Timing options of transitions: what is accepted, what is refused, what the core gets."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import petricore as pc
from petricore.timing import INFINITE_SERVERS, lower, options_of

OPTIONS: list[dict[str, Any]] = [
    {},
    {"rate": 2.5},
    {"rate": 2.0, "servers": 3},
    {"servers": math.inf},
    {"rate": "2 * p / (1 + q)"},
    {"rate": pc.MassAction(0.5)},
    {"weight": 3.0},
    {"delay": pc.Deterministic(2)},
    {"delay": pc.Uniform(1, 3), "servers": math.inf, "memory": "age"},
    {"delay": pc.Interval(1, 3)},
    {"delay": pc.Erlang(3, 2.0)},
    {"delay": pc.Lognormal(0.1, 0.2)},
    {"delay": pc.Weibull(1.5, 2.0)},
    {"delay": pc.Triangular(1, 4, 2)},
    {"delay": pc.Empirical([1, 2, 2])},
]


def net_of(*options: dict[str, Any]) -> pc.Net:
    net = pc.Net("timed")
    net.add_place("p", 3)
    net.add_place("q")
    for number, chosen in enumerate(options):
        net.add_transition(f"t{number}", ["p"], ["q"], **chosen)
    return net


def test_defaults_are_one_exponential_server() -> None:
    transition = net_of({}).transitions["t0"]
    assert (transition.rate, transition.servers, transition.delay) == (1.0, 1, None)
    assert (transition.weight, transition.memory) == (None, "enabling")


def test_expressions_name_any_place() -> None:
    net = pc.Net("names")
    for name in ("a", "x y", 'quo"te', "back\\slash", "dotted.name", "été", "7", "min"):
        net.add_place(name)
    for text in (
        '"x y" + a',
        r'"quo\"te"',
        r'"back\\slash" * 2',
        "dotted.name / 2",
        "été",
        '"7"',
        'min("min", a)',
    ):
        assert net.add_transition(text, rate=text).rate == text


def test_a_place_whose_name_no_expression_can_spell_is_simulated() -> None:
    net = pc.Net("halves")
    net.add_place("\ud800", 3)
    net.add_place("other")
    net.add_transition("t", ["\ud800"], ["other"], rate="1 + other")
    assert net.compile().simulate(until=100.0, seed=1).final.tolist() == [[0, 3]]


def test_an_exponential_delay_is_a_rate() -> None:
    given = net_of({"delay": pc.Exponential(4.0), "servers": 2}).transitions["t0"]
    assert given == net_of({"rate": 4.0, "servers": 2}).transitions["t0"]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_of_a_transition_give_it_again(options: dict[str, Any]) -> None:
    transition = net_of(options).transitions["t0"]
    assert options_of(transition) == options
    assert pickle.loads(pickle.dumps(transition)) == transition


def test_lowering_keeps_order_and_numbers() -> None:
    timed = lower(net_of(*OPTIONS).transitions)
    assert timed.timing.tolist() == [0, 0, 0, 0, 0, 0, 2] + [1] * 8
    assert timed.law.tolist() == [0, 0, 0, 0, 2, 1] + [0] * 9
    assert timed.memory.tolist() == [0] * 8 + [1] + [0] * 6
    assert timed.servers.tolist() == [1, 1, 3, INFINITE_SERVERS, 1, 1, 1, 1, INFINITE_SERVERS, *[1] * 6]
    assert timed.rates.tolist() == [1.0, 2.5, 2.0, 1.0, 1.0, 0.5] + [1.0] * 9
    assert timed.weights.tolist() == [1.0] * 6 + [3.0] + [1.0] * 8
    assert timed.expressions == [None] * 4 + ["2 * p / (1 + q)"] + [None] * 10
    assert [delay[:4] for delay in timed.delays if delay is not None] == [
        (0, 2, 0, 0),
        (1, 1, 3, 0),
        (1, 1, 3, 0),
        (2, 3, 2, 0),
        (3, 0.1, 0.2, 0),
        (4, 1.5, 2, 0),
        (5, 1, 4, 2),
        (6, 0, 0, 0),
    ]
    last = timed.delays[-1]
    assert last is not None
    np.testing.assert_array_equal(last[4], [1.0, 2.0, 2.0])
    assert [len(field) for field in lower([])] == [0] * 8


def test_nets_with_any_timing_compile() -> None:
    engine = net_of(*OPTIONS).compile()
    assert engine.enabled(engine.initial_marking).all()
    assert engine.net().transitions == net_of(*OPTIONS).transitions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0}, "rate is finite and above 0, not 0.0"),
        ({"rate": -1.5}, "rate is finite and above 0, not -1.5"),
        ({"rate": math.nan}, "rate is finite and above 0, not nan"),
        ({"rate": math.inf}, "rate is finite and above 0, not inf"),
        ({"rate": []}, r"rate is a number, not \[\] \(list\)"),
        ({"rate": True}, r"rate is a number, not True \(bool\)"),
        ({"rate": "  "}, "rate '  ': .*, at character 2"),
        ({"rate": "2 * x"}, r"rate '2 \* x': .*'x'.*, at character 4"),
        ({"rate": "2 +"}, r"rate '2 \+': .*, at character 3"),
        ({"rate": "p\ud800"}, r"rate 'p\\ud800' holds half of a surrogate pair"),
        ({"weight": 0}, "weight is finite and above 0, not 0.0"),
        ({"weight": math.nan}, "weight is finite and above 0, not nan"),
        ({"weight": "1"}, r"weight is a number, not '1' \(str\)"),
        ({"weight": 1, "rate": 2.0}, "a transition with a weight is immediate and has no rate, here 2.0"),
        (
            {"weight": 1, "delay": pc.Deterministic(1)},
            "a transition with a weight .* has no delay, here Determ",
        ),
        ({"weight": 1, "servers": 2}, "a transition with a weight is immediate and has no servers, here 2"),
        ({"weight": 1, "memory": "age"}, "a transition with a weight is immediate and has no memory"),
        (
            {"rate": 2, "delay": pc.Deterministic(1)},
            "give rate or delay, not both: rate 2, delay Deterministic",
        ),
        ({"delay": 2.0}, r"delay is a distribution, not 2.0 \(float\)"),
        ({"servers": 0}, "servers is between 1 and 2147483646 or math.inf, not 0"),
        ({"servers": -math.inf}, "servers is an integer or math.inf, not -inf"),
        ({"servers": 1.5}, r"servers is an integer or math.inf, not 1.5 \(float\)"),
        ({"servers": True}, r"servers is an integer or math.inf, not True \(bool\)"),
        (
            {"servers": 2, "rate": "p"},
            "servers is of no account for a rate by an expression, 'p'; leave out 2",
        ),
        ({"servers": 2, "rate": pc.MassAction(1)}, "servers is of no account for a rate by mass action"),
        ({"memory": "ages"}, "memory is 'enabling' or 'age', not 'ages'"),
        ({"memory": None}, "memory is 'enabling' or 'age', not None"),
    ],
)
def test_an_option_out_of_range_names_transition_option_and_value(
    options: dict[str, Any], message: str
) -> None:
    net = net_of()
    with pytest.raises(pc.NetError, match=f"^transition 't': {message}"):
        net.add_transition("t", ["p"], **options)
    assert not net.transitions
