"""`Failure`: what is left of a firing that did not complete. It holds the tokens, so none is ever gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Failure", "FailureKind"]

FailureKind = Literal["error", "timeout", "rejected", "cancelled", "interrupted", "undecodable"]
"""interrupted: the process died while the action ran, and `delivery="at_most_once"` (or its dying each time) forbids to
run it again. undecodable: the type of a token's place refuses what the journal holds."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A firing that ended without its result.

    With `on_error="fail"` the consumed tokens live on here, in `tokens`, by parameter (a list for a parameter
    that takes several). With `on_error="release"` they are back in their places and `tokens` shows what they
    were. With a place name this object itself is the token that goes there.
    """

    transition: str
    firing_id: str
    kind: FailureKind
    error: str
    """The exception's type and message, or the reason a person gave."""
    attempts: int
    tokens: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.transition} ({self.firing_id}) {self.kind} after {self.attempts} attempt(s): {self.error}"
        )
