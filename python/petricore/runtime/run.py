"""`agent.run`: the same runtime with a journal in memory, one session, and no audience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from petricore.agent.result import Result
from petricore.runtime.clock import Clock
from petricore.runtime.events import Event
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
        raise TimeoutError(session.unfinished(timeout)) from None
    finally:
        if timer is not None:
            timer.cancel()


def _result(session: Session) -> Result:
    plan = session.dispatcher.plan
    return Result(
        {one.place.name: session.peek(one.place.name) for one in plan.places},
        {one.place.name: one.place.type for one in plan.places},
        session.ordered_values(),
        list(session.failures),
        session.waiting,
        session.gathers(),
        session.history(),
    )


def _both(
    first: Callable[[Event], object] | None, second: Callable[[Event], object] | None
) -> Callable[[Event], object] | None:
    if first is None or second is None:
        return first or second

    def call(event: Event) -> None:
        first(event)
        second(event)

    return call
