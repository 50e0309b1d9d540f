"""`petricore sessions`: lists the sessions of a journal."""

from __future__ import annotations

import argparse
import json

from petricore.cli.journal import add_journal, opened, timestamp

__all__ = ["add_arguments", "execute"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_journal(parser)


def execute(options: argparse.Namespace) -> int:
    """Print one line for each session, oldest first."""
    with opened(options.journal) as store:
        rows = list(store.rows())
    if options.json:
        print(
            json.dumps(
                [
                    {
                        "session": row.header.session_id,
                        "agent": row.header.agent,
                        "user": row.header.user,
                        "status": row.status,
                        "events": row.last,
                        "version": row.version,
                        "created": row.header.created,
                        "wake": row.wake,
                        "owner": row.owner,
                        "forked_from": row.header.forked_from,
                    }
                    for row in rows
                ]
            )
        )
        return 0
    lines = [("SESSION", "AGENT", "STATUS", "EVENTS", "STARTED (UTC)", "USER")]
    for row in rows:
        header = row.header
        begun = timestamp(header.created)
        lines.append((header.session_id, header.agent, row.status, str(row.last), begun, header.user or ""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0
