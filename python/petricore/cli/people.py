"""The person at the terminal: asked on standard error, answers on standard input."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Person"]


class Person:
    """Asks, and remembers if nobody was there or if the answer was Ctrl-C.

    With `says_yes` every confirmation is given without asking.
    """

    def __init__(self, *, says_yes: bool = False) -> None:
        self.says_yes = says_yes
        self.absent = False
        self.interrupted = False

    def confirms(self, question: str) -> bool:
        """Whether the answer is yes. Asks again until it is yes or no; an empty answer is no."""
        if self.says_yes:
            return True
        while True:
            answer = self.answers(f"{question} [y/N] ")
            match answer and answer.strip().lower():
                case "y" | "yes":
                    return True
                case None | "" | "n" | "no":
                    return False
            print("please answer y or n", file=sys.stderr)

    def answers(self, question: str) -> str | None:
        """The line typed in answer, or None if there is none: `absent` or `interrupted` then say why."""
        try:
            with _interruptible():  # from before the question is seen, so that no Ctrl-C falls between
                print(question, end="", file=sys.stderr, flush=True)
                line = sys.stdin.readline() if sys.stdin is not None else ""
        except KeyboardInterrupt:
            self.interrupted = True
            line = ""
        except (OSError, ValueError):  # standard input is closed
            line = ""
        if not (line and sys.stdin.isatty()):  # no Enter was echoed
            print(file=sys.stderr)
        if not line:
            self.absent = not self.interrupted
            return None
        return line.rstrip("\n")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt at once. A running asyncio loop would take it as a wish for later."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
