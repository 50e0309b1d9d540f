"""From a signature to arcs: parameters are input arcs, the return annotation is the output arcs."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass
from enum import Enum
from typing import Any

from petricore.agent.compensation import Compensation, compensation
from petricore.agent.markers import MARKERS, AtLeast, From, Gather, Marker, Read, To, Weight
from petricore.agent.options import Options
from petricore.agent.places import TypedPlace, TypedPlaces, type_name
from petricore.agent.schedule import Tick
from petricore.errors import NetError

__all__ = ["Both", "Input", "Many", "Mode", "Nothing", "One", "OneOf", "Output", "TransitionSpec", "declare",
           "is_asynchronous"]  # fmt: skip


class Mode(Enum):
    """What a claim takes from an input arc; the numbers are the core's."""

    TAKE = 0
    DRAIN = 1
    GATHER = 2
    READ = 3


@dataclass(frozen=True, slots=True)
class Input:
    """One parameter that takes tokens."""

    parameter: str
    place: TypedPlace
    mode: Mode
    weight: int
    many: bool
    """The parameter gets a list."""
    predicate: Callable[[Any], object] | None = None
    """Only tokens for which this holds are seen."""
    match: str | None = None
    """The field by whose value this input joins the others."""
    hidden: bool = False
    """It is taken, but no parameter gets it."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """`None`: no token."""


@dataclass(frozen=True, slots=True)
class One:
    """`T`: one token."""

    place: TypedPlace


@dataclass(frozen=True, slots=True)
class Many:
    """`list[...]` or, with `stream`, an iterator: the elements are the members of a group."""

    element: Output
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Both:
    """`tuple[A, B]`: all parts."""

    parts: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """`A | B`: the first alternative whose type the value has."""

    alternatives: tuple[Output, ...]


Output = Nothing | One | Many | Both | OneOf


@dataclass(frozen=True, slots=True, eq=False)
class TransitionSpec:
    """A declared transition: its action, its arcs and its options."""

    name: str
    action: Callable[..., Any]
    inputs: tuple[Input, ...]
    output: Output
    inhibitors: tuple[TypedPlace, ...]
    context: str | None
    """The parameter that gets the `Context`."""
    options: Options
    error_place: TypedPlace | None
    dead_letter: TypedPlace | None = None
    """Where a firing goes that failed for good and has neither an error place nor anybody else for its tokens."""
    compensation: Compensation | None = None

    @property
    def tick(self) -> Input | None:
        """The input that takes the ticks of a source."""
        return (
            None if self.options.every is None else next(one for one in self.inputs if one.place.type is Tick)
        )

    @property
    def description(self) -> str | None:
        """What it says of itself: the option, or the first line of the action's docstring."""
        documented = (inspect.getdoc(self.action) or "").partition("\n")[0]
        return self.options.description or documented or None


_STREAMS = (AsyncGenerator, AsyncIterator, AsyncIterable, Generator, Iterator, Iterable)


@dataclass(frozen=True, slots=True)
class _Declaration:
    """What is asked for beside the signature."""

    where: str
    match: str | Mapping[str, str] | None
    predicates: Mapping[str, Callable[[Any], object]]
    places: TypedPlaces


def declare(
    action: Callable[..., Any],
    name: str,
    options: Options,
    places: TypedPlaces,
    *,
    match: str | Mapping[str, str] | None,
    where: Mapping[str, Callable[[Any], object]] | None,
    inhibit: Iterable[Any],
    error_place: TypedPlace | None,
    dead_letter: TypedPlace | None,
    namespace: Mapping[str, Any],
) -> TransitionSpec:
    """Read the signature of `action`. `namespace` resolves names that its module does not know.

    Raises:
        NetError: names the transition and the parameter, and what is wrong with it.
    """
    label = f"transition {name!r}"
    if match is not None and not isinstance(match, (str, Mapping)):
        raise NetError(f"{label}: match is a field's name, or fields by parameter, not {match!r}")
    if where is not None and not isinstance(where, Mapping):
        raise NetError(f"{label}: where is predicates by parameter, not {where!r}")
    signature = inspect.signature(action)
    hints = _hints(label, action, namespace)
    declaration = _Declaration(label, match, where or {}, places)
    inputs: list[Input] = []
    context: str | None = None
    ticks: str | None = None
    bound = action.keywords if isinstance(action, functools.partial) else {}
    for parameter in signature.parameters.values():
        if parameter.name in bound:
            continue
        hint = _parameter_hint(label, parameter, hints)
        if _is_context(hint):
            context = parameter.name
        elif hint is Tick:
            if options.every is None or ticks is not None:
                raise NetError(f"{label}, parameter {parameter.name!r}: one Tick, and only with every=...")
            ticks = parameter.name
        else:
            inputs.append(_input(declaration, parameter.name, hint))
    _check_names(declaration, {one.parameter: one for one in inputs})
    _take_ticks(label, name, options, inputs, ticks, places)
    _check_overlaps(label, inputs)
    output = _return_output(label, action, hints, places)
    inhibitors = tuple(places.of_type(f"{label}, inhibit", one) if not isinstance(one, str)
                       else _known(label, places, one) for one in _inhibited(label, inhibit))  # fmt: skip
    for one in inputs:
        if one.place in inhibitors:
            raise NetError(
                f"{label}: parameter {one.parameter!r} takes from {one.place.name!r}, which also inhibits it"
            )
    undo = None if options.compensate is None else compensation(label, options.compensate, inputs)
    return TransitionSpec(
        name, action, tuple(inputs), output, inhibitors, context, options, error_place, dead_letter, undo
    )


def _take_ticks(
    label: str, name: str, options: Options, inputs: list[Input], ticks: str | None, places: TypedPlaces
) -> None:
    """Check that a transition either takes tokens or is a source, which gets a place for its ticks as an input."""
    takes = [one.parameter for one in inputs if one.mode is not Mode.READ]
    if options.every is not None and takes:
        raise NetError(f"{label}: every= is for a source, which takes no tokens, but {takes[0]!r} takes one; "
                       "let a source put a token, and another transition take that and this")  # fmt: skip
    if options.every is None and not takes:
        raise NetError(f"{label} takes no token, so it could fire for ever; say when it fires with every=...")
    if options.every is not None:
        place = places.declare(f"every:{name}", Tick, expose=False)
        inputs.append(Input(ticks or "every", place, Mode.TAKE, 1, many=False, hidden=ticks is None))


def _is(kind: Callable[[Any], bool], action: Callable[..., Any]) -> bool:
    return kind(action) or kind(getattr(action, "__call__", None))  # noqa: B004 - the method is what is asked about


def is_asynchronous(action: Callable[..., Any]) -> bool:
    """Whether the action runs on the event loop: a coroutine function or an async generator."""
    return _is(inspect.iscoroutinefunction, action) or _is(inspect.isasyncgenfunction, action)


def is_generator(action: Callable[..., Any]) -> bool:
    """Whether the action is a generator, sync or async."""
    return _is(inspect.isgeneratorfunction, action) or _is(inspect.isasyncgenfunction, action)


def _hints(label: str, action: Callable[..., Any], namespace: Mapping[str, Any]) -> dict[str, Any]:
    function = inspect.unwrap(action)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    if not inspect.isroutine(function):
        function = type(function).__call__
    try:
        return typing.get_type_hints(
            function, localns={**namespace, **_closure(function)}, include_extras=True
        )
    except NameError as error:
        raise NetError(f"{label}: the annotation {error.name!r} cannot be resolved: {error}") from error
    except TypeError as error:
        raise NetError(f"{label}: an annotation cannot be resolved: {error}") from error


def _closure(function: Any) -> dict[str, Any]:
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    found = {}
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found


def _parameter_hint(label: str, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Any:
    where = f"{label}, parameter {parameter.name!r}"
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise NetError(f"{where}: *args and **kwargs cannot be typed inputs")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise NetError(f"{where}: inputs are passed by name, so it cannot be positional-only")
    if parameter.name not in hints:
        raise NetError(f"{where} has no annotation; the type names the place it takes tokens from")
    if parameter.default is not parameter.empty:
        raise NetError(
            f"{where} has a default; an input is always a token (bind constants with functools.partial)"
        )
    return hints[parameter.name]


def _is_context(hint: Any) -> bool:
    from petricore.runtime.context import Context

    return isinstance(hint, type) and issubclass(hint, Context)


def _split(where: str, hint: Any) -> tuple[Any, dict[type, Marker]]:
    """The bare type and the markers of an annotation."""
    if typing.get_origin(hint) is not typing.Annotated:
        return hint, {}
    bare, *extras = typing.get_args(hint)
    markers: dict[type, Marker] = {}
    others = []
    for extra in extras:
        if isinstance(extra, type) and issubclass(extra, MARKERS):
            raise NetError(f"{where}: write {extra.__name__}(...), an instance, not the class")
        if not isinstance(extra, MARKERS):
            others.append(extra)
        elif type(extra) in markers:
            raise NetError(f"{where}: {type(extra).__name__} stands there twice")
        else:
            markers[type(extra)] = extra
    if others:  # constraints of pydantic stay part of the type
        bare = typing.Annotated[(bare, *others)]
    return bare, markers


def _input(declaration: _Declaration, parameter: str, hint: Any) -> Input:
    where = f"{declaration.where}, parameter {parameter!r}"
    bare, markers = _split(where, hint)
    if To in markers:
        raise NetError(f"{where}: To is for results; From names the place of an input")
    element, many = _element(bare)
    mode, weight = _mode(where, markers, many=many, hint=bare)
    source = markers.get(From)
    place = (
        declaration.places.named(where, source.place, element)
        if isinstance(source, From)
        else declaration.places.of_type(where, element)
    )
    return Input(
        parameter,
        place,
        mode,
        weight,
        many,
        declaration.predicates.get(parameter),
        _match_field(declaration, where, parameter, mode, element),
    )


def _element(bare: Any) -> tuple[Any, bool]:
    if typing.get_origin(bare) is list:
        return typing.get_args(bare)[0], True
    return bare, False


def _mode(where: str, markers: Mapping[type, Marker], *, many: bool, hint: Any) -> tuple[Mode, int]:
    counting = [marker for marker in markers.values() if isinstance(marker, (Weight, AtLeast, Gather))]
    if len(counting) > 1:
        raise NetError(f"{where}: only one of Weight, AtLeast and Gather can say how many")
    marker = counting[0] if counting else None
    read = Read in markers
    if many and marker is None:
        raise NetError(f"{where}: {type_name(hint)} needs Weight(n), AtLeast(n) or Gather() to say how many")
    if not many and marker is not None and marker != Weight(1):
        raise NetError(f"{where}: {marker} takes several tokens, so the type is list[{type_name(hint)}]")
    if read and not (marker is None or isinstance(marker, Weight)):
        raise NetError(f"{where}: {marker} consumes; Read goes with Weight only")
    match marker:
        case AtLeast(tokens):
            return Mode.DRAIN, tokens
        case Gather(least):
            return Mode.GATHER, least
        case Weight(tokens):
            return (Mode.READ if read else Mode.TAKE), tokens
    return (Mode.READ if read else Mode.TAKE), 1


def _match_field(declaration: _Declaration, where: str, parameter: str, mode: Mode, type_: Any) -> str | None:
    match = declaration.match
    if match is None:
        return None
    if not isinstance(match, str):
        if parameter not in match:
            return None
        field = match[parameter]
    else:
        field = match
    if mode not in (Mode.TAKE, Mode.READ):
        raise NetError(f"{where}: match cannot join an input with AtLeast or Gather; "
                       "name the joined inputs: match={'parameter': 'field'}")  # fmt: skip
    if not _has_field(type_, field):
        raise NetError(f"{where}: match={field!r}, but {type_name(type_)} has no field {field!r}")
    return field


def _has_field(type_: Any, field: str) -> bool:
    fields = getattr(type_, "model_fields", None) or getattr(type_, "__dataclass_fields__", None)
    if fields is not None and field in fields:
        return True
    if typing.is_typeddict(type_):
        return field in typing.get_type_hints(type_)
    return isinstance(type_, type) and (field in getattr(type_, "_fields", ()) or hasattr(type_, field))


def _check_names(declaration: _Declaration, inputs: Mapping[str, Input]) -> None:
    for parameter, predicate in declaration.predicates.items():
        if parameter not in inputs:
            raise NetError(f"{declaration.where}: where names {parameter!r}, which is no input")
        if not callable(predicate):
            raise NetError(f"{declaration.where}: where[{parameter!r}] is a predicate, not {predicate!r}")
        if is_asynchronous(predicate):
            raise NetError(
                f"{declaration.where}: where[{parameter!r}] is asynchronous; a predicate answers at once"
            )
    match = declaration.match
    if match is None:
        return
    if not isinstance(match, str):
        for parameter in match:
            if parameter not in inputs:
                raise NetError(f"{declaration.where}: match names {parameter!r}, which is no input")
    joined = [one for one in inputs.values() if one.match is not None]
    if len(joined) < 2:
        raise NetError(f"{declaration.where}: match={match!r} joins {len(joined)} input(s); a join needs two")


def _check_overlaps(label: str, inputs: list[Input]) -> None:
    """Refuse inputs whose claims from one place would depend on each other."""
    gathers = [one for one in inputs if one.mode is Mode.GATHER]
    if len({one.weight for one in gathers}) > 1:
        raise NetError(f"{label}: its Gather inputs close the same group, so their min must be equal")
    for i, one in enumerate(inputs):
        for other in inputs[i + 1 :]:
            if one.place is not other.place:
                continue
            both = f"parameters {one.parameter!r} and {other.parameter!r}"
            where = f"{label}: {both} take from place {one.place.name!r}"
            if Mode.DRAIN in (one.mode, other.mode) or Mode.GATHER in (one.mode, other.mode):
                raise NetError(f"{where}, of which one takes all; give them places of their own")
            if one.predicate is not other.predicate or one.match is not None or other.match is not None:
                raise NetError(f"{where} by different conditions; give them places of their own")
            if Mode.READ in (one.mode, other.mode):
                raise NetError(f"{where}, of which one reads; read several with Weight(n), Read()")


def _inhibited(label: str, inhibit: Iterable[Any]) -> list[Any]:
    if isinstance(inhibit, (str, type)) or not isinstance(inhibit, Iterable):
        raise NetError(f"{label}: inhibit is a list of types or place names, not {inhibit!r}")
    return list(inhibit)


def _known(label: str, places: TypedPlaces, name: str) -> TypedPlace:
    if name not in places.by_name:
        raise NetError(
            f"{label}: inhibit names the unknown place {name!r}; declare it with agent.place(...) first"
        )
    return places.by_name[name]


def _return_output(
    label: str, action: Callable[..., Any], hints: Mapping[str, Any], places: TypedPlaces
) -> Output:
    where = f"{label}, return annotation"
    if "return" not in hints:
        raise NetError(f"{label} has no return annotation; it says what the action puts (None: nothing)")
    hint = hints["return"]
    generates = is_generator(action)
    origin = typing.get_origin(hint)
    if origin in _STREAMS:
        if not generates:
            raise NetError(f"{where}: {type_name(hint)} is for generators; a function returns list[...]")
        if not (elements := typing.get_args(hint)):
            raise NetError(f"{where}: {hint!r} does not say of what; write Iterator[T]")
        return Many(_output(where, elements[0], places, inside_list=True), stream=True)
    if generates:
        raise NetError(
            f"{where}: a generator is annotated as Iterator[...] or AsyncIterator[...], not {hint!r}"
        )
    return _output(where, hint, places)


def _output(where: str, hint: Any, places: TypedPlaces, *, inside_list: bool = False) -> Output:
    if hint is None or hint is type(None):
        return Nothing()
    bare, markers = _split(where, hint)
    for marker in markers:
        if marker is not To:
            raise NetError(f"{where}: {marker.__name__} is for inputs; To names the place of a result")
    target = markers.get(To)
    origin = typing.get_origin(bare)
    if isinstance(target, To) and origin is list:
        (element,) = typing.get_args(bare)
        return Many(_output(where, typing.Annotated[element, target], places, inside_list=True))
    if isinstance(target, To):
        return One(places.named(where, target.place, bare))
    if origin is list:
        if inside_list:
            raise NetError(
                f"{where}: a list of lists; one firing opens one group, so scatter in two transitions"
            )
        return Many(_output(where, typing.get_args(bare)[0], places, inside_list=True))
    if origin is tuple:
        parts = typing.get_args(bare)
        if not parts or Ellipsis in parts:
            raise NetError(
                f"{where}: {type_name(bare)} does not say which tokens; use tuple[A, B] or list[A]"
            )
        return Both(tuple(_output(where, part, places, inside_list=inside_list) for part in parts))
    if origin in (typing.Union, types.UnionType):
        return OneOf(
            tuple(_output(where, part, places, inside_list=inside_list) for part in typing.get_args(bare))
        )
    return One(places.of_type(where, bare))
