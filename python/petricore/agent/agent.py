"""`Agent`: typed places and decorated functions that together are a Petri net."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import FrameType, MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack, overload

from petricore.agent.compile import Plan, compile_plan
from petricore.agent.counting import counting_net
from petricore.agent.declaration import TransitionSpec, declare, is_asynchronous
from petricore.agent.failure import Failure
from petricore.agent.markers import To
from petricore.agent.options import Confirm, RetryPolicy, TimeoutPolicy, parse_options
from petricore.agent.places import TypedPlace, TypedPlaces
from petricore.agent.requirements import REQUIREMENTS, parse_requirements
from petricore.agent.schedule import Every
from petricore.errors import NetError
from petricore.texts import check_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from petricore.agent.result import Result
    from petricore.agent.verify.report import Report
    from petricore.distributions import Delay
    from petricore.net import Net
    from petricore.runtime.clock import Clock
    from petricore.runtime.events import Event
    from petricore.runtime.people import Answerer, Approver
    from petricore.simulation.agents import AgentSimulation, Confirmation, Cost, RateLimit
    from petricore.simulation.agents.given import ByName, Number

__all__ = ["Agent", "TransitionOptions"]

Action = TypeVar("Action", bound=Callable[..., Any])


class TransitionOptions(TypedDict, total=False):
    """The options of `Agent.transition`; docs of each in `petricore.agent.options`."""

    priority: int
    confirm: bool | Confirm
    retries: int | RetryPolicy
    backoff: float
    timeout: float | TimeoutPolicy
    delay: float
    concurrency: int
    rate_limit: str | tuple[int, float]
    on_error: Literal["fail", "release", "session"] | str | To
    description: str
    executor: Literal["inline", "thread", "process", "docker", "bubblewrap", "gpu", "ray"] | str
    every: str | float | timedelta | Every
    compensate: Callable[..., Any]
    delivery: Literal["at_least_once", "at_most_once"]
    image: Any
    command: Sequence[str]
    cpu: float
    memory: int | str
    gpu: int
    network: Sequence[str] | Literal["none"]
    volumes: Mapping[str, str]
    env: Mapping[str, str]
    secrets: Sequence[str]
    reuse: Literal["never", "session", "agent"]


class Agent:
    """A named set of typed places and transitions.

    Declare on one thread; a runtime compiles the agent when it starts a session of it, and what is declared
    after that is seen by the next runtime only.
    """

    def __init__(self, name: str, *, description: str | None = None, dead_letter: str | None = None) -> None:
        """`dead_letter` declares a place of that name, which gets a `Failure` for each firing that failed for good
        where nothing else is said: with `on_error="fail"`, and with "release" once nobody takes its tokens any more.
        """
        check_name("an agent's name", name)
        self.name = name
        self.description = description
        self.dead_letter = dead_letter
        self._places = TypedPlaces()
        if dead_letter is not None:
            self._places.declare(dead_letter, Failure, expose=False)
        self._transitions: dict[str, TransitionSpec] = {}

    @property
    def places(self) -> Mapping[str, TypedPlace]:
        """Places by name, in order of first mention (a live read-only view)."""
        return MappingProxyType(self._places.by_name)

    @property
    def transitions(self) -> Mapping[str, TransitionSpec]:
        """Transitions by name, in order of declaration (a live read-only view)."""
        return MappingProxyType(self._transitions)

    def place(self, name: str, type_: Any, *, expose: bool = True) -> TypedPlace:
        """Declare the place `name` for values of `type_`; `expose=False` closes it to the outside.

        Raises:
            NetError: the name is taken or empty; the type cannot be a token's.
        """
        return self._places.declare(name, type_, expose=expose)

    @overload
    def transition(self, action: Action, /) -> Action: ...

    @overload
    def transition(
        self,
        /,
        *,
        name: str | None = None,
        match: str | Mapping[str, str] | None = None,
        where: Mapping[str, Callable[[Any], object]] | None = None,
        inhibit: Iterable[Any] = (),
        **options: Unpack[TransitionOptions],
    ) -> Callable[[Action], Action]: ...

    def transition(
        self,
        action: Action | None = None,
        /,
        *,
        name: str | None = None,
        match: str | Mapping[str, str] | None = None,
        where: Mapping[str, Callable[[Any], object]] | None = None,
        inhibit: Iterable[Any] = (),
        **options: Unpack[TransitionOptions],
    ) -> Action | Callable[[Action], Action]:
        """Declare a function as a transition, and return the function unchanged.

        Args:
            action: a function, a coroutine function or a generator of either kind, fully annotated.
            name: instead of the function's name.
            match: the field by whose equal value the inputs join; or one field for each joined parameter.
            where: for a parameter, which tokens it sees: a predicate, evaluated once when the token arrives.
            inhibit: types or place names; while one of the places holds a token, this transition does not
                fire.
            options: see `petricore.agent.options`.

        Raises:
            NetError: names the transition and the parameter or option that is wrong. Nothing is declared
                then.
        """
        namespace = _caller_locals(sys._getframe(1))

        def decorate(function: Action) -> Action:
            self._declare(function, name, dict(options), namespace, match=match, where=where, inhibit=inhibit)
            return function

        return decorate if action is None else decorate(action)

    def _declare(
        self,
        action: Callable[..., Any],
        name: str | None,
        options: dict[str, Any],
        namespace: Mapping[str, Any],
        *,
        match: str | Mapping[str, str] | None,
        where: Mapping[str, Callable[[Any], object]] | None,
        inhibit: Iterable[Any],
    ) -> None:
        if not callable(action):
            raise NetError(f"agent {self.name!r}: a transition is a function, not {action!r}")
        name = name or getattr(action, "__name__", None)
        if not isinstance(name, str) or name == "<lambda>":
            raise NetError(f"agent {self.name!r}: {action!r} has no name of its own; give name=...")
        self._check_free(name)
        label = f"transition {name!r}"
        checked = parse_options(label, options, asynchronous=is_asynchronous(action))
        places = self._places.copy()  # so that a declaration that fails leaves no trace
        error_place = (
            None if checked.error_place is None else _error_place(label, checked.error_place, places)
        )
        dead_letter = None
        if self.dead_letter is not None and checked.on_error in ("fail", "release"):
            dead_letter = places.by_name[self.dead_letter]
        spec = declare(action, name, checked, places, match=match, where=where, inhibit=inhibit,
                       error_place=error_place, dead_letter=dead_letter, namespace=namespace)  # fmt: skip
        self._places = places
        self._transitions[name] = spec

    def _check_free(self, name: str) -> None:
        if name in self._transitions:
            raise NetError(f"agent {self.name!r}: transition {name!r} exists already")

    def include(self, other: Agent, *, prefix: str = "") -> None:
        """Take over the transitions of `other`.

        Places named after a type are shared: they are how the agents meet. Transitions and places declared by
        name get the `prefix`.

        Raises:
            NetError: a name is taken, or a place's name stands for two types. Nothing is included then.
        """
        from petricore.agent.inclusion import included

        places, specs = included(self._places, other._places, other._transitions.values(), prefix)
        for spec in specs:
            self._check_free(spec.name)
        self._places = places
        self._transitions.update((spec.name, spec) for spec in specs)

    def on(self, executor: str, *names: str, **requirements: Any) -> Agent:
        """The same agent with the transitions of these names (all, if none are given) on another executor.

        Args:
            executor: its name.
            names: of transitions.
            requirements: `image`, `cpu`, `memory`, `network`, ... for those transitions, instead of their own.

        Raises:
            NetError: a name is unknown, or a requirement has a bad value.
        """
        for name in names:
            if name not in self._transitions:
                raise NetError(f"agent {self.name!r} has no transition {name!r}")
        for name in requirements:
            if name not in REQUIREMENTS:
                raise NetError(
                    f"agent {self.name!r}: {name!r} is no requirement; those are {', '.join(REQUIREMENTS)}"
                )
        moved = Agent(self.name, description=self.description)
        moved.dead_letter = self.dead_letter
        moved._places = self._places.copy()
        for name, spec in self._transitions.items():
            options = spec.options
            if not names or name in names:
                asked = (
                    parse_requirements(f"transition {name!r}", requirements)
                    if requirements
                    else options.requirements
                )
                options = replace(options, executor=executor, requirements=asked)
            moved._transitions[name] = replace(spec, options=options)
        return moved

    def plan(self) -> Plan:
        """The agent compiled for the runtime. Warns of inputs that nobody can ever produce."""
        return compile_plan(self.name, self._places, self._transitions.values())

    def net(self) -> Net:
        """The agent as a `Net`, for drawing and analysis. `petricore.agent.counting` says what is exact."""
        return counting_net(self.name, self._places, self._transitions.values())

    def run(
        self,
        *tokens: Any,
        put: Mapping[str, Iterable[Any]] | None = None,
        timeout: float | None = None,
        confirm: Approver | bool | None = None,
        answer: Answerer | None = None,
        on_event: Callable[[Event], object] | None = None,
        threads: int | None = None,
        clock: Clock | None = None,
    ) -> Result:
        """Run the agent in memory until nothing but a person could move it; blocks.

        Inside a running event loop it runs on a thread of its own, so it blocks that loop: use `arun` there.

        Args:
            tokens: put first, each into the place of its type.
            put: more tokens, by name of the place.
            timeout: seconds, after which `TimeoutError` is raised and what runs is cancelled.
            confirm: decides firings that ask for confirmation: True approves all, False rejects all, a
                callable gets
                the pending firing and returns a bool (or an awaitable of one). None: they stay in
                `result.waiting`.
            answer: answers what actions ask: gets the question, returns the value (or an awaitable of it).
                None: the
                asking firings stay in `result.waiting`.
            on_event: called with every event, on the loop's thread; it must not block.
            threads: the most sync actions that run at once (default: processors + 4, at most 32).
            clock: time other than the system's, for tests.

        Raises:
            NetError, TokenTypeError: a token has no place.
            TimeoutError: after `timeout` seconds.
        """
        from petricore.runtime.run import run_blocking

        return run_blocking(self.arun(*tokens, put=put, timeout=timeout, confirm=confirm, answer=answer,
                                      on_event=on_event, threads=threads, clock=clock))  # fmt: skip

    async def arun(
        self,
        *tokens: Any,
        put: Mapping[str, Iterable[Any]] | None = None,
        timeout: float | None = None,
        confirm: Approver | bool | None = None,
        answer: Answerer | None = None,
        on_event: Callable[[Event], object] | None = None,
        threads: int | None = None,
        clock: Clock | None = None,
    ) -> Result:
        """`run` for async callers: on the running loop, without blocking it."""
        from petricore.runtime.run import run_agent

        return await run_agent(self, tokens, put or {}, timeout=timeout, confirm=confirm, answer=answer,
                               on_event=on_event, threads=threads, clock=clock)  # fmt: skip

    def verify(
        self,
        inputs: Mapping[Any, int],
        *,
        limit: int | None = None,
        timeout: float | None = None,
        complete: Iterable[Any] = (),
        decided: Iterable[Any] = (),
        strict: bool = False,
    ) -> Report:
        """Prove, before anything runs, what can happen to the agent started with so many tokens: docs/verification.md.

        Every action may return whatever it declares, and may fail, time out or be rejected at any time. Nothing is
        called: neither actions nor predicates.

        Args:
            inputs: how many tokens are put at the start, by type or place name: `{Url: 2}`.
            limit: at most that many markings are looked at in each of up to four searches (default: 200,000).
            timeout: seconds for all of it. What is not decided then has the verdict None.
            complete: types and places whose tokens may be left at the end.
            decided: places of whose tokens each is admitted by some consumer's `where`, and transitions whose `match`
                finds a partner for every token. Believed, not checked.
            strict: warnings (tokens left after a failure, undecided conflicts) make the report not ok, too.

        Raises:
            NetError: a place is unknown or not exposed, a number is out of range, or the agent has more guards or
                ways to return than can be told apart.
        """
        from petricore.agent.verify import verify

        return verify(
            self, inputs, limit=limit, timeout=timeout, complete=complete, decided=decided, strict=strict
        )

    def simulate(
        self,
        inputs: Mapping[Any, Number],
        *,
        sessions: int | None = None,
        durations: ByName[Number] | None = None,
        costs: ByName[float | Delay | Cost] | None = None,
        resources: Mapping[str, int | RateLimit] | None = None,
        needs: Mapping[str, str | Mapping[str, int]] | None = None,
        arrivals: float | Delay | Sequence[float] | NDArray[Any] | None = None,
        outcomes: Mapping[Any, Mapping[Any, float]] | None = None,
        emits: ByName[Number | Mapping[Any, Number]] | None = None,
        failure_rate: ByName[float] | None = None,
        confirmations: ByName[Number | Confirmation] | None = None,
        until: float | None = None,
        seed: int | None = None,
        threads: int = 0,
        limit: int | None = None,
        progress: Callable[[int], object] | bool | None = None,
    ) -> AgentSimulation:
        """Say what sessions of the agent will take, wait for and cost, before one is run: docs/agents.md.

        A discrete-event simulation on model time, with the runtime's own rules for what fires: groups, joins,
        concurrency, rate limits, priorities, retries, timeouts, delays. Nothing is called: neither actions nor
        predicates. "A number" below is one, or a distribution (`pc.Exponential`, ...) drawn anew each time. Mappings by
        transition take "*" for all others; a bare number stands for all. What is not given is assumed, and listed in
        `assumptions` of the result.

        Args:
            inputs: tokens each session gets, by type or place name: `{Url: 2}`; a number, or {number: probability}.
            sessions: how many (default: 1000, or as many as `arrivals` has times).
            durations: seconds of an attempt, a number by transition.
            costs: what a firing costs, a number or a `Cost`, by transition or resource.
            resources: shared by all sessions: `{"gpu": 4, "llm": RateLimit(10, per=1.0)}`. A declared limit gets
                another size by its name: `{"concurrency of fetch": 8}`.
            needs: what a firing holds of them: `{"train": {"gpu": 1}, "ask": "llm"}`.
            arrivals: when sessions begin: None (all at 0), a rate per second (Poisson), a distribution of the seconds
                between them, or the times.
            outcomes: probabilities of what an action returns (`{"classify": {"Spam": 0.1, "Ham": 0.9}}`), or of which
                transition's `where` admits a token of a place (`{"Review": {"praise": 0.7, "apologise": 0.3}}`).
            emits: lengths of lists, a number (or {number: probability}) by transition; for several lists by element.
            failure_rate: the probability that an attempt fails, by transition.
            confirmations: seconds until a person confirms, a number or a `Confirmation`, by transition.
            until: the time at which to stop, in seconds.
            seed: of all that is drawn; the same seed, the same result. One is made up where none is given.
            threads: sync actions that run at once, as in `run`; 0: no limit.
            limit: the most firings of a session (default: 100,000); with so many it is cut.
            progress: called with the number of sessions ended; True: a line on standard error.

        Raises:
            NetError: names what is unknown, or impossible as given.
        """
        from petricore.simulation.agents.simulate import simulate

        return simulate(
            self, inputs, sessions=sessions, durations=durations, costs=costs, resources=resources, needs=needs,
            arrivals=arrivals, outcomes=outcomes, emits=emits, failure_rate=failure_rate,
            confirmations=confirmations, until=until, seed=seed, threads=threads, limit=limit, progress=progress,
        )  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"<Agent {self.name!r}: {len(self._places.by_name)} places, {len(self._transitions)} transitions>"
        )


def _error_place(label: str, name: str, places: TypedPlaces) -> TypedPlace:
    if name not in places.by_name:
        return places.declare(name, Failure, expose=False)
    return places.named(f"{label}, on_error", name, Failure)


def _caller_locals(frame: FrameType) -> dict[str, Any]:
    """What annotations of a function declared in `frame` may name beyond its module."""
    return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
