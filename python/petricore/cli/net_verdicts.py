"""The standard questions about a net, for `verify` and `analyse`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from time import monotonic
from typing import NamedTuple

from petricore.analysis.space import StateSpace
from petricore.analysis.verdict import Verdict
from petricore.cli.verdict_table import Row, print_table
from petricore.engine import Engine
from petricore.net import Net

__all__ = ["Answer", "ask_all", "verify_net"]

_STORY = 30  # steps of a witness that a person reads


class Answer(NamedTuple):
    """A property and its verdict."""

    name: str
    verdict: Verdict
    required: bool


def ask_all(
    engine: Engine, *, limit: int | None, timeout: float | None, space: StateSpace | None = None
) -> Iterator[Answer]:
    """Deadlock, boundedness, dead transitions, liveness and one-safety, the time shared by all.

    What a complete state space answers is not asked again.
    """
    seen = {} if space is None else _seen(space)
    end = None if timeout is None else monotonic() + timeout
    questions = [
        ("no deadlock", "deadlock", True),
        ("bounded", "bounded", True),
        ("no dead transitions", "quasi-live", True),
        ("live", "live", False),
        ("one-safe", "one-safe", False),
    ]
    for number, (name, formula, required) in enumerate(questions):
        # What an earlier question leaves of its share is for the later ones.
        share = None if end is None else max(end - monotonic(), 0.01) / (len(questions) - number)
        if formula in seen:
            yield Answer(name, seen[formula], required)
            continue
        verdict = engine.check(formula, limit=limit, timeout=share)
        if formula == "deadlock" and verdict.holds is not None:
            verdict = Verdict(
                not verdict.holds, verdict.witness, verdict.reason, verdict.method, verdict.states
            )
        yield Answer(name, verdict, required)


def _seen(space: StateSpace) -> dict[str, Verdict]:
    """The verdicts that all reachable markings give at a glance."""
    states = len(space)

    def verdict(holds: bool, witness: tuple[str, ...] | None, reason: str) -> Verdict:
        return Verdict(holds, witness, reason, "full search", states)

    dead = space.dead_transitions
    most = int(space.bounds.max(initial=0))
    stuck = space.path(int(space.deadlocks[0])) if len(space.deadlocks) else None
    return {
        "deadlock": verdict(
            stuck is None, stuck, f"{len(space.deadlocks):,} of {states:,} markings enable nothing"
        ),
        "bounded": verdict(True, None, f"no place ever holds more than {most} tokens"),
        "quasi-live": verdict(
            not dead,
            None,
            f"never enabled: {', '.join(dead)}" if dead else "every transition was seen enabled",
        ),
        "one-safe": verdict(most <= 1, None, f"the most tokens in a place are {most}"),
    }


def verify_net(net: Net, *, limit: int | None, timeout: float | None, strict: bool, as_json: bool) -> int:
    """Ask all, print, and return the exit code: 1 if a required property fails, 2 if one is undecided."""
    answers = [
        one._replace(required=one.required or strict)
        for one in ask_all(net.compile(), limit=limit, timeout=timeout)
    ]
    failed = any(one.verdict.holds is False and one.required for one in answers)
    undecided = any(one.verdict.holds is None and one.required for one in answers)
    if as_json:
        rows = [{"name": one.name, "required": one.required, **asdict(one.verdict)} for one in answers]
        ok = not failed and not undecided
        print(json.dumps({"net": net.name, "ok": ok, "findings": rows}, indent=2, ensure_ascii=False))
    else:
        _print(net, answers)
    return 1 if failed else 2 if undecided else 0


def _print(net: Net, answers: list[Answer]) -> None:
    title = f"{net.name}: {len(net.places)} places, {len(net.transitions)} transitions"
    print_table(title, [Row(one.name, _word(one), _why(one.verdict)) for one in answers])
    for one in answers:
        witness = one.verdict.witness
        if one.verdict.holds is not False or witness is None:
            continue
        print(f"\n{one.name}: not after")
        for number, step in enumerate(witness[:_STORY], 1):
            print(f"  {number:>2}. {step}")
        if len(witness) > _STORY:
            print(f"      and {len(witness) - _STORY} more")
        if not witness:
            print("      nothing: it is so from the start")


def _word(one: Answer) -> str:
    if one.verdict.holds is None:
        return "undecided"
    if one.verdict.holds:
        return "yes"
    return "NO" if one.required else "no"


def _why(verdict: Verdict) -> str:
    return ", ".join(filter(None, (verdict.reason, f"by {verdict.method}" if verdict.method else "")))
