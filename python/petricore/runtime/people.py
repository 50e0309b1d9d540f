"""Callbacks that stand in for people in `agent.run`: they decide confirmations and answer questions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from petricore.runtime.events import Asked, Event, Waiting
from petricore.runtime.session import Session
from petricore.runtime.status import Pending

__all__ = ["Answerer", "Approver", "Desk"]

Approver = Callable[[Pending], bool | Awaitable[bool]]
Answerer = Callable[[Pending], Any]


class Desk:
    """Calls the callbacks for what waits, each in a task of its own, as soon as it waits."""

    def __init__(self, session: Session, confirm: Approver | bool | None, answer: Answerer | None) -> None:
        self._session = session
        self._confirm = confirm
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """Decisions under way."""
        return self._tasks

    def notice(self, event: Event) -> None:
        """Take up what waits since this event, if there is a callback for it."""
        match event:
            case Waiting(firing_id=firing_id) if self._confirm is not None:
                self._take_up(self._decide(firing_id))
            case Asked(request_id=request_id) if self._answer is not None:
                self._take_up(self._reply(request_id))

    def _take_up(self, work: Any) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(work))

    async def settle(self) -> None:
        """Return when the session moves no more and no decision is under way. Raises what a callback raised."""
        while True:
            await self._session.settled()
            if not self._tasks:
                return
            done, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def close(self) -> None:
        """Cancel decisions under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _decide(self, firing_id: str) -> None:
        pending = self._find("confirm", firing_id)
        if pending is None:
            return
        decided = self._confirm if isinstance(self._confirm, bool) else await _value(self._confirm, pending)
        if self._find("confirm", firing_id) is None:
            return
        if decided:
            await self._session.approve(firing_id)
        else:
            await self._session.reject(firing_id)

    async def _reply(self, request_id: str) -> None:
        pending = self._find("ask", request_id)
        if pending is None:
            return
        value = await _value(self._answer, pending)
        if self._find("ask", request_id) is not None:
            await self._session.answer(request_id, value)

    def _find(self, kind: str, key: str) -> Pending | None:
        return next(
            (one for one in self._session.waiting
             if one.kind == kind and key == (one.firing_id if kind == "confirm" else one.request_id)),
            None,
        )  # fmt: skip


async def _value(callback: Any, pending: Pending) -> Any:
    value = callback(pending)
    return await value if inspect.isawaitable(value) else value
