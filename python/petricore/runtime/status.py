"""What a session shows of itself: the firings under way, what waits for people, the groups that are gathered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from petricore.runtime.events import Token
    from petricore.runtime.firing import Firing

__all__ = ["GatherStatus", "Pending", "Running"]


@dataclass(frozen=True, slots=True)
class Running:
    """A firing under way, waiting people aside."""

    firing_id: str
    transition: str
    arguments: dict[str, Any]
    attempt: int
    state: str

    @classmethod
    def of(cls, firing: Firing) -> Running:
        """How a firing stands."""
        return cls(firing.id, firing.transition, _arguments(firing), firing.attempt, firing.state.value)


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for a person: a firing's confirmation, or an action's question."""

    kind: Literal["confirm", "ask"]
    firing_id: str
    transition: str
    arguments: dict[str, Any]
    request_id: str | None = None
    question: str | None = None
    type: Any = None
    description: str | None = None
    """What the transition says of itself: its `description`, or the first line of its docstring."""
    deadline: float | None = None
    """Seconds since the epoch at which nobody is waited for any more."""

    @classmethod
    def confirmation(cls, firing: Firing) -> Pending:
        """That somebody confirms a firing."""
        confirm = firing.served.options.confirm
        question = None if confirm is None else confirm.question
        about = firing.plan.spec.description
        return cls(
            "confirm",
            firing.id,
            firing.transition,
            _arguments(firing),
            None,
            question,
            None,
            about,
            firing.due,
        )

    @classmethod
    def request(
        cls, firing: Firing, request_id: str, question: str, type_: Any, deadline: float | None
    ) -> Pending:
        """That somebody answers what a firing's action asks."""
        about = firing.plan.spec.description
        return cls(
            "ask",
            firing.id,
            firing.transition,
            _arguments(firing),
            request_id,
            question,
            type_,
            about,
            deadline,
        )

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema of what a question asks for; None where only yes or no is asked: to confirm."""
        return None if self.kind == "confirm" else TypeAdapter(self.type).json_schema()


@dataclass(frozen=True, slots=True)
class GatherStatus:
    """A group that a gather waits for: who is there, and who may still come."""

    place: str
    members: tuple[Any, ...]
    blockers: tuple[Token, ...]
    firings: tuple[str, ...]
    """Ids of running firings that may still add members."""


def _arguments(firing: Firing) -> dict[str, Any]:
    context = firing.served.context_parameter
    return {name: value for name, value in firing.arguments.items() if name != context}
