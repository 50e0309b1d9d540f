"""What `import petricore` costs a fresh interpreter beyond numpy, and in all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.method import OURS, Contender, Figure, compare


def figures(quick: bool) -> Iterator[Figure]:
    """Wall seconds."""
    contenders = {OURS: _import("petricore"), "numpy, which it needs": _import("numpy")}
    yield Figure("import", "fresh interpreter", "s", compare(contenders, rounds=1 if quick else 7), less=True)


def _import(name: str) -> Contender:
    script = f"import time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)"

    def measure() -> float:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return float(done.stdout)

    return measure
