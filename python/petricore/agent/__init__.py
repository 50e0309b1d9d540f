"""Agents: typed places, decorated transitions, and the net they make."""

from petricore.agent.agent import Agent, TransitionOptions
from petricore.agent.failure import Failure
from petricore.agent.markers import AtLeast, From, Gather, Read, To, Weight
from petricore.agent.options import Confirm, RetryPolicy, TimeoutPolicy
from petricore.agent.result import Result
from petricore.agent.schedule import Every, Tick

__all__ = [
    "Agent",
    "AtLeast",
    "Confirm",
    "Every",
    "Failure",
    "From",
    "Gather",
    "Read",
    "Result",
    "RetryPolicy",
    "Tick",
    "TimeoutPolicy",
    "To",
    "TransitionOptions",
    "Weight",
]
