"""Formulas about the reachable markings of a net: the abstract syntax, and its text.

Semantics. A *state formula* (`Formula.is_state`) is true or false of one marking. Temporal operators are those of CTL
over maximal paths: a path ends only in a deadlock. There EX p is false, AX p is true, and AF p, EG p and p agree
(the convention of the Model Checking Contest). A formula is asked at the initial marking.

Clarke, Emerson, Sistla: Automatic verification of finite-state concurrent systems using temporal logic
specifications (1986), 10.1145/5397.5399.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "MAX_SIZE",
    "And",
    "Bound",
    "Bounded",
    "Compare",
    "Constant",
    "Deadlock",
    "Fireable",
    "Formula",
    "Live",
    "Not",
    "OneSafe",
    "Or",
    "QuasiLive",
    "Stable",
    "Temporal",
    "TemporalOperator",
    "Terms",
    "Until",
    "compare",
    "merge_terms",
    "places_of",
    "subformulas",
    "transitions_of",
    "tree_size",
]

MAX_SIZE = 1_000_000
"""The most parts of a formula that is read: `<=>` doubles its operands."""

Terms = tuple[tuple[str, int], ...]
"""A weighted sum of token counts: pairs of place and weight."""

TemporalOperator = Literal["EX", "AX", "EF", "AF", "EG", "AG"]

_PLAIN_NAME = re.compile(r"[^\W\d]\w*(\.\w+)*")

RESERVED = frozenset(
    """and or not true false deadlock fireable enabled ex ax ef af eg ag e a u
    reachable invariant live quasi bounded bound stable one safe""".split()  # noqa: SIM905 - a list would be one word a line
)
"""Words (in lower case) that mean something else where a name could stand: as names they are written in quotes."""


class Formula:
    """A formula: immutable and hashable. `a & b`, `a | b` and `~a` combine; `str()` is text that parses back."""

    __slots__ = ()

    @property
    def is_state(self) -> bool:
        """Whether this is true or false of a single marking: no temporal operator and no property of the net."""
        return not any(isinstance(part, (Temporal, Until, Property)) for part in subformulas(self))

    def __and__(self, other: Formula) -> And:
        return And((self, other))

    def __or__(self, other: Formula) -> Or:
        return Or((self, other))

    def __invert__(self) -> Not:
        return Not(self)


@dataclass(frozen=True, slots=True)
class Constant(Formula):
    """True or false of every marking."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Compare(Formula):
    """sum(weight * m(place)) <= constant. `compare` makes the others of this one."""

    terms: Terms
    constant: int

    def __str__(self) -> str:
        if self.terms and all(weight < 0 for _, weight in self.terms):
            positive = tuple((place, -weight) for place, weight in self.terms)
            return f"{terms_text(positive)} >= {-self.constant}"
        return f"{terms_text(self.terms)} <= {self.constant}"


@dataclass(frozen=True, slots=True)
class Fireable(Formula):
    """The transition is enabled."""

    transition: str

    def __str__(self) -> str:
        return f"fireable({quoted(self.transition)})"


@dataclass(frozen=True, slots=True)
class Deadlock(Formula):
    """No transition is enabled."""

    def __str__(self) -> str:
        return "deadlock"


@dataclass(frozen=True, slots=True)
class Not(Formula):
    """The operand does not hold."""

    operand: Formula

    def __str__(self) -> str:
        return f"not {_operand_text(self.operand)}"


@dataclass(frozen=True, slots=True)
class And(Formula):
    """All operands hold (true if there are none)."""

    operands: tuple[Formula, ...]

    def __str__(self) -> str:
        return " and ".join(map(_operand_text, self.operands)) or "true"


@dataclass(frozen=True, slots=True)
class Or(Formula):
    """Some operand holds (false if there are none)."""

    operands: tuple[Formula, ...]

    def __str__(self) -> str:
        return " or ".join(map(_operand_text, self.operands)) or "false"


@dataclass(frozen=True, slots=True)
class Temporal(Formula):
    """On some (E) or every (A) path: in the next marking (X), in some marking (F), in every marking (G)."""

    operator: TemporalOperator
    operand: Formula

    def __str__(self) -> str:
        return f"{self.operator} {_operand_text(self.operand)}"


@dataclass(frozen=True, slots=True)
class Until(Formula):
    """On some (E) or every (A) path `right` holds at some time, and `left` at all times before."""

    quantifier: Literal["E", "A"]
    left: Formula
    right: Formula

    def __str__(self) -> str:
        return f"{self.quantifier}[{_operand_text(self.left)} U {_operand_text(self.right)}]"


class Property(Formula):
    """A property of the whole net; it stands alone, not inside another formula."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Bound(Property):
    """Not true or false: asks for the largest weighted sum of counts over the reachable markings."""

    terms: Terms

    def __str__(self) -> str:
        return f"bound: {terms_text(self.terms)}"


@dataclass(frozen=True, slots=True)
class Live(Property):
    """From every reachable marking the transition (None: each transition) can become enabled: AG EF fireable."""

    transition: str | None = None

    def __str__(self) -> str:
        return "live" if self.transition is None else f"live: {quoted(self.transition)}"


@dataclass(frozen=True, slots=True)
class QuasiLive(Property):
    """The transition (None: each transition) is enabled in some reachable marking: EF fireable."""

    transition: str | None = None

    def __str__(self) -> str:
        return "quasi-live" if self.transition is None else f"quasi-live: {quoted(self.transition)}"


@dataclass(frozen=True, slots=True)
class Bounded(Property):
    """The counts of these places (none given: of all places) have a largest value over the reachable markings."""

    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "bounded: " + ", ".join(map(quoted, self.places)) if self.places else "bounded"


@dataclass(frozen=True, slots=True)
class OneSafe(Property):
    """No reachable marking has more than one token in a place."""

    def __str__(self) -> str:
        return "one-safe"


@dataclass(frozen=True, slots=True)
class Stable(Property):
    """Some place holds the same number of tokens in all reachable markings."""

    def __str__(self) -> str:
        return "stable"


def merge_terms(terms: Iterable[tuple[str, int]]) -> Terms:
    """The sum with one term per place, in the order of first mention, none of weight 0."""
    weights: dict[str, int] = {}
    for place, weight in terms:
        weights[place] = weights.get(place, 0) + weight
    return tuple((place, weight) for place, weight in weights.items() if weight)


def compare(
    terms: Iterable[tuple[str, int]],
    operator: Literal["<=", "<", ">=", ">", "==", "!="],
    constant: int,
) -> Formula:
    """sum(weight * m(place)) `operator` constant, as `Compare` and the connectives; no terms: a `Constant`."""
    merged = merge_terms(terms)
    if operator in ("==", "!="):
        both = (compare(merged, "<=", constant), compare(merged, ">=", constant))
        if not merged:
            return Constant((constant == 0) == (operator == "=="))
        return And(both) if operator == "==" else Or(tuple(map(negated_compare, both)))
    if operator in (">=", ">"):
        merged, constant = tuple((place, -weight) for place, weight in merged), -constant
    if operator in ("<", ">"):
        constant -= 1
    return Compare(merged, constant) if merged else Constant(constant >= 0)


def negated_compare(formula: Formula) -> Formula:
    """Not `formula`, a `Compare` or `Constant`, as one of these: counts are integers."""
    if isinstance(formula, Constant):
        return Constant(not formula.value)
    assert isinstance(formula, Compare)
    return Compare(tuple((place, -weight) for place, weight in formula.terms), -formula.constant - 1)


def children(formula: Formula) -> tuple[Formula, ...]:
    """The direct operands."""
    match formula:
        case Not(operand) | Temporal(_, operand):
            return (operand,)
        case And(operands) | Or(operands):
            return operands
        case Until(_, left, right):
            return (left, right)
        case _:
            return ()


def subformulas(formula: Formula) -> Iterator[Formula]:
    """The formula and all formulas in it, each as often as it occurs; outer before inner."""
    pending = [formula]
    while pending:
        part = pending.pop()
        yield part
        pending.extend(reversed(children(part)))


def tree_size(formula: Formula) -> int:
    """How many parts the formula has, shared ones counted as often as they occur. Costs O(distinct parts)."""
    sizes: dict[int, int] = {}
    pending = [(formula, False)]
    while pending:
        part, ready = pending.pop()
        if id(part) in sizes:
            continue
        inner = children(part)
        if ready:
            sizes[id(part)] = 1 + sum(sizes[id(child)] for child in inner)
        else:
            pending.append((part, True))
            pending.extend((child, False) for child in inner)
    return sizes[id(formula)]


def places_of(formula: Formula) -> tuple[str, ...]:
    """The places that are named, in order of first mention."""
    names: dict[str, None] = {}
    for part in subformulas(formula):
        match part:
            case Compare(terms, _) | Bound(terms):
                names.update(dict.fromkeys(place for place, _ in terms))
            case Bounded(places):
                names.update(dict.fromkeys(places))
    return tuple(names)


def transitions_of(formula: Formula) -> tuple[str, ...]:
    """The transitions that are named, in order of first mention; `Deadlock` names none."""
    names: dict[str, None] = {}
    for part in subformulas(formula):
        match part:
            case Fireable(str(name)) | Live(str(name)) | QuasiLive(str(name)):
                names[name] = None
    return tuple(names)


def quoted(name: str) -> str:
    """A name as it is written in a formula."""
    if _PLAIN_NAME.fullmatch(name) and name.lower() not in RESERVED:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def terms_text(terms: Terms) -> str:
    """A sum as it is written in a formula."""
    pieces: list[str] = []
    for place, weight in terms:
        sign = "-" if weight < 0 else "+"
        factor = "" if abs(weight) == 1 else f"{abs(weight)}*"
        if pieces:
            pieces.append(f" {sign} {factor}{quoted(place)}")
        else:
            pieces.append(("-" if weight < 0 else "") + factor + quoted(place))
    return "".join(pieces) or "0"


def _operand_text(formula: Formula) -> str:
    text = str(formula)
    match formula:
        case And((_,)) | Or((_,)):
            return f"({text})"
        case And(()) | Or(()) | Constant() | Fireable() | Deadlock() | Until():
            return text
        case _:
            return f"({text})"
