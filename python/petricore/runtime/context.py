"""`Context`: what an action may say, ask and remember. Usable from async actions and from threads alike."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from petricore.runtime.events import Remembered
from petricore.runtime.files import describe_file
from petricore.runtime.questions import NO_DEFAULT, Request
from petricore.texts import check_name

if TYPE_CHECKING:
    from petricore.runtime.clock import Timer
    from petricore.runtime.firing import Firing

__all__ = ["Answer", "Context", "Posted"]

T = TypeVar("T")


class Answer(Generic[T]):
    """What a person will say: `await` it in an async action, call `.result()` in a sync one."""

    def __init__(self, loop_thread: int) -> None:
        self._future: Future[T] = Future()
        self._loop_thread = loop_thread
        self.request: Any = None
        """The session's `Pending` for it."""
        self.timer: Timer | None = None
        """Of its deadline."""

    def __await__(self) -> Generator[Any, None, T]:
        from asyncio import wrap_future

        return wrap_future(self._future).__await__()

    def result(self, timeout: float | None = None) -> T:
        """Block this thread until the answer is there.

        Raises:
            RuntimeError: on the event loop's thread, which must not block: `await` the answer there.
            TimeoutError: after `timeout` seconds.
        """
        if get_ident() == self._loop_thread and not self._future.done():
            raise RuntimeError("Answer.result() would block the event loop; await the answer instead")
        return self._future.result(timeout)

    def then(self, callback: Callable[[Answer[T]], object]) -> None:
        """Call back once it is resolved or given up."""
        self._future.add_done_callback(lambda _: callback(self))

    def set(self, value: T) -> None:
        """Resolve it, unless it is resolved or given up."""
        if not self._future.done():
            self._future.set_result(value)

    def fail(self, error: Exception) -> None:
        """Raise the error to whoever waits, unless it is resolved or given up."""
        if not self._future.done():
            self._future.set_exception(error)

    def give_up(self) -> None:
        """The firing has ended: whoever still waits gets CancelledError."""
        self._future.cancel()


class Posted:
    """Something was told. It may be awaited (there is nothing to wait for), or left alone."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_POSTED = Posted()


class Context:
    """The running firing, as its action sees it. Declare a parameter of this type to get it."""

    __slots__ = ("_firing",)

    def __init__(self, firing: Firing) -> None:
        self._firing = firing

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return self._firing.session.id

    @property
    def firing_id(self) -> str:
        """The id of the firing, the same for all its attempts: the key for idempotent calls to other systems."""
        return self._firing.id

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self._firing.attempt

    @property
    def cancelled(self) -> bool:
        """Whether the firing was cancelled or timed out; a sync action should look at it and return."""
        return self._firing.stopped is not None or self._firing.id not in self._firing.session.firings

    def secret(self, name: str) -> str:
        """The value of a secret that the transition declares: `secrets=["name"]`. Raises `KeyError` for any other."""
        if name not in self._firing.requirements.secrets:
            raise KeyError(f"transition {self._firing.transition!r} does not declare a secret {name!r}")
        return self._firing.dispatcher.runtime.secrets[name]

    def say(self, text: str) -> Posted:
        """Tell whoever follows the session's events."""
        return self._post("say", text)

    def progress(self, fraction: float, text: str = "") -> Posted:
        """Report how far the action is, from 0 to 1. Raises `ValueError` outside of that."""
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress is between 0 and 1, not {fraction}")
        return self._post("progress", fraction, text)

    def remember(self, key: str, value: Any) -> Posted:
        """Store a value for the whole session.

        Raises `TokenTypeError` for one that a durable journal cannot keep, and `NetError` for a key that is no text;
        nothing is stored then.
        """
        session = self._firing.session
        check_name("ctx.remember: a key", key)
        session.log.encode(Remembered(0, 0.0, self._firing.id, key, value))  # refused here, or kept
        session.memory[key] = value  # at once, so that this action reads its own writes
        return self._post("remember", key, value)

    def recall(self, key: str, default: Any = None) -> Any:
        """The value stored under `key`, or `default`."""
        return self._firing.session.memory.get(key, default)

    def ask(
        self,
        question: str,
        type_: type[T] = str,  # type: ignore[assignment]
        *,
        deadline: float | None = None,
        default: T = NO_DEFAULT,
    ) -> Answer[T]:
        """Ask a person. The answer is validated as `type_`; without a deadline it never comes if nobody gives it.

        Args:
            question: what the person reads.
            type_: what pydantic makes of the answer: a model, a literal, a plain type.
            deadline: seconds after which nobody is waited for any more.
            default: the answer then. Without one, waiting for the answer raises `TimeoutError`.
        """
        return self._answer("ask", Request(question, type_, deadline, default))

    def confirm(
        self, question: str, *, deadline: float | None = None, default: bool = NO_DEFAULT
    ) -> Answer[bool]:
        """Ask a person for a yes or no; `deadline` and `default` as in `ask`."""
        return self.ask(question, bool, deadline=deadline, default=default)

    def send_file(self, name: str, content: bytes, media_type: str | None = None) -> Posted:
        """Keep a file in the session, for other actions and for whoever follows it. It replaces one of that name.

        Raises:
            TypeError, ValueError: the name is empty or no text, or the content no bytes.
        """
        describe_file(name, content, media_type)
        return self._post("send", name, bytes(content), media_type)

    def get_file(self, name: str) -> Answer[bytes]:
        """The content of a file of the session: `await` it, or call `.result()` in a sync action.

        Waiting raises `KeyError` if there is none of that name.
        """
        return self._answer("get", name)

    def _answer(self, what: str, *arguments: Any) -> Answer[Any]:
        session = self._firing.session
        answer: Answer[Any] = Answer(session.loop_thread)
        session.calls.unanswered.add(answer)
        if (
            session.closed
        ):  # looked at after the add, and set before the others are given up: none is forgotten
            answer.give_up()
        else:
            self._post(what, *arguments, answer)
        return answer

    def _post(self, name: str, *arguments: Any) -> Posted:
        """Call the session's handler on the loop's thread, now if this is it."""
        session = self._firing.session
        handler = getattr(session.calls, name)
        if get_ident() == session.loop_thread:
            handler(self._firing, *arguments)
        else:
            session.loop.call_soon_threadsafe(handler, self._firing, *arguments)
        return _POSTED
