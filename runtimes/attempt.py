"""One attempt of a job on a worker: what the worker says of it, checked and handed to the job."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from secrets import token_hex
from types import MappingProxyType
from typing import Any

from petricore.runtimes.base import RemoteJob
from petricore.runtimes.code import ActionCode
from petricore.runtimes.frames import Frame, encode_frame

from petricore.errors import (
    MemoryLimitError,
    RemoteError,
    WorkerDiedError,
    WorkerProtocolError,
)

__all__ = ["Attempt"]

_CALLS_LIMIT = 1024
"""What an action may have asked for and not got; one that asks for more is not waiting for it."""


class Attempt:
    """A job under way.

    Args:
        job: gets what the worker tells, and is *not* told the outcome: `outcome` has it when `take` returns True.
        send: writes bytes to the worker.
        limits: for a resident worker: {"memory": bytes}.
    """

    def __init__(
        self,
        job: RemoteJob,
        code: ActionCode,
        send: Callable[[bytes], None],
        limits: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.job = job
        self.outcome: tuple[Any, BaseException | None] = (None, None)
        self._id = token_hex(8)  # a worker cannot speak for an attempt that it was not given
        self._send = send
        self._calls = 0
        self._refused: Exception | None = None
        """What the host had against a value that a generator yielded; that ends it."""
        self._code = code
        self._limits = limits

    def begin(self) -> None:
        """Order the worker to make it."""
        header = {
            "kind": "run",
            "id": self._id,
            "module": self._code.module,
            "name": self._code.name,
            "path": self._code.path,
            "action": self.job.kind.value,
            "context": self.job.context_parameter,
            "about": dict(self.job.about()),
            "limits": dict(self._limits),
        }
        body = {"arguments": self.job.packed(), "secrets": dict(self.job.secrets())}
        self._send(encode_frame(header, json.dumps(body).encode()))

    def cancel(self) -> None:
        """Order a forking worker to end it."""
        self._send(encode_frame({"kind": "cancel", "id": self._id}))

    def take(self, frame: Frame) -> bool:
        """Take what the worker says. Returns whether that was the outcome.

        Raises:
            WorkerProtocolError: it is not what a worker says.
        """
        header = frame.header
        if header.get("id") != self._id:
            raise WorkerProtocolError(f"a worker spoke of another attempt than its own: {header}")
        match header["kind"]:
            case "tell":
                self._tell(header, frame.data())
            case "call":
                self._call(header, frame.data())
            case "done":
                self._done(frame)
                return True
            case "failed":
                self.outcome = None, self._refused or _failure(frame.data())
                return True
            case "exited":
                self.outcome = None, _exit(header)
                return True
            case kind:
                raise WorkerProtocolError(f"a worker sent a frame of the unknown kind {kind!r}")
        return False

    def _tell(self, header: dict[str, Any], about: Any) -> None:
        try:
            self.job.tell(header["what"], about)
        except (ValueError, TypeError, KeyError) as error:
            raise WorkerProtocolError(f"a worker told what makes no sense: {error}") from error

    def _call(self, header: dict[str, Any], about: Any) -> None:
        call, what = header.get("call"), header.get("what")
        if not isinstance(call, int) or not isinstance(what, str) or self._calls >= _CALLS_LIMIT:
            raise WorkerProtocolError(f"a worker asked for what makes no sense: {header}")
        self._calls += 1

        def reply(value: Any, error: BaseException | None) -> None:
            self._calls -= 1
            told = None if error is None else {"type": type(error).__name__, "message": _message(error)}
            answer = {"kind": "reply", "id": self._id, "call": call, "error": told}
            self._send(encode_frame(answer, json.dumps(value).encode()))

        try:
            self.job.call(what, about, reply)
        except Exception as error:  # the action's mistake, for the action
            if what == "emit":
                self._refused = error
            reply(None, error)

    def _done(self, frame: Frame) -> None:
        if self._refused is not None:
            self.outcome = None, self._refused
            return
        try:
            self.outcome = self.job.unpacked(frame.data()), None
        except Exception as error:
            self.outcome = None, error


def _failure(about: Any) -> BaseException:
    """The exception that the action raised: of its own type where that is known here, but never constructed by it."""
    if not isinstance(about, dict):
        raise WorkerProtocolError("a worker sent an error that is none")
    name, module, message, trace = (
        str(about.get(field, "")) for field in ("type", "module", "message", "trace")
    )
    kind: Any = sys.modules.get(module)
    for part in name.split("."):
        kind = getattr(kind, part, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            error = kind.__new__(kind, message)
            error.args = (message,)
            if message in str(error):
                error.add_note(trace)
                return error
        except Exception:  # one that cannot be made of a text alone
            pass
    return RemoteError(f"{name}: {message}", type=name, trace=trace)


def _exit(header: dict[str, Any]) -> BaseException:
    code, signal = header.get("code"), header.get("signal")
    if header.get("out_of_memory") is True:
        return MemoryLimitError("the action was killed: it took more memory than it may", limit=None)
    return WorkerDiedError(
        f"the action ended its process: {describe_exit(code, signal)}", exit_code=code, signal=signal
    )


def describe_exit(code: object, signal: object) -> str:
    """How a process ended, in words."""
    return f"killed by signal {signal}" if signal is not None else f"exit code {code}"


def _message(error: BaseException) -> str:
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
