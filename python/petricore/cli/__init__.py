"""The command line: `petricore demo`, `run`, `verify`, `simulate`, `analyse`, `draw`, `sessions`, `events`,
`lineage`, `approve`, `reject`, `doctor`.

Exit codes: 0 all is well, 1 something failed (what, is printed), 2 the command could not be obeyed as given,
130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from petricore import __version__
from petricore.cli import (
    analyse,
    approve,
    demo,
    doctor,
    draw,
    events,
    lineage,
    reject,
    run,
    sessions,
    simulate,
    verify,
)
from petricore.cli.errors import UsageError
from petricore.errors import PetriError

__all__ = ["main"]

_COMMANDS = {
    "demo": demo,
    "run": run,
    "verify": verify,
    "simulate": simulate,
    "analyse": analyse,
    "draw": draw,
    "sessions": sessions,
    "events": events,
    "lineage": lineage,
    "approve": approve,
    "reject": reject,
    "doctor": doctor,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. `arguments` are those of the process by default."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as end:  # argparse has printed help, version or the usage error
        return int(end.code or 0)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a sign gets an escape, not a traceback
            stream.reconfigure(errors="backslashreplace")
    try:
        return int(options.command(options))
    except (UsageError, PetriError) as error:
        print(f"petricore: {_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("petricore: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the output has gone, which is their right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="petricore", description="Petri nets and agents that are nets.")
    parser.add_argument("--version", action="version", version=f"petricore {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in _COMMANDS.items():
        summary = (command.__doc__ or "").partition("\n")[0].partition(": ")[2]
        subparser = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        command.add_arguments(subparser)
        subparser.set_defaults(command=command.execute)
    return parser


def _line(message: str) -> str:
    return " ".join(message.split())
