"""A session's state as bytes: what a fold of its events up to one of them comes to.

The fleet's side (places, order, marks, groups, claims) is its own binary form; values travel as the records in which
the journal keeps events, so a snapshot holds exactly what the journal could hold.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from petricore.errors import JournalCorruptError
from petricore.runtime.events import Answered, Failed, Put, Remembered, Token
from petricore.runtime.files import File
from petricore.runtime.firing import Firing, State
from petricore.runtime.journal.store import Record

if TYPE_CHECKING:
    from petricore.runtime.journal.durable import DurableLog
    from petricore.runtime.session import Session

__all__ = ["load_session", "save_session"]

_FORMAT = 1


def save_session(session: Session) -> bytes:
    """The state of a session that is in memory."""
    encode = session.log.encode
    dispatcher = session.dispatcher
    data, numbers, firing_numbers = dispatcher.fleet.save(session.number)
    known = dispatcher.tokens.by_number
    firings = {firing.number: firing for firing in session.firings.values()}
    tokens = tuple(known[number] for number in numbers.tolist())
    state = {
        "format": _FORMAT,
        "fleet": base64.b64encode(data).decode(),
        "tokens": encode(Put(0, 0.0, tokens)).text,
        "firings": [_firing(firings[number], encode) for number in firing_numbers.tolist()],
        "memory": [encode(Remembered(0, 0.0, "", key, value)).text for key, value in session.memory.items()],
        "failures": [
            encode(Failed(0, 0.0, one.firing_id, one.transition, (), one)).text for one in session.failures
        ],
        "token_count": session.token_count,
        "firing_count": session.firing_count,
        "resting": session.resting,
        "saga": session.saga.save(lambda tokens: encode(Put(0, 0.0, tuple(tokens))).text),
        "sources": session.sources and session.sources.save(),
        "files": [asdict(file) for file in session.sent.values()],
        "user": session.user,
    }
    return json.dumps(state, separators=(",", ":")).encode()


def _firing(firing: Firing, encode: Any) -> dict[str, Any]:
    known = firing.dispatcher.tokens.by_number
    read = [number for arc in firing.served.read_arcs for number in firing.tokens[arc]]
    # A token that was only read may have been consumed by others since.
    seen = firing.seen or {}
    gone = tuple(seen[number] for number in read if number not in known)
    return {
        "id": firing.id,
        "transition": firing.transition,
        "arcs": [[(known.get(n) or seen[n]).id for n in arc] for arc in firing.tokens],
        "gone": encode(Put(0, 0.0, gone)).text if gone else None,
        "state": firing.state.name,
        # of attempts that have ended, as the journal tells it
        "attempt": firing.attempt - (firing.state is State.RUNNING and not firing.served.once),
        "due": firing.due,
        "emitted": firing.emitted,
        "interruptions": firing.interruptions,
        "put": encode(Put(0, 0.0, tuple(firing.put))).text if firing.put else None,
        "asked": [[ordinal, *asked] for ordinal, asked in (firing.asked or {}).items()],
        "replies": [
            [ordinal, encode(Answered(0, 0.0, firing.id, "", value)).text]
            for ordinal, (_, value) in (firing.replies or {}).items()
        ],
    }


def load_session(session: Session, log: DurableLog, number: int, data: bytes) -> dict[int, int]:
    """Put a saved state into the session's fleet. Returns the fleet's ids by token id.

    Raises:
        JournalCorruptError: the snapshot (after event `number`) is damaged, or of another net.
    """
    try:
        return _load(session, log, json.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        raise JournalCorruptError(
            f"session {session.id!r}: the snapshot after event {number} cannot be read: {error}",
            session_id=session.id,
            number=number,
            unsure=False,
        ) from error


def _load(session: Session, log: DurableLog, state: dict[str, Any]) -> dict[int, int]:
    if state["format"] != _FORMAT:
        raise ValueError(f"it is of format {state['format']!r}, not {_FORMAT}")

    def decode(kind: str, text: str) -> Any:
        return log.decode(Record(0, kind, text))

    dispatcher = session.dispatcher
    plan = dispatcher.plan
    tokens: tuple[Token, ...] = decode("put", state["tokens"]).tokens
    places = [plan.index[token.place] for token in tokens]
    keys = dispatcher.tokens.keys(session, places, [token.value for token in tokens])
    numbers, firing_numbers = dispatcher.load(session, base64.b64decode(state["fleet"]), keys)
    ids = dict(zip((token.id for token in tokens), numbers, strict=True))
    dispatcher.tokens.store(numbers, tokens, None)
    session.token_count, session.firing_count = state["token_count"], state["firing_count"]
    session.resting, session.user = state["resting"], state["user"]
    for text in state["memory"]:
        remembered = decode("remembered", text)
        session.memory[remembered.key] = remembered.value
    session.failures.extend(decode("failed", text).failure for text in state["failures"])
    served = {one.name: one for one in dispatcher.served}
    for number, saved in zip(firing_numbers, state["firings"], strict=True):
        gone = {token.id: token for token in decode("put", saved["gone"]).tokens} if saved["gone"] else {}
        # ids that the fleet does not know any more are stood in for by negative ones
        arcs = [[ids.get(token, -token) for token in arc] for arc in saved["arcs"]]
        firing = Firing(dispatcher, session, served[saved["transition"]], number, arcs, saved["id"])
        if firing.served.read_arcs:
            by_number = dispatcher.tokens.by_number
            firing.seen = {
                n: gone[-n] if n < 0 else by_number[n] for arc in firing.served.read_arcs for n in arcs[arc]
            }
        firing.state, firing.attempt = State[saved["state"]], saved["attempt"]
        firing.due, firing.emitted = saved["due"], saved["emitted"]
        firing.interruptions = saved["interruptions"]
        for ordinal, question, deadline in saved["asked"]:
            firing.ask(ordinal, question, deadline)
        for ordinal, text in saved["replies"]:
            firing.reply(ordinal, decode("answered", text).value)
        if saved["put"]:
            firing.put = list(decode("put", saved["put"]).tokens)
        session.firings[firing.id] = firing
        dispatcher.bind(firing)
    session.sent = {saved["name"]: File(**saved) for saved in state["files"]}
    if state["sources"] is not None:
        session.make_sources(state["sources"]["begun"])
        assert session.sources is not None
        session.sources.load(state["sources"]["last"])
    session.saga.load(state["saga"], lambda text: decode("put", text).tokens)
    return ids
