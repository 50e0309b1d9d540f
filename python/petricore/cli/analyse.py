"""`petricore analyse`: what there is to know about a net: size, bounds, states, deadlocks, liveness.

With `--mcc EXAMINATION` it answers as a tool of the Model Checking Contest does. The exit code says whether the
analysis was made, not what it found: see `petricore verify` for that.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

from petricore.cli.errors import UsageError
from petricore.cli.mcc_output import answers
from petricore.cli.net_verdicts import ask_all
from petricore.cli.targets import load_net
from petricore.cli.verdict_table import Row, print_table
from petricore.cli.verify import count, seconds
from petricore.engine import Engine
from petricore.errors import LimitReached, WeightOverflowError
from petricore.net import Net

__all__ = ["add_arguments", "execute"]

_SECONDS = 60.0
_MOST_INVARIANTS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "target", help="a .pnml file, or module:agent or file.py:agent for the net it is drawn as"
    )
    parser.add_argument("--mcc", metavar="EXAMINATION",
                        help="answer in the contest's format: StateSpace, UpperBounds, ...")  # fmt: skip
    parser.add_argument("--formulas", metavar="FILE", type=Path, help="the contest's formulas (with --mcc)")
    parser.add_argument("--limit", metavar="STATES", type=count, help="at most so many states in one search")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds,
                        help=f"at most so long, for all of it (default: {_SECONDS:g}; with --mcc none)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the analysis as JSON, and nothing else")


def execute(options: argparse.Namespace) -> int:
    """Analyse and print."""
    net = load_net(options.target)
    if options.mcc is not None:
        if options.json:
            raise UsageError("--json and --mcc: the contest has a format of its own")
        for line in answers(net.compile(), options.mcc, options.formulas, limit=options.limit,
                            timeout=options.timeout):  # fmt: skip
            print(line, flush=True)
        return 0
    if options.formulas is not None:
        raise UsageError("--formulas goes with --mcc EXAMINATION")
    found = _analyse(net, options.limit, options.timeout or _SECONDS)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(found)
    return 0


def _analyse(net: Net, limit: int | None, timeout: float) -> dict[str, Any]:
    end = monotonic() + timeout
    engine = net.compile()
    transitions = net.transitions.values()
    arcs = {kind: sum(len(getattr(one, kind)) for one in transitions)
            for kind in ("inputs", "outputs", "reads", "inhibitors", "resets")}  # fmt: skip
    found: dict[str, Any] = {
        "net": net.name,
        "places": len(net.places),
        "transitions": len(net.transitions),
        "arcs": {kind: number for kind, number in arcs.items() if number},
        "tokens": sum(place.tokens for place in net.places.values()),
        "class": [name.replace("_", " ") for name, holds in asdict(engine.classification).items() if holds],
        "invariants": _invariants(engine, timeout / 20),
    }
    space = engine.state_space(limit=limit, timeout=timeout / 3)
    found["state space"] = {
        "complete": space.complete,
        "reason": space.reason,
        "states": len(space),
        "firings": space.firings,
        "most tokens in a place": int(space.bounds.max(initial=0)),
        "most tokens in a marking": space.most_tokens,
    }
    left = max(end - monotonic(), 0.01)
    known = space if space.complete else None
    found["findings"] = [
        {"name": name, **asdict(verdict)}
        for name, verdict, _ in ask_all(engine, limit=limit, timeout=left, space=known)
    ]
    return found


def _invariants(engine: Engine, timeout: float) -> dict[str, int | None]:
    """How many minimal semiflows there are, None where they are too many."""
    found: dict[str, int | None] = {}
    for kind, compute in (("place", engine.place_invariants), ("transition", engine.transition_invariants)):
        try:
            found[kind] = len(compute(limit=_MOST_INVARIANTS, timeout=timeout))
        except (LimitReached, WeightOverflowError):
            found[kind] = None
    return found


def _print(found: dict[str, Any]) -> None:
    arcs = ", ".join(f"{number} {kind}" for kind, number in found["arcs"].items()) or "no arcs"
    print(f"{found['net']}: {found['places']} places, {found['transitions']} transitions, {arcs}")
    print(f"{', '.join(found['class']) or 'of no textbook class'}; {found['tokens']} tokens at the start")
    counts = [f"{'too many' if number is None else number} minimal {kind} invariants"
              for kind, number in found["invariants"].items()]  # fmt: skip
    print(", ".join(counts))
    space = found["state space"]
    at_least = "" if space["complete"] else "at least "
    print(f"{at_least}{space['states']:,} states, {space['firings']:,} firings, at most "
          f"{space['most tokens in a place']} tokens in a place and {space['most tokens in a marking']} in a marking"
          + ("" if space["complete"] else f" so far ({space['reason']})"))  # fmt: skip
    rows = []
    for one in found["findings"]:
        word = {True: "yes", False: "no", None: "undecided"}[one["holds"]]
        how = f"by {one['method']}" if one["method"] else ""
        rows.append(Row(one["name"], word, ", ".join(filter(None, (one["reason"], how)))))
    print_table("", rows)
