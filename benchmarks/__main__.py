"""`python -m benchmarks [names] [--quick] [--json FILE] [--readme]`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks import peers
from benchmarks.method import Figure, machine, table

NAMES = ("random_firing", "bulk_enabled", "conflicts_steps", "fork_join", "fleet_claims", "import_time")
_BEGIN, _END = "<!-- figures -->", "<!-- /figures -->"


def main() -> None:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="name", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="petricore's own rows only, small and inexact")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--readme", action="store_true", help="also put the table into README.md")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")

    figures: list[Figure] = []
    for name in arguments.names:
        for figure in import_module(f"benchmarks.{name}").figures(arguments.quick):
            figures.append(figure)
            print(table([figure]).splitlines()[-1], flush=True)
    facts = machine()
    text = f"{facts['processor']}, {facts['simd']}, Python {facts['python']}, {facts['date']}\n\n{table(figures)}\n"
    print("\n" + text)
    if arguments.json:
        measured = {
            "machine": facts,
            "peers": peers.versions(),
            "figures": [asdict(figure) for figure in figures],
        }
        arguments.json.write_text(json.dumps(measured, indent=1) + "\n")
    if arguments.readme:
        readme = Path(__file__).parent.parent / "README.md"
        before, _, rest = readme.read_text().partition(_BEGIN)
        after = rest.partition(_END)[2] if _END in rest else rest
        readme.write_text(f"{before}{_BEGIN}\n{text}{_END}{after}")


main()
