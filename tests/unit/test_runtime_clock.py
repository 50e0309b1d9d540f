"""The manual clock: it stands still, moves when told, and jumps only when all is asleep."""

from __future__ import annotations

import asyncio

import pytest

from petricore import ManualClock, SystemClock


def test_a_manual_clock_stands_still() -> None:
    clock = ManualClock(5.0)
    assert clock.time() == clock.time() == 5.0


def test_advance_calls_what_falls_due_in_order() -> None:
    clock = ManualClock()
    calls: list[tuple[str, float]] = []
    clock.call_later(2, lambda: calls.append(("b", clock.time())))
    clock.call_later(1, lambda: calls.append(("a", clock.time())))
    clock.call_later(1, lambda: clock.call_later(0.5, lambda: calls.append(("nested", clock.time()))))
    cancelled = clock.call_later(1.5, lambda: calls.append(("never", clock.time())))
    clock.call_later(9, lambda: calls.append(("late", clock.time())))
    cancelled.cancel()
    clock.advance(3)
    assert calls == [("a", 1), ("nested", 1.5), ("b", 2)]
    assert clock.time() == 3


def test_a_clock_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="-1"):
        ManualClock().advance(-1)


def test_sleep_ends_when_the_clock_is_moved() -> None:
    async def run() -> float:
        clock = ManualClock()
        sleeping = asyncio.create_task(clock.sleep(10))
        await asyncio.sleep(0)
        clock.advance(9)
        await asyncio.sleep(0)
        assert not sleeping.done()
        clock.advance(1)
        await sleeping
        return clock.time()

    assert asyncio.run(run()) == 10


def test_autojump_goes_from_timer_to_timer() -> None:
    async def run() -> float:
        clock = ManualClock(autojump=True)
        await asyncio.gather(clock.sleep(10), clock.sleep(1000), clock.sleep(5))
        return clock.time()

    assert asyncio.run(run()) == 1000


def test_autojump_waits_for_a_runtime_that_is_busy() -> None:
    async def run() -> None:
        clock = ManualClock(autojump=True)
        busy = 2  # one sleeper and one that works

        def ask() -> int:
            return busy

        clock.attach(ask)
        sleeping = asyncio.create_task(clock.sleep(10))
        for _ in range(20):
            await asyncio.sleep(0)
        assert clock.time() == 0
        busy = 1
        clock.idle()
        await sleeping
        assert clock.time() == 10
        clock.detach(ask)

    asyncio.run(run())


def test_the_system_clock_tells_the_time_and_calls_back() -> None:
    async def run() -> None:
        clock = SystemClock()
        before = clock.time()
        called = asyncio.Event()
        clock.call_later(0, called.set)
        await called.wait()
        await clock.sleep(0)
        assert clock.time() >= before > 1.6e9

    asyncio.run(run())
