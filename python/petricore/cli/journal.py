"""What the commands that read a journal share: opening it, and its events without the agent's code."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from petricore.cli.errors import UsageError, needing

if TYPE_CHECKING:
    from petricore.runtime.events import Event
    from petricore.runtime.journal.store import Store

__all__ = ["add_journal", "events_of", "opened", "plain_event", "timestamp"]


def add_journal(
    parser: argparse.ArgumentParser, forms: argparse._MutuallyExclusiveGroup | None = None
) -> None:
    """The options of every command that reads a journal; `--json` among its `forms`, if it has others."""
    parser.add_argument(
        "--journal", metavar="J", required=True, help="the path of an SQLite file, or postgresql://..."
    )
    (forms or parser).add_argument("--json", action="store_true", help="print JSON")


@contextmanager
def opened(journal: str) -> Iterator[Store]:
    """The store of a journal that exists.

    Raises:
        UsageError: there is no such file, or a module is missing.
    """
    if "://" not in journal and not Path(journal).is_file():
        raise UsageError(f"there is no journal {journal!r}")
    with needing("agent", "a journal"):
        from petricore.runtime.journal.open import open_store
    with needing("postgres", "a journal in PostgreSQL"):
        store = open_store(journal)
    try:
        yield store
    finally:
        store.close()


def events_of(store: Store, session_id: str, after: int = 0) -> Iterator[Event]:
    """The events of a session numbered above `after`, values as plain data: no code of the agent is needed."""
    from petricore.agent.compile import Plan
    from petricore.runtime.journal.schema import EventCodec

    codec = EventCodec(Plan([], [], {}, {}, {}, {}, 0, []))
    for record in store.records(session_id, after):
        yield codec.decode(record)


def plain_event(event: Event) -> dict[str, Any]:
    """An event as JSON can hold it: number, time, kind and the fields of the kind."""
    from dataclasses import fields

    from petricore.runtime.lineage_story import plain

    more = {one.name: _plain(getattr(event, one.name), plain) for one in fields(event)[2:]}
    return {"number": event.number, "time": event.time, "kind": event.kind, **more}


def _plain(value: Any, plain: Any) -> Any:
    if isinstance(value, tuple) and value and hasattr(value[0], "_asdict"):
        return [plain(one._asdict()) for one in value]
    return plain(value)


def timestamp(seconds: float) -> str:
    """A time for a person, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
