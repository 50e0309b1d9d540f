"""`petricore simulate`: what a net, or an agent before it runs, will do: runs it thousands of times and sums up.

Exit codes: 0 it ran, 2 the command could not be obeyed as given, 130 interrupted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from petricore.cli import simulate_agent, simulate_net
from petricore.cli.errors import UsageError
from petricore.cli.verify import count, seconds

__all__ = ["add_arguments", "execute"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("target", help="a .pnml file, or module:agent or file.py:agent")
    parser.add_argument("--until", metavar="TIME", type=seconds, help="stop at this time of the model")
    parser.add_argument("--seed", metavar="N", type=_seed,
                        help="of all that is drawn: the same seed, the same result")  # fmt: skip
    parser.add_argument("--threads", metavar="N", type=count,
                        help="nets: share the work between so many (default: one per core); agents: sync actions "
                             "that run at once (default: no limit)")  # fmt: skip
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw a figure there: .png, .svg or .pdf")
    parser.add_argument("--json", action="store_true", help="print the report as JSON, and nothing else")
    simulate_net.add_net_arguments(parser)
    simulate_agent.add_agent_arguments(parser)


def execute(options: argparse.Namespace) -> int:
    """Simulate and print what was found."""
    is_net = options.target.endswith(".pnml")
    for name in simulate_agent.OPTIONS if is_net else simulate_net.OPTIONS:
        if getattr(options, name):
            option = "--" + name.replace("_", "-")
            raise UsageError(f"{option} is for {'agents' if is_net else 'nets'}, not for {options.target}")
    return simulate_net.execute_net(options) if is_net else simulate_agent.execute_agent(options)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 2^64 - 1")
    return int(text)
