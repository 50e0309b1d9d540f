"""`petricore verify`: proves what can happen to an agent or a net before it runs, and shows what can go wrong.

Exit codes: 0 every required property holds, 1 one does not, 2 one could not be decided (or the command could not be
obeyed as given).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from petricore.cli.errors import UsageError
from petricore.cli.net_verdicts import verify_net
from petricore.cli.targets import load_agent, load_net
from petricore.cli.text_drawing import draw_text
from petricore.cli.verdict_table import Row, print_table
from petricore.net import Net

if TYPE_CHECKING:
    from petricore.agent import Agent
    from petricore.agent.verify import Finding, Report

__all__ = ["add_arguments", "count", "execute", "seconds"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("target", help="module:agent, file.py:agent or a .pnml file")
    parser.add_argument("--input", metavar="PLACE=N", action="append", default=[],
                        help="so many tokens at the start, like Url=2; may be repeated (agents)")  # fmt: skip
    parser.add_argument("--complete", metavar="PLACE", action="append", default=[],
                        help="tokens may be left there at the end; may be repeated (agents)")  # fmt: skip
    parser.add_argument("--decided", metavar="NAME", action="append", default=[],
                        help="a place of whose tokens each passes some where, or a transition whose match always "
                             "finds a partner; believed, not checked (agents)")  # fmt: skip
    parser.add_argument("--strict", action="store_true",
                        help="what is a warning otherwise has to hold, too")  # fmt: skip
    parser.add_argument("--limit", metavar="STATES", type=count, help="at most so many states in one search")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="at most so long, for all of it")
    parser.add_argument("--svg", metavar="FILE", type=Path,
                        help="draw the agent's net there, with the tokens that the first bad run leaves")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the report as JSON, and nothing else")


def execute(options: argparse.Namespace) -> int:
    """Verify and print what was found."""
    if options.target.endswith(".pnml"):
        for name in ("input", "complete", "decided", "svg"):
            if getattr(options, name):
                raise UsageError(f"--{name} is for agents: a net has its own initial tokens")
        return verify_net(load_net(options.target), limit=options.limit, timeout=options.timeout,
                          strict=options.strict, as_json=options.json)  # fmt: skip
    agent = load_agent(options.target)
    report = agent.verify(
        _tokens(options.input),
        limit=options.limit,
        timeout=options.timeout,
        complete=options.complete,
        decided=options.decided,
        strict=options.strict,
    )
    if options.json:
        print(report.to_json(indent=2))
    else:
        _print(agent, report)
    if options.svg is not None:
        _write_svg(agent, report, options.svg)
    if report.failed:
        return 1
    return 2 if report.undecided else 0


def _tokens(given: list[str]) -> dict[str, int]:
    tokens: dict[str, int] = {}
    for one in given:
        name, equals, number = one.rpartition("=")
        if not equals or not number.isdecimal():
            raise UsageError(f"--input {one!r} is not of the form PLACE=NUMBER")
        tokens[name] = tokens.get(name, 0) + int(number)
    return tokens


def _print(agent: Agent, report: Report) -> None:
    from petricore.agent.verify.story import answer, counted

    title, _, _ = str(report).partition("\n")
    print_table(title, [Row(one.name, answer(one, strict=report.strict), one.reason) for one in report])
    told: set[tuple[str, ...]] = set()
    for one in report:
        if one.witness is None or one.verdict is True or one.witness in told:
            continue
        told.add(one.witness)
        print(f"\n{one.name}: {one.reason}")
        for number, step in enumerate(one.witness, 1):
            print(f"  {number:>2}. {step}")
        if one.left:
            print(f"      left: {counted(one.left)}")
        drawing = draw_text(_scene(agent, one))
        print("\n" + "\n".join(f"  {line}" for line in drawing.splitlines()))


def _scene(agent: Agent, finding: Finding) -> Net:
    """The transitions of a run, those that want what it leaves, and the tokens left."""
    whole = agent.net()
    firing = set(finding.fired)
    shown = [
        one for one in whole.transitions.values()
        if one.name.split(" -> ")[0] in firing or any(place in finding.left for place in one.inputs)
    ]  # fmt: skip
    places = dict.fromkeys(
        place
        for one in shown
        for arcs in (one.inputs, one.outputs, one.reads, one.inhibitors)
        for place in arcs
    )
    net = Net(whole.name)
    for place in dict.fromkeys((*places, *finding.left)):
        net.add_place(place, finding.left.get(place, 0))
    for one in shown:
        net.add_transition(one.name, one.inputs, one.outputs, reads=one.reads, inhibitors=one.inhibitors,
                           resets=one.resets)  # fmt: skip
    return net


def _write_svg(agent: Agent, report: Report, path: Path) -> None:
    left = next(
        (one.left for one in report if one.verdict is not True and one.witness is not None), report.inputs
    )
    drawing = agent.net().to_svg({place: left.get(place, 0) for place in agent.places})
    try:
        path.write_text(drawing + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def count(text: str) -> int:
    """A number above 0, for an option."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds above 0, for an option."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return number
