"""`python -m benchmarks [names] [--quick] [--json FILE | --saved FILE] [--readme]`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.method import Figure, machine, table

NAMES = (
    "random_firing",
    "bulk_enabled",
    "conflicts_steps",
    "state_space",
    "stochastic",
    "fork_join",
    "durable",
    "executors",
    "fleet_claims",
    "import_time",
)
_DRAWN = ("simulation, size", "simulation, replicas")
"""Series of figures that docs/simulation.md shows as a drawing (benchmarks/plot.py), the README not at all."""
_BEGIN, _END = "<!-- figures -->", "<!-- /figures -->"


def main() -> None:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="name", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="petricore's own rows only, small and inexact")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--saved", type=Path, help="measure nothing: show what --json wrote to this file")
    parser.add_argument("--readme", action="store_true", help="also put the table into README.md")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")

    if arguments.saved:
        measured = json.loads(arguments.saved.read_text())
    else:
        figures = _measured(arguments.names, arguments.quick)
        measured = {"machine": machine(), "peers": peers.versions(), "figures": [asdict(f) for f in figures]}
    print("\n" + _report(measured))
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=1) + "\n")
    if arguments.readme:
        rows = [one for one in measured["figures"] if one["name"] not in _DRAWN]
        _put_into_readme(_report({**measured, "figures": rows}))


def _measured(names: Sequence[str], quick: bool) -> list[Figure]:
    """All figures, each printed when it is known: the whole takes some minutes."""
    figures = []
    for name in names:
        for figure in import_module(f"benchmarks.{name}").figures(quick):
            figures.append(figure)
            print(table([figure]).splitlines()[-1], flush=True)
    return figures


def _report(measured: Mapping[str, Any]) -> str:
    facts = measured["machine"]
    others = ", ".join(f"{peer} {version}" for peer, version in measured["peers"].items())
    return (
        f"Measured on {facts['date']}, {facts['processor']} ({facts['simd']}, load {facts['load']}), "
        f"Python {facts['python']}, numpy {facts['numpy']}{', ' + others if others else ''}. "
        f"Rates are per CPU second on one thread, seconds "
        f"are wall time. Each row is one run of all its contenders in turn: compare within a row.\n\n"
        f"{table([Figure(**figure) for figure in measured['figures']])}\n"
    )


def _put_into_readme(text: str) -> None:
    readme = Path(__file__).parent.parent / "README.md"
    before, _, rest = readme.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2] if _END in rest else rest
    readme.write_text(f"{before}{_BEGIN}\n{text}{_END}{after}")


main()
