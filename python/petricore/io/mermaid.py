"""A net as a Mermaid flowchart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from petricore.io.arcs import Arc, arcs_of
from petricore.io.labels import annotation, drawable
from petricore.net import Net, Place, Transition

__all__ = ["to_mermaid"]

_LINKS = {"input": "-->", "output": "-->", "read": "-.-", "inhibitor": "--o", "reset": "--x"}
_MOST_DOTS = 4
_SPECIAL = re.compile(r"[^\w \-\x80-\U0010ffff]|^-")


def to_mermaid(net: Net) -> str:
    """The net as a Mermaid flowchart, from left to right.

    Places are circles with their tokens below the name, transitions are boxes. An inhibitor arc ends in a
    circle, a read arc is dotted and has no head, a reset arc ends in a cross; weights above 1 are labels.
    """
    return "\n".join(_lines(net)) + "\n"


def _lines(net: Net) -> Iterator[str]:
    yield "flowchart LR"
    places = {name: f"p{number}" for number, name in enumerate(net.places)}
    transitions = {name: f"t{number}" for number, name in enumerate(net.transitions)}
    for place in net.places.values():
        yield f'    {places[place.name]}(("{_place_label(place)}"))'
    for transition in net.transitions.values():
        yield f'    {transitions[transition.name]}["{_transition_label(transition)}"]'
    for arc in arcs_of(net):
        yield _arc(places[arc.place], transitions[arc.transition], arc)


def _place_label(place: Place) -> str:
    lines = [place.name]
    if place.tokens:
        lines.append("\u25cf" * place.tokens if place.tokens <= _MOST_DOTS else str(place.tokens))
    if extra := annotation(place):
        lines.append(extra)
    return "<br/>".join(map(_escaped, lines))


def _transition_label(transition: Transition) -> str:
    lines = [transition.name, annotation(transition)]
    return "<br/>".join(_escaped(line) for line in lines if line)


def _arc(place: str, transition: str, arc: Arc) -> str:
    source, target = (transition, place) if arc.kind == "output" else (place, transition)
    label = f"|{arc.weight}|" if arc.weight != 1 else ""
    return f"    {source} {_LINKS[arc.kind]}{label} {target}"


def _escaped(text: str) -> str:
    """Text that neither Mermaid nor the Markdown in its labels reads as syntax: codes for special
    characters."""
    lines = drawable(text).split("\n")
    return "<br/>".join(_SPECIAL.sub(lambda found: f"#{ord(found[0])};", line) for line in lines)
