"""What the imports cost a fresh interpreter: the engine beside net libraries, the agents beside graph frameworks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial

from benchmarks import peers
from benchmarks.method import OURS, Contender, Figure, compare

_ENGINE = {"pm4py": "import pm4py", "SNAKES": "import snakes.nets", "simpn": "import simpn.simulator"}
_AGENTS = {
    "LangGraph": "import langgraph.graph",
    "pydantic-graph": "import pydantic_graph",
    "Burr": "import burr.core",
}


def figures(quick: bool) -> Iterator[Figure]:
    """Wall seconds."""
    numpy = {"numpy, which it needs": _import(sys.executable, "import numpy")}
    yield _figure("import petricore", "import petricore", numpy, _ENGINE, quick)
    yield _figure("from petricore import Agent", "from petricore import Agent", {}, _AGENTS, quick)


def _figure(
    case: str, ours: str, limits: Mapping[str, Contender], others: Mapping[str, str], quick: bool
) -> Figure:
    contenders = {OURS: _import(sys.executable, ours)}
    if not quick:
        contenders |= limits
        for peer, statement in others.items():
            if (python := peers.python_of(peer)) is not None:
                contenders[peer] = _import(python, statement)
    return Figure("import", case, "s", compare(contenders, rounds=1 if quick else 7), less=True)


def _import(python: str, statement: str) -> Contender:
    return partial(_seconds, python, statement)


def _seconds(python: str, statement: str) -> float:
    script = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])
