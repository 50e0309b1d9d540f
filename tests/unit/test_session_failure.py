"""What happens to a session when its firings fail: dead letters, a failed session, and what undoes its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import (
    Agent,
    Context,
    Failure,
    FiringNotFoundError,
    From,
    Gather,
    ManualClock,
    NetError,
    RetryPolicy,
    Runtime,
)
from petricore.runtime.events import (
    Cancelled,
    Claimed,
    Closed,
    Completed,
    Retried,
)


class Order(BaseModel):
    n: int


class Paid(BaseModel):
    n: int


class Sent(BaseModel):
    n: int


# -- dead letters


def test_with_a_dead_letter_a_failure_is_a_token_there() -> None:
    agent = Agent("shop", dead_letter="dead")

    @agent.transition
    async def pay(order: Order) -> Paid:
        raise ValueError("declined")

    result = agent.run(Order(n=1))
    (failure,) = result.tokens("dead")
    assert failure == result.failures[0]
    assert (failure.transition, failure.kind, failure.tokens) == ("pay", "error", {"order": Order(n=1)})


def test_a_token_that_nobody_takes_any_more_goes_to_the_dead_letter() -> None:
    agent = Agent("shop", dead_letter="dead")

    @agent.transition(on_error="release", priority=1)
    async def by_card(order: Order) -> Paid:
        raise ValueError("no card")

    @agent.transition(on_error="release")
    async def by_bank(order: Order) -> Paid:
        raise ValueError("no bank")

    result = agent.run(Order(n=1))
    assert result[Order] == []
    (failure,) = result.tokens("dead")
    assert (failure.transition, failure.tokens) == ("by_bank", {"order": Order(n=1)})
    assert [one.transition for one in result.failures] == ["by_card", "by_bank"]


def test_a_rejected_token_is_no_dead_letter() -> None:
    agent = Agent("shop", dead_letter="dead")

    @agent.transition(confirm=True)
    async def pay(order: Order) -> Paid:
        return Paid(n=order.n)

    result = agent.run(Order(n=1), confirm=False)
    assert (result.tokens("dead"), result[Order]) == ([], [Order(n=1)])


def test_dead_letters_can_be_taken_up() -> None:
    agent = Agent("shop", dead_letter="dead")

    @agent.transition
    async def pay(order: Order) -> Paid:
        raise ValueError("declined")

    @agent.transition
    async def report(failure: Annotated[Failure, From("dead")]) -> Sent:
        return Sent(n=failure.tokens["order"].n)

    assert agent.run(Order(n=1))[Sent] == [Sent(n=1)]


def test_a_gather_does_not_wait_for_a_dead_letter() -> None:
    agent = Agent("shop", dead_letter="dead")

    @agent.transition
    async def split(order: Order) -> list[Paid]:
        return [Paid(n=i) for i in range(order.n)]

    @agent.transition
    async def send(paid: Paid) -> Sent:
        if paid.n == 1:
            raise ValueError("lost")
        return Sent(n=paid.n)

    @agent.transition
    async def total(sent: Annotated[list[Sent], Gather()]) -> str:
        return str(len(sent))

    result = agent.run(Order(n=3))
    assert (result[str], len(result.tokens("dead"))) == (["2"], 1)


# -- a failure that ends the session


def failing() -> tuple[Agent, list[Any]]:
    """Charges and books, then fails; what was done is told."""
    agent = Agent("saga")
    done: list[Any] = []

    async def refund(order: Order, outputs: list[Any]) -> None:
        done.append(("refund", order.n, outputs))

    def unbook(paid: Paid, ctx: Context) -> None:
        done.append(("unbook", paid.n, ctx.firing_id))

    @agent.transition(compensate=refund)
    async def charge(order: Order) -> Paid:
        done.append(("charge", order.n))
        return Paid(n=order.n * 10)

    @agent.transition(compensate=unbook)
    async def book(paid: Paid) -> Sent:
        done.append(("book", paid.n))
        return Sent(n=paid.n)

    @agent.transition(on_error="session")
    async def ship(sent: Sent) -> None:
        raise ValueError("no ship")

    return agent, done


def test_a_failed_session_undoes_what_completed_the_last_first() -> None:
    agent, done = failing()

    async def main() -> list[Any]:
        async with Runtime(clock=ManualClock(autojump=True)) as runtime:
            session = await runtime.start(agent, "s")
            await session.put(Order(n=1))
            await session.quiescent()
            assert session.closed
            with pytest.raises(NetError, match="closed"):
                await session.put(Order(n=2))
            return session.history()

    events = asyncio.run(main())
    assert done == [("charge", 1), ("book", 10), ("unbook", 10, "s/4"), ("refund", 1, [Paid(n=10)])]
    undone = [event for event in events if isinstance(event, Claimed) and event.undoes is not None]
    assert [(one.transition, one.undoes, one.taken) for one in undone] == [
        ("compensate book", "s/2", ()),
        ("compensate charge", "s/1", ()),
    ]
    assert isinstance(events[-1], Closed)
    assert events[-1].reason == "ship: ValueError: no ship"
    kinds = [event.kind for event in events]
    assert kinds.index("unwinding") == kinds.index("failed") + 1


def test_without_anything_to_undo_a_failed_session_is_closed_at_once() -> None:
    agent = Agent("plain")

    @agent.transition(on_error="session")
    async def work(order: Order) -> None:
        raise ValueError("no")

    @agent.transition(confirm=True)
    async def wait(paid: Paid) -> None: ...

    result = agent.run(Order(n=1), put={"Paid": [Paid(n=2)]})
    assert [event.kind for event in result.events[-3:]] == ["failed", "released", "closed"]
    assert result[Paid] == [Paid(n=2)]
    assert result.failures[0].tokens == {"order": Order(n=1)}


def test_a_rejection_does_not_end_the_session() -> None:
    agent = Agent("plain")

    @agent.transition(on_error="session", confirm=True)
    async def work(order: Order) -> None: ...

    assert agent.run(Order(n=1), confirm=False)[Order] == [Order(n=1)]


def test_cancelling_a_session_undoes_and_returns_when_it_is_closed() -> None:
    agent, done = failing()

    async def main() -> None:
        async with Runtime(clock=ManualClock(autojump=True)) as runtime:
            session = await runtime.start(agent)
            session.on_event = lambda event: None
            await session.put(Paid(n=5))
            while not any(isinstance(event, Completed) for event in session.history()):
                await asyncio.sleep(0)
            await session.cancel(reason="changed my mind", by="ada")
            closed = session.history()[-1]
            assert isinstance(closed, Closed)
            assert (closed.reason, closed.by) in [
                ("changed my mind", "ada"),
                ("ship: ValueError: no ship", None),
            ]
            assert session.marking["Order"] == 0

    asyncio.run(main())
    assert done[0] == ("book", 5)
    assert done[1][:2] == ("unbook", 5)


def test_a_fork_undoes_what_it_did_itself_and_the_original_the_rest() -> None:
    agent, done = failing()

    async def main() -> None:
        async with Runtime(clock=ManualClock(autojump=True)) as runtime:
            session = await runtime.start(agent, "s")
            await session.put(Order(n=1))
            await session.quiescent()
            booked = next(event.number for event in session.history() if event.kind == "completed")
            fork = await session.fork(at=booked, session_id="f")
            await fork.quiescent()
            assert fork.closed

    asyncio.run(main())
    assert [one[:2] for one in done] == [
        ("charge", 1), ("book", 10), ("unbook", 10), ("refund", 1),
        ("book", 10), ("unbook", 10),
    ]  # fmt: skip


def test_a_compensation_is_retried_and_one_that_fails_does_not_keep_the_others_from_being_made() -> None:
    agent = Agent("saga")
    undone: list[str] = []

    def undo_first(order: Order) -> None:
        undone.append("first")

    async def undo_second(ctx: Context) -> None:
        undone.append(f"second, attempt {ctx.attempt}")
        raise OSError("down")

    @agent.transition(compensate=undo_first)
    async def first(order: Order) -> Paid:
        return Paid(n=order.n)

    @agent.transition(compensate=undo_second, retries=RetryPolicy(max_attempts=2, jitter=False))
    async def second(paid: Paid) -> Sent:
        return Sent(n=paid.n)

    @agent.transition(on_error="session")
    async def third(sent: Sent) -> None:
        raise ValueError("no")

    result = agent.run(Order(n=1), clock=ManualClock(autojump=True))
    assert undone == ["second, attempt 1", "second, attempt 2", "first"]
    assert [event.delay for event in result.events if isinstance(event, Retried)] == [0.1]
    closed = result.events[-1]
    assert isinstance(closed, Closed)
    assert closed.reason == "third: ValueError: no; 1 compensation(s) failed"
    assert [(one.transition, one.kind) for one in result.failures] == [
        ("third", "error"),
        ("compensate second", "error"),
    ]


def test_a_compensation_may_ask_a_person() -> None:
    agent = Agent("saga")
    said: list[str] = []

    async def undo(ctx: Context) -> None:
        said.append(await ctx.ask("How to undo it?"))

    @agent.transition(compensate=undo)
    async def first(order: Order) -> Paid:
        return Paid(n=order.n)

    @agent.transition(on_error="session")
    async def second(paid: Paid) -> None:
        raise ValueError("no")

    result = agent.run(Order(n=1))
    assert [one.question for one in result.waiting] == ["How to undo it?"]
    assert result.events[-1].kind == "asked"
    assert agent.run(Order(n=1), answer=lambda pending: "slowly").events[-1].kind == "closed"
    assert said == ["slowly"]


def test_a_generator_is_undone_with_all_that_it_put() -> None:
    agent = Agent("saga")
    seen: list[Any] = []

    def undo(outputs: list[Any]) -> None:
        seen.extend(outputs)

    @agent.transition(compensate=undo)
    async def stream(order: Order) -> AsyncIterator[Paid]:
        yield Paid(n=1)
        yield Paid(n=2)

    @agent.transition(on_error="session")
    async def gather(paid: Annotated[list[Paid], Gather()]) -> None:
        raise ValueError("no")

    agent.run(Order(n=1), clock=ManualClock(autojump=True))
    assert seen == [Paid(n=1), Paid(n=2)]


def test_nothing_fires_while_a_session_is_undone() -> None:
    agent = Agent("saga")
    order: list[str] = []

    async def undo(order_: Any = None) -> None:
        order.append("undo")

    @agent.transition(compensate=undo, priority=2)
    async def first(order: Order) -> list[Paid]:
        return [Paid(n=1), Paid(n=2)]

    @agent.transition(on_error="session", priority=1, concurrency=1)
    async def second(paid: Paid) -> None:
        order.append("second")
        raise ValueError("no")

    result = agent.run(Order(n=1), clock=ManualClock(autojump=True))
    assert order == ["second", "undo"]
    assert result[Paid] == [Paid(n=2)]


@pytest.mark.parametrize(
    ("undo", "says"),
    [
        (
            lambda wrong: None,
            "parameter 'wrong' gets nothing; the names are 'order', 'outputs', or a Context",
        ),
        (lambda *outputs: None, "'outputs' is not passed by name"),
        (7, "compensate is a function, not 7"),
    ],
)
def test_a_wrong_compensation_says_what_is_wrong(undo: Any, says: str) -> None:
    agent = Agent("saga")
    with pytest.raises(NetError, match=says):

        @agent.transition(compensate=undo)
        def work(order: Order) -> None: ...


def test_a_compensation_is_no_generator() -> None:
    def undo(order: Order) -> Iterator[Order]:
        yield order

    agent = Agent("saga")
    with pytest.raises(NetError, match="no generator"):

        @agent.transition(compensate=undo)
        def work(order: Order) -> None: ...


# -- cancelling


def test_the_siblings_of_a_firing_are_cancelled_and_strangers_are_not() -> None:
    agent = Agent("race")

    @agent.transition
    async def spread(order: Order) -> list[Paid]:
        return [Paid(n=order.n + i) for i in range(3)]

    @agent.transition
    async def race(paid: Paid, ctx: Context) -> Sent:
        await ctx.ask(f"{paid.n}?")
        return Sent(n=paid.n)

    @agent.transition
    async def finish(sent: Annotated[list[Sent], Gather()]) -> None: ...

    async def main() -> None:
        async with Runtime(clock=ManualClock(autojump=True)) as runtime:
            session = await runtime.start(agent)
            await session.put(Order(n=10), Order(n=20))
            await session.settled()
            winner = next(one for one in session.waiting if one.arguments["paid"].n == 11)
            await session.cancel(siblings_of=winner.firing_id, by="ada")
            await session.settled()
            cancelled = [event for event in session.history() if isinstance(event, Cancelled)]
            assert sorted(event.failure.tokens["paid"].n for event in cancelled) == [10, 12]
            assert {event.by for event in cancelled} == {"ada"}
            assert sorted(one.arguments["paid"].n for one in session.waiting) == [11, 20, 21, 22]
            with pytest.raises(FiringNotFoundError):
                await session.cancel(siblings_of="nobody")

    asyncio.run(main())


def test_a_released_firing_gives_its_tokens_back_when_the_session_ends() -> None:
    agent = Agent("plain")

    @agent.transition(confirm=True)
    async def work(order: Order) -> None: ...

    async def main() -> None:
        async with Runtime() as runtime:
            session = await runtime.start(agent)
            await session.put(Order(n=1))
            await session.settled()
            await session.cancel(by="ada")
            assert [event.kind for event in session.history()[-2:]] == ["released", "closed"]
            assert session.marking == {"Order": 1}
            await session.cancel()  # a second time: nothing

    asyncio.run(main())


def test_verify_knows_the_dead_letter_and_takes_a_failed_session_to_go_on() -> None:
    agent = Agent("shop", dead_letter="dead")

    @agent.transition
    async def pay(order: Order) -> Paid:
        return Paid(n=order.n)

    @agent.transition(on_error="session")
    async def ship(paid: Paid) -> None: ...

    assert agent.verify({Order: 2}).ok
    assert "dead" in agent.net().places

    @agent.transition
    async def stuck(failure: Annotated[Failure, From("dead")], sent: Sent) -> None: ...

    assert "stuck" in str(agent.verify({Order: 1}))
