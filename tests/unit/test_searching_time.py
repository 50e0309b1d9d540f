"""A check keeps to its time and memory, whatever it has to load, look at or pack."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from petricore import MAX_TOKENS, Net
from petricore.analysis.formula import compare
from petricore.analysis.predicate import compile_predicate

_RINGS = """
import sys, time
import petricore as pc
net = pc.Net("rings")  # 220^6 markings, none of which deadlocks: only the state equation says so at once
for r in range(6):
    for i in range(4):
        net.add_place(f"r{r}p{i}", 9 if i == 0 else 0)
    for i in range(4):
        net.add_transition(f"r{r}t{i}", [f"r{r}p{i}"], [f"r{r}p{(i + 1) % 4}"])
net.add_place("lock", 2)
for r in range(6):
    net.add_transition(f"x{r}", [f"r{r}p0", "lock"], [f"r{r}p1"])
    back = [f"r{r}p0", "lock"]
    net.add_transition(f"y{r}", [f"r{r}p1"], back, inhibitors=[f"r{(r + 1) % 6}p3"])
engine = net.compile()
"""

_LIMITED = """
import resource
with open("/proc/self/statm") as file:
    mapped = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (mapped + {space}, mapped + {space}))
"""


def _run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_short_check_does_not_wait_for_a_solver_to_be_loaded() -> None:
    script = "verdict = engine.check('deadlock', timeout={})\nprint('scipy.optimize' in sys.modules, verdict.holds)"
    assert _run(_RINGS + script.format(0.3)).split() == ["False", "None"]
    assert _run(_RINGS + script.format(60)).split() == ["True", "False"]


@pytest.mark.parametrize("space", [40_000_000, 150_000_000])
@pytest.mark.parametrize(
    "options",
    ["reduction='stubborn'", "reduction='stubborn', order='depth'", "order='depth'", "edges=True"],
)
def test_a_search_in_a_limited_address_space_ends_with_a_memory_limit(options: str, space: int) -> None:
    script = f"space = engine.state_space({options}, threads=1)\nprint(space.complete, space.reason)"
    complete, *reason = _run(_RINGS + _LIMITED.format(space=space) + script).split()
    assert complete == "False"
    assert reason[:4] == ["the", "memory", "limit", "was"]


def test_a_check_in_a_limited_address_space_is_undecided_with_a_reason() -> None:
    script = "verdict = engine.check('deadlock', timeout=3)\nprint(verdict.holds, verdict.reason)"
    holds, *reason = _run(_RINGS + _LIMITED.format(space=60_000_000) + script).split()
    assert holds == "None"
    assert reason


def test_a_place_that_is_full_at_first_is_named_by_coverability() -> None:
    net = Net("full")
    net.add_place("full", MAX_TOKENS)
    net.add_place("other")
    net.add_transition("t", ["full"], ["other"])
    engine = net.compile()
    found = engine.coverability()
    assert not found.complete
    assert found.reason == f"place 'full' starts with {MAX_TOKENS} tokens, the count that is omega here"
    assert found.bounded is None
    assert found.covers(np.zeros(2, np.int32)) is None
    assert engine.check("reachable: other >= 2", limit=1000).holds


def test_evaluating_all_markings_ends_with_the_time() -> None:
    net = Net("counter")
    net.add_place("a", 99)
    net.add_place("b")
    net.add_transition("t", ["a"], ["b"])
    engine = net.compile()
    space = engine.state_space()
    predicate = compile_predicate(engine, compare((("b", 1),), ">=", 50))
    assert space._core.evaluate(predicate, seconds=0.0) is None
    flags = space._core.evaluate(predicate)
    assert flags is not None
    assert flags.sum() == 50
