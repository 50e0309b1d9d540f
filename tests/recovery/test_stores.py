"""What every store promises, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from petricore import JournalError, SessionNotFoundError
from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.journal.store import Batch, Change, Header, Record, Snapshot, Store

LONG = 10.0**10


def header(session_id: str, agent: str = "agent") -> Header:
    return Header(session_id, agent, "v1", "ann", 12.5)


def records(first: int, last: int) -> list[Record]:
    return [Record(n, "put", f'{{"n":{n},"text":"zwölf ✓"}}') for n in range(first, last + 1)]


def begin(session_id: str, last: int = 2, *, agent: str = "agent", wake: float | None = None) -> Change:
    status = "live" if wake is None else "parked"
    return Change(session_id, 1, 0, records(1, last), status, wake, created=header(session_id, agent))  # type: ignore[arg-type]


def go_on(session_id: str, after: int, count: int = 1, *, fence: int = 1) -> Change:
    return Change(session_id, fence, after, records(after + 1, after + count), "live", None)


def test_what_was_written_is_read_in_order(store: Store) -> None:
    assert store.write(Batch("me", [begin("a", 3), begin("b", 1)])) == {}
    assert store.write(Batch("me", [go_on("a", 3, 2)])) == {}
    assert list(store.records("a")) == records(1, 5)
    assert list(store.records("a", 2, 2)) == records(3, 4)
    assert list(store.records("a", 5)) == []
    assert store.ids() == ["a", "b"]
    row = store.row("a")
    assert row is not None
    assert (row.header, row.last, row.version, row.status, row.owner, row.fence) == (
        header("a"),
        5,
        "v1",
        "live",
        "me",
        1,
    )
    assert store.row("c") is None
    with pytest.raises(SessionNotFoundError, match="'c'"):
        store.records("c")


def test_a_closed_journal_refuses_and_opens_nothing_anew(store: Store) -> None:
    store.close()
    if not isinstance(store, MemoryStore):  # which lives as long as its process
        with pytest.raises(JournalError, match="closed"):
            store.ids()
        with pytest.raises(JournalError, match="closed"):
            store.write(Batch("me", [begin("a", 1)]))


def test_the_description_of_a_version_is_kept_once(store: Store) -> None:
    assert store.net("v1") is None
    store.keep_net("v1", '{"places": []}')
    store.keep_net("v1", "another")
    assert store.net("v1") == '{"places": []}'


def test_another_process_reads_what_is_committed(open_again: Callable[[], Store]) -> None:
    one, other = open_again(), open_again()
    one.write(Batch("me", [begin("a")]))
    assert list(other.records("a")) == records(1, 2)
    assert [row.header.session_id for row in other.rows()] == ["a"]


def test_a_refused_change_holds_up_no_other_of_its_batch(store: Store) -> None:
    store.write(Batch("me", [begin("a"), begin("b")]))
    batch = Batch("me", [begin("a", 1), go_on("b", 2, fence=7), begin("c")])
    assert store.write(batch) == {"a": "exists", "b": "fenced"}
    assert [len(store.records(one)) for one in "abc"] == [2, 2, 2]


def test_a_change_that_does_not_follow_the_last_event_is_refused(store: Store) -> None:
    store.write(Batch("me", [begin("a")]))
    assert store.write(Batch("me", [go_on("a", 5)])) == {"a": "fenced"}
    assert store.write(Batch("me", [go_on("a", 1, 3)])) == {"a": "fenced"}
    assert list(store.records("a")) == records(1, 2)


def test_a_batch_written_twice_counts_once(store: Store) -> None:
    first, second = Batch("me", [begin("a")]), Batch("me", [go_on("a", 2, 3)])
    for batch in (first, first, second, second):
        assert store.write(batch) == {}
    assert list(store.records("a")) == records(1, 5)


def test_only_one_owner_gets_a_session_and_the_old_one_writes_nothing_more(store: Store) -> None:
    store.renew("old", 100.0)
    store.write(Batch("old", [begin("a")]))
    assert store.acquire("new", ["agent"], 99.0, 10) == []
    assert store.acquire("new", [], 99.0, 1, "a") == []
    (row,) = store.acquire("new", ["agent"], 100.5, 10)
    assert (row.owner, row.fence, row.last) == ("new", 2, 2)
    store.renew("new", 200.0)
    store.renew("old", 300.0)  # it was only paused
    assert store.write(Batch("old", [go_on("a", 2)])) == {"a": "fenced"}
    assert store.write(Batch("new", [go_on("a", 2, fence=2)])) == {}
    assert store.acquire("third", ["agent"], 150.0, 10) == []


def test_runtimes_that_acquire_at_once_never_get_the_same_session(open_again: Callable[[], Store]) -> None:
    first = open_again()
    first.write(Batch("gone", [begin(f"s{i}") for i in range(60)]))
    stores = [open_again() for _ in range(4)]
    for i, one in enumerate(stores):
        one.renew(f"owner{i}", LONG)

    def take(i: int) -> list[str]:
        taken: list[str] = []
        while rows := stores[i].acquire(f"owner{i}", ["agent"], 1.0, 7):
            taken += [row.header.session_id for row in rows]
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [one for part in pool.map(take, range(4)) for one in part]
    # one that was locked by another at the moment of asking may be left for the next look
    for i in range(4):
        taken += [row.header.session_id for row in stores[i].acquire(f"owner{i}", ["agent"], 1.0, 100)]
    assert sorted(taken) == sorted(f"s{i}" for i in range(60))


def test_parked_sessions_are_due_at_their_time_and_closed_ones_never(store: Store) -> None:
    store.write(
        Batch("gone", [begin("late", wake=50.0), begin("early", wake=20.0), begin("other", agent="another")])
    )
    store.write(
        Batch("gone", [Change("never", 1, 0, records(1, 1), "parked", None, created=header("never"))])
    )
    store.write(
        Batch("gone", [Change("closed", 1, 0, records(1, 1), "closed", None, created=header("closed"))])
    )
    store.retire("gone")
    assert store.next_wake(["agent"]) == 20.0
    assert store.next_wake(["unknown"]) is None
    assert store.acquire("me", ["agent"], 19.0, 10) == []
    assert [row.header.session_id for row in store.acquire("me", ["agent"], 60.0, 1)] == ["early"]
    assert [row.header.session_id for row in store.acquire("me", ["agent"], 60.0, 9)] == ["late"]
    assert store.acquire("me", [], 60.0, 1, "closed") == []
    assert [row.header.session_id for row in store.acquire("me", [], 60.0, 1, "never")] == ["never"]


def test_a_released_session_is_free_and_a_retired_runtimes_are(store: Store) -> None:
    store.renew("me", LONG)
    store.write(Batch("me", [begin("a"), begin("b")]))
    change = go_on("a", 2)
    change.release = True
    store.write(Batch("me", [change]))
    assert [row.header.session_id for row in store.acquire("other", ["agent"], 1.0, 9)] == ["a"]
    assert store.owners() == ["me"]
    store.retire("me")
    assert store.owners() == []
    assert [row.header.session_id for row in store.acquire("other", ["agent"], 1.0, 9)] == ["b"]


def test_a_lease_that_was_taken_away_is_told(store: Store) -> None:
    assert store.renew("me", 10.0)
    store.write(Batch("me", [begin("a")]))
    assert store.renew("me", 20.0)
    store.retire("me")
    store.write(Batch("me", [begin("b")]))
    assert not store.renew("me", 30.0)


def test_snapshots_are_the_newest_or_those_before(store: Store) -> None:
    store.write(Batch("me", [begin("a", 10)]))
    assert store.snapshot("a") is None
    for number in (10, 20, 30):
        change = go_on("a", number, 10)
        change.snapshot = Snapshot(number + 10, bytes([number]) * 1000)
        store.write(Batch("me", [change]))
    assert store.snapshot("a") == Snapshot(40, bytes([30]) * 1000)
    assert store.snapshot("a", before=39) == Snapshot(30, bytes([20]) * 1000)


def test_compaction_forgets_what_a_snapshot_covers_and_nothing_else(store: Store) -> None:
    change = begin("a", 10)
    change.snapshot = Snapshot(6, b"state")
    store.write(Batch("me", [change]))
    with pytest.raises(JournalError, match=r"no snapshot covers event 7"):
        store.compact("a", 7)
    assert store.compact("a", 6) == 6
    assert list(store.records("a", 6)) == records(7, 10)
    with pytest.raises(JournalError, match="up to 6 were compacted away"):
        store.records("a", 3)
    assert store.write(Batch("me", [go_on("a", 10)])) == {}
    assert list(store.records("a", 9)) == records(10, 11)


def test_only_closed_sessions_are_removed(store: Store) -> None:
    store.write(Batch("me", [begin("a")]))
    with pytest.raises(JournalError, match="is not closed"):
        store.remove("a")
    store.write(Batch("me", [Change("a", 1, 2, records(3, 3), "closed", None)]))
    store.remove("a")
    assert store.ids() == []
    assert store.write(Batch("me", [begin("a")])) == {}


def test_files_are_kept_with_their_change(store: Store) -> None:
    change = begin("a")
    change.files = [("x", b"\0" * 100_000), ("y", b"two")]
    store.write(Batch("me", [change]))
    again = go_on("a", 2)
    again.files = [("y", b"three")]
    store.write(Batch("me", [again]))
    assert store.file("a", "x") == b"\0" * 100_000
    assert store.file("a", "y") == b"three"
    assert store.file("a", "z") is None


def test_messages_wait_for_their_sessions_owner(store: Store) -> None:
    store.write(Batch("me", [begin("a"), begin("b")]))
    assert store.post("a", '{"n":1}')
    assert store.post("b", '{"n":2}')
    assert store.post("a", '{"n":3}')
    assert not store.post("nobody", "{}")
    found = store.inbox()
    assert [(session, text) for _, session, text in found] == [
        ("a", '{"n":1}'),
        ("b", '{"n":2}'),
        ("a", '{"n":3}'),
    ]
    store.discard([number for number, session, _ in found if session == "a"])
    assert [text for _, _, text in store.inbox()] == ['{"n":2}']
