"""Texts that are no UTF-8 (names of files, as the system gives them) are kept, and stop nobody's journal."""

from __future__ import annotations

import os

import pytest
from pydantic import BaseModel

from petricore import Agent, Context, Failure, NetError, Runtime, TokenTypeError
from petricore.runtime.events import Failed, Put, Remembered, Said, Token
from petricore.runtime.journal.schema import EventCodec
from petricore.runtime.journal.store import Store

from .test_resume import on_a_loop

ODD = os.fsdecode(b"caf\xe9 \xc3\xa9\0")
HALVES = "\ud83d\ude00"


class Name(BaseModel):
    text: str


class Seen(BaseModel):
    text: str


def odd() -> Agent:
    agent = Agent("odd")

    @agent.transition
    async def look(name: Name, ctx: Context) -> Seen:
        await ctx.say(name.text)
        await ctx.remember("name", name.text)
        return Seen(text=name.text)

    @agent.transition
    async def fail(seen: Seen) -> None:
        raise FileNotFoundError(seen.text)

    return agent


@on_a_loop
async def test_a_text_that_is_no_utf_8_comes_back_as_it_was(store: Store) -> None:
    agent = odd()
    async with Runtime(store, agents=[agent]) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Name(text=ODD))
        await session.quiescent()
        codec = EventCodec(agent.plan())
        events = [codec.decode(record) for record in store.records("s")]
    assert [one.text for one in events if isinstance(one, Said)] == [ODD]
    assert [one.value for one in events if isinstance(one, Remembered)] == [ODD]
    (failed,) = [one for one in events if isinstance(one, Failed)]
    assert failed.failure.tokens == {"seen": Seen(text=ODD)}
    assert ODD in failed.failure.error


def test_halves_that_json_would_put_together_are_refused_in_values_and_told_in_failures() -> None:
    codec = EventCodec(odd().plan())
    with pytest.raises(TokenTypeError, match="split characters"):
        codec.encode(Put(1, 0.0, (Token(1, "Name", Name(text=HALVES)),)))
    failure = Failure("look", "s/1", "error", HALVES, 1, {"name": Name(text="")})
    told = codec.decode(codec.encode(Failed(1, 0.0, "s/1", "look", (), failure)))
    assert isinstance(told, Failed)
    assert told.failure.error == "\U0001f600"


@pytest.mark.parametrize("name", ["a\udcff", "a\0"])
@on_a_loop
async def test_a_name_that_no_database_keeps_is_refused_and_the_runtime_goes_on(
    store: Store, name: str
) -> None:
    agent = odd()
    async with Runtime(store, agents=[agent]) as runtime:
        for id_, user in ((name, None), ("s", name)):
            with pytest.raises(NetError, match=r"lone surrogate|zero character"):
                await runtime.start(agent, id_, user)
        await runtime.start(agent, "s")
        assert store.ids() == ["s"]
