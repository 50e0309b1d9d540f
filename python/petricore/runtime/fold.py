"""The fold of a journal: where every token is after the first n events."""

from __future__ import annotations

from collections.abc import Iterable

from petricore.runtime.events import Claimed, Edited, Emitted, Ended, Event, Moved, Put, Released, Token

__all__ = ["Fold"]


class Fold:
    """Free tokens by id, and those that firings hold. O(tokens touched) per event."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.free: dict[int, Token] = {}
        self.held: dict[str, list[Token]] = {}
        self._arrival: dict[int, int] = {}
        self._arrivals = 0
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """Move on by one event."""
        match event:
            case Put(tokens=tokens) | Emitted(outputs=tokens):
                self._put(tokens)
            case Claimed(firing_id=firing_id, taken=taken):
                self.held[firing_id] = [self.free.pop(token) for token in taken]
            case Ended(firing_id=firing_id, outputs=outputs):
                returned = {token.id for token in outputs}
                for token in self.held.pop(firing_id):
                    if token.id not in returned:
                        del self._arrival[token.id]
                self._put(outputs)
            case Released(firing_id=firing_id):
                self.give_back(firing_id)
            case Moved(taken=taken, tokens=tokens):
                kept = {token.id for token in tokens}
                for one in taken:
                    del self.free[one]
                    if one not in kept:
                        del self._arrival[one]
                self._put(tokens)
            case Edited(firing_id=firing_id, tokens=tokens):
                edited = {token.id: token for token in tokens}
                self.held[firing_id] = [edited.get(token.id, token) for token in self.held[firing_id]]

    def give_back(self, firing_id: str) -> None:
        """Return what a firing holds to where it stood."""
        self.free.update((token.id, token) for token in self.held.pop(firing_id))

    def marking(self) -> dict[str, int]:
        """Free tokens per place, places without any left out."""
        counts: dict[str, int] = {}
        for token in self.free.values():
            counts[token.place] = counts.get(token.place, 0) + 1
        return counts

    def tokens(self, *places: str) -> list[Token]:
        """The free tokens of the places, in order of arrival."""
        return sorted(
            (token for token in self.free.values() if token.place in places),
            key=lambda one: self._arrival[one.id],
        )

    def _put(self, tokens: Iterable[Token]) -> None:
        for token in tokens:
            self.free[token.id] = token
            if token.id not in self._arrival:  # what a firing gave back stands where it stood
                self._arrival[token.id] = self._arrivals
                self._arrivals += 1
