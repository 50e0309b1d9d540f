"""Formulas of the Model Checking Contest: what is read, and what is refused."""

from __future__ import annotations

import io

import pytest

import petricore as pc
from petricore.analysis.formula import Bound, Compare, Deadlock, Live, Stable, Temporal
from petricore.analysis.mcc import MAX_DEPTH, Query, examination_formula
from petricore.analysis.parser import parse_formula


def _read(formula: str, query_id: str = "Net-PT-1-CTLCardinality-2025-00") -> Query:
    text = f"""<?xml version="1.0"?>
    <property-set xmlns="http://mcc.lip6.fr/"><property><id>{query_id}</id><description>made</description>
    <formula>{formula}</formula></property></property-set>"""
    (query,) = pc.read_mcc_formulas(io.BytesIO(text.encode()))
    return query


COUNT_A = "<tokens-count><place>a</place><place>b</place></tokens-count>"
AT_LEAST_2 = f"<integer-le><integer-constant>2</integer-constant>{COUNT_A}</integer-le>"
T_OR_U = "<is-fireable><transition>t</transition><transition> u </transition></is-fireable>"


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (f"<exists-path><finally>{AT_LEAST_2}</finally></exists-path>", "EF a + b >= 2"),
        (
            f"<all-paths><globally><negation>{T_OR_U}</negation></globally></all-paths>",
            "AG not fireable(t, u)",
        ),
        (
            f"<all-paths><until><before>{T_OR_U}</before><reach>{AT_LEAST_2}</reach></until></all-paths>",
            "A[fireable(t, u) U a + b >= 2]",
        ),
        (
            f"<conjunction><exists-path><next>{T_OR_U}</next></exists-path>"
            f"<all-paths><next>{AT_LEAST_2}</next></all-paths></conjunction>",
            "EX fireable(t, u) and AX a + b >= 2",
        ),
        (
            f"<exists-path><globally><implication>{AT_LEAST_2}{T_OR_U}</implication></globally></exists-path>",
            "EG (a + b >= 2 => fireable(t, u))",
        ),
        (
            f"<all-paths><finally><equivalence>{AT_LEAST_2}{T_OR_U}</equivalence></finally></all-paths>",
            "AF (a + b >= 2 <=> fireable(t, u))",
        ),
        ("<exists-path><finally><deadlock/></finally></exists-path>", "EF deadlock"),
    ],
)
def test_a_formula_of_the_contest_is_read_as(xml: str, text: str) -> None:
    query = _read(xml)
    assert query.formula == parse_formula(text)
    assert query.id == "Net-PT-1-CTLCardinality-2025-00"
    assert query.examination == "CTLCardinality"


def test_a_bound_adds_its_places() -> None:
    query = _read("<place-bound><place>a</place><place>b</place></place-bound>", "N-UpperBounds-03")
    assert query == Query("N-UpperBounds-03", Bound((("a", 1), ("b", 1))), "UpperBounds")


@pytest.mark.parametrize(
    ("examination", "formula"),
    [
        ("ReachabilityDeadlock", Temporal("EF", Deadlock())),
        ("Liveness", Live()),
        ("StableMarking", Stable()),
        ("StateSpace", None),
    ],
)
def test_an_examination_without_parameters_needs_no_formula(examination: str, formula: object) -> None:
    query = _read("", f"Net-PT-1-{examination}-00")
    assert query == Query(f"Net-PT-1-{examination}-00", formula, examination)
    assert examination_formula(examination) == formula


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("", "has no formula"),
        ("<globally><deadlock/></globally>", "LTL is not read"),
        ("<all-paths><deadlock/></all-paths>", "a quantifier of paths"),
        ("<negation><deadlock/><deadlock/></negation>", "1 elements should stand inside, not 2"),
        (f"<negation>{COUNT_A}</negation>", "a formula should stand inside"),
        (f"<integer-le>{COUNT_A}</integer-le>", "2 elements"),
        ("<integer-le><deadlock/><deadlock/></integer-le>", "a count or a number"),
        ("<integer-constant>1.5</integer-constant>", "'1.5' is no integer"),
        ("<is-fireable></is-fireable>", "one <transition> or more"),
        ("<is-fireable><place>a</place></is-fireable>", "one <transition> or more"),
        ("<sometimes/>", "line 3, <sometimes>: this element is unknown"),
        ("<negation>" * MAX_DEPTH + "</negation>" * MAX_DEPTH, "nested deeper"),
        ("<deadlock/></formula><formula><deadlock/>", "one formula"),
    ],
)
def test_what_is_no_formula_is_refused(formula: str, message: str) -> None:
    with pytest.raises(pc.PnmlError) as caught:
        _read(formula)
    assert message in str(caught.value)


def test_a_document_type_is_refused() -> None:
    text = b'<!DOCTYPE x [<!ENTITY e "boom">]><property-set/>'
    with pytest.raises(pc.PnmlError, match="entity"):
        pc.read_mcc_formulas(io.BytesIO(text))


def test_another_document_is_refused() -> None:
    with pytest.raises(pc.PnmlError, match="root element is <pnml>"):
        pc.read_mcc_formulas(io.BytesIO(b"<pnml/>"))
    with pytest.raises(pc.PnmlError, match="not well-formed"):
        pc.read_mcc_formulas(io.BytesIO(b"<property-set>"))
    with pytest.raises(TypeError, match="bytes"):
        pc.read_mcc_formulas(io.StringIO("<property-set/>"))  # type: ignore[arg-type]


def test_equivalences_nested_beyond_reason_are_refused() -> None:
    formula = "<deadlock/>"
    for i in range(40):
        formula = (
            f"<equivalence>{formula}<is-fireable><transition>t{i}</transition></is-fireable></equivalence>"
        )
    with pytest.raises(pc.PnmlError, match="more than 1000000 parts"):
        _read(f"<exists-path><finally>{formula}</finally></exists-path>")


def test_a_compare_of_two_counts_moves_both_to_one_side() -> None:
    query = _read(
        f"<all-paths><globally><integer-le>{COUNT_A}<tokens-count><place>b</place></tokens-count>"
        "</integer-le></globally></all-paths>"
    )
    assert query.formula == Temporal("AG", Compare((("a", 1),), 0))
