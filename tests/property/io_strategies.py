"""Nets of every kind, for the round trips of the file formats."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

import petricore as pc

WEIGHTS = st.one_of(st.integers(1, 4), st.integers(1, 2**31 - 1))
COUNTS = st.one_of(st.integers(0, 4), st.integers(0, 2**31 - 1))
NAMES = st.one_of(
    st.sampled_from(["a", "b", "same", "place-1", "transition-2", "7", "x y", "net", "arc-3", "p\n", "é漢"]),
    st.text(min_size=1, max_size=8),
)
XML_NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "same", "place-1", "transition-2", "7", "x y", "page-1", "arc-3", "\r\n\t<&>'\" "]
    ),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
        min_size=1,
        max_size=8,
    ),
)


@st.composite
def nets(draw: st.DrawFn, names: st.SearchStrategy[str] = NAMES) -> pc.Net:
    net = pc.Net(draw(names))
    for name in draw(st.lists(names, unique=True, max_size=5)):
        tokens = draw(COUNTS)
        capacity = draw(st.none() | st.integers(max(tokens, 1), 2**31 - 1))
        net.add_place(name, tokens, capacity=capacity)
    places = st.sampled_from(list(net.places)) if net.places else st.nothing()
    arcs = st.dictionaries(places, WEIGHTS, max_size=3) if net.places else st.just({})
    for name in draw(st.lists(names, unique=True, max_size=5)):
        net.add_transition(
            name,
            draw(arcs),
            draw(arcs),
            reads=draw(arcs),
            inhibitors=draw(arcs),
            resets=list(draw(arcs)),
            priority=draw(st.sampled_from([0, 0, 1, -(2**31), 2**31 - 1])),
            **draw(timings()),
        )
    return net


POSITIVE = st.floats(5e-324, 1.7e308)
TIMES = st.one_of(st.sampled_from([0.0, 1.0, 2.5]), st.floats(0, 1e308))
SERVERS = st.one_of(st.just(1), st.integers(1, 2**31 - 2), st.just(math.inf))
MEMORIES = st.sampled_from(["enabling", "age"])


def _ordered(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(TIMES, min_size=count, max_size=count).map(sorted)


DELAYS: st.SearchStrategy[pc.Delay] = st.one_of(
    TIMES.map(pc.Deterministic),
    _ordered(2).map(lambda ends: pc.Uniform(*ends)),
    _ordered(2).map(lambda ends: pc.Interval(*ends)),
    st.builds(pc.Erlang, st.integers(1, 2**31 - 1), POSITIVE),
    st.builds(pc.Lognormal, st.floats(-1e300, 1e300), TIMES),
    st.builds(pc.Weibull, POSITIVE, POSITIVE),
    _ordered(3).map(lambda ends: pc.Triangular(ends[0], ends[2], ends[1])),
    st.builds(pc.Empirical, st.lists(TIMES, min_size=1, max_size=4)),
    st.builds(pc.Exponential, POSITIVE),
)
EXPRESSIONS = st.sampled_from(["2", "1 + 2.5 / 3", "if(1 < 2, 3, 4)"])


@st.composite
def timings(draw: st.DrawFn) -> dict[str, Any]:
    """Options of the timing of a transition, any of those that go together."""
    kind = draw(st.sampled_from(["default", "rate", "law", "delay", "weight"]))
    if kind == "weight":
        return {"weight": draw(POSITIVE)}
    if kind == "law":
        return {"rate": draw(st.one_of(EXPRESSIONS, POSITIVE.map(pc.MassAction))), "memory": draw(MEMORIES)}
    if kind == "delay":
        return {"delay": draw(DELAYS), "servers": draw(SERVERS), "memory": draw(MEMORIES)}
    return {"rate": draw(POSITIVE), "servers": draw(SERVERS)} if kind == "rate" else {}


def same(first: pc.Net, second: pc.Net) -> bool:
    """Equal in name, places, transitions and their order."""
    return (
        first.name == second.name
        and list(first.places.values()) == list(second.places.values())
        and list(first.transitions.values()) == list(second.transitions.values())
    )
