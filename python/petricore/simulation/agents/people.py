"""`Confirmation`: what a simulated person does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Confirmation"]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person decides after `seconds` (a number or a distribution), and refuses with probability `rejection`."""

    seconds: Any
    rejection: float = 0.0
