"""The action whose firings `executors` measures, in a module that a container can import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Job:
    """In."""

    n: int


@dataclass(slots=True)
class Done:
    """Out."""

    n: int


def twice(job: Job) -> Done:
    """Next to nothing."""
    return Done(2 * job.n)


def add(n: int) -> int:
    """The same, as other pools take it."""
    return 2 * n
