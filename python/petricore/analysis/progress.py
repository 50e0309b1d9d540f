"""`progress=`: a callable, or True for a line on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from petricore.errors import NetError

__all__ = ["reporter"]


@contextmanager
def reporter(
    progress: Callable[[int], object] | bool | None, what: str
) -> Iterator[Callable[[int], object] | None]:
    """What the core shall call with the number of `what` done, some ten times a second; None: nothing.

    A callable is called as it is. True writes one line to standard error, over and over, and ends it.
    """
    if progress is None or progress is False:
        yield None
    elif progress is True:
        started = time.monotonic()
        written = False

        def write(done: int) -> None:
            nonlocal written
            written = True
            rate = done / max(time.monotonic() - started, 1e-9)
            sys.stderr.write(f"\r{done:,} {what}, {rate:,.0f} per second ")
            sys.stderr.flush()

        try:
            yield write
        finally:
            if written:
                sys.stderr.write("\n")
    elif callable(progress):
        yield progress
    else:
        raise NetError(f"progress is a callable or True, not {progress!r}")
