"""Run by test_faulty_disk.py with the failing disk preloaded: every write of a journal fails, each in every way."""

from __future__ import annotations

import ctypes
import errno
import sys
from itertools import count
from pathlib import Path

from petricore import JournalError
from petricore.runtime.journal.sqlite import SqliteStore
from petricore.runtime.journal.store import Batch, Change, Header, Record, Snapshot

_DISK = ctypes.CDLL(None).disk_fails
_DISK.restype = ctypes.c_long
_FAIL, _CUT_SHORT = 1, 2
BATCHES = 5


def batch(number: int) -> Batch:
    """Batch `number` appends three events to each of two sessions."""
    changes = []
    for name in ("a", "b"):
        records = [Record(3 * number + i, "put", f'{{"text":"{"x" * 3000}"}}') for i in (1, 2, 3)]
        created = Header(name, "agent", "v", None, 0.0) if number == 0 else None
        snapshot = Snapshot(3 * number + 3, bytes(5000))
        changes.append(Change(name, 1, 3 * number, records, "live", None, created=created, snapshot=snapshot))
    return Batch("me", changes)


def survive(path: Path, at: int, how: int, error: int) -> bool:
    """Write five batches on a disk that fails once. Returns whether it did."""
    _DISK(at, how, error)
    reported = [False] * BATCHES
    store = None
    try:
        store = SqliteStore(str(path))
        for number in range(BATCHES):
            for _ in range(3):  # the runtime tries again, too
                try:
                    assert store.write(batch(number)) == {}
                except JournalError as refused:
                    if refused.unsure:  # SQLite says for certain
                        raise
                    continue
                reported[number] = True
                break
    except JournalError:
        pass
    finally:
        failed = _DISK(0, 0, 0) >= at
        if store is not None:
            store.close()
    again = SqliteStore(str(path))
    for name in ("a", "b") if any(reported) else ():
        row = again.row(name)
        assert row is not None
        assert row.last == 3 * sum(reported), (at, how, error, reported, row.last)
        assert [record.number for record in again.records(name)] == list(range(1, row.last + 1))
    for number in range(sum(reported), BATCHES):
        assert again.write(batch(number)) == {}
    assert len(again.records("b")) == 3 * BATCHES
    again.close()
    return failed


def main(folder: Path) -> None:
    """All writes, all ways; the number of faults goes to standard output."""
    faults = 0
    for how, error in ((_FAIL, errno.EIO), (_FAIL, errno.ENOSPC), (_CUT_SHORT, errno.ENOSPC)):
        for at in count(1):
            if not survive(folder / f"faulty-{how}-{error}-{at}.db", at, how, error):
                break
            faults += 1
    print(faults)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
