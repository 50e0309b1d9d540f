"""Read place/transition nets from PNML (ISO/IEC 15909-2 and the dialects that tools write) in one streaming
pass.

Names. The name of a place or transition is its `id`: ids are unique in a document and are what queries of the
Model Checking Contest refer to; `<name>` is a label that may repeat. A document written by petricore may
carry another name in its own toolspecific element, which wins.

Arcs. Several normal arcs between one pair add up. Of several read arcs the largest weight counts and of
several inhibitor arcs the smallest, since each of them must hold by itself.

What a P/T net cannot hold is refused rather than read as another net: unknown kinds of arc, high-level
inscriptions, other net types. Graphics, labels, toolspecific elements of other tools and elements unknown to
the standard are skipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, NoReturn
from xml.parsers import expat

from petricore.errors import NetError, PnmlError
from petricore.io.pnml_draft import Draft, DraftArc, DraftNode, refuse
from petricore.io.pnml_timing import timing_from_attributes
from petricore.io.pnml_vocabulary import ARC_KINDS, NET_TYPES, TOOL
from petricore.net import MAX_TOKENS, Net

__all__ = ["MAX_DEPTH", "MAX_PIECE", "read_pnml"]

MAX_DEPTH = 100
"""The deepest nesting of elements that is read."""

MAX_PIECE = 1_000_000
"""The longest tag, comment or label, in bytes, that is read."""

_CHUNK = 1 << 16

_NUMBER = re.compile(r"\s*\+?0*([0-9]{1,10})\s*", re.ASCII)
_ONE_COLOUR = re.compile(r"\s*[^,]*,([^,]*)")  # PIPE: "Default,3"

_REFUSED = {
    "hlinitialMarking": "a high-level marking; only P/T nets are read",
    "hlinscription": "a high-level inscription; only P/T nets are read",
    "transportArc": "a transport arc of timed nets; only P/T nets are read",
    "inputArc": "an arc of TAPAAL's own format; export the net as PNML",
    "outputArc": "an arc of TAPAAL's own format; export the net as PNML",
    "inhibitorArc": "an arc of TAPAAL's own format; export the net as PNML",
}


def read_pnml(source: str | os.PathLike[str] | BinaryIO, *, net: str | None = None) -> Net:
    """Read one P/T net from a PNML document.

    Args:
        source: a path, or a file object opened for reading bytes, which is left open.
        net: the id of the net to read; the first net of the document if None.

    Returns:
        The net with its ids as names (see the module's text). `<delay>` and other timing of other tools is
        skipped.

    Raises:
        PnmlError: the document is not well-formed XML, declares a DTD or an entity, exceeds `MAX_DEPTH` or
            `MAX_PIECE`, has no such net, or describes no P/T net with counts between 0 and 2^31 - 1. It names
            the line and the element.
        OSError: the file cannot be read.
        TypeError: `source` is neither, or yields no bytes.
    """
    reader = _Reader(net)
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return reader.read(file)
    if not hasattr(source, "read"):
        raise TypeError(f"source is a path, or a file opened for reading bytes, not {source!r}")
    return reader.read(source)


class _Reader:
    """One pass over a document.

    `_path` holds the local names of the open elements that are understood. Below an element that is not
    understood only the depth is counted, by handlers that do nothing else.
    """

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self._path: list[str] = []
        self._depth = 0
        self._skip_from = 0
        self._prefix = ""
        self._text: list[str] = []
        self._text_size = 0
        self._seen_nets: list[str] = []
        self._net: Net | None = None
        self._draft = Draft("net")
        self._node: DraftNode | None = None
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype

    def read(self, file: BinaryIO) -> Net:
        fed = 0
        while chunk := file.read(_CHUNK):
            if not isinstance(chunk, bytes):
                raise TypeError(f"a PNML source yields bytes, not {type(chunk).__name__}: open it as binary")
            self._parse(chunk)
            fed += len(chunk)
            if fed - self._parser.CurrentByteIndex > MAX_PIECE:
                self._fail(f"a tag, comment or text of more than {MAX_PIECE} bytes")
        self._parse(b"", last=True)
        if self._net is None:
            found = ", ".join(map(repr, self._seen_nets[:10])) or "none"
            what = "no net" if self._wanted is None else f"no net with the id {self._wanted!r}"
            self._fail(f"{what} in the document; its nets: {found}", element="pnml")
        return self._net

    def _parse(self, chunk: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(chunk, last)
        except PnmlError:
            raise
        except expat.ExpatError as error:
            self._fail(f"not well-formed XML: {expat.ErrorString(error.code)}", error.lineno)
        except (LookupError, ValueError) as error:  # an encoding unknown to expat
            self._fail(f"the encoding cannot be read: {error}")

    def _fail(self, what: str, line: int | None = None, element: str | None = None) -> NoReturn:
        line = self._parser.CurrentLineNumber if line is None else line
        refuse(what, line, element or (self._path[-1] if self._path else None))

    # Elements

    def _doctype(self, *_: object) -> None:
        self._fail("a document type or entity declaration: refused, as entities can name files and explode")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if not self._path:
            self._start_root(name)
            return
        local = name.removeprefix(self._prefix)
        if local in _REFUSED:
            self._fail(_REFUSED[local], element=local)
        opener = _OPENERS.get(self._path[-1], {}).get(local)
        if opener is None or self._depth > MAX_DEPTH:
            self._skip()
            return
        self._path.append(local)
        opener(self, attributes)

    def _end(self, _: str) -> None:
        self._depth -= 1
        closer = _CLOSERS.get(self._path.pop())
        if closer is not None:
            closer(self)

    def _start_root(self, name: str) -> None:
        namespace, separator, local = name.rpartition(" ")
        if local != "pnml":
            self._fail(f"the root element is <{local[:80]}>, not <pnml>")
        self._prefix = namespace + separator
        self._path.append("pnml")

    def _skip(self) -> None:
        self._skip_from = self._depth
        self._check_depth()
        self._parser.CharacterDataHandler = None
        self._parser.StartElementHandler = self._start_skipped
        self._parser.EndElementHandler = self._end_skipped

    def _start_skipped(self, *_: object) -> None:
        self._depth += 1
        self._check_depth()

    def _end_skipped(self, _: str) -> None:
        self._depth -= 1
        if self._depth < self._skip_from:
            self._parser.StartElementHandler = self._start
            self._parser.EndElementHandler = self._end
            if self._path and self._path[-1] in _LABELS:
                self._parser.CharacterDataHandler = self._characters

    def _check_depth(self) -> None:
        if self._depth > MAX_DEPTH:
            self._fail(f"elements nested deeper than {MAX_DEPTH}")

    # Nets and nodes

    def _open_net(self, attributes: dict[str, str]) -> None:
        net_id = attributes.get("id", "")
        self._seen_nets.append(net_id)
        if self._net is not None or (self._wanted is not None and net_id != self._wanted):
            self._path.pop()
            self._skip()
            return
        net_type = attributes.get("type", "ptnet")
        known = {net_type.lower(), net_type.rstrip("/").rpartition("/")[2].lower()} & NET_TYPES
        if not known:
            self._fail(f"the net {net_id!r} is of the type {net_type!r}; only P/T nets are read")
        self._draft = Draft(net_id or "net")

    def _close_net(self) -> None:
        self._net = self._draft.net()
        self._draft = Draft("net")

    def _open(self, _: dict[str, str]) -> None:
        """Nothing to note: only what is inside counts."""

    def _open_node(self, attributes: dict[str, str]) -> None:
        element = self._path[-1]
        node_id = self._required(attributes, "id")
        node = self._node = self._draft.add_node(element, node_id, self._parser.CurrentLineNumber)
        if element.startswith("reference"):
            node.ref = self._required(attributes, "ref")
        elif element == "place" and "initialMarking" in attributes:  # TAPAAL
            node.tokens = self._number(attributes["initialMarking"])

    def _open_arc(self, attributes: dict[str, str]) -> None:
        source, target = self._required(attributes, "source"), self._required(attributes, "target")
        arc = DraftArc(source, target, self._parser.CurrentLineNumber)
        self._draft.arcs.append(arc)
        if "weight" in attributes:  # TAPAAL
            arc.weight = self._weight(attributes["weight"])
        if "type" in attributes:
            kind = attributes["type"]
            interval = attributes.get("inscription", "[0,inf)").replace(" ", "")
            if kind == "timed" and interval != "[0,inf)":
                self._fail(f"a timed arc with the interval {interval!r}; only P/T nets are read")
            self._set_kind(kind)

    def _open_tool(self, attributes: dict[str, str]) -> None:
        if attributes.get("tool") != TOOL:
            self._path.pop()
            self._skip()

    def _open_attributes(self, attributes: dict[str, str]) -> None:
        """petricore's own element: what PNML has no place for."""
        owner = self._path[-3]
        name = attributes.get("name", "")
        if owner == "net":
            self._draft.name = name or self._draft.name
            return
        assert self._node is not None
        self._node.name = name or self._node.name
        if "priority" in attributes:
            self._node.priority = self._number(attributes["priority"], signed=True)
        if owner == "transition":
            try:
                self._node.timing = timing_from_attributes(attributes)
            except NetError as error:
                self._fail(error.message)

    def _required(self, attributes: dict[str, str], name: str) -> str:
        value = attributes.get(name)
        if not value:
            self._fail(f"the attribute {name!r} is missing or empty")
        return value

    # Labels

    def _open_arctype(self, attributes: dict[str, str]) -> None:
        """`<type value="inhibitor"/>`, `<arctype>inhibitor</arctype>` or either with a `<text>` inside."""
        if "value" in attributes:
            self._set_kind(attributes["value"])
        self._open_text(attributes)

    def _open_text(self, _: dict[str, str]) -> None:
        self._text.clear()
        self._text_size = 0
        self._parser.CharacterDataHandler = self._characters

    def _characters(self, data: str) -> None:
        self._text_size += len(data)
        if self._text_size > MAX_PIECE:
            self._fail(f"a text of more than {MAX_PIECE} characters")
        self._text.append(data)

    def _take_text(self) -> str:
        self._parser.CharacterDataHandler = None
        text = "".join(self._text)
        self._text.clear()
        return text

    def _close_arctype(self) -> None:
        kind = self._take_text().strip()
        if kind:
            self._set_kind(kind)

    def _close_text(self) -> None:
        label = self._path[-1]
        if label not in _KIND_LABELS:  # there the text is that of the label
            self._set_number(label, self._path[-2], self._take_text())

    def _close_label(self, label: str) -> None:
        """The end of a label: some tools write the number without a `<text>` around it."""
        text = self._take_text()
        if text.strip():
            self._set_number(label, self._path[-1], text)

    def _set_number(self, label: str, owner: str, text: str) -> None:
        if owner == "arc":
            self._draft.arcs[-1].weight = self._weight(text)
            return
        assert self._node is not None
        if label == "initialMarking":
            self._node.tokens = self._number(text)
        else:
            self._node.capacity = self._number(text) or None  # PIPE writes 0 for a place without a capacity

    def _set_kind(self, text: str) -> None:
        kind = ARC_KINDS.get(text.strip().lower())
        arc = self._draft.arcs[-1]
        if kind is None:
            self._fail(f"the kind of arc {text[:80]!r} is unknown", element="arc")
        if arc.kind not in {None, kind}:
            self._fail(f"the arc is both {arc.kind!r} and {kind!r}", element="arc")
        arc.kind = kind

    def _number(self, text: str, *, signed: bool = False) -> int:
        colour = _ONE_COLOUR.fullmatch(text)
        digits = colour[1] if colour else text
        negative = signed and digits.startswith("-")
        match = _NUMBER.fullmatch(digits[1:] if negative else digits)
        largest = MAX_TOKENS + negative
        number = int(match[1]) if match else largest + 1
        if number > largest:
            shown = text if len(text) <= 80 else text[:80] + "..."
            least = -MAX_TOKENS - 1 if signed else 0
            self._fail(f"{shown!r} is no integer between {least} and {MAX_TOKENS}")
        return -number if negative else number

    def _weight(self, text: str) -> int:
        weight = self._number(text)
        if weight == 0:
            self._fail("an arc's weight is at least 1, not 0")
        return weight


_KIND_LABELS = frozenset({"type", "arctype"})
_LABELS = _KIND_LABELS | {"initialMarking", "capacity", "inscription", "text", "value"}
_Opener = Callable[[_Reader, dict[str, str]], None]

_TEXT: dict[str, _Opener] = {"text": _Reader._open_text, "value": _Reader._open_text}
_PLACE_LABELS: dict[str, _Opener] = {"initialMarking": _Reader._open_text, "capacity": _Reader._open_text}
_IN_NET: dict[str, _Opener] = {
    "page": _Reader._open,
    "place": _Reader._open_node,
    "transition": _Reader._open_node,
    "referencePlace": _Reader._open_node,
    "referenceTransition": _Reader._open_node,
    "arc": _Reader._open_arc,
}

_OPENERS: dict[str, dict[str, _Opener]] = {
    "pnml": {"net": _Reader._open_net},
    "net": {**_IN_NET, "toolspecific": _Reader._open_tool},
    "page": _IN_NET,
    "place": {**_PLACE_LABELS, "toolspecific": _Reader._open_tool},
    "transition": {"toolspecific": _Reader._open_tool},
    "arc": {
        "inscription": _Reader._open_text,
        "type": _Reader._open_arctype,
        "arctype": _Reader._open_arctype,
    },
    "initialMarking": _TEXT,
    "capacity": _TEXT,
    "inscription": _TEXT,
    "type": {"text": _Reader._open},
    "arctype": {"text": _Reader._open},
    "toolspecific": {"attributes": _Reader._open_attributes},
}
"""What is understood below each element, and the method that opens it."""

_CLOSERS: dict[str, Callable[[_Reader], None]] = {
    "net": _Reader._close_net,
    "text": _Reader._close_text,
    "value": _Reader._close_text,
    "type": _Reader._close_arctype,
    "arctype": _Reader._close_arctype,
    "initialMarking": partial(_Reader._close_label, label="initialMarking"),
    "capacity": partial(_Reader._close_label, label="capacity"),
    "inscription": partial(_Reader._close_label, label="inscription"),
}
