"""Runtimes that share a PostgreSQL: one is paused or killed, another goes on with its sessions, the first is fenced."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from petricore import JournalError, Runtime, SessionLostError
from petricore.runtime.fold import Fold
from petricore.runtime.journal.open import open_store
from petricore.runtime.journal.schema import EventCodec
from petricore.runtime.journal.store import Batch, Store
from tests.services.postgres import PostgresServer

from .crash_agent import INPUTS, Ledger, build, drive
from .processes import ended_well, fork
from .test_resume import Job, chain, on_a_loop
from .test_stores import begin, go_on

SESSIONS = 30


@pytest.fixture
def dsn(postgres_server: PostgresServer) -> str:
    """An empty journal."""
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS petricore CASCADE")
    return postgres_server.dsn


def _fork(journal: str, ledger: str) -> int:
    return fork(lambda: asyncio.run(drive(journal, Ledger(ledger), SESSIONS)))


def _final(store: Store, ledger: str) -> None:
    codec = EventCodec(build(Ledger(ledger)).plan())
    for name in store.ids():
        events = [codec.decode(record) for record in store.records(name)]
        marking = Fold(events).marking()
        assert marking.pop("Charged", 0) + marking.pop("unpaid", 0) == INPUTS, (name, marking)
        assert marking == {}


def test_sessions_survive_the_death_of_the_database_itself(
    dsn: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    ledger = str(tmp_path / "ledger")
    pid = _fork(dsn, ledger)
    for _ in range(3):
        time.sleep(0.4)
        postgres_server.kill()
        time.sleep(0.2)
        postgres_server.start()
    assert ended_well(pid)
    store = open_store(dsn)
    assert len(store.ids()) == SESSIONS
    _final(store, ledger)
    store.close()


def test_dropped_connections_lose_nothing(dsn: str, tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger")
    pid = _fork(dsn, ledger)
    watching = open_store(dsn)
    while not watching.ids():  # a journal that cannot be opened is an error of its own
        time.sleep(0.01)
    watching.close()
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(20):
            time.sleep(0.05)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
    assert ended_well(pid)
    store = open_store(dsn)
    assert len(store.ids()) == SESSIONS
    _final(store, ledger)
    store.close()


def test_a_killed_runtimes_sessions_go_on_with_another_within_the_lease(dsn: str, tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger")
    first = _fork(dsn, ledger)
    store = open_store(dsn)
    while len(store.ids()) < SESSIONS:
        time.sleep(0.01)
    second = fork(lambda: asyncio.run(_take_over(dsn, ledger)))
    time.sleep(0.2)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    killed = time.monotonic()
    assert ended_well(second)
    assert time.monotonic() - killed < 30
    _final(store, ledger)
    store.close()


async def _take_over(dsn: str, ledger: str) -> int:
    """Ask for nothing: what another runtime leaves behind is taken up when its lease has run out."""
    async with Runtime(dsn, agents=[build(Ledger(ledger))], lease=1.0) as runtime:
        for _ in range(500):
            await asyncio.sleep(0.05)
            assert runtime.store is not None
            if all(row.status == "parked" and row.wake is None for row in runtime.store.rows()):
                return 0
    return 1


@on_a_loop
async def test_a_paused_runtime_loses_its_sessions_and_can_write_nothing(dsn: str, tmp_path: Path) -> None:
    calls: list[str] = []
    agent = chain(calls)
    pid = fork(lambda: asyncio.run(_hold(dsn, tmp_path)))
    try:
        while not (tmp_path / "held").exists():
            await asyncio.sleep(0.02)
        async with Runtime(dsn, agents=[agent], lease=3.0) as runtime:
            while True:
                try:
                    session = await runtime.resume("s")
                    break
                except SessionLostError:  # its owner is alive
                    os.kill(pid, signal.SIGSTOP)
                    await asyncio.sleep(0.05)
            await session.settled()
            (waiting,) = session.waiting
            await session.approve(waiting.firing_id, by="the other")
            await session.quiescent()
            (tmp_path / "go on").touch()
            os.kill(pid, signal.SIGCONT)
            _, status = await asyncio.to_thread(os.waitpid, pid, 0)
            assert os.waitstatus_to_exitcode(status) == 7, (
                "the paused owner was not told that it lost the session"
            )
            kinds = [event.kind for event in session.history()]
            assert kinds.count("completed") == 2
            assert kinds.count("put") == 1
    finally:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)


def test_a_process_paused_in_the_midst_of_a_commit_keeps_its_sessions_from_nobody(dsn: str) -> None:
    store = open_store(dsn)
    store.write(Batch("paused", [begin("a")]))
    other = open_store(dsn)
    paused = store._transaction()  # type: ignore[attr-defined]
    paused.__enter__().execute("SELECT 1 FROM petricore.sessions WHERE id = 'a' FOR UPDATE")
    assert other.acquire("me", ["agent"], 1.0, 1) == []
    until = time.monotonic() + 30
    while not (taken := other.acquire("me", ["agent"], 1.0, 1)):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert taken[0].owner == "me"
    with pytest.raises(JournalError, match="PostgreSQL"):
        paused.__exit__(None, None, None)
    assert store.write(Batch("paused", [go_on("a", 2)])) == {"a": "fenced"}
    for one in (store, other):
        one.close()


async def _hold(dsn: str, signs: Path) -> int:
    """Own a session, and put into it when told to. Returns 7 if that is refused."""
    agent = chain([])
    async with Runtime(dsn, agents=[agent], lease=3.0) as runtime:
        session = await runtime.start(agent, "s")
        await session.put(Job(n=1))
        await session.settled()
        (signs / "held").touch()
        while not (signs / "go on").exists():
            await asyncio.sleep(0.01)
        try:
            await session.put(Job(n=2))
        except SessionLostError:
            return 7
    return 8
