"""Nets of every kind, for the round trips of the file formats."""

from __future__ import annotations

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
            rate=draw(st.one_of(st.just(1.0), st.floats(5e-324, 1.7e308))),
        )
    return net


def same(first: pc.Net, second: pc.Net) -> bool:
    """Equal in name, places, transitions and their order."""
    return (
        first.name == second.name
        and list(first.places.values()) == list(second.places.values())
        and list(first.transitions.values()) == list(second.transitions.values())
    )
