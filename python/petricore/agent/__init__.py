"""Agents: typed places, decorated transitions, and the net they make."""

from petricore.agent.agent import Agent, TransitionOptions
from petricore.agent.failure import Failure
from petricore.agent.markers import AtLeast, From, Gather, Read, To, Weight
from petricore.agent.options import RetryPolicy, TimeoutPolicy
from petricore.agent.result import Result

__all__ = [
    "Agent",
    "AtLeast",
    "Failure",
    "From",
    "Gather",
    "Read",
    "Result",
    "RetryPolicy",
    "TimeoutPolicy",
    "To",
    "TransitionOptions",
    "Weight",
]
