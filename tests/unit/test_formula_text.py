"""The text language: what it says, what it refuses and where."""

from __future__ import annotations

import pickle

import pytest

import petricore as pc
from petricore.analysis.formula import (
    And,
    Bound,
    Bounded,
    Compare,
    Deadlock,
    Fireable,
    Live,
    Not,
    OneSafe,
    Or,
    QuasiLive,
    Stable,
    Temporal,
    Until,
)
from petricore.analysis.parser import MAX_DEPTH, parse_formula

A1 = Compare((("a", -1),), -1)
B2 = Compare((("b", -1),), -2)
T = Fireable("t")


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("reachable: a >= 1 and b >= 2", Temporal("EF", And((A1, B2)))),
        ("REACHABLE : a>=1&&b>=2", Temporal("EF", And((A1, B2)))),
        ("deadlock", Temporal("EF", Deadlock())),
        (
            "invariant: a + b == 3",
            Temporal(
                "AG",
                And((Compare((("a", 1), ("b", 1)), 3), Compare((("a", -1), ("b", -1)), -3))),
            ),
        ),
        ("live: t", Live("t")),
        ("live", Live()),
        ("quasi-live: t", QuasiLive("t")),
        ("quasi-live", QuasiLive()),
        ("bounded", Bounded()),
        ("bounded: a, b, a", Bounded(("a", "b"))),
        ("one-safe", OneSafe()),
        ("stable", Stable()),
        ("bound: a + 2*b", Bound((("a", 1), ("b", 2)))),
        ("AG (a >= 1 => EF b >= 2)", Temporal("AG", Or((Not(A1), Temporal("EF", B2))))),
        ("E[a >= 1 U b >= 2]", Until("E", A1, B2)),
        ("a [ a >= 1 u b >= 2 ]", Until("A", A1, B2)),
        ("ef fireable(t)", Temporal("EF", T)),
        ("EF enabled(t, u)", Temporal("EF", Or((T, Fireable("u"))))),
        ("EX !(a >= 1) || b >= 2", Or((Temporal("EX", Not(A1)), B2))),
        ("AX a >= 1 and EG b >= 2", And((Temporal("AX", A1), Temporal("EG", B2)))),
        ("reachable: 2*a - b >= 1", Temporal("EF", Compare((("a", -2), ("b", 1)), -1))),
        ("reachable: 1 <= a", Temporal("EF", A1)),
        ("reachable: 1 <= a < 4", Temporal("EF", And((A1, Compare((("a", 1),), 3))))),
        ("reachable: (a + 2) * 3 >= b - -1", Temporal("EF", Compare((("a", -3), ("b", 1)), 5))),
        ("reachable: a > b", Temporal("EF", Compare((("a", -1), ("b", 1)), -1))),
        (
            "reachable: a != 3",
            Temporal("EF", Or((Compare((("a", -1),), -4), Compare((("a", 1),), 2)))),
        ),
        ('EF "place name" >= 1', Temporal("EF", Compare((("place name", -1),), -1))),
        ("EF 'it\\'s' >= 1", Temporal("EF", Compare((("it's", -1),), -1))),
        ("EF 'ef' >= 1", Temporal("EF", Compare((("ef", -1),), -1))),
        ("EF ef >= 1", Temporal("EF", Compare((("ef", -1),), -1))),
        ("EF E >= 1", Temporal("EF", Compare((("E", -1),), -1))),
        ("E[ u >= 1 U U >= 1 ]", Until("E", Compare((("u", -1),), -1), Compare((("U", -1),), -1))),
        ("EF t >= 1", Temporal("EF", Compare((("t", -1),), -1))),
    ],
)
def test_a_text_is_read_as(text: str, formula: object) -> None:
    places = ["a", "b", "place name", "it's", "ef", "E", "u", "U", "t"]
    found = parse_formula(text, places=places, transitions=["t", "u"])
    assert found == formula
    assert parse_formula(str(found)) == found


def test_implication_groups_to_the_right_and_equivalence_is_both() -> None:
    p, q = "fireable(p)", "fireable(q)"
    right = parse_formula(f"EF ({p} => {q} => {p})")
    assert right == parse_formula(f"EF ({p} => ({q} => {p}))")
    assert parse_formula(f"EF ({p} <=> {q})") == parse_formula(f"EF ((not {p} or {q}) and ({p} or not {q}))")


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("reachable: aa >= 1", 11, "there is no place 'aa' (did you mean 'a'?)"),
        ("live: a", 6, "there is no transition 'a' (it is a place)"),
        ("EF fireable(tt)", 12, "there is no transition 'tt' (did you mean 't'?)"),
        ("a >= 1", 0, "which markings are meant"),
        ("reachable: EF a >= 1", 11, "takes no temporal operators"),
        ("reachable: a", 12, "a sum needs a comparison"),
        ("reachable: a >=", 15, "the text ends"),
        ("reachable: (a >= 1", 18, "')' should close"),
        ("reachable: a >= 1 b", 18, "the query should end here"),
        ("reachable: a * b >= 1", 13, "not linear"),
        ("reachable: a and b >= 1", 13, "joins formulas"),
        ("reachable: (a >= 1) + 1 >= 1", 20, "computes with counts"),
        ("reachable: (a >= 1) >= 1", 20, "compares counts"),
        ("reachabel: a >= 1", 0, "did you mean 'reachable'?"),
        ("reachable: a >= 1 ; b", 18, "unexpected ';'"),
        ("reachable: 'a >= 1", 11, "not closed"),
        ("reachable: a >= 99999999999999999999", 16, "beyond"),
        ("E[a >= 1]", 8, "'u' should stand between"),
        ("bound: a + 1", 7, "a weighted sum of places"),
        ("", 0, "the text ends"),
    ],
)
def test_what_is_no_query_is_refused_with_its_position(text: str, position: int, message: str) -> None:
    with pytest.raises(pc.FormulaError) as caught:
        parse_formula(text, places=["a", "b"], transitions=["t"])
    assert message in str(caught.value)
    assert caught.value.position == position
    lines = str(caught.value).split("\n")
    assert lines[-1] == "  " + " " * position + "^"
    assert pickle.loads(pickle.dumps(caught.value)).position == position


def test_a_formula_nested_too_deep_is_refused_and_a_long_one_read() -> None:
    with pytest.raises(pc.FormulaError, match="nests deeper than 100"):
        parse_formula("EF " + "(" * (MAX_DEPTH + 1) + "a >= 1" + ")" * (MAX_DEPTH + 1))
    with pytest.raises(pc.FormulaError, match="nests deeper than 100"):
        parse_formula("EF (" + "not " * 5000 + "a >= 1)")
    with pytest.raises(pc.FormulaError, match="more than 1000000 parts"):
        parse_formula("EF (" + " <=> ".join(f"fireable(t{i})" for i in range(50)) + ")")
    long = parse_formula("EF (" + " or ".join(f"a{i} >= 1" for i in range(5000)) + ")")
    assert isinstance(long, Temporal)
    assert isinstance(long.operand, Or)
    assert len(long.operand.operands) == 5000


def test_the_caret_of_a_long_text_points_into_an_excerpt() -> None:
    text = "EF (" + " or ".join(f"a{i} >= 1" for i in range(500)) + " or ;)"
    with pytest.raises(pc.FormulaError) as caught:
        parse_formula(text)
    shown, caret = str(caught.value).split("\n")[-2:]
    assert len(shown) <= 102
    assert shown[len(caret) - 1] == ";"
