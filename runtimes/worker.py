"""The worker: runs actions in a process of its own, sandboxed or not, and tells the host of it in frames.

One file that needs nothing but the standard library of Python 3.8, so that it can be put into any image. What goes
over the wire is JSON; nothing is ever unpickled, on either side. A *resident* worker runs one action after another in
its own process. A *forking* one forks for every action: whatever an action breaks, leaks or leaves running ends with
it, while modules are imported once. docs/executors.md describes the frames.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
import traceback
import types
import typing
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePath
from uuid import UUID

__all__ = ["MAIN", "PROTOCOL", "pack", "serve", "unpack"]

PROTOCOL = 1
MAIN = "__petricore_main__"
"""What the host's `__main__` is called here, so that what stands under `if __name__ == "__main__"` does not run."""

_Function = typing.Callable[[typing.Any], typing.Any]
_LENGTHS = struct.Struct(">II")
_CHUNK = 1 << 20
_PROXY = "/run/petricore/proxy.sock"
_PROXY_PORT = 3128
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


# -- values


_PACK: dict[type, tuple[str, _Function]] = {
    bytes: ("$bytes", lambda value: base64.b64encode(value).decode()),
    bytearray: ("$bytearray", lambda value: base64.b64encode(value).decode()),
    datetime: ("$datetime", lambda value: [value.isoformat(), value.fold]),
    date: ("$date", date.isoformat),
    time: ("$time", lambda value: [value.isoformat(), value.fold]),
    timedelta: ("$timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    Decimal: ("$decimal", str),
    UUID: ("$uuid", str),
}
_SEQUENCES: dict[type, str] = {tuple: "$tuple", set: "$set", frozenset: "$frozenset"}
_UNPACK: dict[str, _Function] = {
    "$bytes": base64.b64decode,
    "$bytearray": lambda text: bytearray(base64.b64decode(text)),
    "$datetime": lambda parts: datetime.fromisoformat(parts[0]).replace(fold=parts[1]),
    "$date": date.fromisoformat,
    "$time": lambda parts: time.fromisoformat(parts[0]).replace(fold=parts[1]),
    "$timedelta": lambda parts: timedelta(*parts),
    "$decimal": Decimal,
    "$uuid": UUID,
    "$tuple": lambda parts: tuple(unpack(one) for one in parts),
    "$set": lambda parts: {unpack(one) for one in parts},
    "$frozenset": lambda parts: frozenset(unpack(one) for one in parts),
    "$dict": lambda items: {unpack(key): unpack(value) for key, value in items},
}


def pack(value: typing.Any, fallback: _Function = repr) -> typing.Any:
    """A value of Python and its library as what JSON knows; what JSON lacks is tagged: `{"$bytes": "..."}`.

    A value of any other type is what `fallback` makes of it.
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if isinstance(value, Enum):
        return pack(value.value, fallback)
    if isinstance(value, dict):
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: pack(one, fallback) for key, one in value.items()}
        return {"$dict": [[pack(key, fallback), pack(one, fallback)] for key, one in value.items()]}
    if kind is list:
        return [pack(one, fallback) for one in value]
    if kind in _SEQUENCES:
        return {_SEQUENCES[kind]: [pack(one, fallback) for one in value]}
    if kind in _PACK:
        tag, dump = _PACK[kind]
        return {tag: dump(value)}
    if isinstance(value, PurePath):
        return str(value)
    return fallback(value)


def unpack(value: typing.Any) -> typing.Any:
    """What `pack` took."""
    if isinstance(value, list):
        return [unpack(one) for one in value]
    if isinstance(value, dict):
        if len(value) == 1:
            ((tag, content),) = value.items()
            if tag in _UNPACK:
                return _UNPACK[tag](content)
        return {key: unpack(one) for key, one in value.items()}
    return value


def _tree(value: typing.Any) -> typing.Any:
    """What an action puts: lists and tuples as such, every token in them with the name of its class."""
    if type(value) is list:
        return {"list": [_tree(one) for one in value]}
    if type(value) is tuple:
        return {"tuple": [_tree(one) for one in value]}
    return {"type": type(value).__qualname__, "value": pack(_dump(value), _unknown)}


def _dump(value: typing.Any) -> typing.Any:
    """A model, dataclass or the like as plain Python."""
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(round_trip=True, warnings=False) if _pydantic() else dump()
    if hasattr(value, "__dataclass_fields__") or isinstance(value, (dict, list, set, frozenset, tuple)):
        adapter = _adapter(type(value))
        if adapter is not None:
            return adapter.dump_python(value, round_trip=True, warnings=False)
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return value


def _unknown(value: typing.Any) -> typing.Any:
    dumped = _dump(value)
    if dumped is not value:
        return pack(dumped, _unknown)
    kinds: tuple[typing.Any, ...] = (bool, int, float, str, bytes, tuple, list, set, frozenset)
    for kind in kinds:  # a subclass of what JSON knows
        if isinstance(value, kind):
            return pack(kind(value), _unknown)
    raise TypeError(f"a {type(value).__qualname__} cannot be sent to the host: {value!r}")


def _pydantic() -> typing.Any:
    """The real pydantic, or None where the image has none."""
    module = sys.modules.get("pydantic")
    return module if module is not None and hasattr(module, "TypeAdapter") else None


_adapters: dict[typing.Any, typing.Any] = {}


def _adapter(hint: typing.Any) -> typing.Any:
    """pydantic's adapter of a type; None where there is none."""
    pydantic = _pydantic()
    if pydantic is None:
        return None
    try:
        if hint not in _adapters:
            _adapters[hint] = pydantic.TypeAdapter(hint)
        return _adapters[hint]
    except Exception:
        return None


def _build(hint: typing.Any, packed: typing.Any) -> typing.Any:
    """A value of the annotated type from what the host packed."""
    data = unpack(packed)
    if hint is None:
        return data
    adapter = _adapter(hint)
    if adapter is None:
        return _construct(hint, data)
    try:
        return adapter.validate_python(data, by_name=True, by_alias=False)
    except TypeError:  # an older pydantic
        return adapter.validate_python(data)


# -- what stands in for petricore and pydantic in an image without them


class _Anything:
    """Does nothing, whatever is done with it: the rest of petricore's names, in a module that is only here to run."""

    def __init__(self, *arguments: typing.Any, **named: typing.Any) -> None:
        del arguments, named

    def __call__(self, *arguments: typing.Any, **named: typing.Any) -> typing.Any:
        # as a decorator, with or without arguments: the function unchanged
        if len(arguments) == 1 and not named and inspect.isroutine(arguments[0]):
            return arguments[0]
        return _Anything()

    def __getattr__(self, name: str) -> typing.Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything()


class _Petricore(types.ModuleType):
    """Stands in for petricore."""

    def __getattr__(self, name: str) -> typing.Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Context if name == "Context" else _Anything()


class _Record:
    """Stands in for `pydantic.BaseModel`: fields with defaults, nested by their annotations, nothing checked."""

    def __init__(self, **data: typing.Any) -> None:
        for name, hint in _hints(type(self)).items():
            if name in data:
                value = _construct(hint, data[name])
            elif hasattr(type(self), name):
                default = getattr(type(self), name)
                value = default.make() if isinstance(default, _Field) else default
            else:
                raise ValueError(f"{type(self).__name__} needs the field {name!r}")
            setattr(self, name, value)

    def model_dump(self, **options: typing.Any) -> dict[str, typing.Any]:
        """The fields, nested ones too."""
        del options
        return {name: _plain(getattr(self, name)) for name in _hints(type(self))}

    @classmethod
    def model_validate(cls, data: typing.Any) -> typing.Any:
        """A record from its fields."""
        return cls(**data)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({fields})"


class _Field:
    def __init__(
        self, default: typing.Any = ..., *, default_factory: typing.Any = None, **named: typing.Any
    ) -> None:
        del named
        self._default, self._factory = default, default_factory

    def make(self) -> typing.Any:
        if self._factory is not None:
            return self._factory()
        if self._default is ...:
            raise ValueError("a field without a default is missing")
        return self._default


def _plain(value: typing.Any) -> typing.Any:
    if isinstance(value, _Record):
        return value.model_dump()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_plain(one) for one in value)
    return value


def _hints(owner: typing.Any) -> dict[str, typing.Any]:
    """Annotations, resolved where this Python can resolve them."""
    try:
        return typing.get_type_hints(owner)
    except Exception:
        annotated = getattr(owner, "__mro__", (owner,))
        return {name: None for one in reversed(annotated) for name in getattr(one, "__annotations__", {})}


def _construct(hint: typing.Any, data: typing.Any) -> typing.Any:
    """A value of the annotated type without pydantic: records, enums and dataclasses, nested; the rest as it is."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is list and isinstance(data, list) and parts:
        return [_construct(parts[0], one) for one in data]
    if origin is dict and isinstance(data, dict) and len(parts) == 2:
        return {_construct(parts[0], key): _construct(parts[1], one) for key, one in data.items()}
    if origin is not None and type(None) in parts:
        rest = [one for one in parts if one is not type(None)]
        return None if data is None else _construct(rest[0], data) if len(rest) == 1 else data
    if isinstance(hint, type):
        if isinstance(data, dict) and (issubclass(hint, _Record) or hasattr(hint, "__dataclass_fields__")):
            fields = _hints(hint)
            return hint(**{name: _construct(fields.get(name), one) for name, one in data.items()})
        if issubclass(hint, Enum):
            return hint(data)
    return data


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of petricore that were not sent along, after all other finders."""

    def find_spec(self, name: str, path: typing.Any, target: typing.Any = None) -> typing.Any:
        """A module that does nothing, for any name within petricore."""
        del path, target
        if not name.startswith("petricore."):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: typing.Any) -> types.ModuleType:
        """The module."""
        return _Petricore(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing to run."""


def _stand_in() -> None:
    """Make `import petricore` and `import pydantic` work where they are not installed."""
    if importlib.util.find_spec("petricore") is None:
        sys.modules["petricore"] = _Petricore("petricore")
        sys.modules["petricore"].__path__ = []
        sys.meta_path.append(_Finder())
    if importlib.util.find_spec("pydantic") is None:
        module = types.ModuleType("pydantic")
        module.BaseModel = _Record  # type: ignore[attr-defined]
        module.Field = _Field  # type: ignore[attr-defined]
        module.ConfigDict = dict  # type: ignore[attr-defined]
        sys.modules["pydantic"] = module


# -- frames


class _Channel:
    """Frames over two file descriptors. One thread at a time sends, one receives."""

    def __init__(self, source: int, sink: int) -> None:
        self.source = source
        self._sink = sink
        self._sending = threading.Lock()

    def send(self, header: typing.Mapping[str, typing.Any], body: bytes = b"") -> None:
        head = json.dumps(header).encode()
        with self._sending:
            self._write(_LENGTHS.pack(len(head), len(body)) + head)
            if body:
                self._write(body)

    def close(self) -> None:
        os.close(self.source)
        os.close(self._sink)

    def relay(self, frame: _Frame) -> None:
        """Send what another process has sent."""
        self.send(frame.header, frame.body)

    def receive(self) -> _Frame:
        """The next frame. Raises `EOFError` at the end of all."""
        head, body = _LENGTHS.unpack(self._read(_LENGTHS.size))
        return _Frame(json.loads(bytes(self._read(head))), bytes(self._read(body)))

    def _read(self, size: int) -> bytearray:
        data = bytearray(size)
        view, have = memoryview(data), 0
        while have < size:
            count = os.readv(self.source, [view[have : have + _CHUNK]])
            if count == 0:
                raise EOFError
            have += count
        return data

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._sink, view) :]


class _Frame(typing.NamedTuple):
    header: dict[str, typing.Any]
    body: bytes


# -- the running firing, as its action sees it


class _Posted:
    """Something was told. It may be awaited, or left alone."""

    def __await__(self) -> typing.Generator[typing.Any, None, None]:
        return
        yield


class _Answer:
    """What the host will say: `await` it in an async action, call `.result()` in a sync one."""

    def __init__(
        self, conversation: _Conversation, call: int, build: typing.Callable[[typing.Any], typing.Any]
    ) -> None:
        self._conversation = conversation
        self._call = call
        self._build = build

    def __await__(self) -> typing.Generator[typing.Any, None, typing.Any]:
        return asyncio.get_running_loop().run_in_executor(None, self.result).__await__()

    def result(self, timeout: float | None = None) -> typing.Any:
        """Wait for it. Raises what the host raised."""
        del timeout  # the host ends the attempt that waits too long
        return self._build(self._conversation.reply(self._call))


_MISSING = object()


class Context:
    """The running firing, as its action sees it: the same as `petricore.Context`."""

    def __init__(
        self,
        conversation: _Conversation,
        about: typing.Mapping[str, typing.Any],
        secrets: typing.Mapping[str, str],
    ) -> None:
        self._conversation = conversation
        self._secrets = secrets
        self.session_id = about["session"]
        self.firing_id = about["firing"]
        self.attempt = about["attempt"]
        self.cancelled = False  # a cancelled action is ended from outside

    def say(self, text: str) -> _Posted:
        """Tell whoever follows the session's events."""
        return self._conversation.tell("say", {"text": text})

    def progress(self, fraction: float, text: str = "") -> _Posted:
        """Report how far the action is, from 0 to 1."""
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress is between 0 and 1, not {fraction}")
        return self._conversation.tell("progress", {"fraction": fraction, "text": text})

    def remember(self, key: str, value: typing.Any) -> _Posted:
        """Store a value for the whole session."""
        self._conversation.ask("remember", {"key": key, "value": pack(value, _unknown)}).result()
        return _Posted()

    def recall(self, key: str, default: typing.Any = None) -> typing.Any:
        """The value stored under `key`, or `default`."""
        found = self._conversation.ask("recall", {"key": key}).result()
        return found[0] if found else default

    def ask(
        self,
        question: str,
        type_: typing.Any = str,
        *,
        deadline: typing.Any = None,
        default: typing.Any = _MISSING,
    ) -> _Answer:
        """Ask a person. The answer is of `type_`: a plain type, or one of a place of the agent."""
        asked = {
            "question": question,
            "type": getattr(type_, "__qualname__", repr(type_)),
            "deadline": deadline,
        }
        if default is not _MISSING:
            asked["default"] = [pack(default, _unknown)]
        return self._conversation.ask("ask", asked, lambda data: _build(type_, data))

    def confirm(
        self, question: str, *, deadline: typing.Any = None, default: typing.Any = _MISSING
    ) -> _Answer:
        """Ask a person for a yes or no."""
        return self.ask(question, bool, deadline=deadline, default=default)

    def send_file(self, name: str, content: bytes, media_type: str | None = None) -> _Posted:
        """Keep a file in the session."""
        sent = {"name": name, "content": pack(bytes(content)), "media_type": media_type}
        self._conversation.ask("send", sent).result()
        return _Posted()

    def get_file(self, name: str) -> _Answer:
        """The content of a file of the session."""
        return self._conversation.ask("get", {"name": name})

    def secret(self, name: str) -> str:
        """The value of a secret that the transition declares. Raises `KeyError` for any other."""
        if name not in self._secrets:
            raise KeyError(f"the transition does not declare a secret {name!r}")
        return self._secrets[name]


class _Conversation:
    """What one attempt and the host say to each other."""

    def __init__(self, channel: _Channel, attempt: str) -> None:
        self._channel = channel
        self._attempt = attempt
        self._calls = 0
        self._replies: dict[int, _Frame] = {}
        self._receiving = threading.Lock()
        self._numbering = threading.Lock()

    def tell(self, what: str, about: typing.Mapping[str, typing.Any]) -> _Posted:
        self._channel.send({"kind": "tell", "id": self._attempt, "what": what}, json.dumps(about).encode())
        return _Posted()

    def ask(self, what: str, about: typing.Any, build: _Function = unpack) -> _Answer:
        with self._numbering:
            self._calls += 1
            call = self._calls
        header = {"kind": "call", "id": self._attempt, "what": what, "call": call}
        self._channel.send(header, json.dumps(about).encode())
        return _Answer(self, call, build)

    def emit(self, value: typing.Any) -> None:
        """Put what a generator yielded. Raises what the host has against it."""
        self.ask("emit", _tree(value)).result()

    def reply(self, call: int) -> typing.Any:
        while True:
            with self._receiving:  # whoever has it receives for all
                if call not in self._replies:
                    frame = self._channel.receive()
                    self._replies[frame.header["call"]] = frame
                    continue
            frame = self._replies.pop(call)
            if frame.header.get("error"):
                raise _raised(frame.header["error"])
            return json.loads(frame.body)

    def end(self, kind: str, body: typing.Any) -> None:
        self._channel.send({"kind": kind, "id": self._attempt}, json.dumps(body).encode())


def _raised(error: typing.Mapping[str, typing.Any]) -> BaseException:
    kind = getattr(__import__("builtins"), error["type"], None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return RuntimeError("{}: {}".format(error["type"], error["message"]))
    return kind(error["message"])


# -- one attempt


class _Task(typing.NamedTuple):
    """An attempt, as the host ordered it."""

    attempt: str
    module: str
    name: str
    kind: str
    context: str | None
    about: dict[str, typing.Any]
    path: str | None
    """Of the program, where the action is defined in it."""

    @staticmethod
    def of(header: typing.Mapping[str, typing.Any]) -> _Task:
        return _Task(
            *(header[name] for name in ("id", "module", "name", "action", "context", "about", "path"))
        )


def _action(task: _Task) -> typing.Any:
    """The function, from its module."""
    module = sys.modules.get(task.module)
    if module is None and task.path is not None:
        spec = importlib.util.spec_from_file_location(task.module, task.path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[task.module] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[task.module]
            raise
    found: typing.Any = module or importlib.import_module(task.module)
    for part in task.name.split("."):
        found = getattr(found, part)
    return found


class _Prepared(typing.NamedTuple):
    """An action with what it takes: found once, for all its attempts."""

    action: typing.Any
    hints: dict[str, typing.Any]


_prepared: dict[tuple[str, str], _Prepared] = {}


def _prepare(task: _Task) -> _Prepared:
    key = task.module, task.name
    if key not in _prepared:
        action = _action(task)
        _prepared[key] = _Prepared(action, _hints(action))
        for hint in _prepared[key].hints.values():
            _build_adapters(hint)
    return _prepared[key]


def _build_adapters(hint: typing.Any) -> None:
    """Build what the values of a type are read and told with."""
    if hint is not None and hint is not Context:
        _adapter(hint)
        for part in typing.get_args(hint):
            _build_adapters(part)


def _run(task: _Task, body: bytes, channel: _Channel) -> None:
    """Make the attempt, and tell the host how it ended."""
    conversation = _Conversation(channel, task.attempt)
    try:
        action, hints = _prepare(task)
        given = json.loads(body)
        arguments = {name: _build(hints.get(name), one) for name, one in given["arguments"].items()}
        if task.context is not None:
            arguments[task.context] = Context(conversation, task.about, given["secrets"])
        value = _call(task.kind, action, arguments, conversation)
        result = json.dumps(_tree(value)).encode()
    except BaseException as error:
        conversation.end("failed", _described(error))
    else:
        channel.send({"kind": "done", "id": task.attempt}, result)


def _call(kind: str, action: typing.Any, arguments: typing.Any, conversation: _Conversation) -> typing.Any:
    if kind == "coroutine":
        return asyncio.run(action(**arguments))
    if kind == "async generator":
        return asyncio.run(_exhaust(action(**arguments), conversation))
    if kind == "generator":
        for value in action(**arguments):
            conversation.emit(value)
        return None
    return action(**arguments)


async def _exhaust(generator: typing.Any, conversation: _Conversation) -> None:
    async for value in generator:
        await asyncio.get_running_loop().run_in_executor(None, conversation.emit, value)


def _described(error: BaseException) -> dict[str, typing.Any]:
    told = str(error) if not (isinstance(error, KeyError) and error.args) else str(error.args[0])
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {
        "type": type(error).__qualname__,
        "module": type(error).__module__,
        "message": told[:65536],
        "trace": "".join(lines)[-65536:],
    }


# -- the worker itself


def serve(source: int, sink: int, *, forking: bool) -> None:
    """Take orders until the host is gone."""
    channel = _Channel(source, sink)
    _stand_in()
    channel.send(
        {"kind": "hello", "protocol": PROTOCOL, "python": sys.version.split()[0], "pid": os.getpid()}
    )
    take = _forked if forking else _resident
    while True:
        try:
            frame = channel.receive()
        except EOFError:
            return
        kind = frame.header["kind"]
        if kind == "code":
            _install(frame)
        elif kind == "run":
            take(frame, channel)


def _install(frame: _Frame) -> None:
    """Write the sources of the actions, and import from there."""
    folder = Path(frame.header["folder"])
    for name, text in json.loads(frame.body).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    own = sys.modules.get("petricore")
    if isinstance(own, _Petricore):
        own.__path__ = [str(folder / "petricore")]


def _resident(frame: _Frame, channel: _Channel) -> None:
    limits = frame.header["limits"]
    if limits.get("memory"):
        resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
    _run(_Task.of(frame.header), frame.body, channel)


def _forked(frame: _Frame, channel: _Channel) -> None:
    """Run it in a child, hand on what the two say, and leave nothing of the child behind."""
    task = _Task.of(frame.header)
    if (task.module, task.name) not in _prepared:
        try:
            _prepare(task)
        except BaseException as error:
            _Conversation(channel, task.attempt).end("failed", _described(error))
            return
        gc.freeze()  # what is there now is shared with every child, and none has to look at it
    if _way_out is not None and os.fork() == 0:
        _serve_way_out(_way_out)
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        _child(task, frame.body, channel, ours, theirs)
    theirs.close()
    ended, cancelled = _relay(task, channel, ours, child)
    code = _buried(child)
    if not ended:
        told = {
            "kind": "exited",
            "id": task.attempt,
            "code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "out_of_memory": _killed_for_memory(),
            "cancelled": cancelled,
        }
        channel.send(told)


def _child(task: _Task, body: bytes, channel: _Channel, ours: socket.socket, theirs: socket.socket) -> None:
    code = 1
    try:
        ours.close()
        channel.close()  # the stream to the host is the worker's alone
        os.setsid()
        _control(_PR_SET_DUMPABLE, 1)  # else it could not look into /proc/self
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")  # it is to be killed, not the worker
        _run(task, body, _Channel(theirs.fileno(), theirs.fileno()))
        sys.stdout.flush()
        sys.stderr.flush()
        code = 0
    finally:
        os._exit(code)


def _relay(task: _Task, channel: _Channel, ours: socket.socket, child: int) -> tuple[bool, bool]:
    """Hand frames on until the child has ended. Returns whether it told its outcome, and whether it was cancelled."""
    from_child = _Channel(ours.fileno(), ours.fileno())
    cancelled = False
    with ours:
        while True:
            ready, _, _ = select.select([channel.source, ours.fileno()], [], [])
            if channel.source in ready:
                frame = channel.receive()
                if frame.header["kind"] == "cancel":
                    cancelled = True
                    os.kill(child, signal.SIGKILL)
                elif frame.header.get("id") == task.attempt:
                    from_child.relay(frame)
            if ours.fileno() in ready:
                try:
                    frame = from_child.receive()
                    if frame.header.get("id") != task.attempt:
                        return False, cancelled
                except (EOFError, OSError, ValueError, RecursionError, AttributeError, MemoryError):
                    return False, cancelled
                channel.relay(frame)
                if frame.header.get("kind") in ("done", "failed"):
                    return True, cancelled


def _buried(child: int) -> int:
    """End the child and all that it has started. Returns the child's exit code, or its signal negated."""
    if os.getpid() == 1:
        _kill(-1)  # in a container the worker is the first process, and all others are the child's
    else:
        _kill(-child)
    _kill(child)
    _, status = os.waitpid(child, 0)
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0 and os.getpid() != 1:
                break
        except ChildProcessError:
            break
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


_way_out: socket.socket | None = None
"""Where programs in this sandbox find the host's proxy."""


def _open_way_out() -> None:
    """Listen where the environment says that a proxy is."""
    global _way_out  # noqa: PLW0603 - one per process
    if os.path.exists(_PROXY):
        _way_out = socket.create_server(("127.0.0.1", _PROXY_PORT))


def _serve_way_out(listener: socket.socket) -> None:
    """Hand connections on to the host's proxy, for as long as this process is left alone."""

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = await source.read(1 << 16)
                if not data:
                    break
                sink.write(data)
                await sink.drain()
            sink.write_eof()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_unix_connection(_PROXY)
            await asyncio.gather(pump(reader, back), pump(there, writer))
            back.close()
        finally:
            writer.close()

    async def forever() -> None:
        server = await asyncio.start_server(connect, sock=listener)
        await server.serve_forever()

    try:
        asyncio.run(forever())
    finally:
        os._exit(0)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


_kills = 0


def _killed_for_memory() -> bool:
    """Whether the kernel has killed a process here for want of memory since this was last asked."""
    global _kills
    before, _kills = _kills, _out_of_memory_kills()
    return _kills > before


def _out_of_memory_kills() -> int:
    """How often the kernel has killed a process of this cgroup for want of memory."""
    for path in ("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events"):
        try:
            for line in Path(path).read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
        except OSError:
            pass
    return 0


def _control(option: int, value: int) -> None:
    """`prctl`, where this Python can call it."""
    try:
        import ctypes
    except ImportError:
        return
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def boot(*, forking: bool = True) -> None:
    """Frames on standard input and output; what actions print goes to standard error."""
    source, sink = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if forking:
        _open_way_out()
        # No other process of this user may look into it, or write to its descriptors.
        _control(_PR_SET_DUMPABLE, 0)
    else:
        _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    serve(source, sink, forking=forking)


if __name__ == "__main__":
    boot(forking=False)
