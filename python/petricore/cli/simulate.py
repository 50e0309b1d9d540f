"""`petricore simulate`: what an agent will take, wait for and cost, before it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from petricore.cli.simulate_agent import add_agent_arguments, execute_agent
from petricore.cli.verify import count, seconds

__all__ = ["add_arguments", "execute"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("target", help="module:agent or file.py:agent")
    parser.add_argument("--until", metavar="TIME", type=seconds, help="stop at this time of the model")
    parser.add_argument(
        "--seed", metavar="N", type=int, help="of all that is drawn: the same seed, the same result"
    )
    parser.add_argument(
        "--threads", metavar="N", type=count, help="sync actions that run at once (default: no limit)"
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw a figure there")
    parser.add_argument("--json", action="store_true", help="print the report as JSON, and nothing else")
    add_agent_arguments(parser)


def execute(options: argparse.Namespace) -> int:
    """Simulate and print what was found."""
    return execute_agent(options)
