"""Versions of nets: what changes the hash, and what a change means for a marking."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from petricore import Agent, Gather, Read
from petricore.runtime.versions import Compatibility, Migration, compatibility, describe_net, net_version


class Url(BaseModel):
    href: str


class Review(BaseModel):
    stars: int


class Summary(BaseModel):
    text: str


def reviews(change: Callable[[Agent], None] | None = None, *, review: Any = Review, **options: Any) -> Agent:
    agent = Agent("reviews")

    async def scrape(url: Url):  # type: ignore[no-untyped-def]
        """Scrape."""

    scrape.__annotations__["return"] = list[review]
    agent.transition(scrape)

    async def summarise(reviews):  # type: ignore[no-untyped-def]
        """Summarise."""

    summarise.__annotations__ |= {"reviews": Annotated[list[review], Gather()], "return": Summary}
    agent.transition(**options)(summarise)
    if change is not None:
        change(agent)
    return agent


def compare(old: Agent, new: Agent, **more: Any) -> Compatibility:
    return compatibility(json.loads(json.dumps(describe_net(old))), new, **more)


def wider(**fields: Any) -> type[BaseModel]:
    annotations = {"stars": int} | {name: type_ for name, (type_, _) in fields.items()}
    values = {name: value for name, (_, value) in fields.items() if value is not ...}
    return type("Review", (BaseModel,), {"__annotations__": annotations, "__module__": __name__, **values})


def test_what_does_not_change_the_meaning_does_not_change_the_version() -> None:
    version = net_version(reviews())
    assert version == net_version(reviews(retries=3, timeout=5, description="other", delay=1.0))
    documented = type(
        "Review", (BaseModel,), {"__annotations__": {"stars": int}, "__module__": __name__, "__doc__": "Doc."}
    )
    assert version == net_version(reviews(review=documented))
    assert len(version) == 16
    assert compare(reviews(), reviews()).verdict == "identical"


@pytest.mark.parametrize(
    "options",
    [{"priority": 1}, {"confirm": True}, {"on_error": "release"}, {"concurrency": 2}, {"rate_limit": "1/s"},
     {"delivery": "at_most_once"}, {"inhibit": [Summary]}, {"where": {"reviews": bool}}],
    ids=lambda options: next(iter(options)),
)  # fmt: skip
def test_options_that_change_the_meaning_change_the_version(options: dict[str, Any]) -> None:
    found = compare(reviews(), reviews(**options))
    assert found.verdict == "compatible"
    assert found.transitions_changed == ("summarise",)
    assert net_version(reviews()) != net_version(reviews(**options))


def test_added_places_and_transitions_are_compatible() -> None:
    def change(agent: Agent) -> None:
        @agent.transition
        async def store(summary: Annotated[Summary, Read()], url: Url) -> None: ...

        agent.place("more", Review)

    found = compare(reviews(), reviews(change))
    assert found.verdict == "compatible"
    assert (found.places_added, found.transitions_added) == (("more",), ("store",))
    back = compare(reviews(change), reviews())
    assert (back.places_removed, back.transitions_removed) == (("more",), ("store",))
    assert back.reasons == ("place 'more' is removed: its tokens need another place",)
    assert compare(reviews(change), reviews(), marking={"Url": 3}).verdict == "compatible"
    assert "3 token(s)" in compare(reviews(change), reviews(), marking={"more": 3}).reasons[0]


def test_a_migration_s_names_are_taken_into_account() -> None:
    def change(agent: Agent) -> None:
        agent.place("more", Review)

    new = reviews()
    moved = compare(reviews(change), new, migration=Migration(new, places={"more": "Review"}))
    assert moved.verdict == "compatible"
    dropped = compare(reviews(change), new, migration=Migration(new, places={"more": None}))
    assert dropped.notes == ("place 'more' is removed, and its tokens are dropped",)


def test_an_optional_field_more_is_compatible_and_a_required_one_is_not() -> None:
    optional = compare(reviews(), reviews(review=wider(text=(str, ""))))
    assert optional.verdict == "compatible"
    assert optional.places_changed == ("Review",)
    assert optional.notes[0] == "the type of place 'Review' has changed: its values are still valid"
    required = compare(reviews(), reviews(review=wider(text=(str, ...))))
    assert required.reasons == (
        "the type of place 'Review' has changed: 'text' is required now, and had no value; convert its tokens",
    )
    new = reviews(review=wider(text=(str, ...)))
    assert compare(reviews(), new, migration=Migration(new, convert={"Review": dict})).verdict == "compatible"
    assert compare(reviews(), new, marking={"Url": 1}).verdict == "compatible"


def test_a_field_that_is_lost_is_noted() -> None:
    found = compare(reviews(review=wider(text=(str, ...))), reviews())
    assert found.verdict == "compatible"
    assert "has lost 'text'" in found.notes[0]


class Small(Enum):
    A = "a"


class Large(Enum):
    A = "a"
    B = "b"


class Inner(BaseModel):
    n: int


class Float(BaseModel):
    n: float


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        (int, float, True),
        (float, int, False),
        (int, int | None, True),
        (int | None, int, False),
        (Small, Large, True),
        (Large, Small, False),
        (Inner, Float, True),
        (list[Inner], list[Float], True),
        (list[Float], list[Inner], False),
        (dict[str, int], dict[str, float], True),
        (int, Annotated[int, Field(ge=0)], False),
        (tuple[int, int], tuple[int, str], False),
        (str, bytes, False),
    ],
)
def test_schemas_are_compared_by_what_values_they_allow(old: Any, new: Any, fits: bool) -> None:
    found = compare(reviews(review=wider(x=(old, ...))), reviews(review=wider(x=(new, ...))))
    assert (found.verdict == "compatible") is fits, found


def test_a_type_that_holds_itself_is_compared() -> None:
    tree: dict[str, Any] = {"$defs": {"T": {"type": "object", "properties": {"t": {"$ref": "#/$defs/T"}}}}}
    from petricore.runtime.widening import narrower

    assert narrower({"$ref": "#/$defs/T", **tree}, {"$ref": "#/$defs/T", **tree}) is None


def test_the_order_of_declaration_counts_and_is_compatible() -> None:
    def agent(*names: str) -> Agent:
        made = Agent("a")
        for name in names:

            @made.transition(name=name)
            async def action(url: Url) -> None: ...

        return made

    found = compare(agent("x", "y"), agent("y", "x"))
    assert found.verdict == "compatible"
    assert "the order of declaration differs" in found.notes[0]


def test_the_verdict_tells_what_it_found() -> None:
    found = compare(reviews(), reviews(review=wider(text=(str, ...)), confirm=True))
    assert not found
    assert str(found).splitlines()[:3] == [
        "incompatible",
        "  places changed: Review",
        "  transitions changed: summarise",
    ]
