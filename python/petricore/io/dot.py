"""A net as a graph in Graphviz's DOT language."""

from __future__ import annotations

from collections.abc import Iterator

from petricore.io.arcs import Arc, arcs_of
from petricore.io.labels import annotation, drawable
from petricore.net import Net, Place, Transition

__all__ = ["to_dot"]

_STYLES = {
    "input": "",
    "output": "",
    "read": "style=dashed, arrowhead=none",
    "inhibitor": "arrowhead=odot",
    "reset": "arrowhead=normalnormal",
}
_MOST_DOTS = 4


def to_dot(net: Net) -> str:
    """The net as a DOT digraph, from left to right.

    Places are circles with their tokens below the name (dots up to four, then the number), transitions are
    boxes, immediate ones thin bars with their names outside. An inhibitor arc ends in a circle, a read arc is
    dashed and has no head, a reset arc has a double head; weights above 1 are labels. Names are shown as they
    are; U+FFFD stands for what cannot be drawn.
    """
    return "\n".join(_lines(net)) + "\n"


def _lines(net: Net) -> Iterator[str]:
    yield f"digraph {_quoted(net.name)} {{"
    yield '  graph [rankdir=LR, charset="UTF-8"];'
    yield '  node [fontname="Helvetica", fontsize=11];'
    yield '  edge [fontname="Helvetica", fontsize=10, arrowsize=0.7];'
    places = {name: f"p{number}" for number, name in enumerate(net.places)}
    transitions = {name: f"t{number}" for number, name in enumerate(net.transitions)}
    for place in net.places.values():
        yield _place(places[place.name], place)
    for transition in net.transitions.values():
        yield _transition(transitions[transition.name], transition)
    for arc in arcs_of(net):
        yield _arc(places[arc.place], transitions[arc.transition], arc)
    yield "}"


def _place(node: str, place: Place) -> str:
    tokens = "\u2022" * place.tokens if place.tokens <= _MOST_DOTS else str(place.tokens)
    return f"  {node} [shape=circle, margin=0.04, label={_label(place.name, tokens, annotation(place))}];"


def _transition(node: str, transition: Transition) -> str:
    label = _label(transition.name, annotation(transition))
    if transition.weight is not None:
        return f'  {node} [shape=box, style=filled, fillcolor=black, width=0.06, height=0.5, label="", xlabel={label}];'
    return f"  {node} [shape=box, height=0.4, label={label}];"


def _label(*lines: str) -> str:
    return _quoted("\n".join(line for line in lines if line))


def _arc(place: str, transition: str, arc: Arc) -> str:
    ends = f"{transition} -> {place}" if arc.kind == "output" else f"{place} -> {transition}"
    attributes = [_STYLES[arc.kind]] if _STYLES[arc.kind] else []
    if arc.weight != 1:
        attributes.append(f'label="{arc.weight}"')
    return f"  {ends} [{', '.join(attributes)}];" if attributes else f"  {ends};"


def _quoted(text: str) -> str:
    """A DOT string that shows exactly `text`: Graphviz reads backslashes and entities in labels."""
    shown = (
        drawable(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    )
    return f'"{shown}"'
