"""When scipy, which brings the solver HiGHS, is imported: it takes a second, and much address space."""

from __future__ import annotations

import sys

from petricore.analysis.memory import free_address_space
from petricore.analysis.portfolio import Budget, Problem
from petricore.errors import PetriError

__all__ = ["load_solver", "loaded", "need_solver", "prepare_solver"]

_SECONDS = 2.0
"""What the import takes where nothing is cached."""
_ADDRESS_SPACE = 1 << 30
"""Below, scipy's BLAS may not get its buffers, and then interrupts the process."""


def loaded() -> bool:
    """Whether the solver is there without any delay."""
    return "scipy.optimize" in sys.modules


def load_solver(budget: Budget) -> bool:
    """Import the solver if there is time for that; whether it is there then."""
    if loaded():
        return True
    space = free_address_space()
    if budget.seconds is not None and budget.seconds < _SECONDS:
        return False
    if space is not None and space < _ADDRESS_SPACE:
        return False
    return _imported()


def prepare_solver(_: Problem, budget: Budget) -> None:
    """`load_solver` as a method of the portfolio, so that what it takes is no other method's time. Decides nothing."""
    load_solver(budget)


def need_solver() -> None:
    """Import the solver. Raises `PetriError` where scipy is missing."""
    if not _imported():
        raise PetriError("the state equation needs scipy: pip install 'petricore[analysis]'")


def _imported() -> bool:
    try:
        import scipy.optimize  # noqa: F401
    except ImportError:
        return False
    return True
