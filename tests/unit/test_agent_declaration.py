"""Errors of a declaration are found at the declaration, and name the transition and the parameter."""

from __future__ import annotations

import functools
import typing
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

import pytest
from petricore.runtimes.base import Requirements, Volume
from pydantic import BaseModel

from petricore import (
    Agent,
    AtLeast,
    Context,
    From,
    Gather,
    NetError,
    Read,
    RetryPolicy,
    TimeoutPolicy,
    To,
    Weight,
)


class Order(BaseModel):
    order_id: str


class Payment(BaseModel):
    order_id: str


class Config(BaseModel):
    limit: int


class Colour(Enum):
    RED = 1


@dataclass
class Parcel:
    weight: float


class Odd:
    pass


def declare(function: Any, **options: Any) -> Agent:
    agent = Agent("a")
    agent.place("approved", Order)
    agent.transition(**options)(function)
    return agent


def test_the_decorator_returns_the_function_unchanged() -> None:
    agent = Agent("a")

    def ship(order: Order) -> Parcel:
        return Parcel(1.0)

    assert agent.transition(ship) is ship
    assert agent.transition(name="again", priority=2)(ship) is ship
    assert list(agent.transitions) == ["ship", "again"]
    assert list(agent.places) == ["Order", "Parcel"]


def test_types_defined_where_the_agent_is_are_resolved() -> None:
    class Local(BaseModel):
        n: int

    agent = Agent("a")

    @agent.transition
    def use(local: Local) -> list[Local]:
        return [local]

    assert agent.places["Local"].type is Local


@pytest.mark.parametrize("type_", [int, str, Colour, Parcel, Order, dict[str, int], bytes])
def test_any_type_that_pydantic_knows_is_a_token_type(type_: Any) -> None:
    agent = Agent("a")
    place = agent.place("p", type_)
    assert place.type == type_


def no_annotation(order) -> None: ...  # type: ignore[no-untyped-def]
def no_return(order: Order): ...  # type: ignore[no-untyped-def]
def a_default(order: Order, n: int = 3) -> None: ...
def starred(*orders: Order) -> None: ...
def bare_list(orders: list[Order]) -> None: ...
def a_union(order: Order | Payment) -> None: ...
def a_class_marker(order: Annotated[Order, Read]) -> None: ...
def weighted_one(order: Annotated[Order, Weight(2)]) -> None: ...
def two_counts(orders: Annotated[list[Order], Weight(2), AtLeast(1)]) -> None: ...
def reads_all(orders: Annotated[list[Order], Read(), AtLeast(1)]) -> None: ...
def to_input(order: Annotated[Order, To("approved")]) -> None: ...
def from_output(order: Order) -> Annotated[Order, From("approved")]: ...  # type: ignore[empty-body]
def from_unknown(order: Annotated[Order, From("nowhere")]) -> None: ...
def to_unknown(order: Order) -> Annotated[Order, To("nowhere")]: ...  # type: ignore[empty-body]
def from_other_type(pay: Annotated[Payment, From("approved")]) -> None: ...
def nothing_taken(config: Annotated[Config, Read()]) -> Order: ...  # type: ignore[empty-body]
def no_input() -> Order: ...  # type: ignore[empty-body]
def any_type(value: Any) -> None: ...
def unknown_class(odd: Odd) -> None: ...
def unresolved(order: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def list_of_lists(order: Order) -> list[list[Order]]: ...  # type: ignore[empty-body]
def open_tuple(order: Order) -> tuple[Order, ...]: ...  # type: ignore[empty-body]
def iterator_function(order: Order) -> Iterator[Order]: ...  # type: ignore[empty-body]
def twice_all(one: Order, all_: Annotated[list[Order], AtLeast(1)]) -> None: ...
def two_gathers(a: Annotated[list[Order], Gather(1)], b: Annotated[list[Payment], Gather(2)]) -> None: ...
def pair(order: Order, payment: Payment) -> None: ...
def gathered_pair(order: Order, payments: Annotated[list[Payment], Gather()]) -> None: ...
def with_config(order: Order, config: Annotated[Config, Read()]) -> None: ...


def list_generator(order: Order) -> list[Order]:  # type: ignore[misc]
    yield order


@pytest.mark.parametrize(
    ("function", "options", "names"),
    [
        (no_annotation, {}, ["'no_annotation'", "'order'", "no annotation"]),
        (no_return, {}, ["'no_return'", "return annotation"]),
        (a_default, {}, ["'a_default'", "'n'", "default"]),
        (starred, {}, ["'starred'", "'orders'", "args"]),
        (bare_list, {}, ["'bare_list'", "'orders'", "Weight(n), AtLeast(n) or Gather()"]),
        (a_union, {}, ["'a_union'", "'order'", "union"]),
        (a_class_marker, {}, ["'a_class_marker'", "'order'", "Read(...)"]),
        (weighted_one, {}, ["'weighted_one'", "'order'", "list[Order]"]),
        (two_counts, {}, ["'two_counts'", "'orders'", "only one of"]),
        (reads_all, {}, ["'reads_all'", "'orders'", "Read goes with Weight only"]),
        (to_input, {}, ["'to_input'", "'order'", "From names"]),
        (from_output, {}, ["'from_output'", "return", "To names"]),
        (from_unknown, {}, ["'from_unknown'", "'order'", "unknown place 'nowhere'"]),
        (to_unknown, {}, ["'to_unknown'", "unknown place 'nowhere'"]),
        (from_other_type, {}, ["'from_other_type'", "'pay'", "'approved' holds", "Payment"]),
        (nothing_taken, {}, ["'nothing_taken'", "takes no token"]),
        (no_input, {}, ["'no_input'", "takes no token"]),
        (any_type, {}, ["'any_type'", "'value'", "no token type"]),
        (unknown_class, {}, ["'unknown_class'", "'odd'", "no schema"]),
        (unresolved, {}, ["'unresolved'", "'Nowhere'"]),
        (list_of_lists, {}, ["'list_of_lists'", "list of lists"]),
        (open_tuple, {}, ["'open_tuple'", "tuple[A, B]"]),
        (iterator_function, {}, ["'iterator_function'", "generators"]),
        (list_generator, {}, ["'list_generator'", "Iterator"]),
        (twice_all, {}, ["'twice_all'", "'one'", "'all_'", "'Order'"]),
        (two_gathers, {}, ["'two_gathers'", "min"]),
        (pair, {"match": "number"}, ["'pair'", "'order'", "'number'"]),
        (pair, {"match": {"order": "order_id"}}, ["'pair'", "a join needs two"]),
        (pair, {"match": {"order": "order_id", "other": "order_id"}}, ["'pair'", "'other'"]),
        (gathered_pair, {"match": "order_id"}, ["'gathered_pair'", "'payments'", "Gather"]),
        (with_config, {"match": "order_id"}, ["'with_config'", "'config'", "no field 'order_id'"]),
        (pair, {"where": {"nobody": bool}}, ["'pair'", "'nobody'"]),
        (pair, {"where": {"order": 3}}, ["'pair'", "'order'", "predicate"]),
        (pair, {"inhibit": ["nowhere"]}, ["'pair'", "'nowhere'"]),
        (pair, {"inhibit": [Order]}, ["'pair'", "'order'", "inhibits"]),
        (pair, {"inhibit": Config}, ["'pair'", "list"]),
        (pair, {"on_error": "approved"}, ["'pair'", "'approved'", "Failure"]),
        (functools.partial(pair), {}, ["name=..."]),
    ],
)
def test_a_bad_declaration_names_what_is_wrong(
    function: Any, options: dict[str, Any], names: list[str]
) -> None:
    with pytest.raises(NetError) as caught:
        declare(function, **options)
    for name in names:
        assert name in str(caught.value)


def test_a_declaration_that_fails_leaves_no_trace() -> None:
    agent = Agent("a")
    with pytest.raises(NetError):
        agent.transition(to_unknown)
    assert not agent.places
    assert not agent.transitions


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("priority", 1.5),
        ("priority", True),
        ("confirm", 1),
        ("retries", -1),
        ("backoff", 2.0),
        ("timeout", 0),
        ("timeout", float("nan")),
        ("delay", -1),
        ("concurrency", 0),
        ("rate_limit", "10 per s"),
        ("rate_limit", (0, 1)),
        ("on_error", 3),
        ("executor", 3),
        ("executor", ""),
        ("image", 3),
        ("image", "--privileged"),
        ("command", "ls -l"),
        ("command", []),
        ("cpu", 0),
        ("cpu", True),
        ("cpu", float("inf")),
        ("memory", "x"),
        ("memory", "1k"),
        ("memory", -1),
        ("gpu", -1),
        ("gpu", 0.5),
        ("network", "example.org"),
        ("network", ["example.org:0"]),
        ("network", ["example.org:99999"]),
        ("network", ["a b"]),
        ("volumes", ["/a"]),
        ("volumes", {"/a": "b"}),
        ("volumes", {"/a": "/b/../../etc"}),
        ("volumes", {"/a": "/b:rx"}),
        ("volumes", {"../a": "/b"}),
        ("env", ["A=1"]),
        ("env", {"A B": "1"}),
        ("env", {"A": 1}),
        ("env", {"A": "\0"}),
        ("secrets", "key"),
        ("secrets", ["../key"]),
        ("reuse", "always"),
        ("description", 3),
        ("colour", 3),
    ],
)
def test_a_bad_option_is_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(NetError, match=option) as caught:
        declare(pair, **{option: value})
    assert "'pair'" in str(caught.value)


@pytest.mark.parametrize("option", ["callback_url", "expose"])
def test_an_option_of_a_part_that_is_missing_is_refused_and_never_ignored(option: str) -> None:
    with pytest.raises(NetError, match=f"{option}.* not available"):
        declare(pair, **{option: "x"})


def test_requirements_are_brought_into_one_form() -> None:
    agent = declare(pair, executor="docker", image="python:3.12", cpu=2, memory="1.5g", gpu=1, reuse="never",
                    network=["Example.org", "10.0.0.1:80"], volumes={"/data": "/in", "models": "/models:rw"},
                    env={"B": "2", "A": "1"}, secrets=["key", "api", "key"])  # fmt: skip
    assert agent.transitions["pair"].options.requirements == Requirements(
        image="python:3.12",
        cpu=2.0,
        memory=3 << 29,
        gpu=1,
        network=("example.org:443", "10.0.0.1:80"),
        volumes=(Volume("/data", "/in"), Volume("models", "/models", writable=True)),
        env=(("A", "1"), ("B", "2")),
        secrets=("api", "key"),
        reuse="never",
    )


@pytest.mark.parametrize(
    ("options", "executor"), [({}, "thread"), ({"image": "python"}, "docker"), ({"gpu": 1}, "gpu")]
)
def test_what_is_asked_for_chooses_the_executor(options: dict[str, object], executor: str) -> None:
    assert declare(pair, **options).transitions["pair"].options.executor == executor


def test_policies_check_their_fields() -> None:
    with pytest.raises(NetError, match="max_attempts"):
        RetryPolicy(max_attempts=0)
    with pytest.raises(NetError, match="run_timeout"):
        TimeoutPolicy(run_timeout=-1)
    with pytest.raises(NetError, match="backoff"):
        declare(pair, retries=RetryPolicy(), backoff=1.0)


def test_a_parameter_that_partial_binds_is_no_input() -> None:
    def ship(order: Order, speed: int) -> None: ...

    agent = declare(functools.partial(ship, speed=3), name="fast")
    assert [one.parameter for one in agent.transitions["fast"].inputs] == ["order"]


def test_an_async_action_cannot_run_on_a_thread() -> None:
    async def use(order: Order) -> None: ...

    with pytest.raises(NetError, match="thread"):
        declare(use, executor="thread")


def test_a_name_stands_for_one_transition_and_one_place() -> None:
    agent = declare(pair)
    with pytest.raises(NetError, match="'pair' exists already"):
        agent.transition(pair)
    with pytest.raises(NetError, match="'approved' exists already"):
        agent.place("approved", Order)


def test_two_types_of_one_name_need_a_named_place() -> None:
    first, second = (type("Same", (BaseModel,), {"__annotations__": {"n": int}}) for _ in range(2))
    agent = Agent("a")

    def one(same: first) -> None: ...  # type: ignore[valid-type]
    def two(same: second) -> None: ...  # type: ignore[valid-type]

    agent.transition(one)
    with pytest.raises(NetError, match="'Same' holds"):
        agent.transition(two)


def test_an_input_that_nobody_can_produce_is_a_warning_with_place_and_transition() -> None:
    agent = Agent("a")
    agent.place("hidden", Order, expose=False)

    @agent.transition
    def ship(order: Annotated[Order, From("hidden")]) -> None: ...

    with pytest.warns(UserWarning, match="'ship' can never fire.*'hidden'"):
        agent.plan()


def test_a_hidden_place_that_something_puts_into_is_no_warning() -> None:
    agent = Agent("a")
    agent.place("hidden", Order, expose=False)

    @agent.transition
    def take(order: Order) -> Annotated[Order, To("hidden")]:
        return order

    @agent.transition
    def ship(order: Annotated[Order, From("hidden")]) -> None: ...

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        agent.plan()


def test_the_net_of_an_agent_has_its_arcs() -> None:
    agent = Agent("shop")
    agent.place("approved", Order)

    @agent.transition(inhibit=[Payment], priority=3, concurrency=2)
    def take(
        order: Order, pair: Annotated[list[Parcel], Weight(2)], config: Annotated[Config, Read()]
    ) -> tuple[Annotated[Order, To("approved")], list[Parcel]]: ...  # type: ignore[empty-body]

    @agent.transition
    def drain(orders: Annotated[list[Order], AtLeast(2), From("approved")]) -> None: ...

    net = agent.net()
    take_, drain_ = net.transitions["take"], net.transitions["drain"]
    assert dict(take_.inputs) == {"Order": 1, "Parcel": 2, "concurrency of take": 1}
    assert dict(take_.reads) == {"Config": 1}
    assert dict(take_.inhibitors) == {"Payment": 1}
    assert dict(take_.outputs) == {"approved": 1, "Parcel": 1, "concurrency of take": 1}
    assert take_.priority == 3
    assert net.places["concurrency of take"].tokens == 2
    assert dict(drain_.inputs) == {"approved": 2}
    assert drain_.resets == ("approved",)
    net.compile()


def test_a_choice_is_a_place_with_a_transition_for_each_alternative() -> None:
    agent = Agent("a")

    @agent.transition
    def judge(order: Order) -> Payment | Parcel | None: ...

    net = agent.net()
    assert dict(net.transitions["judge"].outputs) == {"judge?": 1}
    assert {name for name in net.transitions if name != "judge"} == {
        "judge -> Payment",
        "judge -> Parcel",
        "judge -> None",
    }


def test_include_shares_places_of_types_and_prefixes_what_is_named() -> None:
    inner = declare(functools.partial(pair), name="pay")
    outer = Agent("outer")

    @outer.transition
    def order(parcel: Parcel) -> Order: ...  # type: ignore[empty-body]

    outer.include(inner, prefix="shop.")
    assert list(outer.transitions) == ["order", "shop.pay"]
    assert list(outer.places) == ["Parcel", "Order", "shop.approved", "Payment"]
    with pytest.raises(NetError, match=r"shop\."):
        outer.include(inner, prefix="shop.")


def test_an_action_with_a_context_gets_no_place_for_it() -> None:
    async def talk(order: Order, ctx: Context) -> None: ...

    assert list(declare(talk).places) == ["approved", "Order"]


def test_generators_are_declared_by_what_they_yield() -> None:
    async def stream(order: Order) -> AsyncIterator[Parcel]:
        yield Parcel(1.0)

    assert list(declare(stream).places) == ["approved", "Order", "Parcel"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"where": [1]}, "where is predicates by parameter, not \\[1\\]"),
        ({"where": lambda job: True}, "where is predicates by parameter, not <function"),
        ({"match": 3}, "match is a field's name, or fields by parameter, not 3"),
    ],
)
def test_where_and_match_of_another_kind_are_refused_at_once(options: dict[str, Any], message: str) -> None:
    agent = Agent("a")

    def work(job: Order) -> None: ...

    with pytest.raises(NetError, match=message):
        agent.transition(**options)(work)


def test_a_stream_of_nothing_is_refused_at_once() -> None:
    def work(job: Order) -> typing.Iterator:  # type: ignore[type-arg]
        yield job

    with pytest.raises(NetError, match=r"write Iterator\[T\]"):
        Agent("a").transition(work)
