"""Stochastic simulation beside compiled solvers, numpy and a hand-tuned loop; and how it scales."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

import petricore as pc
from benchmarks import baseline, nets, peers
from benchmarks.method import OURS, Contender, Figure, compare, per_cpu_second, wall_seconds

_BY_RATE_LAW = {  # what these can say, and are good at
    "mass action": ("rebop", "gillespy2", "numpy", "Python"),
    "constant": ("numpy", "Python", "simpn"),
}


def figures(quick: bool) -> Iterator[Figure]:
    """Two small models beside the others; then replicas, threads and the size of the net."""
    replicas = 16 if quick else 500
    for net, until in ((sirs(), 1_000.0), (queue(), 10_000.0)):
        yield _beside_others(net, until, replicas, quick)
    engine = queue().compile()
    for count in (1, 1_000) if quick else (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000):
        until = max(5.0, 2e6 / count) if not quick else 5.0
        values = compare({OURS: per_cpu_second(_events(engine, until, count))}, rounds=1 if quick else 3)
        yield Figure("simulation, replicas", f"M/M/1/20, {count:,}", "events/s", values, note="")
    if not quick:
        yield _by_threads(queue(), "direct", until=10_000.0)
        yield _by_threads(queue(), "next_reaction", until=1_000.0)
    for family in (_ring, births_and_deaths):
        for size in (10, 1_000) if quick else (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000):
            yield _by_size(family(size), 1 if quick else 3, 20_000 if quick else 1_000_000)


def sirs(people: int = 1000) -> pc.Net:
    """The epidemic in which immunity is lost again."""
    net = pc.Net(f"SIRS {people}")
    for name, tokens in (("s", people - 10), ("i", 10), ("r", 0)):
        net.add_place(name, tokens)
    net.add_transition("infect", ["s", "i"], {"i": 2}, rate=pc.MassAction(0.5 / people))
    net.add_transition("recover", ["i"], ["r"], rate=pc.MassAction(0.1))
    net.add_transition("forget", ["r"], ["s"], rate=pc.MassAction(0.05))
    return net


def queue(room: int = 20) -> pc.Net:
    """The queue M/M/1/20 at 90 % load."""
    net = pc.Net(f"M/M/1/{room}")
    net.add_place("room", room)
    net.add_place("waiting")
    net.add_transition("arrive", ["room"], ["waiting"], rate=0.9)
    net.add_transition("serve", ["waiting"], ["room"], rate=1.0)
    return net


def _events(engine: pc.Engine, until: float, replicas: int) -> Callable[[], int]:
    return lambda: int(engine.simulate(until=until, replicas=replicas, seed=1, threads=1).firings.sum())


def _by_threads(net: pc.Net, algorithm: str, until: float) -> Figure:
    engine = net.compile()

    def contender(threads: int) -> Contender:
        return wall_seconds(
            lambda: engine.simulate(
                until=until, replicas=10_000, seed=1, algorithm=algorithm, threads=threads
            )
        )

    values = compare({OURS: contender(2), "1 thread": contender(1)}, rounds=9)
    case = f"{net.name}, 10,000 replicas, {algorithm.replace('_', ' ')}"
    return Figure("simulation, 2 threads", case, "s", values, less=True)


def _beside_others(net: pc.Net, until: float, replicas: int, quick: bool) -> Figure:
    engine = net.compile()
    contenders: dict[str, Contender] = {OURS: per_cpu_second(_events(engine, until, replicas))}
    if not quick:
        # No peer says how many events it ran: on average, as many as ours.
        mean = _events(engine, until, 100)() / 100
        described = _described(net, until)
        names = _BY_RATE_LAW["mass action" if described["mass_action"] else "constant"]
        others = {name: name if name in peers.PEERS else None for name in names}
        text = json.dumps(described)
        for name, peer in others.items():
            script = f"simulate_{name.lower()}"
            if value := peers.figure_of(script, peer, 1.0, mean, stdin=text):
                contenders["plain Python" if name == "Python" else name] = lambda value=value: value  # type: ignore[misc]
        contenders["hand-tuned C++"] = lambda: (
            baseline.rate("simulate", net, 20_000_000, appended=_rates_as_text(described)) or math.nan
        )
    return Figure("simulation", net.name, "events/s", compare(contenders, rounds=1 if quick else 5))


def _described(net: pc.Net, until: float) -> dict[str, object]:
    rates = [t.rate for t in net.transitions.values()]
    mass_action = all(isinstance(rate, pc.MassAction) for rate in rates)
    numbers = [rate.k if isinstance(rate, pc.MassAction) else rate for rate in rates]
    return json.loads(peers.as_json(net)) | {"rates": numbers, "mass_action": mass_action, "until": until}


def _rates_as_text(described: dict[str, object]) -> str:
    sign = -1 if described["mass_action"] else 1
    rates: list[float] = described["rates"]  # type: ignore[assignment]
    return "".join(f"{sign * rate}\n" for rate in rates) + f"{described['until']}\n"


def births_and_deaths(size: int) -> pc.Net:
    """`size` / 2 populations, each by itself, of rates that differ."""
    net = pc.Net(f"births and deaths of {size:,} transitions")
    for i in range(size // 2):
        pace = (1 + i % 7) / 4
        net.add_place(f"x{i}", 10)
        net.add_transition(f"birth{i}", [], [f"x{i}"], rate=10.0 * pace)
        net.add_transition(f"death{i}", [f"x{i}"], [], rate=pc.MassAction(pace))
    return net


def _ring(size: int) -> pc.Net:
    net = nets.ring(size, size // 2)
    net.name = f"ring of {size:,} transitions"
    return net


def _by_size(net: pc.Net, rounds: int, events: int) -> Figure:
    """What an event costs as the net grows, one replica at a time; beside it the methods that auto does not take."""
    engine, size = net.compile(), len(net.transitions)

    def contender(algorithm: str, most: int) -> Contender:
        return per_cpu_second(
            lambda: int(
                engine.simulate(
                    steps=min(events, most),
                    semantics="stochastic",
                    algorithm=algorithm,
                    seed=1,
                    count_firings=False,
                ).events.sum()
            )
        )

    contenders = {OURS: contender("auto", events)}
    if rounds > 1:
        # The direct method looks at all transitions: a billion looks are enough to know what it costs.
        for algorithm, most in (
            ("direct", 1_000_000_000 // size),
            ("next_reaction", events),
            ("rejection", events),
        ):
            contenders[algorithm.replace("_", " ")] = contender(algorithm, most)
    return Figure("simulation, size", net.name, "events/s", compare(contenders, rounds))
