"""Every store that sessions can be kept in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from petricore.runtime.journal.memory_store import MemoryStore
from petricore.runtime.journal.open import open_store
from petricore.runtime.journal.store import Store
from tests.services.postgres import PostgresServer, postgres_server

__all__ = ["open_again", "postgres_server", "store"]

Opener = Callable[[], Store]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens one and the same journal, as often as it is called: each time as another process would."""
    opened: list[Store] = []

    def remembered(make: Opener) -> Opener:
        def again() -> Store:
            opened.append(make())
            return opened[-1]

        return again

    if request.param == "memory":
        memory = MemoryStore()
        yield lambda: memory
    elif request.param == "sqlite":
        yield remembered(lambda: open_store(str(tmp_path / "journal.db")))
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS petricore CASCADE")
        yield remembered(lambda: open_store(server.dsn))
    for one in opened:
        one.close()


@pytest.fixture
def store(open_again: Opener) -> Store:
    """An empty store."""
    return open_again()
