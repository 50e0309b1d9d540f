"""Why a token exists, and what became of it: the occurrence net of a session, from its events.

Each token is a condition that came about once and ended at most once, each firing an event of the net. What a firing
took or read is the cause of all it made: a token's past is everything from which a chain of firings leads to it, its
future everything to which one leads from it. Firings that gave their tokens back made nothing; they are told, but lie
on no chain. What actions keep with `ctx.remember` passes on no token and is not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from petricore.errors import NetError
from petricore.runtime.events import (
    Answered,
    Approved,
    Asked,
    Cancelled,
    Claimed,
    Closed,
    Edited,
    Emitted,
    Ended,
    Event,
    Failed,
    Moved,
    Put,
    Rejected,
    Released,
    Retried,
    Token,
    Unwinding,
)

if TYPE_CHECKING:
    from petricore.agent.failure import Failure
    from petricore.net import Net

__all__ = ["Decision", "Lineage", "LineageFiring", "LineageToken"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person did to a firing: "approved", "rejected", "cancelled", "edited" or "answered"."""

    kind: str
    by: str | None
    time: float
    text: str = ""
    """The question that was answered, or the reason that was given."""


@dataclass(slots=True)
class LineageFiring:
    """A firing: what it held, what it made, how it went, and who decided."""

    id: str
    transition: str
    number: int
    """Of the event by which it claimed."""
    began: float
    """Seconds since the epoch."""
    taken: tuple[Token, ...]
    """With the values it worked on: edited ones, if a person edited them."""
    read: tuple[Token, ...]
    made: tuple[Token, ...] = ()
    attempts: int = 1
    errors: tuple[str, ...] = ()
    """Of the attempts that were followed by another."""
    outcome: str = "under way"
    """"completed", "failed", "rejected", "cancelled", "released" or "under way"."""
    returned: bool = False
    """It gave back what it took: rejected, released, or `on_error="release"`."""
    failure: Failure | None = None
    ended: float | None = None
    decisions: tuple[Decision, ...] = ()
    undoes: str | None = None
    """The firing that this one compensates."""

    @property
    def approved_by(self) -> tuple[str, ...]:
        """Who let it go on, where that is known by name."""
        return tuple(one.by for one in self.decisions if one.kind == "approved" and one.by is not None)


@dataclass(slots=True)
class LineageToken:
    """A token: where it came from and where it went."""

    id: int
    place: str
    value: object
    """As it came about, or as the last migration converted it."""
    number: int
    """Of the event that put it."""
    time: float
    by: str | None = None
    """Who put it from outside, where that is known."""
    producer: str | None = None
    """The firing that made it; None if it came from outside or from a timer."""
    consumer: str | None = None
    """The firing that took it, or holds it."""
    readers: tuple[str, ...] = ()
    returned_by: tuple[str, ...] = ()
    """Firings that held it and gave it back."""

    @property
    def token(self) -> Token:
        """Id, place and value."""
        return Token(self.id, self.place, self.value)


@dataclass(slots=True)
class Lineage:
    """Tokens and firings of one session, or of one token's past or future. `str()` tells it as a numbered story."""

    session_id: str = ""
    _tokens: dict[int, LineageToken] = field(default_factory=dict)
    _firings: dict[str, LineageFiring] = field(default_factory=dict)
    _questions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Lineage:
        """The occurrence net of a session, from its first event on. O(tokens touched) per event."""
        lineage = cls()
        for event in events:
            lineage._apply(event)
        return lineage

    @property
    def tokens(self) -> Mapping[int, LineageToken]:
        """Tokens by id, in order of their coming about."""
        return self._tokens

    @property
    def firings(self) -> Mapping[str, LineageFiring]:
        """Firings by id, in order of their claims, those that gave everything back included."""
        return self._firings

    @property
    def roots(self) -> list[LineageToken]:
        """Tokens that no firing in here made."""
        return [token for token in self._tokens.values() if token.producer not in self._firings]

    @property
    def ends(self) -> list[LineageToken]:
        """Tokens that no firing in here took."""
        return [token for token in self._tokens.values() if token.consumer not in self._firings]

    def past(self, token_id: int) -> Lineage:
        """All that led to a token, and the token. Raises `NetError` if there is none of that id."""

        def causes(token: LineageToken) -> Iterator[tuple[LineageFiring, tuple[Token, ...]]]:
            if token.producer is not None:
                firing = self._firings[token.producer]
                yield firing, (*firing.taken, *firing.read)

        return self._reached(token_id, causes)

    def future(self, token_id: int) -> Lineage:
        """All that a token led to, and the token. Raises `NetError` if there is none of that id."""

        def effects(token: LineageToken) -> Iterator[tuple[LineageFiring, tuple[Token, ...]]]:
            for one in (token.consumer, *token.readers):
                if one is not None:
                    yield self._firings[one], self._firings[one].made

        return self._reached(token_id, effects)

    def _reached(
        self,
        token_id: int,
        step: Callable[[LineageToken], Iterator[tuple[LineageFiring, tuple[Token, ...]]]],
    ) -> Lineage:
        if token_id not in self._tokens:
            raise NetError(f"session {self.session_id!r} never had a token {token_id!r}")
        tokens, firings, open_ = {token_id}, set[str](), [token_id]
        while open_:
            token = self._tokens[open_.pop()]
            firings.update(token.returned_by)
            for firing, others in step(token):
                if firing.id in firings:
                    continue
                firings.add(firing.id)
                new = {one.id for one in others} - tokens
                tokens |= new
                open_ += new
        firings.update(one.id for one in self._firings.values() if one.undoes in firings)
        return Lineage(
            self.session_id,
            {one: token for one, token in self._tokens.items() if one in tokens},
            {one: firing for one, firing in self._firings.items() if one in firings},
            self._questions,
        )

    # -- the fold

    def _apply(self, event: Event) -> None:
        match event:
            case Put(tokens=tokens, by=by):
                for token in tokens:
                    self._tokens[token.id] = LineageToken(*token, event.number, event.time, by)
            case Claimed():
                self._claim(event)
            case Emitted(firing_id=firing_id, outputs=outputs):
                self._make(self._firings[firing_id], outputs, event)
            case Ended():
                self._end(event)
            case Released(firing_id=firing_id):
                firing = self._firings[firing_id]
                firing.outcome, firing.ended = "released", event.time
                self._give_back(firing)
            case Moved(taken=taken, tokens=tokens):
                self._move(taken, tokens, event)
            case Closed() | Unwinding():
                for firing in self._firings.values():
                    if firing.outcome == "under way":
                        firing.outcome, firing.ended = "released", event.time
                        self._give_back(firing)
            case _:
                self._decide(event)
        if not self.session_id:
            self.session_id = getattr(event, "session_id", "")

    def _claim(self, event: Claimed) -> None:
        self._firings[event.firing_id] = LineageFiring(
            event.firing_id,
            event.transition,
            event.number,
            event.time,
            tuple(self._tokens[one].token for one in event.taken),
            tuple(self._tokens[one].token for one in event.read),
            undoes=event.undoes,
        )
        for one in event.taken:
            self._tokens[one].consumer = event.firing_id
        for one in event.read:
            self._tokens[one].readers += (event.firing_id,)

    def _make(self, firing: LineageFiring, outputs: tuple[Token, ...], event: Event) -> None:
        firing.made += outputs
        for token in outputs:
            self._tokens[token.id] = LineageToken(*token, event.number, event.time, None, firing.id)

    def _end(self, event: Ended) -> None:
        firing = self._firings[event.firing_id]
        firing.outcome, firing.ended = event.kind, event.time
        if isinstance(event, (Failed, Rejected, Cancelled)):
            firing.failure = event.failure
            firing.attempts = max(firing.attempts, event.failure.attempts)
            if isinstance(event, (Rejected, Cancelled)):
                firing.decisions += (Decision(event.kind, event.by, event.time, event.failure.error),)
        held = {token.id for token in firing.taken}
        if any(token.id in held for token in event.outputs):
            for token in event.outputs:
                self._tokens[token.id].value = token.value  # an edit outlives the rejection
            self._give_back(firing)
        else:
            self._make(firing, event.outputs, event)

    def _give_back(self, firing: LineageFiring) -> None:
        firing.returned = True
        for token in firing.taken:
            self._tokens[token.id].consumer = None
            self._tokens[token.id].returned_by += (firing.id,)
        for token in firing.read:
            readers = self._tokens[token.id].readers
            self._tokens[token.id].readers = tuple(one for one in readers if one != firing.id)

    def _move(self, taken: tuple[int, ...], tokens: tuple[Token, ...], event: Event) -> None:
        new = tuple(token for token in tokens if token.id not in taken)
        if new:
            step = LineageFiring(f"moved/{event.number}", "(moved)", event.number, event.time, (), ())
            step.taken = tuple(self._tokens[one].token for one in taken)
            step.outcome, step.ended, step.made = "completed", event.time, new
            self._firings[step.id] = step
            for one in taken:
                self._tokens[one].consumer = step.id
        for token in tokens:
            if token.id in taken:
                self._tokens[token.id].place = token.place
                self._tokens[token.id].value = token.value
            else:
                self._tokens[token.id] = LineageToken(
                    *token, event.number, event.time, None, f"moved/{event.number}"
                )

    def _decide(self, event: Event) -> None:
        """What people and retries do to a firing between its claim and its end."""
        match event:
            case Edited(firing_id=firing_id, tokens=tokens, by=by):
                edited = {token.id: token for token in tokens}
                firing = self._firings[firing_id]
                firing.taken = tuple(edited.get(token.id, token) for token in firing.taken)
                firing.decisions += (Decision("edited", by, event.time),)
            case Approved(firing_id=firing_id, by=by):
                self._firings[firing_id].decisions += (Decision("approved", by, event.time),)
            case Asked(request_id=request_id, question=question):
                self._questions[request_id] = question
            case Answered(firing_id=firing_id, request_id=request_id, by=by):
                question = self._questions.get(request_id, "")
                self._firings[firing_id].decisions += (Decision("answered", by, event.time, question),)
            case Retried(firing_id=firing_id, attempt=attempt, error=error):
                self._firings[firing_id].attempts = attempt + 1
                self._firings[firing_id].errors += (error,)

    # -- showing it

    def to_net(self) -> Net:
        """The occurrence net as a `Net`: a place for each token, a transition for each firing on a chain."""
        from petricore.runtime.lineage_story import to_net

        return to_net(self)

    def to_dot(self) -> str:
        """The occurrence net in Graphviz's DOT language."""
        return self.to_net().to_dot()

    def to_mermaid(self) -> str:
        """The occurrence net as a Mermaid flowchart."""
        return self.to_net().to_mermaid()

    def to_svg(self) -> str:
        """The occurrence net as an SVG drawing."""
        return self.to_net().to_svg()

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def to_json(self) -> dict[str, object]:
        """Plain data: `{"session": ..., "tokens": [...], "firings": [...]}`."""
        from petricore.runtime.lineage_story import to_plain

        return to_plain(self)

    def __str__(self) -> str:
        from petricore.runtime.lineage_story import tell

        return tell(self)

    def __repr__(self) -> str:
        return f"<Lineage of {self.session_id!r}: {len(self._tokens)} tokens, {len(self._firings)} firings>"
