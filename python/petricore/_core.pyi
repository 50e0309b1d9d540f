"""The compiled core. Internal: its names and shapes may change; `petricore`'s do not."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

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
    # Offsets (K + 1,), indices, weights, and "complete", "rows", "time" or "overflow".
    def semiflows(
        self, of_places: bool, max_rows: int, seconds: float
    ) -> tuple[npt.NDArray[np.int64], _Indices, npt.NDArray[np.int64], str]: ...
    # Sound upper bounds, (P,), 2^31 - 1 where none is known, after at most about so many seconds.
    def place_bounds(self, seconds: float) -> _Counts: ...
    # Offsets (K + 1,), places, and "complete", "limit" or "time".
    def minimal_sets(
        self, siphons: bool, limit: int, seconds: float
    ) -> tuple[npt.NDArray[np.int64], _Indices, str]: ...
    def greatest_set(self, siphon: bool, places: _Indices) -> _Indices: ...
    # Whether it is known, and a minimal siphon without a marked trap, if there is one.
    def uncontrolled_siphon(self, seconds: float) -> tuple[bool, _Indices | None]: ...

class State:
    def __init__(self, engine: Engine, marking: _Counts) -> None: ...
    @property
    def marking(self) -> _Counts: ...
    @property
    def enabled(self) -> _Counts: ...
    def snapshot(self) -> _Counts: ...
    def is_enabled(self, transition: int) -> bool: ...
    def fire(self, transition: int) -> None: ...
    def run(self, steps: int, seed: int) -> int: ...

_Int32s: TypeAlias = npt.NDArray[np.int32]
_Ids: TypeAlias = npt.NDArray[np.int64]
_Integers: TypeAlias = Sequence[int] | npt.NDArray[np.integer | np.bool_]
_KeyRows: TypeAlias = Sequence[int] | Sequence[Sequence[int]] | npt.NDArray[np.integer]

TAKE: int
DRAIN: int
GATHER: int
READ: int

class Fleet:
    """Many sessions of one net at token level: docs/fleet.md. Single-threaded."""

    def __init__(
        self,
        *,
        places: int,
        transitions: int,
        inputs: Sequence[tuple[int, int, int, int, int, int]],
        outputs: Sequence[tuple[int, int, int]],
        scatters: Sequence[tuple[int, int]] = ...,
        inhibitors: Sequence[tuple[int, int, int]] = ...,
        priorities: Sequence[int] = ...,
        resources: Mapping[int, int] = ...,
        capacities: Mapping[int, int] = ...,
    ) -> None: ...
    def open(self, n: int = 1, account: int = 0) -> _Ids: ...
    def close(self, session: int) -> None: ...
    def put(
        self,
        session: int,
        place: int,
        n: int = 1,
        keys: _KeyRows | None = None,
        guards: _Integers | None = None,
    ) -> _Ids: ...
    def claim(self, limit: int) -> Claims: ...
    def claim_exactly(self, session: int, transition: int, tokens: Sequence[Sequence[int]]) -> int: ...
    def save(self, session: int) -> tuple[bytes, npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...
    def load(
        self, data: bytes, keys: npt.ArrayLike | None = None, account: int = 0
    ) -> tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]: ...
    def emit(
        self,
        firing: int,
        places: _Integers,
        keys: _KeyRows | None = None,
        guards: _Integers | None = None,
        members: _Integers | None = None,
        opened: _Integers = ...,
    ) -> _Ids: ...
    def complete(
        self,
        firing: int,
        places: _Integers = ...,
        keys: _KeyRows | None = None,
        guards: _Integers | None = None,
        members: _Integers | None = None,
        opened: _Integers = ...,
    ) -> _Ids: ...
    def fail(
        self,
        firing: int,
        places: _Integers = ...,
        keys: _KeyRows | None = None,
        guards: _Integers | None = None,
    ) -> _Ids: ...
    def release(self, firing: int) -> None: ...
    def refuse(self, firing: int, bars: Sequence[tuple[int, int]]) -> None: ...
    def drop(self, session: int, token: int) -> None: ...
    def supply(self, place: int, n: int) -> None: ...
    def marking(self, session: int) -> _Int32s: ...
    def resources(self) -> dict[int, int]: ...
    def tokens(self, session: int, place: int) -> _Ids: ...
    def firings(self, session: int) -> _Ids: ...
    def enabled(self, session: int) -> _Int32s: ...
    def waiting(self, session: int) -> list[Waiting]: ...
    def scope(self, token: int) -> _Ids: ...
    @property
    def places(self) -> int: ...
    @property
    def transitions(self) -> int: ...
    @property
    def pending(self) -> int: ...
    @property
    def stalled(self) -> int: ...
    @property
    def sessions(self) -> int: ...
    @property
    def session_bytes(self) -> int: ...
    @property
    def token_bytes(self) -> int: ...

class Claims:
    def __len__(self) -> int: ...
    def rows(self) -> list[tuple[int, int, int, list[list[int]]]]: ...
    @property
    def firings(self) -> _Ids: ...
    @property
    def sessions(self) -> _Ids: ...
    @property
    def transitions(self) -> _Int32s: ...
    @property
    def arcs(self) -> _Ids: ...
    @property
    def offsets(self) -> _Ids: ...
    @property
    def tokens(self) -> _Ids: ...
    @property
    def groups(self) -> _Ids: ...

class Waiting:
    @property
    def group(self) -> int: ...
    @property
    def place(self) -> int: ...
    @property
    def members(self) -> list[int]: ...
    @property
    def blockers(self) -> list[int]: ...
    @property
    def firings(self) -> list[int]: ...
    @property
    def gatherings(self) -> list[tuple[int, int]]: ...

class Predicate:
    def __init__(
        self,
        places: int,
        offsets: _Indices,
        term_places: _Indices,
        weights: npt.NDArray[np.int64],
        constants: npt.NDArray[np.int64],
        on_true: _Indices,
        on_false: _Indices,
    ) -> None: ...
    def holds(self, marking: _Counts) -> bool: ...

class StateSpace:
    def __init__(
        self,
        engine: Engine,
        *,
        goal: Predicate | None = None,
        end_at_deadlock: bool = False,
        depth_first: bool = False,
        reduction: str = "none",
        edges: bool = False,
        max_states: int,
        max_bytes: int,
        threads: int = 1,
        parallel_from: int = ...,
        bounds: _Counts,
        progress: Callable[[int], object] | None = None,
        seconds: float = ...,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def end(self) -> str: ...
    @property
    def expanded(self) -> int: ...
    @property
    def firings(self) -> int: ...
    @property
    def found(self) -> int: ...
    @property
    def overflowing_place(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def words(self) -> int: ...
    @property
    def deadlocks(self) -> _Indices: ...
    def edges(self) -> tuple[npt.NDArray[np.int64], _Indices, _Counts]: ...
    def markings(self, first: int, last: int) -> _Counts: ...
    def find(self, marking: _Counts) -> int: ...
    def bounds(self, threads: int = 0) -> tuple[_Counts, int]: ...
    def fireable(self) -> npt.NDArray[np.uint8]: ...
    def evaluate(
        self, predicate: Predicate, threads: int = 0, seconds: float = ...
    ) -> npt.NDArray[np.bool_] | None: ...
    def path(self, marking: int) -> _Indices: ...

_Words: TypeAlias = npt.NDArray[np.uint64]

class StateGraph:
    def __init__(
        self, states: int, offsets: npt.NDArray[np.int64], targets: _Indices, seconds: float = ...
    ) -> None: ...
    @property
    def stopped(self) -> bool: ...
    @property
    def states(self) -> int: ...
    @property
    def expanded(self) -> int: ...
    def some_next(self, operand: _Words, unknown: bool, seconds: float = ...) -> _Words | None: ...
    def some_until(
        self, left: _Words, right: _Words, unknown: bool, seconds: float = ...
    ) -> _Words | None: ...
    def every_until(
        self, left: _Words, right: _Words, unknown: bool, seconds: float = ...
    ) -> _Words | None: ...
    def route(
        self, start: int, through: _Words, goals: _Words, seconds: float = ...
    ) -> npt.NDArray[np.int64] | None: ...
    def lasso(
        self, start: int, within: _Words, seconds: float = ...
    ) -> tuple[npt.NDArray[np.int64], int] | None: ...
    def components(
        self, transitions: _Counts, count: int, seconds: float = ...
    ) -> tuple[_Indices, npt.NDArray[np.uint8], _Indices] | None: ...

# (K, columns), from the offsets (K + 1,), indices and weights of its rows.
def dense_rows(
    offsets: npt.NDArray[np.int64], indices: _Indices, weights: npt.NDArray[np.int64], columns: int
) -> npt.NDArray[np.int64]: ...
def coverability(
    engine: Engine,
    control: npt.NDArray[np.uint8],
    nodes: int,
    bytes: int,
    seconds: float,
    progress: Callable[[int], object] | None,
) -> tuple[
    _Counts,  # markings (N, P)
    npt.NDArray[np.int64],  # parents (N,)
    _Counts,  # transitions (N,)
    npt.NDArray[np.uint8],  # maximal (N,)
    npt.NDArray[np.int64],  # pumps (K, 2)
    npt.NDArray[np.int64],  # enabled_at (T,)
    str,  # "complete", "limit", "memory", "overflow", "timeout"
]: ...

# Whether it was found, the transitions that lead there, firings and walks. Goal None: a deadlock.
def walk(
    engine: Engine,
    goal: Predicate | None,
    steps: int,
    seed: int,
    parikh: npt.NDArray[np.int64],
    progress: Callable[[int], object] | None,
    seconds: float,
) -> tuple[bool, _Indices, int, int]: ...

# The largest sum met, the transitions that lead there, firings.
def climb(
    engine: Engine,
    places: _Indices,
    weights: npt.NDArray[np.int64],
    target: int,
    steps: int,
    seed: int,
    progress: Callable[[int], object] | None,
    seconds: float,
) -> tuple[int, _Indices, int]: ...
def seen_enabled(
    engine: Engine, steps: int, seed: int, progress: Callable[[int], object] | None, seconds: float
) -> npt.NDArray[np.uint8]: ...

_ArcTable: TypeAlias = tuple[_Indices, _Indices, _Counts]  # offsets (T + 1,), places, weights

class Reduction:
    @property
    def initial(self) -> _Counts: ...
    @property
    def places(self) -> _Indices: ...
    @property
    def inputs(self) -> _ArcTable: ...
    @property
    def outputs(self) -> _ArcTable: ...
    @property
    def reads(self) -> _ArcTable: ...
    @property
    def inhibitors(self) -> _ArcTable: ...
    @property
    def resets(self) -> _ArcTable: ...
    @property
    def stories(self) -> list[_Indices]: ...
    @property
    def rules(self) -> dict[str, int]: ...
    @property
    def complete(self) -> bool: ...
    def lift(self, engine: Engine, path: _Indices) -> _Indices: ...

def reduce(
    engine: Engine, deadlock: bool, visible_places: _Indices, visible_transitions: _Indices, seconds: float
) -> Reduction: ...

class ExpressionError(Exception):
    text: str
    position: int  # in characters
    transition: int  # -1: of no transition
    observable: int

class SimulationFault(Exception):
    kind: str  # "rate", "overflow" or "loop"
    replica: int  # the row of the result
    time: float
    index: int  # the transition, or the place that overflowed
    value: float
    loop: list[int]

class DeviceError(Exception): ...

_Floats: TypeAlias = npt.NDArray[np.float64]
_Codes: TypeAlias = npt.NDArray[np.uint8]

class Expression:
    def __init__(self, text: str, place_names: Sequence[str | bytes]) -> None: ...
    def evaluate(self, markings: _Counts) -> _Floats: ...  # (B, P) to (B,)
    @property
    def places(self) -> _Indices: ...

class TimedNet:
    def __init__(
        self,
        engine: Engine,
        timing: _Codes,
        law: _Codes,
        memory: _Codes,
        servers: _Counts,  # 2^31 - 1: infinitely many
        rates: _Floats,
        weights: _Floats,
        delays: Sequence[tuple[int, float, float, float, _Floats] | None],  # family, a, b, c, samples
        expressions: Sequence[str | None],
        place_names: Sequence[str | bytes],  # bytes: no UTF-8, so that nothing can name it
    ) -> None: ...

# The fields of SimulationResult in petricore/simulate.hpp, as far as they are asked for.
def simulate(
    timed: TimedNet,
    *,
    algorithm: str,
    replicas: int,
    first_replica: int,
    seed: int,
    until: float,
    steps: int,
    most_events: int,
    warmup: float,
    tolerance: float,
    end_when: Predicate | None,
    record: str,
    grid: _Floats,
    initial: _Counts,
    rates: _Floats,
    observables: Sequence[tuple[str, str | None, Predicate | None, int]],
    count_firings: bool,
    most_recorded: int,
    threads: int,
    progress: Callable[[int], object] | None,
    device: str,
) -> dict[str, npt.NDArray[Any]]: ...

# Why an algorithm cannot run a net; empty: it can.
def unsupported(algorithm: str, timed: TimedNet) -> str: ...
