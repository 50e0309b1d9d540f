"""Whole state spaces of nets of the Model Checking Contest, beside a search that is told everything beforehand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import petricore as pc
from benchmarks import baseline, nets, peers
from benchmarks.method import OURS, Contender, Figure, compare, per_cpu_second, wall_seconds

_CONTEST = (
    "Kanban-PT-00005",
    "FMS-PT-00005",
    "SwimmingPool-PT-02",
    "SharedMemory-PT-000010",
    "Peterson-PT-3",
)
_SMALL = ("Kanban-PT-00005", "FMS-PT-00002", "SwimmingPool-PT-01")


def figures(quick: bool) -> Iterator[Figure]:
    """States per CPU second on one thread, what a second thread brings, and bytes per state."""
    rounds = 1 if quick else 5
    for net in nets.contest(_SMALL[1:] if quick else _CONTEST):
        yield _states(net, quick, rounds)
        if quick:
            continue
        engine = net.compile()
        yield Figure(
            "state space, 2 threads",
            net.name,
            "s",
            compare(
                {
                    OURS: wall_seconds(lambda engine=engine: engine.state_space(threads=2)),  # type: ignore[misc]
                    "1 thread": wall_seconds(lambda engine=engine: engine.state_space(threads=1)),  # type: ignore[misc]
                },
                rounds,
            ),
            less=True,
        )
        space = engine.state_space(threads=1)
        held = {OURS: space.nbytes / len(space), "peak of the process": _peak_bytes(net) / len(space)}
        yield Figure("state space, memory", net.name, "bytes/state", held, less=True)
    yield _beside_python(nets.philosophers(6 if quick else 8), quick)


def _states(net: pc.Net, quick: bool, rounds: int) -> Figure:
    contenders: dict[str, Contender] = {OURS: _search(net)}
    if not quick:
        bounds = " ".join(map(str, net.compile().state_space().bounds))
        contenders["hand-tuned C++, bounds given"] = lambda: (
            baseline.rate("search", net, 24, appended=bounds) or float("nan")
        )
    return Figure("state space", net.name, "states/s", compare(contenders, rounds))


def _beside_python(net: pc.Net, quick: bool) -> Figure:
    contenders: dict[str, Contender] = {OURS: _search(net)}
    if not quick:
        for name, peer in (("plain Python", None), ("pm4py", "pm4py"), ("SNAKES", "SNAKES")):
            script = f"space_{name.split()[-1].lower()}"
            if value := peers.figure_of(script, peer, 0, stdin=peers.as_json(net)):
                contenders[name] = lambda value=value: value  # type: ignore[misc]
    return Figure("state space", net.name, "states/s", compare(contenders, rounds=1))


def _search(net: pc.Net) -> Contender:
    engine = net.compile()
    return per_cpu_second(_count(engine))


def _count(engine: pc.Engine) -> Callable[[], int]:
    return lambda: len(engine.state_space(threads=1))


def _peak_bytes(net: pc.Net) -> float:
    """What a process that explores the net takes at its peak, above one that only compiles it."""
    script = (
        "import re, sys, petricore as pc\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "engine = pc.Net.from_json(sys.stdin.read()).compile()\n"
        "before = peak()\n"
        "engine.state_space(threads=1)\n"
        "print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=net.to_json(), capture_output=True, text=True, check=True
    )
    return float(done.stdout) * 1024
