"""Random firing on one thread: `State.run` beside a hand-tuned loop, plain Python, simpn, pm4py and SNAKES."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import petricore as pc
from benchmarks import baseline, nets, peers
from benchmarks.method import OURS, Contender, Figure, compare, per_cpu_second


def figures(quick: bool) -> Iterator[Figure]:
    """Firings per CPU second."""
    firings = 200_000 if quick else 20_000_000
    for net in nets.walkable():
        contenders: dict[str, Contender] = {OURS: per_cpu_second(_walk(net, firings))}
        if not quick:
            contenders |= {
                name: lambda run=run, net=net: run(net) or float("nan")  # type: ignore[misc]
                for name, run in _others(firings).items()
                if run(net)
            }
        yield Figure("random firing", net.name, "firings/s", compare(contenders, rounds=1 if quick else 5))


def _walk(net: pc.Net, firings: int) -> Callable[[], int]:
    state = net.compile().state()
    return lambda: state.run(firings, seed=1)


def _others(firings: int) -> dict[str, Callable[[pc.Net], float | None]]:
    def script(name: str, peer: str | None) -> Callable[[pc.Net], float | None]:
        return lambda net: peers.figure_of(name, peer, 0.5, stdin=peers.as_json(net))

    return {
        "hand-tuned C++": lambda net: baseline.rate("walk", net, firings),
        "plain Python": script("walk_python", None),
        "simpn": script("walk_simpn", "simpn"),
        "pm4py": script("walk_pm4py", "pm4py"),
        "SNAKES": script("walk_snakes", "SNAKES"),
    }
