from __future__ import annotations

import pytest

from petricore import Net, NetError


def order() -> Net:
    """Pack and bill in parallel, then ship."""
    net = Net("order")
    for place in ("start", "to_pack", "to_bill", "packed", "billed", "end"):
        net.add_place(place)
    net.add_transition("accept", ["start"], ["to_pack", "to_bill"])
    net.add_transition("pack", ["to_pack"], ["packed"])
    net.add_transition("bill", ["to_bill"], ["billed"])
    net.add_transition("ship", ["packed", "billed"], ["end"])
    return net


def test_a_fork_that_is_joined_is_sound() -> None:
    found = order().compile().soundness("start", "end")
    assert found.sound is True
    assert found.faults == ()
    assert found.option_to_complete
    assert found.proper_completion
    assert found.no_dead_transitions
    assert found.bounded
    assert found.weak
    assert found.relaxed
    assert found.easy
    assert found.states == 6
    with pytest.raises(TypeError, match="sound"):
        bool(found)


def test_a_join_that_a_choice_starves_has_no_option_to_complete() -> None:
    net = order()
    net.add_transition("cancel", ["to_bill"], ["to_pack"])
    found = net.compile().soundness("start", "end")
    assert found.sound is False
    assert found.option_to_complete is False
    assert found.stuck == ("accept", "cancel")
    assert found.relaxed is False
    assert found.easy is True
    assert "sink cannot be reached" in found.reason


def test_a_choice_that_is_joined_leaves_tokens() -> None:
    net = order()
    net.add_transition("hurry", ["packed"], ["end"])
    found = net.compile().soundness("start", "end")
    assert found.sound is False
    assert found.proper_completion is False
    assert found.improper is not None
    assert found.improper[-1] == "hurry"
    assert found.weak is False


def test_a_dead_transition_leaves_it_weakly_sound() -> None:
    net = order()
    net.add_transition("twice", {"to_pack": 2}, ["end"])
    found = net.compile().soundness("start", "end")
    assert found.sound is False
    assert found.dead_transitions == ("twice",)
    assert found.weak is True


def test_a_net_that_grows_is_unsound_with_a_witness() -> None:
    net = order()
    net.add_transition("again", ["to_pack"], {"to_pack": 1, "packed": 1})
    found = net.compile().soundness("start", "end")
    assert found.sound is False
    assert found.bounded is False
    assert found.method == "coverability"
    assert found.unboundedness is not None
    assert found.unboundedness.cycle == ("again",)
    assert found.improper is not None


def test_a_node_on_no_path_is_named() -> None:
    net = order()
    net.add_place("elsewhere")
    found = net.compile().soundness("start", "end")
    assert found.sound is False
    assert found.faults == (
        "no path leads from the source 'start' to place 'elsewhere'",
        "no path leads from place 'elsewhere' to the sink 'end'",
    )


def test_an_initial_marking_is_kept() -> None:
    net = order()
    net._places["start"] = type(net.places["start"])("start", 3)
    found = net.compile().soundness("start", "end")
    assert found.sound is True
    assert found.states > 6


def test_a_limit_leaves_what_is_certain() -> None:
    found = order().compile().soundness("start", "end", limit=2)
    assert found.sound is None
    assert "limit" in found.reason


def test_places_that_do_not_exist_are_named() -> None:
    engine = order().compile()
    with pytest.raises(NetError, match="'begin'"):
        engine.soundness("begin", "end")
    with pytest.raises(NetError, match="same"):
        engine.soundness("end", "end")
    with pytest.raises(NetError, match="threads"):
        engine.soundness("start", "end", threads=0)
