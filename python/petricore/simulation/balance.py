"""Long-run distributions of Markov chains, and other linear systems of large ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from petricore.errors import LimitReached
from petricore.simulation.elimination import solve_open, stationary_dense

__all__ = ["DENSE", "absorption", "components", "long_run", "solve_sparse"]

_Vector = npt.NDArray[np.float64]

DENSE = 600
"""Up to so many states are solved without subtractions by a dense matrix."""

_ACCURACY = 1e-10
_ROUNDING = 1e-14
_FACTORISED = 5000
_FACTORISED_FLAT = 200_000
_ITERATIONS = 1000
_REFINEMENTS = 5
_GUESSES = 200


def components(rates: Any) -> tuple[int, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The strongly connected components: how many, that of each state (n,), and which ones are never left."""
    from scipy.sparse.csgraph import connected_components

    count, label = connected_components(rates, directed=True, connection="strong")
    coo = rates.tocoo()
    closed = np.ones(count, np.bool_)
    closed[label[coo.row[label[coo.row] != label[coo.col]]]] = False
    return int(count), label.astype(np.int64), closed


def long_run(rates: Any, start: _Vector) -> _Vector:
    """The share of time that is spent in each state in the long run, (n,), from the distribution `start`.

    Raises:
        LimitReached: a large chain is so stiff that the iteration does not converge.
    """
    _, label, closed = components(rates)
    inside = closed[label]
    reached = np.bincount(label, weights=np.where(inside, start, 0.0), minlength=len(closed))
    passing = np.flatnonzero(~inside)
    if start[passing].any():
        to = np.flatnonzero(inside)
        ends = absorption(rates[passing, :][:, passing], rates[passing, :][:, to], start[passing])
        reached += np.bincount(label[to], weights=ends, minlength=len(closed))
    result = np.zeros(len(start))
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], np.arange(len(closed) + 1))
    for one in np.flatnonzero(reached > 0):
        members = order[first[one] : first[one + 1]]
        result[members] = reached[one] * _stationary(rates[members, :][:, members])
    return result


def absorption(inner: Any, outer: Any, start: _Vector) -> _Vector:
    """Where a chain ends that leaves its states sooner or later: probabilities (m,).

    Args:
        inner: CSR (n, n), rates among the states that are left.
        outer: CSR (n, m), rates to those it ends in.
        start: (n,), a distribution or a part of one.
    """
    exits = np.asarray(outer.sum(axis=1)).ravel()
    if len(start) <= DENSE:
        return np.asarray(outer.T @ _time_spent_dense(inner.toarray(), exits, start))
    from scipy.sparse import diags_array

    leaving = np.asarray(inner.sum(axis=1)).ravel() + exits
    spent = solve_sparse((diags_array(leaving) - inner).T, start)
    return np.asarray(outer.T @ np.maximum(spent, 0.0))


def _time_spent_dense(inner: _Vector, exits: _Vector, start: _Vector) -> _Vector:
    return np.asarray(start @ solve_open(inner, exits, np.eye(len(start))))


def _stationary(rates: Any) -> _Vector:
    n = rates.shape[0]
    if n <= DENSE:
        return stationary_dense(rates.toarray())
    from scipy.sparse import diags_array

    leaving = np.asarray(rates.sum(axis=1)).ravel()
    balance = (rates.T - diags_array(leaving)).tocsr()
    # One equation is replaced by p = 1 for the state that seems the likeliest, so that no ratio overflows.
    guess = np.full(n, 1 / n)
    step = 1 / (1.05 * leaving.max())
    for _ in range(_GUESSES):
        guess = guess + step * (balance @ guess)
    pivot = int(np.argmax(guess))
    others = np.delete(np.arange(n), pivot)
    right = rates[[pivot], :].toarray()[0][others]
    pi = np.empty(n)
    pi[pivot] = 1.0
    pi[others] = np.maximum(solve_sparse(-balance[others, :][:, others], right), 0.0)
    pi /= pi.sum()
    error = np.abs(balance @ pi).sum() / (pi @ leaving)
    if not error <= _ACCURACY * 100:
        raise LimitReached(
            f"the stationary distribution of {n:,} states did not converge: the balance is off by {error:.1e}"
        )
    return pi


def solve_sparse(matrix: Any, right: _Vector) -> _Vector:
    """Solve an M-matrix: where it is small or flat by a complete factorisation, otherwise by BiCGSTAB, or else GMRES.

    H. A. van der Vorst: Bi-CGSTAB: A fast and smoothly converging variant of Bi-CG for the solution of nonsymmetric
    linear systems, SIAM Journal on Scientific and Statistical Computing 13(2), 1992, doi:10.1137/0913035, after a
    Gauss-Seidel step; Y. Saad, M. H. Schultz: GMRES: A generalized minimal residual algorithm for solving nonsymmetric
    linear systems, SIAM Journal on Scientific and Statistical Computing 7(3), 1986, doi:10.1137/0907058, after an
    incomplete factorisation. Each is applied to what it left over, as long as that helps.

    Raises:
        LimitReached: it does not converge.
    """
    matrix = matrix.tocsc()
    size = float(np.abs(right).sum())
    if size == 0:
        return np.zeros_like(right)
    best = np.inf
    # With few rates per state the chain is a line or a plane, which factors fill little.
    most = _FACTORISED_FLAT if matrix.nnz <= 4.1 * len(right) else _FACTORISED
    for method in (_factorised,) if len(right) <= most else (_by_bicgstab, _by_gmres):
        solve = method(matrix)
        x, residual, error = np.zeros_like(right), right, 1.0
        for _ in range(_REFINEMENTS):
            refined = x + solve(residual)
            left = right - matrix @ refined
            after = float(np.abs(left).sum()) / size
            if not after < error / 2:
                break
            x, residual, error = refined, left, after
            if error <= _ROUNDING:
                break
        if error <= _ACCURACY:
            return np.asarray(x)
        best = min(best, error)
    raise LimitReached(
        f"the iteration for a system of {len(right):,} states did not converge: it is off by {best:.1e}"
    )


_Solve = Callable[[_Vector], _Vector]


def _factorised(matrix: Any) -> _Solve:
    from scipy.sparse.linalg import splu

    # No pivoting is needed: one of the two dominances of the diagonal always holds.
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return lambda residual: np.asarray(factors.solve(residual))


def _by_bicgstab(matrix: Any) -> _Solve:
    from scipy.sparse import tril
    from scipy.sparse.linalg import LinearOperator, bicgstab, splu

    lower = splu(tril(matrix).tocsc(), permc_spec="NATURAL", diag_pivot_thresh=0.0)
    operator = LinearOperator(matrix.shape, lower.solve)
    return lambda residual: np.asarray(
        bicgstab(matrix, residual, rtol=_ACCURACY / 10, maxiter=_ITERATIONS, M=operator)[0]
    )


def _by_gmres(matrix: Any) -> _Solve:
    from scipy.sparse.linalg import LinearOperator, gmres, spilu

    factors = spilu(matrix, drop_tol=1e-5, fill_factor=10, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
    operator = LinearOperator(matrix.shape, factors.solve)
    return lambda residual: np.asarray(
        gmres(matrix, residual, rtol=_ACCURACY / 10, restart=40, maxiter=_ITERATIONS // 40, M=operator)[0]
    )
