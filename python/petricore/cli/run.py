"""`petricore run`: runs an agent in memory until nothing but a person could move it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from petricore.cli.errors import UsageError, needing
from petricore.cli.people import Person
from petricore.cli.targets import load_agent

if TYPE_CHECKING:
    from petricore.agent import Agent, Result
    from petricore.runtime.status import Pending

__all__ = ["add_arguments", "execute"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("target", help="module:agent or file.py:agent")
    parser.add_argument("--put", metavar="PLACE=JSON", action="append", default=[],
                        help="put a token, like Url='{\"href\": \"...\"}'; may be repeated")  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="give every confirmation without asking")
    parser.add_argument("--timeout", metavar="SECONDS", type=_seconds, help="give up after so long")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON, and nothing else")


def execute(options: argparse.Namespace) -> int:
    """Run, showing events as they come, then the tokens that are left."""
    with needing("agent", "petricore run"):
        from petricore.cli.event_lines import EventLines
    agent = load_agent(options.target)
    put = _tokens(agent, options.put)
    person = Person(says_yes=options.yes)
    lines = None if options.json else EventLines()

    def confirm(pending: Pending) -> bool:
        shown = json.dumps(_plain(pending.arguments), ensure_ascii=False)
        return person.confirms(f"{pending.transition} {shown}: go on?")

    present = _present()
    try:
        result = agent.run(
            put=put,
            timeout=options.timeout,
            confirm=confirm if person.says_yes or present else None,
            answer=partial(_answer, person) if present else None,
            on_event=lines,
        )
    except TimeoutError as error:
        print(f"petricore: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(_document(agent, result), indent=2, ensure_ascii=False))
    else:
        _print(result)
    return _conclude(result, person)


def _answer(person: Person, pending: Pending) -> Any:
    """What the person says to the question of an action: a plain value or JSON, as the type demands."""
    from pydantic import TypeAdapter

    from petricore.agent.places import type_name

    adapter = TypeAdapter(pending.type)
    while True:
        text = person.answers(f"{pending.transition}: {pending.question} ")
        if person.interrupted:
            raise KeyboardInterrupt
        if text is None:
            raise UsageError(f"nobody answered {pending.transition}: {pending.question}")
        for reading in (adapter.validate_strings, adapter.validate_json):
            with suppress(ValueError):
                return reading(text)
        print(f"please answer with {type_name(pending.type)}", file=sys.stderr)


def _tokens(agent: Agent, puts: list[str]) -> dict[str, list[Any]]:
    """The values of all `--put`, by place, each validated by the type of its place."""
    tokens: dict[str, list[Any]] = defaultdict(list)
    for put in puts:
        name, equals, text = put.partition("=")
        if not equals:
            raise UsageError(f"--put {put!r} is not of the form PLACE=JSON")
        place = agent.places.get(name)
        if place is None:
            known = ", ".join(each.name for each in agent.places.values() if each.expose)
            raise UsageError(f"--put: agent {agent.name!r} has no place {name!r}; its places are {known}")
        if not place.expose:
            raise UsageError(f"--put: place {name!r} is closed to the outside")
        try:
            tokens[name].append(place.adapter.validate_json(text))
        except ValueError as error:
            raise UsageError(f"--put {name}: {_explain(error)}, in {text}") from error
    return tokens


def _explain(error: ValueError) -> str:
    """Pydantic's findings on one line."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}" if one["loc"] else one["msg"]
        for one in error.errors(include_url=False)
    )


def _print(result: Result) -> None:
    print("\ntokens left:" if any(result.marking.values()) else "\nno tokens left")
    for place, count in result.marking.items():
        if count:
            print(f"  {place}")
            for value in result.tokens(place):
                print(f"    {json.dumps(_plain(value), ensure_ascii=False)}")
    for pending in result.waiting:
        what = pending.question or "confirmation"
        print(f"waiting: {pending.transition} ({pending.firing_id}) for {what}")
    for failure in result.failures:
        print(f"failure: {failure}")


def _document(agent: Agent, result: Result) -> dict[str, Any]:
    events = result.events
    return {
        "agent": agent.name,
        "tokens": {place: [_plain(value) for value in result.tokens(place)]
                   for place, count in result.marking.items() if count},
        "failures": [_plain(failure) for failure in result.failures],
        "waiting": [{"transition": one.transition, "firing_id": one.firing_id, "kind": one.kind,
                     "question": one.question, "arguments": _plain(one.arguments)} for one in result.waiting],
        "events": len(events),
        "seconds": round(events[-1].time - events[0].time, 3),
    }  # fmt: skip


def _conclude(result: Result, person: Person) -> int:
    if person.interrupted:
        print("petricore: interrupted; the tokens are where they were", file=sys.stderr)
        return 130
    if person.absent or any(one.kind == "confirm" for one in result.waiting):
        print("petricore: nobody confirmed; answer y in a terminal or give --yes", file=sys.stderr)
        return 2
    return 1 if result.failures else 0


def _present() -> bool:
    """Whether somebody, or a pipe, is there to answer."""
    try:
        return sys.stdin is not None and not sys.stdin.closed and sys.stdin.fileno() >= 0
    except (OSError, ValueError):
        return False


def _plain(value: Any) -> Any:
    """`value` in terms of JSON."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, bytes_mode="base64", inf_nan_mode="strings", serialize_unknown=True)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
