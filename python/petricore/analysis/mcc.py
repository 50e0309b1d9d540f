"""Read the formulas of the Model Checking Contest (https://mcc.lip6.fr): one XML document of several properties.

Names in formulas are the PNML ids of places and transitions, which `read_pnml` takes as names (only a document that
petricore wrote may carry other names). Semantics are the contest's, which `petricore.analysis.formula` has too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import BinaryIO, Literal, NamedTuple, NoReturn, cast
from xml.parsers import expat

from petricore.analysis.formula import (
    MAX_SIZE,
    Bound,
    Constant,
    Deadlock,
    Fireable,
    Formula,
    Live,
    Not,
    OneSafe,
    Or,
    QuasiLive,
    Stable,
    Temporal,
    TemporalOperator,
    Terms,
    Until,
    compare,
    merge_terms,
    tree_size,
)
from petricore.analysis.rewrite import conjunction, disjunction
from petricore.errors import PnmlError

__all__ = ["EXAMINATIONS", "MAX_DEPTH", "Query", "examination_formula", "read_mcc_formulas"]

MAX_DEPTH = 300
"""The deepest nesting of elements that is read."""

MAX_PIECE = 1_000_000
"""The longest tag, comment or label, in bytes, that is read."""

_CHUNK = 1 << 16

EXAMINATIONS = (
    "StateSpace",
    "ReachabilityDeadlock",
    "ReachabilityCardinality",
    "ReachabilityFireability",
    "CTLCardinality",
    "CTLFireability",
    "UpperBounds",
    "OneSafe",
    "Liveness",
    "QuasiLiveness",
    "StableMarking",
)
"""The examinations whose formulas are read; those of LTL are not."""

_GLOBAL: dict[str, Formula] = {
    "ReachabilityDeadlock": Temporal("EF", Deadlock()),
    "OneSafe": OneSafe(),
    "Liveness": Live(),
    "QuasiLiveness": QuasiLive(),
    "StableMarking": Stable(),
}


class Query(NamedTuple):
    """One property: its id in the contest, what it asks (None: the state space), its examination ("" if unknown)."""

    id: str
    formula: Formula | None
    examination: str


class _Sum(NamedTuple):
    terms: Terms
    constant: int


class _Path(NamedTuple):
    """A path formula, which waits for its quantifier."""

    kind: Literal["X", "F", "G", "U"]
    parts: tuple[Formula, ...]


class _Name(NamedTuple):
    kind: str  # place or transition
    text: str


_Value = Formula | _Sum | _Path | _Name


def examination_formula(examination: str) -> Formula | None:
    """The formula of an examination that has no parameters; None for the state space.

    Raises:
        KeyError: the examination is unknown or its formulas come from a document.
    """
    return None if examination == "StateSpace" else _GLOBAL[examination]


def read_mcc_formulas(source: str | os.PathLike[str] | BinaryIO) -> list[Query]:
    """Read all properties of a document of the contest.

    Args:
        source: a path, or a file object opened for reading bytes, which is left open.

    Returns:
        The queries in the order of the document. Pass `query.formula` to `Engine.check`. A property without a
        formula is read as the examination that its id names.

    Raises:
        PnmlError: the document is not well-formed XML, declares a DTD or an entity, exceeds `MAX_DEPTH` or
            `MAX_PIECE`, or holds a formula that is none of CTL, reachability or bounds. It names the line and the
            element.
        OSError: the file cannot be read.
        TypeError: `source` is neither, or yields no bytes.
    """
    reader = _Reader()
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return reader.read(file)
    if not hasattr(source, "read"):
        raise TypeError(f"source is a path, or a file opened for reading bytes, not {source!r}")
    return reader.read(source)


class _Reader:
    """One pass: each open element collects the values of its children, and becomes a value when it ends."""

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self._open: list[tuple[str, list[_Value]]] = []
        self._text: list[str] = []
        self._text_size = 0
        self._id = ""
        self._formula: Formula | None = None
        self._has_formula = False
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype

    def read(self, file: BinaryIO) -> list[Query]:
        fed = 0
        while chunk := file.read(_CHUNK):
            if not isinstance(chunk, bytes):
                raise TypeError(f"a source yields bytes, not {type(chunk).__name__}: open it as binary")
            self._parse(chunk)
            fed += len(chunk)
            if fed - self._parser.CurrentByteIndex > MAX_PIECE:
                self.fail(f"a tag, comment or text of more than {MAX_PIECE} bytes")
        self._parse(b"", last=True)
        return self.queries

    def _parse(self, chunk: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(chunk, last)
        except PnmlError:
            raise
        except expat.ExpatError as error:
            self.fail(f"not well-formed XML: {expat.ErrorString(error.code)}", error.lineno)
        except (LookupError, ValueError) as error:  # an encoding unknown to expat
            self.fail(f"the encoding cannot be read: {error}")

    def fail(self, what: str, line: int | None = None) -> NoReturn:
        line = self._parser.CurrentLineNumber if line is None else line
        element = self._open[-1][0] if self._open else None
        where = f"line {line}" + (f", <{element}>" if element else "")
        raise PnmlError(f"{where}: {what[:400]}", line=line, element=element) from None

    def _doctype(self, *_: object) -> None:
        self.fail("a document type or entity declaration: refused, as entities can name files and explode")

    def _start(self, name: str, _: dict[str, str]) -> None:
        local = name.rpartition(" ")[2][:80]
        if not self._open and local != "property-set":
            self.fail(f"the root element is <{local}>, not <property-set>")
        self._open.append((local, []))
        if len(self._open) > MAX_DEPTH:
            self.fail(f"elements nested deeper than {MAX_DEPTH}")
        self._text.clear()
        self._text_size = 0
        if local == "property":
            self._id, self._formula, self._has_formula = "", None, False

    def _characters(self, data: str) -> None:
        self._text_size += len(data)
        if self._text_size > MAX_PIECE:
            self.fail(f"a text of more than {MAX_PIECE} characters")
        self._text.append(data)

    def _end(self, _: str) -> None:
        element, parts = self._open[-1]
        inside = any(name == "formula" for name, _ in self._open)
        if inside and element != "formula":
            build = _BUILDERS.get(element)
            if build is None:
                self.fail("this element is unknown in formulas")
            value = build(self, parts)
            self._open[-2][1].append(value)
        elif element == "formula":
            self._end_formula(parts)
        elif element == "id":
            self._id = self.text()
        elif element == "property":
            self._end_property()
        self._open.pop()
        self._text.clear()

    def text(self) -> str:
        text = "".join(self._text).strip()
        self._text.clear()
        return text

    def _end_formula(self, parts: list[_Value]) -> None:
        if len(parts) > 1 or self._has_formula:
            self.fail("a property has one formula")
        if parts:
            self._formula = self.formulas(parts)[0]
            self._has_formula = True

    def _end_property(self) -> None:
        if not self._id:
            self.fail("a property without <id>")
        examination = _examination(self._id)
        if not self._has_formula:
            if examination != "StateSpace" and examination not in _GLOBAL:
                self.fail(f"the property {self._id!r} has no formula")
            self._formula = examination_formula(examination)
        self.queries.append(Query(self._id, self._formula, examination))

    # Values of the right sort

    def formulas(self, parts: list[_Value], count: int | None = None) -> list[Formula]:
        for part in parts:
            if isinstance(part, _Path):
                self.fail("a path formula without its quantifier: LTL is not read")
            if not isinstance(part, Formula):
                self.fail("a formula should stand inside")
        self._count(parts, count)
        return cast("list[Formula]", parts)

    def sums(self, parts: list[_Value], count: int | None = None) -> list[_Sum]:
        if not all(isinstance(part, _Sum) for part in parts):
            self.fail("a count or a number should stand inside")
        self._count(parts, count)
        return cast("list[_Sum]", parts)

    def names(self, kind: str, parts: list[_Value]) -> list[str]:
        names = [part.text for part in parts if isinstance(part, _Name) and part.kind == kind]
        if len(names) != len(parts) or not names:
            self.fail(f"one <{kind}> or more should stand inside")
        return names

    def path(self, parts: list[_Value]) -> _Path:
        if len(parts) != 1 or not isinstance(parts[0], _Path):
            self.fail("a quantifier of paths stands before <next>, <finally>, <globally> or <until>")
        return parts[0]

    def _count(self, parts: list[_Value], count: int | None) -> None:
        if count is not None and len(parts) != count:
            self.fail(f"{count} elements should stand inside, not {len(parts)}")


def _examination(query_id: str) -> str:
    found = [name for name in EXAMINATIONS if re.search(rf"(^|-){name}(-|$)", query_id)]
    return found[-1] if found else ""


_Builder = Callable[[_Reader, list[_Value]], _Value]


def _comparison(operator: Literal["<=", "<", ">=", ">", "==", "!="]) -> _Builder:
    def build(reader: _Reader, parts: list[_Value]) -> Formula:
        left, right = reader.sums(parts, 2)
        terms = (*left.terms, *((place, -weight) for place, weight in right.terms))
        return compare(terms, operator, right.constant - left.constant)

    return build


def _quantified(quantifier: Literal["E", "A"]) -> _Builder:
    def build(reader: _Reader, parts: list[_Value]) -> Formula:
        path = reader.path(parts)
        if path.kind == "U":
            return Until(quantifier, *path.parts)
        return Temporal(cast("TemporalOperator", quantifier + path.kind), path.parts[0])

    return build


def _path(kind: Literal["X", "F", "G", "U"], count: int) -> _Builder:
    return lambda reader, parts: _Path(kind, tuple(reader.formulas(parts, count)))


def _only(reader: _Reader, parts: list[_Value]) -> Formula:
    return reader.formulas(parts, 1)[0]


def _constant(reader: _Reader, parts: list[_Value]) -> _Sum:
    text = reader.text()
    if parts or not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
        reader.fail(f"{text[:80]!r} is no integer of at most 18 digits")
    return _Sum((), int(text))


def _added(reader: _Reader, parts: list[_Value], sign: int = 1) -> _Sum:
    first, *others = reader.sums(parts)
    terms = [*first.terms, *((place, sign * weight) for other in others for place, weight in other.terms)]
    return _Sum(merge_terms(terms), first.constant + sign * sum(other.constant for other in others))


def _tokens(reader: _Reader, parts: list[_Value]) -> _Sum:
    return _Sum(merge_terms((name, 1) for name in reader.names("place", parts)), 0)


def _equivalence(reader: _Reader, parts: list[_Value]) -> Formula:
    p, q = reader.formulas(parts, 2)
    if tree_size(p) + tree_size(q) > MAX_SIZE:
        reader.fail(f"nested so often that the formula has more than {MAX_SIZE} parts")
    return conjunction((Or((Not(p), q)), Or((p, Not(q)))))


def _implication(reader: _Reader, parts: list[_Value]) -> Formula:
    p, q = reader.formulas(parts, 2)
    return disjunction((Not(p), q))


_BUILDERS: dict[str, _Builder] = {
    "place": lambda reader, _: _Name("place", reader.text()),
    "transition": lambda reader, _: _Name("transition", reader.text()),
    "integer-constant": _constant,
    "tokens-count": _tokens,
    "integer-sum": _added,
    "integer-difference": lambda reader, parts: _added(reader, parts, -1),
    "integer-le": _comparison("<="),
    "integer-lt": _comparison("<"),
    "integer-ge": _comparison(">="),
    "integer-gt": _comparison(">"),
    "integer-eq": _comparison("=="),
    "integer-ne": _comparison("!="),
    "is-fireable": lambda reader, parts: disjunction(map(Fireable, reader.names("transition", parts))),
    "deadlock": lambda _, __: Deadlock(),
    "true": lambda _, __: Constant(True),
    "false": lambda _, __: Constant(False),
    "negation": lambda reader, parts: Not(_only(reader, parts)),
    "conjunction": lambda reader, parts: conjunction(reader.formulas(parts)),
    "disjunction": lambda reader, parts: disjunction(reader.formulas(parts)),
    "implication": _implication,
    "equivalence": _equivalence,
    "all-paths": _quantified("A"),
    "exists-path": _quantified("E"),
    "next": _path("X", 1),
    "finally": _path("F", 1),
    "globally": _path("G", 1),
    "until": _path("U", 2),
    "before": _only,
    "reach": _only,
    "place-bound": lambda reader, parts: Bound(
        merge_terms((name, 1) for name in reader.names("place", parts))
    ),
}
"""What the end of each element makes of the values inside it."""
