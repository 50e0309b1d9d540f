"""Whatever a run of a random agent ends with is an end of its abstraction."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter, Signature
from random import Random
from time import monotonic
from typing import Annotated, Any

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from petricore import Agent, AtLeast, From, Gather, NetError, Read, Weight
from petricore.agent import Failure, Result
from petricore.agent.verify.abstraction import Abstraction, abstract
from petricore.agent.verify.exploration import Budget
from petricore.agent.verify.properties import Checks, Explored


@dataclass(frozen=True)
class T0:
    x: int


@dataclass(frozen=True)
class T1:
    x: int


@dataclass(frozen=True)
class T2:
    x: int


@dataclass(frozen=True)
class T3:
    x: int


@dataclass(frozen=True)
class T4:
    x: int


@dataclass(frozen=True)
class T5:
    x: int


@dataclass(frozen=True)
class T6:
    x: int


TYPES = (T0, T1, T2, T3, T4, T5, T6)
HINTS = {
    "take": lambda type_: type_,
    "two": lambda type_: Annotated[list[type_], Weight(2)],  # type: ignore[valid-type]
    "all": lambda type_: Annotated[list[type_], AtLeast(1)],  # type: ignore[valid-type]
    "read": lambda type_: Annotated[type_, Read()],
    "gather": lambda type_: Annotated[list[type_], Gather()],  # type: ignore[valid-type]
    "gather2": lambda type_: Annotated[list[type_], Gather(min=2)],  # type: ignore[valid-type]
}


@st.composite
def transitions(draw: st.DrawFn, number: int) -> dict[str, Any]:
    if number == 0:
        inputs = [(0, "take")]
    else:
        kinds = ("take", "take", "take", "two", "all", "gather", "gather", "gather2")
        inputs = [(draw(st.integers(0, 3)), draw(st.sampled_from(kinds)))]
    used = {place for place, _ in inputs}
    if draw(st.integers(0, 4)) == 0:
        other = draw(st.sampled_from([i for i in range(4) if i not in used]))
        inputs.append((other, draw(st.sampled_from(("take", "read", "all")))))
        used.add(other)
    above = max(used) + 1
    joined = all(kind in ("take", "read") for _, kind in inputs)
    return {
        "inputs": inputs,
        "output": draw(st.sampled_from(("one", "one", "list", "list", "either", "none", "both", "stream"))),
        "into": (draw(st.integers(above, min(above + 1, 4))), draw(st.integers(above, 4))),
        "where": draw(st.integers(0, 4)) == 0,
        "on_error": draw(st.sampled_from(("fail", "fail", "release", "errors"))),
        "confirm": draw(st.integers(0, 5)) == 0,
        "inhibit": draw(st.sampled_from([None] * 6 + [i for i in range(4) if i not in used])),
        "concurrency": draw(st.sampled_from((None, None, 1))),
        "match": len(inputs) == 2 and joined and draw(st.booleans()),
    }


@st.composite
def agents(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[int, int], bool, int]:
    rows = [draw(transitions(number)) for number in range(draw(st.integers(2, 5)))]
    tokens = {0: draw(st.integers(1, 2)), 1: draw(st.integers(0, 1)), 2: draw(st.integers(0, 1))}
    return rows, tokens, draw(st.booleans()), draw(st.integers(0, 2**32))


@st.composite
def joins(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[int, int], bool, int]:
    """Lists that are worked on and gathered, maybe one in the other, and something that interferes."""
    rows = [_row(draw, [(0, "take")], draw(st.sampled_from(("list", "stream", "both"))), 1)]
    last = 1
    nested = draw(st.booleans())
    if nested:
        rows.append(_row(draw, [(1, "take")], draw(st.sampled_from(("list", "stream"))), 2))
        last = 2
    kind = draw(st.sampled_from(("take", "take", "two")))
    rows.append(
        _row(draw, [(last, kind)], draw(st.sampled_from(("one", "either", "none", "both"))), last + 1)
    )
    gather = draw(st.sampled_from(("gather", "gather", "gather2")))
    rows.append(_row(draw, [(last + 1, gather)], draw(st.sampled_from(("one", "list"))), last + 2))
    if nested:
        rows.append(_row(draw, [(last + 2, "gather")], "one", last + 3))
    if draw(st.booleans()):
        row = draw(transitions(1))
        if not any(place in (inner for inner, _ in row["inputs"]) for place in row["into"]):
            rows.append(row)
    for row in rows:
        if draw(st.integers(0, 7)) == 0:
            row["into"] = (row["into"][0], draw(st.integers(row["into"][0], 6)))
    return rows, {0: draw(st.integers(1, 2))}, draw(st.booleans()), draw(st.integers(0, 2**32))


def _row(draw: st.DrawFn, inputs: list[tuple[int, str]], output: str, into: int) -> dict[str, Any]:
    return {
        "inputs": inputs,
        "output": output,
        "into": (into, draw(st.sampled_from((into, min(into + 1, 6))))),
        "where": draw(st.integers(0, 7)) == 0,
        "on_error": draw(st.sampled_from(("fail", "release", "errors"))),
        "confirm": draw(st.integers(0, 7)) == 0,
        "inhibit": None,
        "concurrency": None,
        "match": False,
    }


def build(rows: list[dict[str, Any]], note: bool, random: Random) -> Agent:
    agent = Agent("random")
    for number, row in enumerate(rows):
        _declare(agent, f"t{number}", row, random)
    if note and "errors" in agent.places:

        @agent.transition(executor="inline")
        def note_error(failure: Annotated[Failure, From("errors")]) -> T4:
            return T4(0)

    return agent


def _declare(agent: Agent, name: str, row: dict[str, Any], random: Random) -> None:
    left, right = (TYPES[i] for i in row["into"])

    def value(type_: type) -> Any:
        return type_(random.randrange(2))

    def result(**_: Any) -> Any:
        if random.random() < 0.25:
            raise RuntimeError("no")
        match row["output"]:
            case "one":
                return value(left)
            case "list":
                return [value(left) for _ in range(random.randrange(4))]
            case "either":
                return value(random.choice((left, right)))
            case "both":
                return value(left), [value(right) for _ in range(random.randrange(3))]
        return None

    def stream(**_: Any) -> Iterator[Any]:
        for _ in range(random.randrange(4)):
            yield value(left)
            if random.random() < 0.15:
                raise RuntimeError("broken off")

    action: Any = stream if row["output"] == "stream" else result
    outputs = {"one": left, "list": list[left], "either": left | right, "none": None,  # type: ignore[valid-type]
               "both": tuple[left, list[right]], "stream": Iterator[left]}  # type: ignore[valid-type]  # fmt: skip
    hints = {f"p{i}": HINTS[kind](TYPES[place]) for i, (place, kind) in enumerate(row["inputs"])}
    action.__annotations__ = {**hints, "return": outputs[row["output"]]}
    parameters = [Parameter(one, Parameter.KEYWORD_ONLY, annotation=hint) for one, hint in hints.items()]
    action.__signature__ = Signature(parameters, return_annotation=outputs[row["output"]])
    options: dict[str, Any] = {"on_error": row["on_error"], "confirm": row["confirm"], "executor": "inline"}
    if row["concurrency"]:
        options["concurrency"] = row["concurrency"]
    if row["where"]:
        options["where"] = {"p0": lambda token: token.x == 0}
    if row["inhibit"] is not None:
        options["inhibit"] = [TYPES[row["inhibit"]]]
    if row["match"]:
        options["match"] = "x"
    agent.transition(name=name, **options)(action)


def ends_there(explored: Explored, abstraction: Abstraction, marking: dict[str, int]) -> bool:
    """Whether the abstraction can rest with these tokens, a saturated count standing for all above it."""
    graph = explored.graph
    fits = explored.at_rest.copy()
    for place, count in marking.items():
        columns = [column for name, column in graph.columns.items() if abstraction.places.get(name) == place]
        rows = graph.markings[:, columns]
        total = rows.sum(axis=1)
        many = (rows >= abstraction.longest).any(axis=1) if abstraction.lists else np.zeros(len(graph), bool)
        fits &= np.where(many, total <= count, total == count)
    return bool(fits.any())


def outcome(agent: Agent, tokens: dict[str, int], random: Random) -> Result:
    put = {
        place: [TYPES[int(place[1])](random.randrange(2)) for _ in range(count)]
        for place, count in tokens.items()
    }
    return agent.run(put=put, confirm=lambda _: random.random() < 0.5, timeout=20)


def check(drawn: tuple[list[dict[str, Any]], dict[int, int], bool, int]) -> None:
    rows, counts, note, seed = drawn
    random = Random(seed)
    try:
        agent = build(rows, note, random)
        tokens = {
            f"T{place}": count for place, count in counts.items() if count and f"T{place}" in agent.places
        }
        abstraction = abstract(agent, tokens)
    except NetError:
        assume(False)
    checks = Checks(abstraction, frozenset(), Budget(20_000, monotonic() + 10))
    assume(checks._cover.graph.complete)
    for _ in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = outcome(agent, tokens, random)
        assert ends_there(checks._cover, abstraction, result.marking), result
        if not result.failures:
            assert ends_there(checks._calm_cover, abstraction, result.marking), result


@settings(suppress_health_check=list(HealthCheck))
@given(agents())
def test_the_end_of_any_run_is_an_end_of_the_abstraction(
    drawn: tuple[list[dict[str, Any]], dict[int, int], bool, int],
) -> None:
    check(drawn)


@settings(suppress_health_check=list(HealthCheck))
@given(joins())
def test_the_end_of_any_run_that_gathers_is_an_end_of_the_abstraction(
    drawn: tuple[list[dict[str, Any]], dict[int, int], bool, int],
) -> None:
    check(drawn)
