"""From the name of a journal to its store."""

from __future__ import annotations

from petricore.errors import NetError
from petricore.runtime.journal.store import Store

__all__ = ["open_store"]


def open_store(journal: str) -> Store:
    """The store that a name means: the path of an SQLite file, or "postgresql://...".

    Raises:
        NetError: no kind of journal has such a name.
        ModuleNotFoundError: the extra for it is not installed.
        JournalError: it cannot be opened.
    """
    if journal.startswith(("postgresql://", "postgres://")):
        from petricore.runtime.journal.postgres import PostgresStore

        return PostgresStore(journal)
    if "://" in journal or not journal:
        raise NetError(
            f"journal {journal!r}: there are ':memory:', the path of an SQLite file and postgresql://..."
        )
    from petricore.runtime.journal.sqlite import SqliteStore

    return SqliteStore(journal)
