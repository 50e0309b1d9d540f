"""`agent.run`: the same runtime with a journal in memory, one session, and no audience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from petricore.agent.result import Result
from petricore.errors import NetError
from petricore.runtime.clock import Clock
from petricore.runtime.events import Event
from petricore.runtime.fold import Fold
from petricore.runtime.people import Answerer, Approver, Desk
from petricore.runtime.runtime import Runtime
from petricore.runtime.session import Session

if TYPE_CHECKING:
    from petricore.agent.agent import Agent

__all__ = ["run_agent", "run_blocking"]


def run_blocking(work: Coroutine[Any, Any, Result]) -> Result:
    """Run on an event loop of its own; on a thread of its own where this thread has a running one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1, thread_name_prefix="petricore-run") as pool:
        return pool.submit(copy_context().run, asyncio.run, work).result()


async def run_agent(
    agent: Agent,
    tokens: Iterable[Any],
    put: Mapping[str, Iterable[Any]],
    *,
    timeout: float | None,
    confirm: Approver | bool | None,
    answer: Answerer | None,
    on_event: Callable[[Event], object] | None,
    threads: int | None,
    clock: Clock | None,
) -> Result:
    """One session from its first token to its rest."""
    if not (confirm is None or isinstance(confirm, bool) or callable(confirm)):
        raise NetError(f"confirm is True, False, None or a callable, not {confirm!r}")
    if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
        raise NetError(f"timeout is a number of seconds from 0 on, not {timeout!r}")
    for place, values in put.items():
        # A model, a mapping and a text can be iterated too, but what they give is no tokens.
        if isinstance(values, (BaseModel, Mapping, str, bytes)) or not isinstance(values, Iterable):
            raise NetError(f"put: place {place!r} gets a list of tokens, not {values!r}")
    for spec in agent.transitions.values():
        if timeout is None and spec.options.every is not None and spec.options.every.times is None:
            raise NetError(f"transition {spec.name!r} is a source without an end, so a run has none: "
                           "give timeout=..., or Every(..., times=...)")  # fmt: skip
    async with Runtime(clock=clock, threads=threads) as runtime:
        session = await runtime.start(agent)
        desk = Desk(session, confirm, answer)
        session.on_event = _both(on_event, None if confirm is None and answer is None else desk.notice)
        if on_event is not None:
            for event in session.history():
                on_event(event)
        try:
            await session.put(*tokens)
            for place, values in put.items():
                await session.put(*values, place=place)
            await _within(timeout, desk, session, runtime.clock)
            return _result(session)
        finally:
            session.on_event = on_event
            await desk.close()


async def _within(timeout: float | None, desk: Desk, session: Session, clock: Clock) -> None:
    """Settle, or raise `TimeoutError` after so many seconds of the clock."""
    settling = asyncio.ensure_future(desk.settle())
    timer = None if timeout is None else clock.call_later(timeout, settling.cancel)
    try:
        await settling
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if timeout is None or (current is not None and current.cancelling()):
            settling.cancel()
            raise
        raise TimeoutError(session.rest.missing(timeout)) from None
    finally:
        if timer is not None:
            timer.cancel()


def _result(session: Session) -> Result:
    places = [one.place for one in session.dispatcher.plan.places]
    waiting, events = session.waiting, session.history()
    if waiting:
        # Nobody will come any more: what the waiting firings hold is left over too, where they took it from.
        fold = Fold(events)
        for firing_id in {one.firing_id for one in waiting}:
            fold.give_back(firing_id)
        tokens = {place.name: [token.value for token in fold.tokens(place.name)] for place in places}
        by_type = {
            place.name: [
                token.value for token in fold.tokens(*(one.name for one in places if one.type == place.type))
            ]
            for place in places
        }
    else:
        tokens = {place.name: session.peek(place.name) for place in places}
        by_type = session.ordered_values()
    types = {place.name: place.type for place in places}
    return Result(tokens, types, by_type, list(session.failures), waiting, session.gathers(), events)


def _both(
    first: Callable[[Event], object] | None, second: Callable[[Event], object] | None
) -> Callable[[Event], object] | None:
    if first is None or second is None:
        return first or second

    def call(event: Event) -> None:
        first(event)
        second(event)

    return call
