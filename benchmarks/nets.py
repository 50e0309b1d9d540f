"""The nets that are walked and asked: the usual suspects, and two of the Model Checking Contest."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import petricore as pc

_ROOT = Path(__file__).parent.parent


def ring(size: int = 100, tokens: int = 10) -> pc.Net:
    """`tokens` tokens going round `size` places."""
    net = pc.Net(f"ring {size}/{tokens}")
    for i in range(size):
        net.add_place(f"p{i}", tokens=int(i % (size // tokens) == 0))
    for i in range(size):
        net.add_transition(f"t{i}", [f"p{i}"], [f"p{(i + 1) % size}"])
    return net


def philosophers(count: int = 50) -> pc.Net:
    """Dining philosophers that pick up one fork after the other; the last is left-handed, so they never starve."""
    net = pc.Net(f"philosophers {count}")
    for i in range(count):
        for state in ("thinks", "waits", "eats"):
            net.add_place(f"{state}{i}", tokens=int(state == "thinks"))
        net.add_place(f"fork{i}", tokens=1)
    for i in range(count):
        left, right = f"fork{i}", f"fork{(i + 1) % count}"
        first, second = (right, left) if i == count - 1 else (left, right)
        net.add_transition(f"first{i}", [f"thinks{i}", first], [f"waits{i}"])
        net.add_transition(f"second{i}", [f"waits{i}", second], [f"eats{i}"])
        net.add_transition(f"down{i}", [f"eats{i}"], [f"thinks{i}", left, right])
    return net


def scattered(size: int = 1000, tokens: int = 5000, seed: int = 7) -> pc.Net:
    """size/2 random transitions of 2 or 3 arcs a side, and the reverse of each, so that it never dies."""
    rng = random.Random(seed)
    net = pc.Net(f"random {size} x {size}")
    counts = [0] * size
    for _ in range(tokens):
        counts[rng.randrange(size)] += 1
    for i, count in enumerate(counts):
        net.add_place(f"p{i}", tokens=count)
    for j in range(size // 2):
        arity = 2 + j % 2
        places = [f"p{i}" for i in rng.sample(range(size), 2 * arity)]
        net.add_transition(f"t{j}", places[:arity], places[arity:])
        net.add_transition(f"r{j}", places[arity:], places[:arity])
    return net


def contest(names: Sequence[str] = ("Kanban-PT-00005", "SharedMemory-PT-000010")) -> list[pc.Net]:
    """Nets of the Model Checking Contest: those of the tests, and others where they lie beside the project."""
    folders = (_ROOT / "tests" / "models", _ROOT.parent / "shared" / "nets")
    found = []
    for name in names:
        path = next(
            (folder / f"{name}.pnml" for folder in folders if (folder / f"{name}.pnml").exists()), None
        )
        if path is not None:
            found.append(pc.read_pnml(path))
    return found


def walkable() -> list[pc.Net]:
    """All of them."""
    return [ring(), philosophers(), scattered(), *contest()]


def visited(engine: pc.Engine, batch: int) -> npt.NDArray[np.int32]:
    """`batch` markings along one random walk."""
    state = engine.state()
    rows = np.empty((batch, len(engine.places)), np.int32)
    for i in range(batch):
        state.run(50, seed=i)
        rows[i] = state.marking
    return rows


def as_text(net: pc.Net) -> str:
    """For the baselines: P T, the initial marking, then per transition its inputs and outputs as (place, weight)."""
    index = {name: i for i, name in enumerate(net.places)}
    lines = [f"{len(index)} {len(net.transitions)}", " ".join(str(p.tokens) for p in net.places.values())]
    for transition in net.transitions.values():
        for arcs in (transition.inputs, transition.outputs):
            pairs = " ".join(f"{index[place]} {weight}" for place, weight in arcs.items())
            lines.append(f"{len(arcs)} {pairs}")
    return "\n".join(lines) + "\n"
