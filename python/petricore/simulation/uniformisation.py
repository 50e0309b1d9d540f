"""Distributions of a Markov chain at points in time.

Uniformisation: the chain is a discrete one that steps at the times of a Poisson process. The weights of the numbers of
steps are computed from the most likely number outwards and divided by their sum, after B. L. Fox, P. W. Glynn:
Computing Poisson probabilities, Communications of the ACM 31(4), 1988, doi:10.1145/42404.42409. How far they are
needed follows from Bernstein's inequality.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["evolve", "poisson_weights"]

_Vector = npt.NDArray[np.float64]


def poisson_weights(mean: float, error: float) -> tuple[int, _Vector]:
    """The first number of steps that counts, and probabilities from it on that miss at most `error` of the whole."""
    if mean == 0:
        return 0, np.ones(1)
    most_likely = math.floor(mean)
    tail = math.log(4 / error)
    first = max(0, math.floor(mean - math.sqrt(2 * mean * tail)) - 1)
    last = math.ceil(mean + tail / 3 + math.sqrt(tail * tail / 9 + 2 * tail * mean)) + 1
    down = np.cumprod(np.arange(most_likely, first, -1) / mean)[::-1]
    up = np.cumprod(mean / np.arange(most_likely + 1, last + 1))
    weights = np.concatenate([down, [1.0], up])
    return first, weights / weights.sum()


def evolve(rates: Any, start: _Vector, time: float, error: float) -> _Vector:
    """The distribution `time` after `start`, (n,); the sum of the errors is at most about `error`.

    `rates` is CSR (n, n) without a diagonal. Costs O(largest rate out * time) products with it, fewer where the
    distribution comes to rest before.
    """
    leaving = np.asarray(rates.sum(axis=1)).ravel()
    fastest = float(leaving.max(initial=0.0))
    if fastest == 0 or time == 0:
        return start.copy()
    stay = 1 - leaving / fastest
    into = (rates / fastest).T.tocsr()
    first, weights = poisson_weights(fastest * time, error / 2)
    steps = first + len(weights)
    at = start
    result = weights[0] * at if first == 0 else np.zeros_like(at)
    for step in range(1, steps):
        after = stay * at + into @ at
        # No step enlarges a difference, so all that are left move by no more than that many times this one.
        if step % 16 == 0 and np.abs(after - at).sum() * (steps - step) < error / 4:
            return np.asarray(result + after * weights[max(0, step - first) :].sum())
        at = after
        if step >= first:
            result = result + weights[step - first] * at
    return result
