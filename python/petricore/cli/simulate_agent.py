"""`petricore simulate module:agent`: what sessions of an agent will take, wait for and cost, before one is run."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from petricore.cli.errors import UsageError, needing
from petricore.cli.targets import load_agent
from petricore.cli.verify import count

if TYPE_CHECKING:
    from petricore.simulation.agents import AgentSimulation

__all__ = ["OPTIONS", "add_agent_arguments", "execute_agent"]

T = TypeVar("T")

OPTIONS = ("input", "sessions", "duration", "cost", "resource", "need", "arrivals", "outcome", "emit",
           "failure_rate", "confirmation", "rejection", "firings")  # fmt: skip
"""What only agents have: a net refuses it."""

_DRAW = "a number, or one drawn anew each time: exponential:RATE, lognormal:MU,SIGMA, uniform:LOW,HIGH, ..."


def add_agent_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that only agents have."""
    group = parser.add_argument_group(
        "agents", f"DRAW is {_DRAW}. NAME is a transition, or * for all others."
    )

    def repeated(name: str, form: str, text: str) -> None:
        group.add_argument(name, metavar=form, action="append", default=[], help=f"{text}; may be repeated")

    repeated("--input", "PLACE=DRAW", "so many tokens for each session, like Url=2")
    group.add_argument("--sessions", metavar="N", type=count, help="so many sessions (default: 1000)")
    repeated("--duration", "NAME=DRAW", "seconds of an attempt")
    repeated(
        "--cost", "NAME=NUMBER[/s]", "price of a firing, or with /s of a second of it or of a held resource"
    )
    repeated(
        "--resource", "NAME=N[/TIME]", "shared by all sessions: gpu=4, or a limit like llm=10/s, llm=100/min"
    )
    repeated("--need", "NAME=RESOURCE[:N]", "what a firing holds of a resource")
    group.add_argument("--arrivals", metavar="RATE|DRAW",
                       help="sessions per second that come at random, or the seconds between them "
                            "(default: all at 0)")  # fmt: skip
    repeated(
        "--outcome", "NAME=WHAT:P,...", "probabilities of what is returned, or of who takes from a place"
    )
    repeated("--emit", "NAME=DRAW", "length of a list")
    repeated("--failure-rate", "NAME=P", "probability that an attempt fails")
    repeated("--confirmation", "NAME=DRAW", "seconds until a person confirms")
    repeated("--rejection", "NAME=P", "probability that a person refuses")
    group.add_argument("--firings", metavar="N", type=count,
                       help="cut a session with so many firings (default: 100,000)")  # fmt: skip


def execute_agent(options: argparse.Namespace) -> int:
    """Simulate and print the report. The exit code says that it was made, not what it says."""
    agent = load_agent(options.target)
    with needing("agent", "petricore simulate"):
        from petricore.simulation.agents import Confirmation
    draws = {name: _pairs(f"--{name}", getattr(options, name), _draw)
             for name in ("input", "duration", "emit", "confirmation")}  # fmt: skip
    rejections = _pairs("--rejection", options.rejection, _number)
    confirmations = {
        name: Confirmation(draws["confirmation"].get(name, 0.0), rejections.get(name, 0.0))
        for name in {**draws["confirmation"], **rejections}
    }
    result = agent.simulate(
        draws["input"],
        sessions=options.sessions,
        durations=draws["duration"],
        costs=_costs(options.cost),
        resources=_pairs("--resource", options.resource, _resource),
        needs=_needs(options.need),
        arrivals=None if options.arrivals is None else _draw("--arrivals", options.arrivals),
        outcomes=_pairs("--outcome", options.outcome, _probabilities),
        emits=draws["emit"],
        failure_rate=_pairs("--failure-rate", options.failure_rate, _number),
        confirmations=confirmations,
        until=options.until,
        seed=options.seed,
        threads=options.threads or 0,
        limit=options.firings,
        progress=None if options.json or not sys.stderr.isatty() else True,
    )
    print(result.to_json(indent=2) if options.json else result.summary())
    if options.plot is not None:
        _write_plot(result, str(options.plot))
    return 0


def _write_plot(result: AgentSimulation, path: str) -> None:
    with needing("simulation", "--plot"):
        figure = result.plot()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:  # of a directory that is not there, or a format that nobody knows
        raise UsageError(f"cannot write {path}: {error}") from error


def _pairs(option: str, given: Iterable[str], read: Callable[[str, str], T]) -> dict[str, T]:
    """NAME=VALUE options as a mapping."""
    found: dict[str, T] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} {one!r} is not of the form NAME=VALUE")
        if name in found:
            raise UsageError(f"{option}: {name!r} stands there twice")
        found[name] = read(f"{option} {name}", text)
    return found


def _number(where: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{where}: {text!r} is not a number") from None


def _draw(where: str, text: str) -> Any:
    """A number, or a distribution like "lognormal:0.2,0.5"."""
    from petricore import distributions

    family, colon, rest = text.partition(":")
    if not colon:
        number = _number(where, text)
        return int(number) if number.is_integer() else number
    kinds = {name.lower(): getattr(distributions, name) for name in distributions.__all__ if name != "Delay"}
    if family.lower() not in kinds:
        raise UsageError(
            f"{where}: there is no distribution {family!r}; there are {', '.join(sorted(kinds))}"
        )
    numbers = [_number(where, one) for one in rest.split(",")]
    kind = kinds[family.lower()]
    if kind is distributions.Empirical:
        return kind(numbers)
    arguments = [int(one) if one.is_integer() else one for one in numbers]
    try:
        return kind(*arguments)
    except TypeError:
        names = ",".join(kind.__dataclass_fields__).upper()
        raise UsageError(f"{where}: {text!r} is not of the form {family}:{names}") from None


def _costs(given: Iterable[str]) -> dict[str, Any]:
    """Prices by name; NAME=1 and NAME=0.5/s add up."""
    from petricore.simulation.agents import Cost

    prices: dict[str, dict[str, float]] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise UsageError(f"--cost {one!r} is not of the form NAME=NUMBER or NAME=NUMBER/s")
        unit = "per_second" if text.endswith("/s") else "per_firing"
        mine = prices.setdefault(name, {})
        if unit in mine:
            raise UsageError(f"--cost: {name!r} stands there twice")
        mine[unit] = _number(f"--cost {name}", text.removesuffix("/s"))
    return {name: Cost(**mine) for name, mine in prices.items()}


def _resource(where: str, text: str) -> Any:
    from petricore.simulation.agents import RateLimit

    if "/" in text:
        return RateLimit.parse(text)
    if not text.isdecimal():
        raise UsageError(f"{where}: {text!r} is neither a number like 4 nor a limit like 10/s")
    return int(text)


def _needs(given: Iterable[str]) -> dict[str, dict[str, int]]:
    needs: dict[str, dict[str, int]] = {}
    for one in given:
        name, equals, text = one.partition("=")
        resource, colon, amount = text.partition(":")
        if not equals or not resource or (colon and not amount.isdecimal()):
            raise UsageError(
                f"--need {one!r} is not of the form TRANSITION=RESOURCE or TRANSITION=RESOURCE:N"
            )
        needs.setdefault(name, {})[resource] = int(amount) if colon else 1
    return needs


def _probabilities(where: str, text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in re.split(r",(?![^\[]*\])", text):  # not at the commas of tuple[A, B]
        what, colon, probability = one.rpartition(":")
        if not colon:
            raise UsageError(f"{where}: {one!r} is not of the form WHAT:PROBABILITY")
        found[what] = _number(where, probability)
    return found
