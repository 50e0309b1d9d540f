"""Decisions made in another process reach the session, wherever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from petricore import Runtime
from petricore.cli import main
from petricore.runtime.inbox import leave
from petricore.runtime.journal.store import Store

from .test_resume import Done, Job, chain, on_a_loop


@on_a_loop
async def test_a_decision_left_in_the_journal_is_made_by_the_runtime_that_has_the_session(
    open_again: Callable[[], Store],
) -> None:
    agent = chain([])
    async with Runtime(open_again(), agents=[agent]) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1), Job(n=2))
        await session.settled()
        one, two = session.waiting
        other = open_again()
        assert leave(other, "s", "approve", firing_id=one.firing_id, by="ann")
        assert leave(other, "s", "approve", firing_id=one.firing_id, by="ann")  # made once, then dropped
        assert leave(other, "s", "reject", firing_id=two.firing_id, reason="no", by="bob")
        async for event in session.events():
            if event.kind == "quiescent" and event.number > 8:
                break
        assert await session.tokens(Done) == [Done(n=2)]
        assert [failure.error for failure in session.failures] == ["no"]
        while other.inbox():
            await asyncio.sleep(0.01)


def test_the_command_line_leaves_decisions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = str(tmp_path / "j.db")
    firing: list[str] = []

    async def begin() -> None:
        agent = chain([])
        async with Runtime(journal, agents=[agent]) as runtime:
            session = await runtime.start(agent, "s")
            await session.put(Job(n=1))
            await session.settled()
            firing.append(session.waiting[0].firing_id)

    async def go_on() -> None:
        agent = chain([])
        async with Runtime(journal, agents=[agent]) as runtime:
            session = await runtime.resume("s")
            async for event in session.events():
                if event.kind == "approved":
                    assert event.by == "ann"  # type: ignore[attr-defined]
                    return

    asyncio.run(begin())
    assert main(["approve", "s", firing[0], "--journal", journal, "--by", "ann"]) == 0
    assert "is left for session s" in capsys.readouterr().out
    assert main(["approve", "s", "s/99", "--journal", journal]) == 2
    assert "no firing 's/99' of session 's' waits for confirmation" in capsys.readouterr().err
    assert main(["reject", "nobody", "nobody/1", "--journal", journal]) == 2
    assert "no session 'nobody'" in capsys.readouterr().err
    asyncio.run(asyncio.wait_for(go_on(), 30))
