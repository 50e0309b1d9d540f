"""Simulated agents: what sessions will take, wait for and cost, before one is run. See `Agent.simulate`."""

from petricore.simulation.agents.costs import Cost
from petricore.simulation.agents.people import Confirmation
from petricore.simulation.agents.resources import RateLimit
from petricore.simulation.agents.result import AgentSimulation
from petricore.simulation.agents.usage import Bottleneck, ResourceUse, TransitionUse

__all__ = [
    "AgentSimulation",
    "Bottleneck",
    "Confirmation",
    "Cost",
    "RateLimit",
    "ResourceUse",
    "TransitionUse",
]
