"""The executors that the conformance suite runs on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from petricore.runtimes.base import Executor
from petricore.runtimes.docker import DockerExecutor
from petricore.runtimes.process import ProcessExecutor

__all__ = ["EXECUTORS", "Place", "is_async"]

EXECUTORS = ["inline", "thread", "process", "docker"]


class Place:
    """An executor under test: its name, what makes it, and what its transitions need."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.name: str = request.param
        self.options: dict[str, Any] = {}
        self.makers: dict[str, Callable[[], Executor]] = {}
        if self.name == "process":
            self.makers = {"process": partial(ProcessExecutor, 2)}
        elif self.name == "docker":
            image = request.getfixturevalue("docker_image")
            self.options = {"image": image, "memory": "2g"}
            self.makers = {"docker": partial(DockerExecutor, slots=4, pull=False)}

    def executor(self, function: Callable[..., Any]) -> str:
        """Where the function runs: async ones have to run on the loop where others run on threads."""
        if self.name == "thread" and (
            inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
        ):
            return "inline"
        return self.name


def is_async(place: Place) -> bool:
    """Whether it runs async actions."""
    return place.name != "thread"
