"""Write a net as PNML (ISO/IEC 15909-2), element by element, so that reading it gives the same net again.

A name that is a valid XML id and not taken is the id. Any other node gets a generated id and its name in a
toolspecific element of petricore, which also holds priority and timing. Inhibitor, read and reset arcs carry
`<type value="..."/>` and `<arctype>`, capacities `<capacity>`: extensions that other tools know.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from typing import BinaryIO
from xml.sax import saxutils

from petricore.errors import NetError
from petricore.io.pnml_timing import timing_to_attributes
from petricore.io.pnml_vocabulary import (
    NAMESPACE,
    NET_TYPE,
    TOOL,
    TOOL_VERSION,
    WRITTEN_KINDS,
    is_xml_id,
    unfit_character,
)
from petricore.net import Net, Place, Transition

__all__ = ["write_pnml"]

_LONGEST_OPTION = 900_000
"""Less than the longest piece that the reader takes."""

_KEPT = {"\r": "&#13;"}
"""Line ends that a parser would otherwise turn into newlines."""


def write_pnml(net: Net, target: str | os.PathLike[str] | BinaryIO) -> None:
    """Write `net` as a PNML document in UTF-8.

    Args:
        net: any net.
        target: a path, or a file object opened for writing bytes, which is left open.

    Raises:
        NetError: a name or a rate expression holds a character that XML cannot hold (a control character, a lone
            surrogate), or an empirical delay has more samples than the reader takes; nothing has been written then.
        OSError: the file cannot be written.
        TypeError: `target` is neither.
    """
    if not isinstance(target, (str, os.PathLike)) and not hasattr(target, "write"):
        raise TypeError(f"target is a path, or a file opened for writing bytes, not {target!r}")
    ids = _Ids(net)
    timing = {name: _timing(transition) for name, transition in net.transitions.items()}
    if isinstance(target, (str, os.PathLike)):
        with open(target, "wb") as file:
            _write(net, ids, timing, file)
    else:
        _write(net, ids, timing, target)


class _Ids:
    """The ids of a net and its nodes, unique in the document."""

    def __init__(self, net: Net) -> None:
        self._taken = {net.name, *net.places, *net.transitions}
        self._given: set[str] = set()
        self._numbers = count(1)
        self.net = self._id("net", net.name)
        self.page = self._generated("page")
        self.places = {name: self._id("place", name) for name in net.places}
        self.transitions = {name: self._id("transition", name) for name in net.transitions}

    def _id(self, kind: str, name: str) -> str:
        character = unfit_character(name)
        if character is not None:
            raise NetError(
                f"{kind} {name!r}: PNML cannot hold the character U+{ord(character):04X} of its name"
            )
        if not is_xml_id(name) or name in self._given:
            return self._generated(kind)
        self._given.add(name)
        return name

    def _generated(self, kind: str) -> str:
        while (node_id := f"{kind}-{next(self._numbers)}") in self._taken:
            pass
        return node_id

    def arcs(self) -> Iterator[str]:
        """Ids for arcs, as many as wanted."""
        while True:
            yield self._generated("arc")


_Attributes = dict[str, str]


def _write(net: Net, ids: _Ids, timing: dict[str, _Attributes], file: BinaryIO) -> None:
    for piece in _document(net, ids, timing):
        file.write(piece.encode())


def _document(net: Net, ids: _Ids, timing: dict[str, _Attributes]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<pnml xmlns={_quoted(NAMESPACE)}>\n"
    yield f"<net id={_quoted(ids.net)} type={_quoted(NET_TYPE)}>\n{_label('name', net.name)}"
    yield _tool(net.name, ids.net)
    yield f"<page id={_quoted(ids.page)}>\n"
    for place in net.places.values():
        yield _place(place, ids.places[place.name])
    for transition in net.transitions.values():
        yield _transition(transition, ids.transitions[transition.name], timing[transition.name])
    arc_ids = ids.arcs()
    for transition in net.transitions.values():
        yield from _arcs(transition, ids, arc_ids)
    yield "</page>\n</net>\n</pnml>\n"


def _place(place: Place, node_id: str) -> str:
    return (
        f"<place id={_quoted(node_id)}>\n{_label('name', place.name)}"
        + (_label("initialMarking", str(place.tokens)) if place.tokens else "")
        + ("" if place.capacity is None else _label("capacity", str(place.capacity)))
        + _tool(place.name, node_id)
        + "</place>\n"
    )


def _transition(transition: Transition, node_id: str, timing: _Attributes) -> str:
    priority = {"priority": str(transition.priority)} if transition.priority != 0 else {}
    return (
        f"<transition id={_quoted(node_id)}>\n{_label('name', transition.name)}"
        f"{_tool(transition.name, node_id, **priority, **timing)}</transition>\n"
    )


def _timing(transition: Transition) -> _Attributes:
    """The options of the timing as attributes of petricore's own element."""
    attributes = timing_to_attributes(transition)
    for option, text in attributes.items():
        where = f"transition {transition.name!r}: {option}"
        character = unfit_character(text)
        if character is not None:
            raise NetError(f"{where}: PNML cannot hold the character U+{ord(character):04X}")
        if len(text) > _LONGEST_OPTION:
            raise NetError(
                f"{where}: {len(text)} characters are more than the {_LONGEST_OPTION} of a PNML attribute"
            )
    return attributes


def _arcs(transition: Transition, ids: _Ids, arc_ids: Iterator[str]) -> Iterator[str]:
    node_id = ids.transitions[transition.name]
    for place, weight in transition.inputs.items():
        yield _arc(next(arc_ids), ids.places[place], node_id, weight)
    for place, weight in transition.outputs.items():
        yield _arc(next(arc_ids), node_id, ids.places[place], weight)
    for place, weight in transition.reads.items():
        yield _arc(next(arc_ids), ids.places[place], node_id, weight, "read")
    for place, weight in transition.inhibitors.items():
        yield _arc(next(arc_ids), ids.places[place], node_id, weight, "inhibitor")
    for place in transition.resets:
        yield _arc(next(arc_ids), ids.places[place], node_id, 1, "reset")


def _arc(arc_id: str, source: str, target: str, weight: int, kind: str | None = None) -> str:
    body = _label("inscription", str(weight)) if weight != 1 else ""
    if kind is not None:
        type_value, arctype = WRITTEN_KINDS[kind]
        body += f"<type value={_quoted(type_value)}/>\n{_label('arctype', arctype)}"
    ends = f"<arc id={_quoted(arc_id)} source={_quoted(source)} target={_quoted(target)}"
    return f"{ends}>\n{body}</arc>\n" if body else f"{ends}/>\n"


def _label(element: str, text: str) -> str:
    return f"<{element}><text>{saxutils.escape(text, _KEPT)}</text></{element}>\n"


def _tool(name: str, node_id: str, **attributes: str) -> str:
    """petricore's own element, or nothing where PNML says everything already."""
    if name != node_id:
        attributes = {"name": name, **attributes}
    if not attributes:
        return ""
    pairs = "".join(f" {key}={_quoted(value)}" for key, value in attributes.items())
    return f'<toolspecific tool="{TOOL}" version="{TOOL_VERSION}"><attributes{pairs}/></toolspecific>\n'


def _quoted(value: str) -> str:
    """An attribute's value; the escapes of white space keep a parser from normalising it."""
    return saxutils.quoteattr(value, _KEPT)
