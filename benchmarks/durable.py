"""Durable sessions: steps per second on each journal beside raw commits and peers; memory and latency of many."""

from __future__ import annotations

import asyncio
import gc
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import psycopg

from benchmarks import peers
from benchmarks.method import OURS, Contender, Figure, compare
from petricore import Agent, Runtime
from petricore.runtime.journal.sqlite import SqliteStore
from tests.services.postgres import PostgresServer, find_programs

Synchronous = Literal["FULL", "NORMAL"]


@dataclass(slots=True)
class Job:
    """Steps left."""

    n: int


@dataclass(slots=True)
class Done:
    """The end of a chain."""

    n: int


chain = Agent("durable-chain")


@chain.transition
async def step(job: Job) -> Job | Done:
    """One step down."""
    return Job(job.n - 1) if job.n > 1 else Done(0)


def figures(quick: bool) -> Iterator[Figure]:
    """Steps per second, microseconds, bytes."""
    rounds = 1 if quick else 3
    for synchronous in ("FULL", "NORMAL"):
        for sessions, steps in ((1, 20), (4, 5)) if quick else ((1, 500), (200, 50)):
            values = compare(_contenders(synchronous, sessions, steps, quick), rounds)  # type: ignore[arg-type]
            case = f"SQLite {synchronous}, {sessions} session(s) of {steps} steps"
            yield Figure("durable", case, "steps/s", values)
    yield from _postgres(quick)
    yield from _many(20 if quick else 10_000)
    yield from _idle(20 if quick else 100_000)
    yield from _resumed(200 if quick else 1_000_000)


def _contenders(synchronous: Synchronous, sessions: int, steps: int, quick: bool) -> dict[str, Contender]:
    contenders: dict[str, Contender] = {
        OURS: partial(_in_a_folder, partial(_steps_per_second, synchronous, sessions, steps)),
        "raw commits": partial(_in_a_folder, partial(_commits_per_second, synchronous)),
    }
    if not quick and sessions == 1:
        for name, script in (("LangGraph", "durable_langgraph"), ("DBOS", "durable_dbos")):
            if peers.figure_of(script, f"{name} durable", synchronous, 5) is not None:
                contenders[name] = partial(_peer, script, f"{name} durable", synchronous, 100)
    return contenders


def _peer(script: str, peer: str, synchronous: str, steps: int) -> float:
    return peers.figure_of(script, peer, synchronous, steps) or float("nan")


def _in_a_folder(measure: Callable[[Path], float]) -> float:
    folder = Path(tempfile.mkdtemp(prefix="petricore-durable-", dir="."))
    try:
        return measure(folder)
    finally:
        shutil.rmtree(folder)


def _steps_per_second(synchronous: Synchronous, sessions: int, steps: int, folder: Path) -> float:
    store = SqliteStore(str(folder / "journal.db"), synchronous=synchronous)
    return asyncio.run(_run(store, sessions, steps))


async def _run(journal: Any, sessions: int, steps: int) -> float:
    async with Runtime(journal, agents=[chain]) as runtime:
        started = await asyncio.gather(*(runtime.start(chain) for _ in range(sessions)))
        begun = time.perf_counter()
        await asyncio.gather(*(session.put(Job(steps)) for session in started))
        await asyncio.gather(*(session.quiescent() for session in started))
        return sessions * steps / (time.perf_counter() - begun)


def _commits_per_second(synchronous: Synchronous, folder: Path) -> float:
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT)")
    begun, commits = time.perf_counter(), 300
    for _ in range(commits):
        connection.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 200,))
    elapsed = time.perf_counter() - begun
    connection.close()
    return commits / elapsed


def _postgres(quick: bool) -> Iterator[Figure]:
    """The same on a PostgreSQL server of the benchmark's own, where there is one."""
    programs = find_programs()
    if programs is None:
        return
    folder = Path(tempfile.mkdtemp(prefix="petricore-pg-"))
    folder.chmod(0o755)
    server = PostgresServer(programs, folder)
    server.start()
    try:
        for sessions, steps in ((1, 10),) if quick else ((1, 300), (200, 50)):
            contenders: dict[str, Contender] = {
                OURS: lambda: asyncio.run(_run(server.dsn, sessions, steps)),  # noqa: B023
                "raw commits": lambda: _postgres_commits(server.dsn),
            }
            case = f"PostgreSQL, {sessions} session(s) of {steps} steps"
            yield Figure("durable", case, "steps/s", compare(contenders, 1 if quick else 3))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_commits(dsn: str) -> float:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS rows (text text)")
        begun, commits = time.perf_counter(), 300
        for _ in range(commits):
            connection.execute("INSERT INTO rows VALUES (%s)", ("x" * 200,))
        return commits / (time.perf_counter() - begun)


def _many(sessions: int) -> Iterator[Figure]:
    """Sessions that all run at once."""

    async def measure(folder: Path) -> tuple[float, float]:
        store = SqliteStore(str(folder / "journal.db"), synchronous="NORMAL")
        async with Runtime(store, agents=[chain]) as runtime:
            gc.collect()
            before = _resident()
            started = await _start_all(runtime, sessions)
            memory = (_resident() - before) / sessions
            await asyncio.gather(*(session.put(Job(3)) for session in started))
            await asyncio.gather(*(session.quiescent() for session in started))
            waits = []
            for session in started:
                times = [event.time for event in session.history() if event.kind in ("claimed", "completed")]
                waits += [after - claimed for claimed, after in zip(times[::2], times[1::2], strict=True)]
            waits.sort()
            return memory, waits[len(waits) * 99 // 100]

    folder = Path(tempfile.mkdtemp(prefix="petricore-durable-", dir="."))
    memory, p99 = asyncio.run(measure(folder))
    shutil.rmtree(folder)
    yield Figure("durable", f"{sessions} sessions at once: memory each", "bytes", {OURS: memory}, less=True)
    yield Figure(
        "durable", f"{sessions} sessions at once: claim to completion, p99", "s", {OURS: p99}, less=True
    )


async def _start_all(runtime: Runtime, sessions: int) -> list[Any]:
    started: list[Any] = []
    for first in range(0, sessions, 1000):
        more = range(first, min(first + 1000, sessions))
        started += await asyncio.gather(*(runtime.start(chain, f"s{i}") for i in more))
    return started


def _idle(sessions: int) -> Iterator[Figure]:
    """Sessions that wait, out of memory, and one of them that is asked for."""

    async def measure(folder: Path) -> tuple[float, float]:
        async with Runtime(
            SqliteStore(str(folder / "j.db"), synchronous="NORMAL"), idle_after=0.05
        ) as runtime:
            gc.collect()
            before = _resident()
            for first in range(0, sessions, 1000):
                more = range(first, min(first + 1000, sessions))
                await asyncio.gather(*(runtime.start(chain, f"s{i}") for i in more))
                while runtime.in_memory():
                    await asyncio.sleep(0.02)
            gc.collect()
            memory = max(0, _resident() - before) / sessions
            begun, woken = time.perf_counter(), 100
            for i in range(woken):
                session = await runtime.resume(
                    f"s{i * (sessions // woken) if sessions >= woken else i % sessions}"
                )
                await session.put(Job(1))
            return memory, (time.perf_counter() - begun) / woken

    folder = Path(tempfile.mkdtemp(prefix="petricore-durable-", dir="."))
    memory, wake = asyncio.run(measure(folder))
    shutil.rmtree(folder)
    yield Figure(
        "durable", f"{sessions} idle sessions: memory each", "bytes", {OURS: max(memory, 1.0)}, less=True
    )
    yield Figure(
        "durable", f"{sessions} idle sessions: one is woken and put into", "s", {OURS: wake}, less=True
    )


def _resumed(events: int) -> Iterator[Figure]:
    """A session with a long history in a new process, from its newest snapshot."""

    async def make(path: str) -> None:
        async with Runtime(SqliteStore(path, synchronous="NORMAL"), agents=[chain]) as runtime:
            session = await runtime.start(chain, "long")
            await session.put(Job(events // 2))
            await session.quiescent()

    async def measure(path: str) -> float:
        async with Runtime(SqliteStore(path), agents=[chain]) as runtime:
            begun = time.perf_counter()
            session = await runtime.resume("long")
            assert session.peek(Done) == [Done(0)]
            return time.perf_counter() - begun

    folder = Path(tempfile.mkdtemp(prefix="petricore-durable-", dir="."))
    asyncio.run(make(str(folder / "j.db")))
    seconds = asyncio.run(measure(str(folder / "j.db")))
    shutil.rmtree(folder)
    yield Figure("durable", f"a session of {events} events is resumed", "s", {OURS: seconds}, less=True)


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
