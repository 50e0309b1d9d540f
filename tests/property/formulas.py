"""Hypothesis strategies: random formulas over a net; and what they mean, by definition, on explicit graphs."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from petricore import Net
from petricore.analysis.formula import (
    And,
    Compare,
    Constant,
    Deadlock,
    Fireable,
    Formula,
    Not,
    Or,
    Temporal,
    Until,
    compare,
)
from tests.property.oracle import Marking, Oracle


def atoms(net: Net, *, constants: int = 6) -> st.SearchStrategy[Formula]:
    places = list(net.places)
    terms = st.lists(st.tuples(st.sampled_from(places), st.integers(-3, 3)), min_size=1, max_size=3)
    operators = st.sampled_from(["<=", "<", ">=", ">", "==", "!="])
    kinds: list[st.SearchStrategy[Formula]] = [
        st.builds(compare, terms, operators, st.integers(-3, constants)),
        st.builds(
            compare,
            st.tuples(st.tuples(st.sampled_from(places), st.just(1))),
            operators,
            st.integers(0, constants),
        ),
        st.just(Deadlock()),
    ]
    if net.transitions:
        kinds.append(st.builds(Fireable, st.sampled_from(list(net.transitions))))
    return st.one_of(*kinds)


def _connected(operands: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    several = st.lists(operands, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, operands), st.builds(And, several), st.builds(Or, several))


def state_formulas(net: Net) -> st.SearchStrategy[Formula]:
    base = atoms(net) | st.builds(Constant, st.booleans())
    return st.recursive(base, _connected, max_leaves=6)


def ctl_formulas(
    net: Net,
    *,
    operators: Sequence[str] = ("EX", "AX", "EF", "AF", "EG", "AG"),
    quantifiers: Sequence[str] = ("E", "A"),
) -> st.SearchStrategy[Formula]:
    def extend(operands: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
        temporal = st.builds(Temporal, st.sampled_from(operators), operands)
        return st.one_of(
            temporal,
            temporal,
            st.builds(Until, st.sampled_from(quantifiers), operands, operands),
            _connected(operands),
        )

    return st.recursive(atoms(net) | st.builds(Constant, st.booleans()), extend, max_leaves=6)


class Graph:
    """All reachable markings of a net and who follows whom; `None` if there are more than `most`."""

    def __init__(
        self, net: Net, oracle: Oracle, markings: list[Marking], successors: list[list[int]]
    ) -> None:
        self.net = net
        self.oracle = oracle
        self.markings = markings
        self.successors = successors

    @classmethod
    def explore(cls, net: Net, *, most: int) -> Graph | None:
        oracle = Oracle(net)
        index = {oracle.initial: 0}
        markings = [oracle.initial]
        successors: list[list[int]] = []
        for m in markings:  # grows while we look
            row = []
            for t in range(len(oracle.transitions)):
                after = oracle.fire(m, t)
                if after is None:
                    continue
                if after not in index:
                    if len(markings) == most:
                        return None
                    index[after] = len(markings)
                    markings.append(after)
                row.append(index[after])
            successors.append(row)
        return cls(net, oracle, markings, successors)

    def truth(self, formula: Formula) -> list[bool]:
        """Whether the formula holds, for each marking."""
        n = range(len(self.markings))
        match formula:
            case Constant(value):
                return [value for _ in n]
            case Compare(terms, constant):
                places = list(self.net.places)
                return [
                    sum(weight * m[places.index(place)] for place, weight in terms) <= constant
                    for m in self.markings
                ]
            case Fireable(transition):
                t = list(self.net.transitions).index(transition)
                return [self.oracle.fire(m, t) is not None for m in self.markings]
            case Deadlock():
                return [not row for row in self.successors]
            case Not(operand):
                return [not value for value in self.truth(operand)]
            case And(operands):
                parts = [self.truth(part) for part in operands]
                return [all(part[i] for part in parts) for i in n]
            case Or(operands):
                parts = [self.truth(part) for part in operands]
                return [any(part[i] for part in parts) for i in n]
            case Temporal(operator, operand):
                return self._temporal(operator, self.truth(operand))
            case Until(quantifier, left, right):
                return self._until(quantifier, self.truth(left), self.truth(right))
            case _:
                raise AssertionError(formula)

    def _temporal(self, operator: str, inner: list[bool]) -> list[bool]:
        every = [True] * len(inner)
        match operator:
            case "EX":
                return [any(inner[j] for j in row) for row in self.successors]
            case "AX":
                return [all(inner[j] for j in row) for row in self.successors]
            case "EF":
                return self._until("E", every, inner)
            case "AF":
                return self._until("A", every, inner)
            case "EG":
                return [not v for v in self._until("A", every, [not v for v in inner])]
            case _:
                return [not v for v in self._until("E", every, [not v for v in inner])]

    def _until(self, quantifier: str, left: list[bool], right: list[bool]) -> list[bool]:
        """The least fixed point, by rounds."""
        truth = list(right)
        changed = True
        while changed:
            changed = False
            for i, row in enumerate(self.successors):
                if truth[i] or not left[i] or not row:
                    continue
                values = [truth[j] for j in row]
                if any(values) if quantifier == "E" else all(values):
                    truth[i] = changed = True
        return truth
