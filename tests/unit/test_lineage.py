"""Lineage: what led to a token and what became of it, as the events of real sessions tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Annotated

import pytest
from pydantic import BaseModel

from petricore import Agent, Gather, ManualClock, NetError, Read, RetryPolicy, Runtime
from petricore.runtime import Session
from petricore.runtime.events import Claimed, Moved, Put, Started, Token
from petricore.runtime.lineage import Lineage


class Url(BaseModel):
    href: str


class Style(BaseModel):
    tone: str


class Page(BaseModel):
    n: int


class Summary(BaseModel):
    text: str


class Letter(BaseModel):
    text: str


def reviews() -> Agent:
    agent = Agent("reviews")

    @agent.transition
    async def scrape(url: Url) -> list[Page]:
        return [Page(n=n) for n in range(3)]

    @agent.transition
    async def summarise(pages: Annotated[list[Page], Gather()], style: Annotated[Style, Read()]) -> Summary:
        return Summary(text=f"{style.tone} {len(pages)}")

    @agent.transition(confirm=True)
    async def publish(summary: Summary) -> Letter:
        return Letter(text=summary.text)

    return agent


def drive(agent: Agent, script: Callable[[Session], object]) -> None:
    async def run() -> None:
        async with Runtime(clock=ManualClock(autojump=True), seed=1) as runtime:
            await script(await runtime.start(agent, "s"))  # type: ignore[misc]

    asyncio.run(run())


def ids(session: Session, place: str) -> list[int]:
    return [one.id for one in Lineage.of(session.history()).tokens.values() if one.place == place]


def test_the_past_of_a_token_is_every_cause_and_nothing_else() -> None:
    async def script(session: Session) -> None:
        await session.put(Url(href="a"), Style(tone="calm"), by="ann")
        await session.settled()
        await session.put(Url(href="other"))
        await session.settled()
        await session.approve(session.waiting[0].firing_id, by="bea")
        await session.settled()
        (letter,) = ids(session, "Letter")
        lineage = session.lineage(letter)
        assert [one.place for one in lineage.tokens.values()] == [
            "Url", "Style", "Page", "Page", "Page", "Summary", "Letter",
        ]  # fmt: skip
        assert [one.transition for one in lineage.firings.values()] == ["scrape", "summarise", "publish"]
        assert [(one.place, one.by) for one in lineage.roots] == [("Url", "ann"), ("Style", "ann")]
        summarise = next(one for one in lineage.firings.values() if one.transition == "summarise")
        assert [one.place for one in summarise.taken] == ["Page"] * 3
        assert [one.value for one in summarise.read] == [Style(tone="calm")]
        publish = list(lineage.firings.values())[-1]
        assert publish.approved_by == ("bea",)
        assert publish.outcome == "completed"
        assert lineage.tokens[letter].producer == publish.id

    drive(reviews(), script)


def test_descendants_follow_reads_and_stop_at_what_is_free() -> None:
    async def script(session: Session) -> None:
        await session.put(Style(tone="calm"))
        await session.put(Url(href="a"), Url(href="b"))
        await session.settled()
        future = session.descendants(1)
        transitions = sorted(one.transition for one in future.firings.values())
        assert transitions == ["publish", "publish", "summarise", "summarise"]
        assert {one.outcome for one in future.firings.values()} == {"completed", "under way"}
        assert [one.place for one in future.ends] == ["Style"]
        assert len(session.descendants(2).tokens) == 5

    drive(reviews(), script)


def test_a_rejected_firing_is_told_but_lies_on_no_chain() -> None:
    async def script(session: Session) -> None:
        await session.put(Summary(text="draft"))
        await session.settled()
        await session.edit(session.waiting[0].firing_id, summary=Summary(text="better"), by="ann")
        await session.reject(session.waiting[0].firing_id, "too long", by="bea")
        await session.settled()
        lineage = session.lineage(1)
        (firing,) = lineage.firings.values()
        assert firing.returned
        assert [(one.kind, one.by) for one in firing.decisions] == [("edited", "ann"), ("rejected", "bea")]
        assert lineage.tokens[1].consumer is None
        assert lineage.tokens[1].value == Summary(text="better")
        assert lineage.tokens[1].returned_by == (firing.id,)
        assert list(lineage.to_net().transitions) == []

    drive(reviews(), script)


def test_the_story_numbers_the_steps_and_names_attempts_people_and_values() -> None:
    agent = Agent("flaky")
    attempts = []

    @agent.transition(retries=RetryPolicy(max_attempts=2, jitter=False))
    async def summarise(page: Page) -> Summary:
        attempts.append(page)
        if len(attempts) == 1:
            raise ValueError("no service")
        return Summary(text="fine")

    async def script(session: Session) -> None:
        await session.put(Page(n=7), by="ann")
        await session.quiescent()
        assert str(session.lineage(2)).splitlines() == [
            '1. ann put Page #1 {"n": 7}',
            '2. summarise [s/1] took Page #1 and made Summary #2 {"text": "fine"} (0.1 s, 2 attempts)',
            "   attempt 1 failed: ValueError: no service",
        ]

    drive(agent, script)


def test_drawings_and_plain_data_show_every_token_and_firing() -> None:
    async def script(session: Session) -> None:
        await session.put(Url(href="<a>"), Style(tone="calm"))
        await session.settled()
        (summary,) = ids(session, "Summary")
        lineage = session.lineage(summary)
        net = lineage.to_net()
        assert len(net.places) == 6
        assert len(net.transitions) == 2
        assert lineage.to_dot().startswith("digraph")
        assert lineage.to_mermaid().count("Page") == 3
        assert lineage._repr_svg_().startswith("<svg")
        plain = json.loads(json.dumps(lineage.to_json()))
        assert [one["id"] for one in plain["tokens"]] == list(lineage.tokens)
        assert plain["firings"][-1]["read"] == [2]
        assert repr(lineage) == "<Lineage of 's': 6 tokens, 2 firings>"

    drive(reviews(), script)


def test_a_failed_firing_leads_to_its_failure_token() -> None:
    agent = Agent("errors")
    from petricore import Failure

    agent.place("broken", Failure)

    @agent.transition(on_error="broken")
    async def summarise(page: Page) -> Summary:
        raise ValueError("never")

    async def script(session: Session) -> None:
        await session.put(Page(n=1))
        await session.quiescent()
        lineage = session.lineage(ids(session, "broken")[0])
        (firing,) = lineage.firings.values()
        assert firing.outcome == "failed"
        assert not firing.returned
        assert "ValueError: never" in str(lineage)

    drive(agent, script)


def test_what_a_migration_converts_keeps_its_id_and_its_past() -> None:
    events = [
        Started(1, 0.0, "a", "s", None),
        Put(2, 0.0, (Token(1, "Old", 1),)),
        Moved(3, 0.0, (1,), (Token(1, "New", 2),)),
        Claimed(4, 0.0, "s/1", "take", (1,), ()),
    ]
    lineage = Lineage.of(events).past(1)
    assert (lineage.tokens[1].place, lineage.tokens[1].value) == ("New", 2)
    assert lineage.tokens[1].consumer == "s/1"


def test_a_firing_that_a_cancelled_session_held_gave_its_tokens_back() -> None:
    async def script(session: Session) -> None:
        await session.put(Summary(text="draft"))
        await session.settled()
        await session.cancel(by="ann")
        (firing,) = Lineage.of(session.history()).firings.values()
        assert (firing.outcome, firing.returned) == ("released", True)

    drive(reviews(), script)


def test_a_token_that_never_was_is_refused() -> None:
    async def script(session: Session) -> None:
        with pytest.raises(NetError, match="session 's' never had a token 99"):
            session.lineage(99)

    drive(reviews(), script)
