"""The compiled core. Internal: its names and shapes may change; `petricore`'s do not."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

_Counts: TypeAlias = npt.NDArray[np.int32]
_Indices: TypeAlias = npt.NDArray[np.uint32]
_Arcs: TypeAlias = tuple[_Indices, _Indices, _Counts]  # offsets (T + 1,), places, weights

def simd_level() -> str: ...

class NotEnabled(Exception):
    marking: int
    transition: int
    place: int
    needed: int
    found: int

class TokenOverflow(Exception):
    marking: int
    place: int
    count: int

class NegativeTokens(Exception):
    marking: int
    place: int
    count: int

class Engine:
    def __init__(
        self,
        initial: _Counts,
        capacities: _Counts,
        inputs: _Arcs,
        outputs: _Arcs,
        reads: _Arcs,
        inhibitors: _Arcs,
        resets: _Arcs,
        priorities: _Counts,
        rates: npt.NDArray[np.float64],
    ) -> None: ...
    def enabled(self, markings: _Counts, out: npt.NDArray[np.bool_], threads: int = 0) -> None: ...
    def enabling_degree(self, markings: _Counts, threads: int = 0) -> _Counts: ...
    def fire(self, markings: _Counts, firings: _Counts, threads: int = 0) -> _Counts: ...
    def step(self, markings: _Counts, random: bool, seed: int, threads: int = 0) -> _Counts: ...
    def conflicts(self, markings: _Counts, threads: int = 0) -> tuple[npt.NDArray[np.int64], _Counts]: ...

class State:
    def __init__(self, engine: Engine, marking: _Counts) -> None: ...
    @property
    def marking(self) -> _Counts: ...
    @property
    def enabled(self) -> _Counts: ...
    def is_enabled(self, transition: int) -> bool: ...
    def fire(self, transition: int) -> None: ...
    def run(self, steps: int, seed: int) -> int: ...
