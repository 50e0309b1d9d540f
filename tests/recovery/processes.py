"""Processes that tests fork: with everything imported, so that they die in the midst of their work, not of imports."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable

__all__ = ["ended_well", "fork"]


def fork(work: Callable[[], int | None]) -> int:
    """The id of a child that does the work and ends, whatever happens: with what `work` returns (None: 0), or 1."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = work() or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended_well(pid: int) -> bool:
    """Wait for a child. Returns whether it ended with 0."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0
