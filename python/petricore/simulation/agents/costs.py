"""`Cost`: what a transition or a resource costs, in whatever unit the caller counts."""

from __future__ import annotations

from dataclasses import dataclass

from petricore.simulation.agents.given import Number

__all__ = ["Cost"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Prices, each a number or a distribution.

    Of a transition: `per_firing` once for each firing that ended (however often it was tried), `per_attempt` for each
    attempt begun, `per_second` for the time its attempts ran. Of a resource: `per_second` for each unit of it while a
    firing holds it.
    """

    per_firing: Number = 0.0
    per_attempt: Number = 0.0
    per_second: Number = 0.0
