"""A transition as the dispatcher serves it: what its plan says, laid out for the hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from petricore.agent.compile import Plan, TransitionPlan
from petricore.agent.declaration import Mode, One, is_asynchronous, is_generator
from petricore.agent.options import Options
from petricore.agent.routing import output_places
from petricore.errors import NetError
from petricore.runtime.remote import Wire
from petricore.runtimes.base import Executor, Kind

if TYPE_CHECKING:
    from petricore.runtime.runtime import Runtime

__all__ = ["Served", "expect_followers"]


class Served:
    """One transition of a dispatcher's agent."""

    __slots__ = (
        "action",
        "compensated",
        "consuming",
        "context_parameter",
        "executor",
        "expects",
        "kind",
        "name",
        "needs_setup",
        "number",
        "once",
        "options",
        "plain",
        "plan",
        "read_arcs",
        "simple",
        "single",
        "single_place",
        "single_type",
        "timed",
        "wire",
    )

    def __init__(self, number: int, plan: TransitionPlan, places: Plan, runtime: Runtime) -> None:
        spec = plan.spec
        options: Options = spec.options
        self.number = number
        self.plan = plan
        self.name = spec.name
        self.options = options
        self.action = spec.action
        self.kind = _kind(spec.action)
        self.executor = _executor(spec.name, options, runtime)
        self.expects: list[tuple[Any, Any]] = []
        """Executors to tell, when this begins, that a firing with such requirements may be next."""
        self.wire = Wire(plan, places) if self.executor.remote else None
        self.timed = options.timeout is not None
        self.compensated = spec.compensation is not None
        self.once = options.delivery == "at_most_once"
        self.context_parameter = spec.context
        self.needs_setup = options.confirm is not None or options.delay > 0
        self.consuming = [arc for arc, (_, mode, *_) in enumerate(plan.arcs) if mode is not Mode.READ]
        self.read_arcs = [arc for arc, (_, mode, *_) in enumerate(plan.arcs) if mode is Mode.READ]
        # parameter of the only arc, when that brings one single token
        arguments = plan.arguments
        self.simple = (
            arguments[0].parameter
            if len(arguments) == 1 and not arguments[0].many and not self.read_arcs
            else None
        )
        put_into = [places.places[places.index[place.name]] for place in output_places(spec.output)]
        self.plain = all(one.plain for one in put_into)
        self.single: list[int] | None = None
        self.single_type: Any = None
        self.single_place = ""
        if isinstance(spec.output, One) and self.plain:
            self.single_place = spec.output.place.name
            self.single_type = spec.output.place.type
            self.single = [places.index[self.single_place]]


def _executor(name: str, options: Options, runtime: Runtime) -> Executor:
    """The executor of a transition. Raises `NetError` if there is none, or none that does what is asked."""
    label = f"transition {name!r}"
    try:
        executor = runtime.executor(options.executor)
    except NetError as error:
        raise NetError(f"{label}: {error}") from None
    refused = [one for one in options.requirements.named() if one not in executor.obeys]
    if refused:
        obeyed = ", ".join(sorted(executor.obeys)) or "none of them"
        raise NetError(
            f"{label}: the executor {options.executor!r} cannot obey {', '.join(refused)} (it obeys {obeyed})"
        )
    for secret in options.requirements.secrets:
        if secret not in runtime.secrets:
            raise NetError(
                f"{label} needs the secret {secret!r}, which the runtime has not: Runtime(secrets=...)"
            )
    return executor


def expect_followers(served: list[Served], plan: Plan) -> None:
    """Let each transition announce those that take what it puts, where an executor prepares itself for them."""
    takers: dict[int, list[Served]] = {}
    for one in served:
        if hasattr(one.executor, "expect"):
            for place, *_ in one.plan.arcs:
                takers.setdefault(place, []).append(one)
    for one in served:
        put_into = {plan.index[place.name] for place in output_places(one.plan.spec.output)}
        followers = {taker for place in put_into for taker in takers.get(place, ()) if taker is not one}
        one.expects = [(follower.executor, follower.options.requirements) for follower in followers]


def _kind(action: Any) -> Kind:
    if is_generator(action):
        return Kind.ASYNC_GENERATOR if is_asynchronous(action) else Kind.GENERATOR
    return Kind.COROUTINE if is_asynchronous(action) else Kind.FUNCTION
