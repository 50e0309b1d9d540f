"""How close the moments of n independent samples must be to exact ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Z", "assert_bounded_mean", "assert_moments"]

Z = 5.0
"""Standard errors that a test allows: a normal variable is beyond with a probability of 6e-7."""

_UNLIKELY = math.log(2 / 1e-9)


def assert_moments(
    samples: npt.NDArray[Any],
    mean: float,
    variance: float | None,
    *,
    drift: float = 0.0,
    rare: float = 0.0,
    what: str = "",
) -> None:
    """The mean within Z standard errors, sqrt(variance / n); the variance within Z of its own.

    That is sqrt((m4 - variance^2) / n), with m4 the fourth central moment of the samples. Unless the exact variance is
    given, that of the samples stands for it. `drift`: how far moments of an approximate algorithm may be off besides,
    as a share of them. `rare`: how far one sample may be off that does what too few do to be seen among n, as those
    of a variance that is that of the samples may all be alike.
    """
    x = np.asarray(samples, np.float64)
    n = len(x)
    spread = x.var(ddof=1) if variance is None else variance
    off = abs(x.mean() - mean)
    allowed = Z * math.sqrt(spread / n) + drift * abs(mean) + rare * _UNLIKELY / n + 1e-12
    assert off <= allowed, f"{what}: mean {x.mean()} instead of {mean}, beyond {allowed}"
    if variance is not None:
        found = x.var(ddof=1)
        fourth = ((x - x.mean()) ** 4).mean()
        allowed = Z * math.sqrt(max(fourth - found**2, 0) / n) + drift * 2 * variance + 1e-12
        assert abs(found - variance) <= allowed, (
            f"{what}: variance {found} instead of {variance}, beyond {allowed}"
        )


def assert_bounded_mean(
    found: float, exact: float, variance: float, most: float, n: int, what: str = ""
) -> None:
    """The mean of n independent samples that are within `most` of their expectation.

    By Bernstein's inequality it is off further with a probability of at most 1e-9, however skewed they are.
    """
    linear = most * _UNLIKELY / (3 * n)
    allowed = linear + math.sqrt(linear**2 + 2 * variance * _UNLIKELY / n) + 1e-9
    assert abs(found - exact) <= allowed, f"{what}: mean {found} instead of {exact}, beyond {allowed}"
