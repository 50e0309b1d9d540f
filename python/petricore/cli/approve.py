"""`petricore approve`: lets a firing go on that waits for confirmation."""

from __future__ import annotations

import argparse

from petricore.cli.decide import add_decision, decide

__all__ = ["add_arguments", "execute"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_decision(parser)


def execute(options: argparse.Namespace) -> int:
    """Leave the approval."""
    return decide(options, "approve")
