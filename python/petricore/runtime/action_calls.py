"""What actions do while they run: they say, ask, remember, send. All of it on the loop's thread."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from petricore.agent.places import type_name
from petricore.errors import TokenTypeError
from petricore.runtime.events import Answered, Asked, Progressed, Remembered, Said
from petricore.runtime.firing import ordinal_of
from petricore.runtime.questions import BY_DEADLINE, Request
from petricore.runtime.status import Pending

if TYPE_CHECKING:
    from petricore.runtime.clock import Clock
    from petricore.runtime.context import Answer
    from petricore.runtime.firing import Firing
    from petricore.runtime.session import Session

__all__ = ["ActionCalls"]


class ActionCalls:
    """Takes what the actions of one session do. `Context` calls it, by the names of its methods."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self.unanswered: set[Answer[Any]] = set()
        """What actions wait for."""

    def say(self, firing: Firing, text: str) -> None:
        """An action said something."""
        if firing.id in self._session.firings:
            self._session.append(Said, firing.id, text)
            firing.alive()

    def progress(self, firing: Firing, fraction: float, text: str) -> None:
        """An action reported progress."""
        if firing.id in self._session.firings:
            self._session.append(Progressed, firing.id, fraction, text)
            firing.alive()

    def remember(self, firing: Firing, key: str, value: Any) -> None:
        """An action stored a value."""
        if not self._session.closed:
            self._session.append(Remembered, firing.id, key, value)

    def send(self, firing: Firing, name: str, content: bytes, media_type: str | None) -> None:
        """An action keeps a file."""
        if not self._session.closed and firing.id in self._session.firings:
            self._session.keep_file(firing.id, name, content, media_type, None)
            firing.alive()

    def get(self, firing: Firing, name: str, answer: Answer[bytes]) -> None:  # noqa: ARG002 - as the others
        """An action wants a file."""
        self.unanswered.discard(answer)
        try:
            answer.set(self._session.get_file(name))
        except Exception as error:
            answer.fail(error)

    def ask(self, firing: Firing, request: Request, answer: Answer[Any]) -> None:
        """An action asked a person."""
        question, type_ = request.question, request.type
        if firing.id not in self._session.firings or firing.stopped is not None:
            self.unanswered.discard(answer)
            answer.give_up()
            return
        firing.questions += 1
        request_id = f"{firing.id}?{firing.questions}"
        asked, value = (firing.replies or {}).get(firing.questions, (None, None))
        if asked == question and _replied(answer, request_id, type_, value):
            self.unanswered.discard(answer)
            return
        deadline = request.due(self._clock.time(), (firing.asked or {}).get(firing.questions))
        answer.request = Pending.request(firing, request_id, question, type_, deadline)
        firing.ask(firing.questions, question, deadline)
        if firing.answers is None:
            firing.answers = {}
        if not firing.answers:
            self._session.asking += 1
        firing.answers[request_id] = answer
        self._session.append(Asked, firing.id, request_id, question, type_name(type_), deadline)
        if deadline is not None:
            delay = max(0.0, deadline - self._clock.time())
            expire = partial(self._nobody_answered, firing, request, request_id, answer)
            answer.timer = self._clock.call_later(delay, expire)
            self._doze(firing, 1)
        self._session.dispatcher.touch(self._session)

    def _nobody_answered(
        self, firing: Firing, request: Request, request_id: str, answer: Answer[Any]
    ) -> None:
        if self._session.dispatcher.stopped or answer not in (firing.answers or {}).values():
            return
        try:
            if request.has_default:
                self.answered(firing, request_id, answer, request.default, BY_DEADLINE)
                return
            self._forget(firing, request_id)
            self.unanswered.discard(answer)
            answer.fail(TimeoutError(f"nobody answered {request.question!r} within {request.deadline:g} s"))
        except TokenTypeError as error:  # the default is of another type
            self._forget(firing, request_id)
            self.unanswered.discard(answer)
            answer.fail(error)

    def answered(
        self, firing: Firing, request_id: str, answer: Answer[Any], value: Any, by: str | None
    ) -> None:
        """Somebody answered. Raises `TokenTypeError` if that is no answer to the question."""
        checked = _converted(request_id, answer.request.type, value)
        self._session.append(Answered, firing.id, request_id, checked, by)
        firing.reply(ordinal_of(request_id), checked)
        self._forget(firing, request_id)
        self.unanswered.discard(answer)
        self._session.log.after_commit(partial(answer.set, checked))

    def forget_questions(self, firing: Firing) -> None:
        """The attempt ended: its open questions are void."""
        firing.forget_deadlines()
        for request_id, answer in list((firing.answers or {}).items()):
            self._forget(firing, request_id)
            self.unanswered.discard(answer)
            answer.give_up()

    def _forget(self, firing: Firing, request_id: str) -> None:
        assert firing.answers is not None
        answer = firing.answers.pop(request_id)
        if answer.timer is not None:
            answer.timer.cancel()
            answer.timer = None
            self._doze(firing, -1)
        if not firing.answers:
            self._session.asking -= 1

    def _doze(self, firing: Firing, questions: int) -> None:
        """One question with a deadline more, or less: with any, the action counts as asleep on the clock."""
        before, firing.dozing = firing.dozing, firing.dozing + questions
        change = bool(firing.dozing) - bool(before)
        self._session.dispatcher.runtime.dozing += change
        self._session.deadlines += change

    def give_up(self) -> None:
        """The runtime ends: nobody is answered any more."""
        for answer in list(self.unanswered):  # a thread may block on it
            answer.give_up()
        self.unanswered.clear()


def _replied(answer: Answer[Any], request_id: str, type_: Any, value: Any) -> bool:
    """Give an answer that is known from an earlier attempt, if it still fits."""
    try:
        answer.set(_converted(request_id, type_, value))
    except TokenTypeError:
        return False
    return True


def _converted(request_id: str, type_: Any, value: Any) -> Any:
    try:
        return TypeAdapter(type_).validate_python(value)
    except ValueError as error:
        raise TokenTypeError(
            f"request {request_id!r} asks for {type_name(type_)}: {error}",
            transition=None,
            expected=type_name(type_),
            actual=type(value).__name__,
        ) from None
