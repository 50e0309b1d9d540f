"""Timed nets by definition: generalized stochastic Petri nets as dense matrices, and strategies that draw them."""

from __future__ import annotations

import math
from math import comb

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from petricore import MassAction, Net
from tests.property.oracle import Marking, Oracle


class TooLargeError(Exception):
    """The net has more markings than a dense matrix should have."""


class DenseChain:
    """All reachable markings, rates and probabilities by the rules, and the embedded chain by a dense inverse.

    `states` are the tangible markings; `generator`, `start` and `firings` are dense. `trapped`: immediate transitions
    fire for ever.
    """

    def __init__(self, net: Net, most: int = 150) -> None:
        self.oracle = oracle = Oracle(net)
        self.transitions = oracle.transitions
        markings = [oracle.initial]
        known = {oracle.initial: 0}
        rows: list[dict[tuple[int, int], float]] = []
        self.vanishing: list[bool] = []
        for m in markings:
            vanishing, row = self._row(m)
            self.vanishing.append(vanishing)
            numbered: dict[tuple[int, int], float] = {}
            for t, value in row.items():
                after = oracle.fire(m, t)
                assert after is not None
                if after not in known:
                    if len(known) >= most:
                        raise TooLargeError
                    known[after] = len(markings)
                    markings.append(after)
                numbered[known[after], t] = value
            rows.append(numbered)
        self.all = markings
        n, count = len(markings), len(self.transitions)
        matrix, fire = np.zeros((n, n)), np.zeros((n, count))
        for i, numbered in enumerate(rows):
            for (j, t), value in numbered.items():
                matrix[i, j] += value
                fire[i, t] += value
        v = np.array(self.vanishing)
        self.trapped = _has_trap(matrix, v)
        if self.trapped:
            return
        eliminated = np.linalg.inv(np.eye(v.sum()) - matrix[np.ix_(v, v)])
        after = eliminated @ matrix[np.ix_(v, ~v)]
        rates = matrix[np.ix_(~v, ~v)] + matrix[np.ix_(~v, v)] @ after
        self.firings = fire[~v] + matrix[np.ix_(~v, v)] @ eliminated @ fire[v]
        np.fill_diagonal(rates, 0)
        self.generator = rates - np.diag(rates.sum(axis=1))
        self.states = [m for m, gone in zip(markings, v, strict=True) if not gone]
        self.start = after[0] if v[0] else np.eye(len(self.states))[0]

    def _row(self, m: Marking) -> tuple[bool, dict[int, float]]:
        enabled = [t for t, on in enumerate(self.oracle.enabled(m)) if on]
        immediate = [t for t in enabled if self.transitions[t].weight is not None]
        if immediate:
            highest = max(self.transitions[t].priority for t in immediate)
            chosen = [t for t in immediate if self.transitions[t].priority == highest]
            total = sum(self.transitions[t].weight or 0 for t in chosen)
            return True, {t: (self.transitions[t].weight or 0) / total for t in chosen}
        rates = {t: self.rate(m, t) for t in enabled}
        return False, {t: rate for t, rate in rates.items() if rate > 0}

    def rate(self, m: Marking, t: int) -> float:
        one = self.transitions[t]
        tokens = dict(zip(self.oracle.places, m, strict=True))
        if isinstance(one.rate, MassAction):
            return one.rate.k * math.prod(comb(tokens[p], w) for p, w in one.inputs.items())
        if isinstance(one.rate, str):
            return float(
                eval(one.rate, {"min": min, "max": max}, tokens)
            )  # the strategies draw plain arithmetic
        most = 40 if one.servers == math.inf else int(one.servers)
        return one.rate * self.oracle.degree(m, t, most)


def _has_trap(matrix: npt.NDArray[np.float64], vanishing: npt.NDArray[np.bool_]) -> bool:
    escapes = ~vanishing
    for _ in range(len(matrix)):
        escapes = escapes | (matrix @ escapes > 0)
    return not bool(escapes.all())


@st.composite
def timed_nets(draw: st.DrawFn, *, immediate: bool = True, ergodic: bool = False) -> Net:
    """A small bounded net: tokens move between places, none is made; every law of rates, and immediate transitions.

    `ergodic`: all tokens of the first place can come back from any other, so that the chain has one recurrent part.
    """
    net = Net("gspn")
    places = [f"p{i}" for i in range(draw(st.integers(2, 4)))]
    for place in places:
        net.add_place(place, draw(st.integers(0, 2)))
    rates = st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.5])
    for i in range(draw(st.integers(1, 5))):
        source, target = draw(st.sampled_from(places)), draw(st.sampled_from(places))
        weight = draw(st.integers(1, 2))
        options: dict[str, object] = {}
        kind = draw(st.sampled_from(["rate", "servers", "mass", "text"] + ["immediate"] * (2 * immediate)))
        if kind == "rate":
            options["rate"] = draw(rates)
        elif kind == "servers":
            options.update(rate=draw(rates), servers=draw(st.sampled_from([2, 3, math.inf])))
        elif kind == "mass":
            options["rate"] = MassAction(draw(rates))
        elif kind == "text":
            options["rate"] = f"{draw(rates)} * min({draw(st.sampled_from(places))}, 2)"
        else:
            options.update(weight=draw(rates), priority=draw(st.integers(0, 1)))
        inputs = {source: weight}
        outputs = {target: draw(st.integers(1, weight)) if draw(st.booleans()) else weight}
        more = draw(st.sampled_from(["none", "reads", "inhibitors"]))
        if more != "none":
            options[more] = {draw(st.sampled_from(places)): draw(st.integers(1, 3))}
        net.add_transition(f"t{i}", inputs, outputs, **options)  # type: ignore[arg-type]
    if ergodic:
        for i, place in enumerate(places):
            net.add_transition(f"r{i}", [place], [places[(i + 1) % len(places)]], rate=draw(rates))
    return net
