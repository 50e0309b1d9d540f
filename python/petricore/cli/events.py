"""`petricore events`: prints the history of a session in a journal."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from petricore.cli.errors import UsageError
from petricore.cli.journal import add_journal, events_of, opened, plain_event, timestamp

if TYPE_CHECKING:
    from petricore.runtime.events import Event
    from petricore.runtime.journal.store import Store

__all__ = ["add_arguments", "execute"]

_PAUSE = 0.2
"""Seconds between two looks with --follow."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("session", help="the id of the session")
    parser.add_argument("--after", metavar="N", type=int, default=0, help="only events numbered above N")
    parser.add_argument(
        "--follow", action="store_true", help="go on with what happens, until the session closes"
    )
    add_journal(parser)


def execute(options: argparse.Namespace) -> int:
    """Print one line for each event; with --json, one JSON object a line."""
    if not 0 <= options.after < 1 << 63:
        raise UsageError(f"--after is a number from 0 on, not {options.after}")
    with opened(options.journal) as store:
        from petricore.cli.event_lines import describe

        for event in _events(store, options.session, options.after, follow=options.follow):
            if options.json:
                print(json.dumps(plain_event(event)), flush=True)
            else:
                line = f"{event.number:>6} {timestamp(event.time)} {event.kind:<10} {describe(event)}"
                print(line.rstrip(), flush=True)
    return 0


def _events(store: Store, session_id: str, after: int, *, follow: bool) -> Iterator[Event]:
    while True:
        for event in events_of(store, session_id, after):
            after = event.number
            yield event
            if event.kind == "closed":
                return
        if not follow:
            return
        row = store.row(session_id)
        if row is None or (row.status == "closed" and row.last <= after):
            return
        time.sleep(_PAUSE)
