"""Systems of a Markov chain solved without subtractions, so that small probabilities keep all their digits.

W. K. Grassmann, M. I. Taksar, D. P. Heyman: Regenerative analysis and steady state distributions for Markov chains,
Operations Research 33(5), 1985, doi:10.1287/opre.33.5.1107.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["solve_open", "stationary_dense"]

_Matrix = npt.NDArray[np.float64]


def stationary_dense(rates: _Matrix) -> _Matrix:
    """The stationary distribution of an irreducible chain, (n,), from its rates (n, n); the diagonal does not matter.

    Costs O(n^3). The relative error of each entry is of the order of n times the rounding of one operation.
    """
    a = rates.copy()
    n = len(a)
    out = np.empty(n)
    for k in range(n - 1, 0, -1):
        out[k] = a[k, :k].sum()
        a[:k, :k] += np.outer(a[:k, k] / out[k], a[k, :k])
    pi = np.zeros(n)
    pi[0] = 1.0
    for k in range(1, n):
        pi[k] = pi[:k] @ a[:k, k] / out[k]
        if pi[k] > 1e200:  # no ratio of two entries overflows
            pi[: k + 1] /= pi[k]
    return np.asarray(pi / pi.sum())


def solve_open(rates: _Matrix, exits: _Matrix, right: _Matrix) -> _Matrix:
    """(diag(out) - rates)^-1 right, where `out` is what leaves each state: to the others, and by `exits`.

    Args:
        rates: (n, n), at least 0; the diagonal does not matter.
        exits: (n,), at least 0: the chain is left from every state sooner or later.
        right: (n, m), at least 0.

    Returns:
        (n, m). Costs O(n^2 (n + m)).
    """
    a, exits, x = rates.copy(), exits.copy(), right.copy()
    n = len(a)
    out = np.empty(n)
    for k in range(n - 1, -1, -1):
        out[k] = a[k, :k].sum() + exits[k]
        share = a[:k, k] / out[k]
        a[:k, :k] += np.outer(share, a[k, :k])
        exits[:k] += share * exits[k]
        x[:k] += np.outer(share, x[k])
    for k in range(n):
        x[k] = (x[k] + a[k, :k] @ x[:k]) / out[k]
    return x
