"""The agent whose process is killed: every construct whose half must never be left behind, and an outside ledger."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel

from petricore import Agent, Context, Failure, Gather, JournalError, RetryPolicy, Runtime

__all__ = ["INPUTS", "Ledger", "build", "drive"]

INPUTS = 3
"""Orders put into each session."""


class Order(BaseModel):
    """What comes in."""

    number: int


class Line(BaseModel):
    """A part of an order."""

    number: int
    part: int


class Checked(BaseModel):
    """A line that was looked at."""

    number: int
    part: int


class Total(BaseModel):
    """An order's checked lines, gathered."""

    number: int
    parts: int


class Payment(BaseModel):
    """The other half of a join."""

    number: int


class Paid(BaseModel):
    """An order whose total met its payment."""

    number: int
    parts: int


class Letter(BaseModel):
    """What a generator puts."""

    number: int
    page: int


class Charged(BaseModel):
    """The outcome of what must not happen twice."""

    number: int


class Ledger:
    """Lines appended to a file of its own, by whatever process: the world outside of the journal."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def enter(self, action: str, context: Context) -> None:
        """One line, written at once: action, firing, attempt."""
        os.write(self._file, f"{action} {context.firing_id} {context.attempt}\n".encode())


def build(ledger: Ledger) -> Agent:
    """The agent."""
    agent = Agent("orders")
    agent.place("unpaid", Failure)

    @agent.transition
    async def split(order: Order, ctx: Context) -> tuple[list[Line], Payment]:
        ledger.enter("split", ctx)
        return [Line(number=order.number, part=i) for i in range(order.number % 4)], Payment(
            number=order.number
        )

    @agent.transition(retries=RetryPolicy(initial_interval=0.002, max_attempts=50, jitter=False))
    async def check(line: Line, ctx: Context) -> Checked:
        ledger.enter("check", ctx)
        await asyncio.sleep(0.001)
        if ctx.attempt == 1 and line.part == 1:
            raise ValueError("not yet")
        return Checked(number=line.number, part=line.part)

    @agent.transition
    def add_up(lines: Annotated[list[Checked], Gather()], ctx: Context) -> Total:
        ledger.enter("add_up", ctx)
        return Total(number=lines[0].number if lines else 0, parts=len(lines))

    @agent.transition(delay=0.003)
    async def pay(payment: Payment, total: Total, ctx: Context) -> Paid:
        ledger.enter("pay", ctx)
        return Paid(number=payment.number, parts=total.parts)

    @agent.transition
    def write(paid: Paid, ctx: Context) -> Iterator[Letter]:
        ledger.enter("write", ctx)
        yield Letter(number=paid.number, page=1)

    @agent.transition(delivery="at_most_once", on_error="unpaid")
    async def charge(letter: Letter, ctx: Context) -> Charged:
        ledger.enter("charge", ctx)
        await asyncio.sleep(0)
        return Charged(number=letter.number)

    return agent


async def drive(journal: str, ledger: Ledger, sessions: int) -> None:
    """Bring every session into being, give it its inputs once, and wait until all are at rest."""
    agent = build(ledger)
    # A firing that is under way at many kills would be given up as one that kills its process.
    options: Any = {"lease": 0.5, "snapshot_every": 20, "max_interruptions": 10**6, "journal_patience": 60.0}
    async with Runtime(journal, agents=[agent], **options) as runtime:
        await asyncio.gather(
            *(_patiently(runtime, partial(_one, runtime, agent, i)) for i in range(sessions))
        )


async def _one(runtime: Runtime, agent: Agent, i: int) -> None:
    """Begin a session that is not there, give it its inputs once, and see it to its rest."""
    name = f"s{i}"
    session = await (runtime.resume(name) if name in runtime.sessions() else runtime.start(agent, name))
    if not any(event.kind == "put" for event in session.history()):
        await session.put(*(Order(number=i + k) for k in range(INPUTS)))
    await session.quiescent()


async def _patiently(runtime: Runtime, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A journal that cannot be reached for a while is asked again, unless the runtime has given it up."""
    while True:
        try:
            return await work()
        except JournalError:
            if runtime.crashed is not None:
                raise
            await asyncio.sleep(0.1)
