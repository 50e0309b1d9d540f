"""SIGTERM: actions under way may end, nothing new begins, everything is written."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from petricore import Agent, Runtime
from petricore.runtime.journal.open import open_store

from .processes import ended_well, fork
from .test_resume import Done, Job


def build(folder: Path) -> Agent:
    agent = Agent("terminated")

    @agent.transition(concurrency=1)
    async def work(job: Job) -> Done:
        (folder / f"begun{job.n}").touch()
        while not (folder / "go").exists():
            await asyncio.sleep(0.005)
        return Done(n=job.n)

    return agent


async def serve(folder: Path) -> None:
    agent = build(folder)
    async with Runtime(folder / "j.db", agents=[agent]) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1), Job(n=2))
        await runtime.serve(grace=60)


def test_sigterm_lets_actions_end_and_begins_no_others(tmp_path: Path) -> None:
    pid = fork(lambda: asyncio.run(serve(tmp_path)))
    while not (tmp_path / "begun1").exists():
        time.sleep(0.005)
    os.kill(pid, signal.SIGTERM)
    time.sleep(0.1)
    (tmp_path / "go").touch()
    assert ended_well(pid)
    assert not (tmp_path / "begun2").exists()
    store = open_store(str(tmp_path / "j.db"))
    row = store.row("s")
    assert row is not None
    assert (row.owner, row.status) == (None, "live")
    assert [record.kind for record in store.records("s")].count("completed") == 1
    store.close()
