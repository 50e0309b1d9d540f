"""The text language of `Engine.check`: see `parse_formula`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Literal, NamedTuple, NoReturn, TypeAlias, TypeGuard

from petricore.analysis.formula import (
    MAX_SIZE,
    Bound,
    Bounded,
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
from petricore.errors import FormulaError

__all__ = ["MAX_DEPTH", "parse_formula", "parse_state_formula"]

MAX_DEPTH = 100
"""The deepest nesting of operators and parentheses that is read."""

MAX_NUMBER = 2**62
"""The largest number that is read or computed."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>[0-9]+)
      | (?P<word>[^\W\d]\w*(?:\.\w+)*)
      | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<symbol><=>|<->|=>|->|<=|>=|==|!=|<>|&&|\|\||[-+*()\[\],:<>=!&|≤≥≠∧∨¬])
    )""",
    re.VERBOSE | re.DOTALL,
)

_COMPARISONS: dict[str, Literal["<=", "<", ">=", ">", "==", "!="]] = {
    "<=": "<=",
    "≤": "<=",
    "<": "<",
    ">=": ">=",
    "≥": ">=",
    ">": ">",
    "==": "==",
    "=": "==",
    "!=": "!=",
    "<>": "!=",
    "≠": "!=",
}
_INFIX = {
    "<=>": "<=>",
    "<->": "<=>",
    "=>": "=>",
    "->": "=>",
    "or": "or",
    "||": "or",
    "|": "or",
    "∨": "or",
    "and": "and",
    "&&": "and",
    "&": "and",
    "∧": "and",
    **dict.fromkeys(_COMPARISONS, "compare"),
    "+": "+",
    "-": "-",
    "*": "*",
}
_STRENGTH = {"<=>": 1, "=>": 2, "or": 3, "and": 4, "compare": 6, "+": 7, "-": 7, "*": 8}
_PREFIX = 5  # `not` and the temporal operators take a comparison, no conjunction
_TEMPORAL: dict[str, TemporalOperator] = {
    "ex": "EX",
    "ax": "AX",
    "ef": "EF",
    "af": "AF",
    "eg": "EG",
    "ag": "AG",
}


class _Token(NamedTuple):
    kind: str  # number, word, quoted, symbol, end
    text: str
    at: int


class _Sum(NamedTuple):
    """An arithmetic value: sum(weight * m(place)) + constant."""

    terms: Terms
    constant: int


class _Chain(NamedTuple):
    """A comparison, with its last side in case another comparison follows: 1 <= a <= 3."""

    formula: Formula
    right: _Sum


_Value: TypeAlias = Formula | _Sum | _Chain


def parse_formula(
    text: str, *, places: Collection[str] | None = None, transitions: Collection[str] | None = None
) -> Formula:
    """Read a query.

    Whole queries: `reachable: p` (EF p), `invariant: p` (AG p), `deadlock` (EF deadlock), `live`, `live: t`,
    `quasi-live`, `quasi-live: t`, `bounded`, `bounded: a, b`, `bound: a + 2*b`, `one-safe`, `stable`; or a formula that
    begins with temporal operators, or combines such.

    In formulas, from weak to strong: `<=>`, `=>` (to the right), `or`/`||`, `and`/`&&`, then the prefixes `not`/`!`,
    `EX AX EF AF EG AG`, then comparisons `<= < >= > == = !=` of sums like `2*a - b + 1`, which may be chained.
    `E[p U q]`, `A[p U q]`; `fireable(t, ...)` or `enabled(t, ...)` (one of them is enabled), `deadlock`, `true`,
    `false`. Words of the language are read in lower or upper case. A name of letters, digits, `_` and inner dots stands
    by itself, others and words of the language in single or double quotes, with `\\` before a quote or backslash. A
    name in a sum is a place, in `fireable`, `live` and `quasi-live` a transition, so the two may share one.

    Args:
        text: the query.
        places: the names that exist; None: not checked.
        transitions: the names that exist; None: not checked.

    Raises:
        FormulaError: the text is none of these, names what is not there, or nests deeper than `MAX_DEPTH`; with the
            position.
    """
    return _Parser(text, places, transitions).query()


def parse_state_formula(
    text: str, *, places: Collection[str] | None = None, transitions: Collection[str] | None = None
) -> Formula:
    """Read a formula that is true or false of one marking, such as `a >= 1 and not fireable(t)`: see `parse_formula`.

    Raises:
        FormulaError: the text is no such formula, names what is not there, or nests deeper than `MAX_DEPTH`; with the
            position.
    """
    return _Parser(text, places, transitions).state()


class _Parser:
    def __init__(
        self, text: str, places: Collection[str] | None, transitions: Collection[str] | None
    ) -> None:
        self._text = text
        self._places = places
        self._transitions = transitions
        self._depth = 0
        self._is_temporal = False  # as written: simplified, the formula may be none
        self._tokens = list(self._scan())
        self._next = 0

    # Tokens

    def _scan(self) -> list[_Token]:
        tokens = []
        at = 0
        while match := _TOKEN.match(self._text, at):
            kind = match.lastgroup
            assert kind is not None
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            at = match.end()
        rest = len(self._text) - len(self._text[at:].lstrip())
        if rest < len(self._text):
            character = self._text[rest]
            what = "a quote that is not closed" if character in "\"'" else f"an unexpected {character!r}"
            self._fail(what, rest)
        tokens.append(_Token("end", "", len(self._text)))
        return tokens

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _peek(self, ahead: int = 1) -> _Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _take(self) -> _Token:
        token = self._token
        self._next += token.kind != "end"
        return token

    def _is(self, word: str, token: _Token | None = None) -> bool:
        token = token or self._token
        return token.kind in ("word", "symbol") and token.text.lower() == word

    def _skip(self, word: str) -> bool:
        found = self._is(word)
        self._next += found
        return found

    def _expect(self, word: str, why: str) -> None:
        if not self._skip(word):
            self._fail(f"{word!r} {why}, but {self._found()}")

    def _found(self, token: _Token | None = None) -> str:
        token = token or self._token
        return "the text ends" if token.kind == "end" else f"{token.text!r} is found"

    def _fail(self, what: str, at: int | None = None) -> NoReturn:
        at = self._token.at if at is None else at
        start = self._text.rfind("\n", 0, at) + 1
        end = self._text.find("\n", at)
        line = self._text[start : len(self._text) if end < 0 else end]
        # Of a long line the part around the position.
        first = max(0, at - start - 50)
        shown = line[first : first + 100].expandtabs(1)
        raise FormulaError(
            f"{what}, at position {at} of the formula\n  {shown}\n  {' ' * (at - start - first)}^",
            text=self._text,
            position=at,
        )

    # Queries

    def query(self) -> Formula:
        heads: dict[str, Callable[[], Formula]] = {
            "reachable": lambda: Temporal("EF", self._state_part("reachable")),
            "invariant": lambda: Temporal("AG", self._state_part("invariant")),
            "live": lambda: Live(self._transition_name()),
            "quasi-live": lambda: QuasiLive(self._transition_name()),
            "bounded": self._bounded,
            "bound": lambda: Bound(self._sum_part()),
        }
        alone: dict[str, Formula] = {
            "deadlock": Temporal("EF", Deadlock()),
            "live": Live(),
            "quasi-live": QuasiLive(),
            "bounded": Bounded(),
            "one-safe": OneSafe(),
            "stable": Stable(),
        }
        head, length = self._head()
        after = self._peek(length)
        if head in alone and after.kind == "end":
            return alone[head]
        if self._is(":", after):
            if head not in heads:
                known = ", ".join(f"{name}:" for name in heads)
                close = _suggestion(head, [*heads, *alone])
                self._fail(f"no kind of query is called {head!r}{close}; there are {known}")
            self._next += length + 1
            query = heads[head]()
        else:
            query = self._temporal_query()
        if self._token.kind != "end":
            self._fail(f"the query should end here, but {self._found()}")
        return query

    def state(self) -> Formula:
        formula = self._formula()
        if self._token.kind != "end":
            self._fail(f"the formula should end here, but {self._found()}")
        if not formula.is_state:
            self._fail("a formula about one marking has no temporal operators", 0)
        return formula

    def _head(self) -> tuple[str, int]:
        """The first word, or words joined by `-`, and how many tokens that is."""
        length = 0
        pieces = []
        while self._peek(length).kind == "word":
            pieces.append(self._peek(length).text.lower())
            length += 1
            if not (self._is("-", self._peek(length)) and self._peek(length + 1).kind == "word"):
                break
            length += 1
        return "-".join(pieces), length

    def _temporal_query(self) -> Formula:
        at = self._token.at
        formula = self._formula()
        if not self._is_temporal:
            self._fail(
                "this says something of one marking; which markings are meant: "
                "'reachable: ...' (some), 'invariant: ...' (all), or EF, AG, ...",
                at,
            )
        return formula

    def _state_part(self, head: str) -> Formula:
        at = self._token.at
        formula = self._formula()
        if not formula.is_state:
            self._fail(
                f"'{head}:' takes no temporal operators; write the formula alone, as in AG EF a >= 1", at
            )
        return formula

    def _sum_part(self) -> Terms:
        at = self._token.at
        value = self._value(_STRENGTH["+"])
        if not isinstance(value, _Sum) or value.constant:
            self._fail("'bound:' takes a weighted sum of places", at)
        return value.terms

    def _bounded(self) -> Formula:
        names = [self._place_name()]
        while self._skip(","):
            names.append(self._place_name())
        return Bounded(tuple(dict.fromkeys(names)))

    # Names

    def _name(self, kind: str, known: Collection[str] | None) -> str:
        token = self._take()
        if token.kind not in ("word", "quoted"):
            self._fail(f"the name of a {kind} should stand here, but {self._found(token)}", token.at)
        name = (
            re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
            if token.kind == "quoted"
            else token.text
        )
        if known is not None and name not in known:
            other = self._transitions if kind == "place" else self._places
            hint = _suggestion(name, known)
            if not hint and other is not None and name in other:
                hint = f" (it is a {'transition' if kind == 'place' else 'place'})"
            self._fail(f"there is no {kind} {name!r}{hint}", token.at)
        return name

    def _place_name(self) -> str:
        return self._name("place", self._places)

    def _transition_name(self) -> str:
        return self._name("transition", self._transitions)

    # Expressions, by precedence climbing: one Python frame or two for each level of nesting

    def _formula(self, strength: int = 0) -> Formula:
        at = self._token.at
        value = _formula_of(self._value(strength))
        if value is None:
            self._fail(
                f"a sum needs a comparison, such as >= 1, but {self._found()}", max(at, self._token.at)
            )
        return value

    def _value(self, strength: int) -> _Value:
        """An expression of operators at least as strong."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"the formula nests deeper than {MAX_DEPTH}")
        left = self._operand()
        while True:
            token = self._token
            operator = _INFIX.get(token.text.lower()) if token.kind in ("word", "symbol") else None
            if operator is None or _STRENGTH[operator] < strength:
                break
            self._take()
            if operator in ("and", "or"):
                left = self._several(operator, left, token)
                continue
            # `=>` groups to the right, the others to the left.
            right = self._value(_STRENGTH[operator] + (operator != "=>"))
            left = self._combine(operator, token, left, right)
        self._depth -= 1
        return left

    def _several(self, operator: str, first: _Value, token: _Token) -> Formula:
        """All operands of a chain of `and` or `or` at once, so that long chains do not nest."""
        parts = [self._as_formula(first, token)]
        while True:
            parts.append(self._as_formula(self._value(_STRENGTH[operator] + 1), token))
            if not (
                self._token.kind in ("word", "symbol") and _INFIX.get(self._token.text.lower()) == operator
            ):
                break
            token = self._take()
        return conjunction(parts) if operator == "and" else disjunction(parts)

    def _as_formula(self, value: _Value, token: _Token) -> Formula:
        formula = _formula_of(value)
        if formula is None:
            self._fail(f"{token.text!r} joins formulas, and a sum of counts is none", token.at)
        return formula

    def _combine(self, operator: str, token: _Token, left: _Value, right: _Value) -> _Value:
        if operator in ("<=>", "=>"):
            p, q = self._as_formula(left, token), self._as_formula(right, token)
            if operator == "=>":
                return disjunction((Not(p), q))
            if tree_size(p) + tree_size(q) > MAX_SIZE:
                self._fail(f"'<=>' nested so often that the formula has more than {MAX_SIZE} parts", token.at)
            return conjunction((Or((Not(p), q)), Or((p, Not(q)))))
        if operator == "compare":
            before = None
            if isinstance(left, _Chain):
                before, left = left.formula, left.right
            if not _is_sum(left) or not _is_sum(right):
                self._fail(f"{token.text!r} compares counts, not formulas", token.at)
            difference = merge_terms([*left.terms, *((place, -weight) for place, weight in right.terms)])
            formula = compare(difference, _COMPARISONS[token.text], right.constant - left.constant)
            return _Chain(formula if before is None else conjunction((before, formula)), right)
        if not _is_sum(left) or not _is_sum(right):
            self._fail(f"{token.text!r} computes with counts, not with formulas", token.at)
        return self._arithmetic(operator, token, left, right)

    def _arithmetic(self, operator: str, token: _Token, left: _Sum, right: _Sum) -> _Sum:
        if operator == "*":
            if left.terms and right.terms:
                self._fail("a product of two counts is not linear", token.at)
            scaled, factor = (left, right.constant) if left.terms else (right, left.constant)
        else:
            scaled, factor = right, 1 if operator == "+" else -1
        terms = [(place, factor * weight) for place, weight in scaled.terms]
        constant = factor * scaled.constant
        if operator != "*":
            terms, constant = [*left.terms, *terms], left.constant + constant
        value = _Sum(merge_terms(terms), constant)
        if any(abs(number) > MAX_NUMBER for number in (constant, *(weight for _, weight in value.terms))):
            self._fail(f"a number beyond {MAX_NUMBER}", token.at)
        return value

    def _operand(self) -> _Value:
        token = self._token
        if token.kind == "number":
            self._take()
            if len(token.text) > 19 or int(token.text) > MAX_NUMBER:
                self._fail(f"a number beyond {MAX_NUMBER}", token.at)
            return _Sum((), int(token.text))
        if token.kind == "quoted" or (token.kind == "word" and self._is_name()):
            return _Sum(((self._place_name(), 1),), 0)
        if token.kind == "end":
            self._fail("the text ends where a formula or a sum should stand")
        self._take()
        return self._special(token, token.text.lower())

    def _special(self, token: _Token, word: str) -> _Value:
        if word in ("true", "false"):
            return Constant(word == "true")
        if word == "deadlock":
            return Deadlock()
        if word in ("fireable", "enabled"):
            return self._fireable()
        if word in ("not", "!", "¬"):
            return Not(self._formula(_PREFIX))
        if word in _TEMPORAL:
            self._is_temporal = True
            return Temporal(_TEMPORAL[word], self._formula(_PREFIX))
        if word in ("e", "a"):
            return self._until("E" if word == "e" else "A")
        if word == "(":
            value = self._value(0)
            self._expect(")", "should close the parenthesis")
            # A comparison in parentheses is a formula, no first part of a chain.
            return value.formula if isinstance(value, _Chain) else value
        if word != "-":
            self._fail(f"{token.text!r} cannot stand here: a formula or a sum should", token.at)
        operand = self._value(_STRENGTH["*"])
        if not _is_sum(operand):
            self._fail("'-' computes with counts, not with formulas", token.at)
        return self._arithmetic("-", token, _Sum((), 0), operand)

    def _is_name(self) -> bool:
        """Whether the word at hand is a place's name rather than a word of the language."""
        word = self._token.text.lower()
        after = self._peek()
        if after.kind == "symbol" and (after.text in _COMPARISONS or after.text == "*"):
            return True  # nothing else can stand before these
        if word in ("e", "a"):
            return not self._is("[", after)
        if word in ("fireable", "enabled"):
            return not self._is("(", after)
        return word not in ("true", "false", "deadlock", "not", "and", "or", *_TEMPORAL)

    def _fireable(self) -> Formula:
        self._expect("(", "should stand before the transitions")
        names = [self._transition_name()]
        while self._skip(","):
            names.append(self._transition_name())
        self._expect(")", "should close the list of transitions")
        return disjunction(map(Fireable, names))

    def _until(self, quantifier: Literal["E", "A"]) -> Formula:
        self._is_temporal = True
        self._expect("[", "should begin the until")
        left = self._formula()
        self._expect("u", "should stand between the two sides")
        right = self._formula()
        self._expect("]", "should end the until")
        return Until(quantifier, left, right)


def _formula_of(value: _Value) -> Formula | None:
    if isinstance(value, _Chain):
        return value.formula
    return None if isinstance(value, _Sum) else value


def _is_sum(value: _Value) -> TypeGuard[_Sum]:
    return isinstance(value, _Sum)


def _suggestion(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
