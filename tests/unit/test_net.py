"""The builder refuses what is wrong, says what and where, and is unchanged then."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import petricore as pc


@pytest.fixture
def net() -> pc.Net:
    net = pc.Net("n")
    net.add_place("stock", tokens=3, capacity=5)
    net.add_place("shipped")
    return net


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": ""}, "a place's name is empty"),
        ({"name": 3}, "a place's name is a string, not 3 (int)"),
        ({"name": "stock"}, "place 'stock' exists already"),
        ({"name": "x", "tokens": -1}, "tokens is between 0 and 2147483647, not -1"),
        ({"name": "x", "tokens": 2**31}, "tokens is between 0 and 2147483647, not 2147483648"),
        ({"name": "x", "tokens": 1.5}, "tokens is an integer, not 1.5 (float)"),
        ({"name": "x", "tokens": float("nan")}, "tokens is an integer, not nan (float)"),
        ({"name": "x", "tokens": True}, "tokens is an integer, not True (bool)"),
        ({"name": "x", "tokens": 6, "capacity": 5}, "place 'x': holds 6 tokens, above its capacity 5"),
        ({"name": "x", "capacity": 0}, "capacity is between 1 and 2147483647, not 0"),
    ],
)
def test_a_bad_place_is_refused(net: pc.Net, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(pc.NetError) as caught:
        net.add_place(**arguments)
    assert message in str(caught.value)
    assert list(net.places) == ["stock", "shipped"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": ["nowhere"]}, "transition 't': input arc names the unknown place 'nowhere'"),
        ({"outputs": {"nowhere": 1}}, "output arc names the unknown place 'nowhere'"),
        ({"reads": [3]}, "read arc names the unknown place 3"),
        ({"inputs": {"stock": 0}}, "input arc on 'stock': weight is between 1 and 2147483647, not 0"),
        (
            {"inhibitors": {"stock": -2}},
            "inhibitor arc on 'stock': weight is between 1 and 2147483647, not -2",
        ),
        ({"outputs": {"stock": 2**31}}, "weight is between 1 and 2147483647, not 2147483648"),
        ({"outputs": {"stock": 1.0}}, "weight is an integer, not 1.0 (float)"),
        ({"inputs": ["stock", "stock"]}, "input arcs name the place 'stock' twice"),
        ({"inputs": "stock"}, "a mapping or a list of place names, not the string 'stock'"),
        ({"inputs": 7}, "a mapping or a list of place names, not 7"),
        ({"resets": {"stock": 1}}, "a reset arc has no weight"),
        ({"priority": 1.5}, "priority is an integer, not 1.5 (float)"),
        ({"priority": 2**31}, "priority is between -2147483648 and 2147483647"),
        ({"rate": 0}, "rate is finite and above 0, not 0.0"),
        ({"rate": -1.0}, "rate is finite and above 0, not -1.0"),
        ({"rate": float("nan")}, "rate is finite and above 0, not nan"),
        ({"rate": float("inf")}, "rate is finite and above 0, not inf"),
        ({"rate": ["fast"]}, "rate is a number, not ['fast'] (list)"),
        ({"rate": "fast"}, "rate 'fast': "),
    ],
)
def test_a_bad_transition_is_refused(net: pc.Net, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(pc.NetError) as caught:
        net.add_transition("t", **arguments)
    assert message in str(caught.value)
    assert not net.transitions


def test_a_transition_may_not_be_added_twice(net: pc.Net) -> None:
    net.add_transition("t")
    with pytest.raises(pc.NetError, match="transition 't' exists already"):
        net.add_transition("t")


def test_numpy_integers_are_integers(net: pc.Net) -> None:
    net.add_place("more", tokens=np.int64(4))
    net.add_transition("t", inputs={"more": np.uint8(2)})
    assert net.transitions["t"].inputs == {"more": 2}


def test_views_are_read_only(net: pc.Net) -> None:
    net.add_transition("t", inputs=["stock"])
    with pytest.raises(TypeError):
        net.places["x"] = net.places["stock"]  # type: ignore[index]
    with pytest.raises(TypeError):
        net.transitions["t"].inputs["stock"] = 9  # type: ignore[index]


@pytest.mark.parametrize(
    "name", ["väärä", "日本語", "🫖", "a b\tc\n", '"quoted"', "<&>", "\u202e", "x" * 10_000]
)
def test_names_may_hold_any_unicode(name: str) -> None:
    net = pc.Net(name)
    net.add_place(name, tokens=1)
    net.add_transition(name, inputs=[name])
    engine = net.compile()
    assert engine.places == engine.transitions == (name,)
    with pytest.raises(pc.NotEnabledError) as caught:
        engine.fire([0], name)
    assert caught.value.place == caught.value.transition == name


def test_the_builder_may_grow_on_after_compiling_and_the_engine_does_not(net: pc.Net) -> None:
    engine = net.compile()
    net.add_place("later")
    net.add_transition("t", inputs=["later"])
    assert engine.places == ("stock", "shipped")
    assert engine.transitions == ()
    assert net.compile().transitions == ("t",)


def test_an_engine_pickles_and_copies(net: pc.Net) -> None:
    net.add_transition(
        "ship", {"stock": 2}, ["shipped"], reads=["stock"], inhibitors={"shipped": 3}, priority=2
    )
    engine = net.compile()
    for clone in (pickle.loads(pickle.dumps(engine)), copy.deepcopy(engine)):
        assert clone.net().transitions == engine.net().transitions
        assert (clone.enabled([3, 0]) == engine.enabled([3, 0])).all()


def test_errors_carry_fields_and_pickle(net: pc.Net) -> None:
    net.add_transition("ship", {"stock": 2}, ["shipped"])
    with pytest.raises(pc.NotEnabledError) as caught:
        net.compile().fire([[3, 0], [1, 0]], "ship")
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == "transition 'ship' is not enabled: place 'stock' holds 1 of 2 tokens (marking 1)"
    assert (error.marking, error.transition, error.place, error.needed, error.found) == (
        1,
        "ship",
        "stock",
        2,
        1,
    )
