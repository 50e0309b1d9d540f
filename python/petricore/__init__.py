"""petricore: an embedded Petri-net engine, and agents that are nets.

Importing this package loads the engine only, which needs numpy. Names of the agent layer and of the runtime
are loaded on first use and need the extra that their error names.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from petricore.conflicts import Conflicts
from petricore.distributions import (
    Delay,
    Deterministic,
    Empirical,
    Erlang,
    Exponential,
    Interval,
    Lognormal,
    Triangular,
    Uniform,
    Weibull,
)
from petricore.engine import Engine
from petricore.errors import (
    DeviceError,
    ExecutorError,
    ExecutorUnavailableError,
    FiringNotFoundError,
    FormulaError,
    GuardError,
    ImageNotFoundError,
    JournalCorruptError,
    JournalError,
    LimitReached,
    MemoryLimitError,
    NetError,
    NotEnabledError,
    OutputLimitError,
    PetriError,
    PnmlError,
    RemoteError,
    SessionLostError,
    SessionNotFoundError,
    SimulationError,
    TokenOverflowError,
    TokenTypeError,
    VersionError,
    WeightOverflowError,
    WorkerDiedError,
    WorkerProtocolError,
)
from petricore.net import MAX_TOKENS, Net, Place, Transition
from petricore.state import State
from petricore.timing import MassAction

if TYPE_CHECKING:
    from petricore.agent import (
        Agent,
        AtLeast,
        Confirm,
        Every,
        Failure,
        From,
        Gather,
        Read,
        Result,
        RetryPolicy,
        Tick,
        TimeoutPolicy,
        To,
        Weight,
    )
    from petricore.analysis.coverability import OMEGA, Coverability
    from petricore.analysis.mcc import read_mcc_formulas
    from petricore.analysis.soundness import Soundness
    from petricore.analysis.space import StateSpace
    from petricore.analysis.verdict import Verdict
    from petricore.runtime import Context, ManualClock, Runtime, Session, SystemClock
    from petricore.simulation.agents import AgentSimulation, Confirmation, Cost, RateLimit
    from petricore.simulation.chain import MarkovChain
    from petricore.simulation.first_passage import FirstPassageTime
    from petricore.simulation.observables import (
        Final,
        FirstPassage,
        Maximum,
        Minimum,
        Throughput,
        TimeAverage,
        TimeIn,
    )
    from petricore.simulation.segments import Estimate
    from petricore.simulation.splitting import RareEvent
    from petricore.simulation.steady_state import SteadyState
    from petricore.simulation.trajectories import Trajectories

__all__ = [
    "MAX_TOKENS",
    "OMEGA",
    "Agent",
    "AgentSimulation",
    "AtLeast",
    "Confirm",
    "Confirmation",
    "Conflicts",
    "Context",
    "Cost",
    "Coverability",
    "Delay",
    "Deterministic",
    "DeviceError",
    "Empirical",
    "Engine",
    "Erlang",
    "Estimate",
    "Every",
    "ExecutorError",
    "ExecutorUnavailableError",
    "Exponential",
    "Failure",
    "Final",
    "FiringNotFoundError",
    "FirstPassage",
    "FirstPassageTime",
    "FormulaError",
    "From",
    "Gather",
    "GuardError",
    "ImageNotFoundError",
    "Interval",
    "JournalCorruptError",
    "JournalError",
    "LimitReached",
    "Lognormal",
    "ManualClock",
    "MarkovChain",
    "MassAction",
    "Maximum",
    "MemoryLimitError",
    "Minimum",
    "Net",
    "NetError",
    "NotEnabledError",
    "OutputLimitError",
    "PetriError",
    "Place",
    "PnmlError",
    "RareEvent",
    "RateLimit",
    "Read",
    "RemoteError",
    "Result",
    "RetryPolicy",
    "Runtime",
    "Session",
    "SessionLostError",
    "SessionNotFoundError",
    "SimulationError",
    "Soundness",
    "State",
    "StateSpace",
    "SteadyState",
    "SystemClock",
    "Throughput",
    "Tick",
    "TimeAverage",
    "TimeIn",
    "TimeoutPolicy",
    "To",
    "TokenOverflowError",
    "TokenTypeError",
    "Trajectories",
    "Transition",
    "Triangular",
    "Uniform",
    "Verdict",
    "VersionError",
    "Weibull",
    "Weight",
    "WeightOverflowError",
    "WorkerDiedError",
    "WorkerProtocolError",
    "read_mcc_formulas",
]

__version__ = "0.1.0"

# Name -> module that defines it, imported on first use.
_LAZY: dict[str, str] = {
    "OMEGA": "petricore.analysis.coverability",
    "Coverability": "petricore.analysis.coverability",
    "Soundness": "petricore.analysis.soundness",
    "StateSpace": "petricore.analysis.space",
    "Verdict": "petricore.analysis.verdict",
    "read_mcc_formulas": "petricore.analysis.mcc",
    "Final": "petricore.simulation.observables",
    "FirstPassage": "petricore.simulation.observables",
    "Maximum": "petricore.simulation.observables",
    "Minimum": "petricore.simulation.observables",
    "Throughput": "petricore.simulation.observables",
    "TimeAverage": "petricore.simulation.observables",
    "TimeIn": "petricore.simulation.observables",
    "Trajectories": "petricore.simulation.trajectories",
    "Estimate": "petricore.simulation.segments",
    "FirstPassageTime": "petricore.simulation.first_passage",
    "MarkovChain": "petricore.simulation.chain",
    "RareEvent": "petricore.simulation.splitting",
    "SteadyState": "petricore.simulation.steady_state",
    "read_pnml": "petricore.io.pnml_reader",
    "write_pnml": "petricore.io.pnml_writer",
    "Agent": "petricore.agent",
    "AtLeast": "petricore.agent",
    "Confirm": "petricore.agent",
    "Every": "petricore.agent",
    "Failure": "petricore.agent",
    "From": "petricore.agent",
    "Gather": "petricore.agent",
    "Read": "petricore.agent",
    "Result": "petricore.agent",
    "RetryPolicy": "petricore.agent",
    "Tick": "petricore.agent",
    "TimeoutPolicy": "petricore.agent",
    "To": "petricore.agent",
    "Weight": "petricore.agent",
    "AgentSimulation": "petricore.simulation.agents",
    "Confirmation": "petricore.simulation.agents",
    "Cost": "petricore.simulation.agents",
    "RateLimit": "petricore.simulation.agents",
    "Context": "petricore.runtime",
    "ManualClock": "petricore.runtime",
    "Runtime": "petricore.runtime",
    "Session": "petricore.runtime",
    "SystemClock": "petricore.runtime",
}


def __getattr__(name: str) -> Any:
    try:
        module = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module 'petricore' has no attribute {name!r}") from None
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LAZY})
