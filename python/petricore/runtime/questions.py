"""What an action asks a person: the question, the type of its answer, and what happens when nobody answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

__all__ = ["BY_DEADLINE", "NO_DEFAULT", "Request"]

BY_DEADLINE = "deadline"
"""Who decided or answered, where a deadline did."""


class _NoDefault:
    def __repr__(self) -> str:
        return "<no default>"


NO_DEFAULT: Any = _NoDefault()


@dataclass(frozen=True, slots=True)
class Request:
    """A question. `deadline` in seconds from when it is asked.

    Raises:
        TypeError: pydantic has no schema for the type of the answer.
        ValueError: the deadline is no number above 0, or there is a default without a deadline.
    """

    question: str
    type: Any = str
    deadline: float | None = None
    default: Any = NO_DEFAULT

    def __post_init__(self) -> None:
        try:
            TypeAdapter(self.type)
        except (PydanticSchemaGenerationError, PydanticUserError):
            raise TypeError(
                f"ask: nobody can answer with a {self.type!r}, for which pydantic has no schema"
            ) from None
        if self.deadline is None:
            if self.has_default:
                raise ValueError(
                    f"ask: default={self.default!r} answers at a deadline; give deadline=... too"
                )
        elif not (self.deadline > 0 and math.isfinite(self.deadline)):
            raise ValueError(f"ask: a deadline is a number of seconds above 0, not {self.deadline!r}")

    @property
    def has_default(self) -> bool:
        """Whether there is an answer when nobody gives one."""
        return self.default is not NO_DEFAULT

    def due(self, now: float, asked: tuple[str, float | None] | None) -> float | None:
        """When nobody is waited for any more; `asked`: the question and deadline of a process that has died since."""
        if self.deadline is None:
            return None
        if asked is not None and asked[0] == self.question and asked[1] is not None:
            return asked[1]
        return now + self.deadline
