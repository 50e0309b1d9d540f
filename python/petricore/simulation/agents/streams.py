"""Random numbers of a simulated agent: a stream of its own for each firing.

The stream of a firing is named by (seed, session, transition, how many firings of it this session had before), so
what a firing draws depends neither on the other sessions nor on the resources: two simulations with one seed and
other resources compare the same work. The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014, doi:10.1145/2660193.2660195), the names are hashed by its mixer.
"""

from __future__ import annotations

__all__ = ["Stream"]

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15
_UNIT = 2.0**-53


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class Stream:
    """Uniform numbers, named by integers."""

    __slots__ = ("_state",)

    def __init__(self, *name: int) -> None:
        state = 0
        for part in name:
            state = _mix((state + _GOLDEN) & _MASK) ^ (part & _MASK)
        self._state = _mix((state + _GOLDEN) & _MASK)

    def random(self) -> float:
        """The next number in [0, 1)."""
        self._state = state = (self._state + _GOLDEN) & _MASK
        return (_mix(state) >> 11) * _UNIT

    def positive(self) -> float:
        """The next number in (0, 1): one whose logarithm and normal quantile are finite."""
        self._state = state = (self._state + _GOLDEN) & _MASK
        return ((_mix(state) >> 12) + 0.5) * (2 * _UNIT)
