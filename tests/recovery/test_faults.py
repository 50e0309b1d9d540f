"""Every write of the journal fails once, in every way in which it can: what is there afterwards is whole."""

from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from petricore import Agent, Context, Failure, Gather, JournalCorruptError, JournalError, Runtime
from petricore.runtime.fold import Fold
from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.journal.schema import EventCodec
from petricore.runtime.journal.sqlite import SqliteStore
from petricore.runtime.journal.store import Batch, Refusal

from .processes import ended_well, fork
from .test_resume import chain, on_a_loop
from .test_stores import begin, go_on, records


class Order(BaseModel):
    """In."""

    n: int


class Line(BaseModel):
    """A part."""

    n: int


class Sum(BaseModel):
    """All parts."""

    n: int


class Paid(BaseModel):
    """Out."""

    n: int


def build(happened: list[str]) -> Agent:
    agent = Agent("faults")
    agent.place("unpaid", Failure)

    @agent.transition
    async def split(order: Order, ctx: Context) -> list[Line]:
        happened.append(f"split {ctx.firing_id}")
        return [Line(n=i) for i in range(order.n)]

    @agent.transition
    async def add(lines: Annotated[list[Line], Gather()]) -> Sum:
        return Sum(n=len(lines))

    @agent.transition(delivery="at_most_once", on_error="unpaid")
    async def pay(total: Sum, ctx: Context) -> Paid:
        happened.append(f"pay {ctx.firing_id}")
        return Paid(n=total.n)

    return agent


class FailingAt:
    """A store whose write number `at` fails for good: nothing was written, or everything was and nobody was told."""

    def __init__(self, store: MemoryStore, at: int, *, written: bool) -> None:
        self._store = store
        self._at = at
        self._written = written
        self.writes = 0

    def write(self, batch: Batch) -> dict[str, Refusal]:
        """Count, and fail when the time has come and for ever after."""
        self.writes += 1
        if self.writes == self._at and self._written:
            self._store.write(batch)
        if self.writes >= self._at:
            raise JournalError("broken", unsure=self._written)
        return self._store.write(batch)

    def retire(self, owner: str) -> None:
        """A broken store does not hear goodbyes."""

    def close(self) -> None:
        """It outlives the runtime."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("written", [False, True], ids=["nothing written", "written and not told"])
def test_whichever_write_breaks_the_session_ends_as_undisturbed(written: bool) -> None:
    at = 0
    while True:
        at += 1
        store, happened = MemoryStore(), list[str]()
        failing = FailingAt(store, at, written=written)
        broke = asyncio.run(_begin(failing, build(happened)))
        asyncio.run(_finish(store, build(happened)))
        codec = EventCodec(build([]).plan())
        events = [codec.decode(record) for record in store.records("s")]
        marking = Fold(events).marking()
        assert marking.pop("Paid", 0) + marking.pop("unpaid", 0) == 2, at
        assert marking == {}, at
        assert all(happened.count(one) == 1 for one in happened if one.startswith("pay")), at
        assert {one for one in happened if one.startswith("split")} == {
            f"split {event.firing_id}"
            for event in events
            if event.kind == "claimed" and event.transition == "split"
        }  # type: ignore[attr-defined]
        if not broke:
            assert at > 5
            return


async def _begin(store: FailingAt, agent: Agent) -> bool:
    """Run until the store breaks. Returns whether it did."""
    try:
        async with Runtime(store, agents=[agent], owner="one", journal_patience=0.0) as runtime:  # type: ignore[arg-type]
            session = await runtime.start(agent, "s")
            await session.put(Order(n=2), Order(n=0))
            await session.quiescent()
    except JournalError:
        return True
    return False


async def _finish(store: MemoryStore, agent: Agent) -> None:
    async with Runtime(store, agents=[agent], owner="one") as runtime:
        session = await (runtime.resume("s") if "s" in runtime.sessions() else runtime.start(agent, "s"))
        if not any(event.kind == "put" for event in session.history()):
            await session.put(Order(n=2), Order(n=0))
        await session.quiescent()


# -- SQLite and its disk


def test_a_full_disk_refuses_the_batch_and_keeps_what_was_there(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "j.db"))
    store.write(Batch("me", [begin("a", 3)]))
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(JournalError, match="full") as refused:
        store.write(Batch("me", [go_on("a", 3, 2000)]))
    assert not refused.value.unsure
    assert list(store.records("a")) == records(1, 3)
    store._writer.execute("PRAGMA max_page_count = 1000000")
    assert store.write(Batch("me", [go_on("a", 3, 2000)])) == {}
    assert len(store.records("a")) == 2003
    store.close()


def test_a_write_that_is_cut_short_by_the_system_leaves_nothing_behind(tmp_path: Path) -> None:
    path = str(tmp_path / "j.db")

    def cut_short() -> None:
        store = SqliteStore(path)
        store.write(Batch("me", [begin("a", 3)]))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = Path(path + "-wal").stat().st_size + 10_000  # in the middle of the batch
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        with pytest.raises(JournalError):
            store.write(Batch("me", [go_on("a", 3, 3000)]))
        assert list(store.records("a")) == records(1, 3)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert store.write(Batch("me", [go_on("a", 3, 3000)])) == {}

    assert ended_well(fork(cut_short))
    store = SqliteStore(path)
    assert len(store.records("a")) == 3003
    store.close()


def test_a_locked_database_is_waited_for_and_then_named(tmp_path: Path) -> None:
    path = str(tmp_path / "j.db")
    store = SqliteStore(path, patience=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        store.write(Batch("me", [begin("a")]))
    other.execute("ROLLBACK")
    other.close()
    assert store.write(Batch("me", [begin("a")])) == {}
    store.close()


@on_a_loop
async def test_a_runtime_waits_for_a_journal_that_is_locked_for_a_while(tmp_path: Path) -> None:
    path, happened = str(tmp_path / "j.db"), list[str]()
    agent = build(happened)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    async with Runtime(SqliteStore(path, patience=0.01), agents=[agent]) as runtime:
        session = await runtime.start(agent, "s")
        other.execute("BEGIN IMMEDIATE")
        putting = asyncio.create_task(session.put(Order(n=2)))
        await asyncio.sleep(0.2)
        assert not putting.done()
        assert happened == []
        other.execute("ROLLBACK")
        await putting
        await session.quiescent()
        assert await session.tokens(Paid) == [Paid(n=2)]
    other.close()


def test_a_flipped_letter_is_found_and_named(tmp_path: Path) -> None:
    path = str(tmp_path / "j.db")
    store = SqliteStore(path)
    store.write(Batch("me", [begin("a", 5)]))
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("UPDATE events SET text = replace(text, 'zwölf', 'elf') WHERE number = 4")
    other.close()
    assert len(store.records("a", 4)) == 1
    with pytest.raises(JournalCorruptError, match=r"session 'a': event 4 is not what was written") as found:
        store.records("a")
    assert (found.value.session_id, found.value.number) == ("a", 4)
    store.close()


def test_a_flipped_bit_in_the_file_is_found_and_named_even_where_no_text_is_left(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    store = SqliteStore(str(path))
    store.write(Batch("me", [begin("a", 5)]))
    store.close()
    data = bytearray(path.read_bytes())
    data[data.index(b'{"n":4,') + 1] ^= 0x80  # no UTF-8 any more
    path.write_bytes(data)
    store = SqliteStore(str(path))
    assert len(store.records("a", 4)) == 1
    with pytest.raises(JournalCorruptError, match=r"session 'a': event 4 is not what was written") as found:
        store.records("a")
    assert (found.value.session_id, found.value.number) == ("a", 4)
    store.close()


@on_a_loop
async def test_a_damaged_file_is_named_and_not_handed_out(tmp_path: Path) -> None:
    path = str(tmp_path / "j.db")
    agent = chain([])
    async with Runtime(path, agents=[agent]) as runtime:
        session = await runtime.start(agent, "s")
        await session.send_file("a.txt", b"content")
        assert session.get_file("a.txt") == b"content"
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("UPDATE files SET content = ?", (b"contend",))
        other.close()
        with pytest.raises(JournalError, match=r"session 's': file 'a\.txt' is not what was kept"):
            session.get_file("a.txt")


def test_a_gap_is_found_and_named(tmp_path: Path) -> None:
    path = str(tmp_path / "j.db")
    store = SqliteStore(path)
    store.write(Batch("me", [begin("a", 5), begin("b", 2)]))
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("DELETE FROM events WHERE number = 2 AND session = 1")
        other.execute("DELETE FROM events WHERE number = 2 AND session = 2")
    other.close()
    with pytest.raises(JournalCorruptError, match="session 'a': event 2 is missing"):
        store.records("a")
    with pytest.raises(JournalCorruptError, match="session 'b': event 2 is missing"):
        store.records("b")
    store.close()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    path.write_bytes(b"certainly no database, but long enough to be looked at" * 100)
    with pytest.raises(JournalError, match="not a database"):
        SqliteStore(str(path))
