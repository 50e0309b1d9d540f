"""What `petricore approve` and `petricore reject` share: a decision is left in the journal for the runtime."""

from __future__ import annotations

import argparse
import getpass
import json
from typing import TYPE_CHECKING

from petricore.cli.errors import UsageError
from petricore.cli.journal import add_journal, events_of, opened

if TYPE_CHECKING:
    from petricore.runtime.journal.store import Store

__all__ = ["add_decision", "decide"]


def add_decision(parser: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    parser.add_argument("session", metavar="SESSION", help="the id of the session")
    parser.add_argument("firing", metavar="FIRING", help="the id of the firing that waits for confirmation")
    parser.add_argument("--by", default=getpass.getuser(), help="who decides (default: %(default)s)")
    add_journal(parser)


def decide(options: argparse.Namespace, do: str, **fields: object) -> int:
    """Leave the decision, and say so.

    Raises:
        UsageError: there is no such session, or the firing does not wait in it.
    """
    with opened(options.journal) as store:
        from petricore.runtime.inbox import leave

        row = store.row(options.session)
        if row is None:
            raise UsageError(f"there is no session {options.session!r} in {options.journal!r}")
        if not _waits(store, options.session, options.firing):
            raise UsageError(
                f"no firing {options.firing!r} of session {options.session!r} waits for confirmation"
            )
        leave(store, options.session, do, firing_id=options.firing, by=options.by, **fields)
    if options.json:
        print(
            json.dumps({"session": options.session, "firing": options.firing, "left": do, "owner": row.owner})
        )
    else:
        print(f"{do} is left for session {options.session}; its runtime takes it up while it runs")
    return 0


def _waits(store: Store, session_id: str, firing_id: str) -> bool:
    """Whether the firing waits for confirmation, by the events that are kept."""
    from petricore.errors import JournalError
    from petricore.runtime.events import Edited, Waiting

    waits = False
    try:
        for event in events_of(store, session_id):
            if getattr(event, "firing_id", None) == firing_id:
                waits = isinstance(event, Waiting | Edited)
    except JournalError:  # compacted: what is left does not tell
        return True
    return waits
