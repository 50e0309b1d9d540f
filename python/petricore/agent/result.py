"""`Result`: what is left when an agent has come to rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from petricore.agent.failure import Failure
from petricore.agent.places import type_name
from petricore.errors import NetError

if TYPE_CHECKING:
    from petricore.runtime.events import Event
    from petricore.runtime.status import GatherStatus, Pending

__all__ = ["Result"]


class Result:
    """The tokens, failures and events of a finished run."""

    def __init__(
        self,
        tokens: Mapping[str, list[Any]],
        types: Mapping[str, Any],
        by_type: Mapping[str, list[Any]],
        failures: Sequence[Failure],
        waiting: Sequence[Pending],
        gathers: Sequence[GatherStatus],
        events: Sequence[Event],
    ) -> None:
        self._tokens = tokens
        self._types = types
        self._by_type = by_type
        self.failures = failures
        """Firings that failed, were rejected or cancelled, in order, with the tokens they held."""
        self.waiting = waiting
        """Firings that a person was asked about and did not answer; what they took counts as left in its places."""
        self.gathers = gathers
        """Groups that a gather still waits for, and for whom."""
        self.events = events

    def __getitem__(self, type_: Any) -> list[Any]:
        """The tokens of a type that are left, over all places that hold it, in order of arrival.

        Raises:
            NetError: no place holds that type.
        """
        return list(self._of_type(type_))

    def tokens(self, place: str) -> list[Any]:
        """The tokens left in a place, in order of arrival. Raises `NetError` for an unknown place."""
        try:
            return list(self._tokens[place])
        except KeyError:
            raise NetError(
                f"unknown place {place!r}; the places are {', '.join(map(repr, self._tokens))}"
            ) from None

    @property
    def marking(self) -> dict[str, int]:
        """Tokens left per place."""
        return {place: len(tokens) for place, tokens in self._tokens.items()}

    def _of_type(self, type_: Any) -> list[Any]:
        for name, held in self._types.items():
            if held == type_:
                return self._by_type[name]
        known = ", ".join(dict.fromkeys(type_name(held) for held in self._types.values()))
        raise NetError(f"no place holds {type_name(type_)}; the types are {known}")

    def __repr__(self) -> str:
        left = (
            ", ".join(f"{place}: {len(tokens)}" for place, tokens in self._tokens.items() if tokens)
            or "no tokens"
        )
        return f"<Result {left}; {len(self.failures)} failures, {len(self.waiting)} waiting>"
