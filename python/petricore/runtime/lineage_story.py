"""A lineage for people and programs: a numbered story, a net to draw, and plain data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from petricore.net import Net
from petricore.runtime.events import Token

if TYPE_CHECKING:
    from petricore.runtime.lineage import Decision, Lineage, LineageFiring, LineageToken

__all__ = ["plain", "tell", "to_net", "to_plain"]

_VALUE_WIDTH = 60
_LABEL_WIDTH = 40


def plain(value: Any) -> Any:
    """A value as JSON can hold it; what has no such form becomes its text."""
    return to_jsonable_python(value, bytes_mode="base64", inf_nan_mode="strings", fallback=repr)


def tell(lineage: Lineage) -> str:
    """One numbered step a line, in order of time; what belongs to a step is indented below it."""
    steps: list[tuple[int, list[str]]] = []
    puts: dict[int, list[LineageToken]] = {}
    for root in lineage.roots:
        puts.setdefault(root.number, []).append(root)
    for number, tokens in puts.items():
        steps.append((number, [_put(tokens)]))
    for firing in lineage.firings.values():
        steps.append((firing.number, list(_firing(firing))))
    steps.sort(key=lambda step: step[0])
    width = len(str(len(steps)))
    lines = []
    for position, (_, step) in enumerate(steps, 1):
        lines.append(f"{position:>{width}}. {step[0]}")
        lines += [f"{'':>{width}}  {line}" for line in step[1:]]
    return "\n".join(lines)


def _put(tokens: list[LineageToken]) -> str:
    first = tokens[0]
    if first.producer is not None:
        source = f"{first.producer} made"
    elif first.by is not None:
        source = f"{first.by} put"
    else:
        source = "put:"
    return f"{source} {', '.join(_shown(one.token) for one in tokens)}"


def _firing(firing: LineageFiring) -> Iterator[str]:
    held = _listed(firing.taken)
    if firing.undoes is not None:
        ended = "is under way" if firing.ended is None else firing.outcome
        yield f"{firing.transition} [{firing.id}] to undo {firing.undoes}: {ended}"
        yield from _details(firing)
        return
    if firing.read:
        held += f" (and read {_listed(firing.read)})"
    line = f"{firing.transition} [{firing.id}] took {held}"
    if firing.returned:
        line += f", was {firing.outcome} and gave it back"
    elif firing.outcome == "under way":
        line += " and is under way" + (f"; so far it made {_valued(firing.made)}" if firing.made else "")
    elif firing.failure is not None:
        line += f" and {'was ' if firing.outcome != 'failed' else ''}{firing.outcome}"
        line += f", which made {_valued(firing.made)}" if firing.made else ""
    else:
        line += f" and made {_valued(firing.made) if firing.made else 'nothing'}"
    if firing.ended is not None:
        line += f" ({_seconds(firing.ended - firing.began)}"
        line += f", {firing.attempts} attempts)" if firing.attempts > 1 else ")"
    yield line
    yield from _details(firing)


def _details(firing: LineageFiring) -> Iterator[str]:
    for attempt, error in enumerate(firing.errors, 1):
        yield f"attempt {attempt} failed: {error}"
    for decision in firing.decisions:
        yield _decided(decision)
    if firing.failure is not None and firing.outcome == "failed":
        yield f"{firing.failure.kind}: {firing.failure.error}"


def _decided(decision: Decision) -> str:
    who = f" by {decision.by}" if decision.by is not None else ""
    text = decision.text if decision.text != decision.kind else ""
    return f"{decision.kind}{who}" + (f": {text}" if text else "")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s"


def _listed(tokens: Iterable[Token]) -> str:
    return ", ".join(f"{token.place} #{token.id}" for token in tokens) or "nothing"


def _valued(tokens: Iterable[Token]) -> str:
    return ", ".join(map(_shown, tokens))


def _shown(token: Token) -> str:
    return f"{token.place} #{token.id} {_short(token.value, _VALUE_WIDTH)}"


def _short(value: object, width: int) -> str:
    text = " ".join(json.dumps(plain(value), ensure_ascii=False).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def to_net(lineage: Lineage) -> Net:
    """Places are tokens (one is there where nothing took it), transitions are firings. Firings that gave their tokens
    back are left out: they would close circles."""
    net = Net(f"lineage of {lineage.session_id}")
    names: dict[int, str] = {}
    for token in lineage.tokens.values():
        names[token.id] = f"{token.place} #{token.id}\n{_short(token.value, _LABEL_WIDTH)}"
        net.add_place(names[token.id], tokens=int(token.consumer is None))
    for firing in lineage.firings.values():
        if (firing.returned and not firing.made) or firing.undoes is not None:
            continue
        taken = {one.id for one in firing.taken}
        who = f"\nby {', '.join(firing.approved_by)}" if firing.approved_by else ""
        net.add_transition(
            f"{firing.transition} [{firing.id}]{who}",
            inputs=[names[one] for one in sorted(taken) if one in names],
            outputs=[names[one.id] for one in firing.made if one.id in names],
            reads={names[one.id]: 1 for one in firing.read if one.id in names and one.id not in taken},
        )
    return net


def to_plain(lineage: Lineage) -> dict[str, object]:
    """Tokens and firings as JSON can hold them."""
    return {
        "session": lineage.session_id,
        "tokens": [
            {
                "id": token.id,
                "place": token.place,
                "value": plain(token.value),
                "event": token.number,
                "time": token.time,
                "by": token.by,
                "producer": token.producer,
                "consumer": token.consumer,
                "readers": list(token.readers),
            }
            for token in lineage.tokens.values()
        ],
        "firings": [_plain_firing(firing) for firing in lineage.firings.values()],
    }


def _plain_firing(firing: LineageFiring) -> dict[str, object]:
    return {
        "id": firing.id,
        "transition": firing.transition,
        "event": firing.number,
        "began": firing.began,
        "ended": firing.ended,
        "outcome": firing.outcome,
        "returned": firing.returned,
        "attempts": firing.attempts,
        "errors": list(firing.errors),
        "error": None if firing.failure is None else firing.failure.error,
        "taken": [token.id for token in firing.taken],
        "read": [token.id for token in firing.read],
        "made": [token.id for token in firing.made],
        "decisions": [
            {"kind": one.kind, "by": one.by, "time": one.time, "text": one.text} for one in firing.decisions
        ],
    }
