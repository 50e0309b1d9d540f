"""`Confirmation`: what a simulated person does."""

from __future__ import annotations

from dataclasses import dataclass

from petricore.simulation.agents.given import Number

__all__ = ["Confirmation"]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person decides after `seconds` (a number or a distribution), and refuses with probability `rejection`."""

    seconds: Number
    rejection: float = 0.0
