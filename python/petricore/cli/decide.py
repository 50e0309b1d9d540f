"""What `petricore approve` and `petricore reject` share: a decision is left in the journal for the runtime."""

from __future__ import annotations

import argparse
import getpass
import json

from petricore.cli.errors import UsageError
from petricore.cli.journal import add_journal, opened

__all__ = ["add_decision", "decide"]


def add_decision(parser: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    parser.add_argument("session", metavar="SESSION", help="the id of the session")
    parser.add_argument("firing", metavar="FIRING", help="the id of the firing that waits for confirmation")
    parser.add_argument("--by", default=getpass.getuser(), help="who decides (default: %(default)s)")
    add_journal(parser)


def decide(options: argparse.Namespace, do: str, **fields: object) -> int:
    """Leave the decision, and say so."""
    with opened(options.journal) as store:
        from petricore.runtime.inbox import leave

        left = leave(store, options.session, do, firing_id=options.firing, by=options.by, **fields)
        row = store.row(options.session)
    if not left or row is None:
        raise UsageError(f"there is no session {options.session!r} in {options.journal!r}")
    if options.json:
        print(
            json.dumps({"session": options.session, "firing": options.firing, "left": do, "owner": row.owner})
        )
    else:
        print(f"{do} is left for session {options.session}; its runtime takes it up while it runs")
    return 0
