"""`petricore reject`: refuses a firing that waits for confirmation."""

from __future__ import annotations

import argparse

from petricore.cli.decide import add_decision, decide

__all__ = ["add_arguments", "execute"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_decision(parser)
    parser.add_argument("--reason", default="", help="why")


def execute(options: argparse.Namespace) -> int:
    """Leave the rejection."""
    return decide(options, "reject", reason=options.reason)
