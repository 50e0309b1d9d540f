"""`Verdict`: what a check found out, how, and what shows it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a query.

    `holds` is True or False where the answer is certain and None where a limit was reached first; `reason` says
    why in words. A `Verdict` has no truth value of its own, since None would silently read as False.
    """

    holds: bool | None
    witness: tuple[str, ...] | None = None
    """Transitions that fire one after the other from the initial marking, to a marking that shows the verdict."""
    reason: str = ""
    method: str = ""
    """What decided: "structure", "state equation", "walk", "full search", ..."""
    states: int = 0
    """Markings visited."""
    bound: int | None = None
    """For `bound:` queries, the largest value (its best known lower bound if `holds` is None)."""

    def __bool__(self) -> bool:
        raise TypeError("a verdict is True, False or None (unknown): ask for its .holds")
