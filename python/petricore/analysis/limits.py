"""What a search of the state space may use at most."""

from __future__ import annotations

import os

from petricore.analysis.memory import available_memory, free_address_space
from petricore.arguments import positive

__all__ = ["MOST_STATES", "memory_of", "threads_of"]

MOST_STATES = 2**32 - 2
"""States are numbered with 32 bits, and one number stands for none."""

_MOST_THREADS = 64
_REGIONS = 7


def threads_of(threads: object) -> int:
    """How many threads a search gets; None: one per core.

    Raises:
        NetError: `threads` is no integer above 0.
    """
    return min(positive(threads, "threads", os.cpu_count() or 1), _MOST_THREADS)


def memory_of(memory: object, threads: int = 1) -> int:
    """How many bytes a search gets; None: 80 % of what is available now.

    A search reserves address space beyond what it uses: as much as its limit for the markings, twice while they are
    packed anew, for each of three arrays of edges, and for the table of each thread. So of a limited address space it
    gets a small part, and ends at that rather than in a `MemoryError`.

    Raises:
        NetError: `memory` is no integer above 0.
    """
    most = positive(memory, "memory", available_memory())
    space = free_address_space()
    return most if space is None else max(1, min(most, space // (_REGIONS + threads)))
