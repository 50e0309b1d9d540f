"""Searches end when they are told to: by Ctrl-C, by the clock, by memory; and they tell how far they are."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from petricore import Engine, Net

_RINGS = """
import petricore as pc
net = pc.Net("rings")  # 220^4 markings: nobody gets to the end
for r in range(4):
    for i in range(4):
        net.add_place(f"r{r}p{i}", 9 if i == 0 else 0)
    for i in range(4):
        net.add_transition(f"r{r}t{i}", [f"r{r}p{i}"], [f"r{r}p{(i + 1) % 4}"])
engine = net.compile()
"""

_INTERRUPTED = """
import signal, threading, time
sent = []
def interrupt():
    sent.append(time.monotonic())
    signal.raise_signal(signal.SIGINT)
threading.Timer(0.5, interrupt).start()
try:
    {search}
except KeyboardInterrupt:
    print(time.monotonic() - sent[0])
"""

_MEMORY = """
import re
def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) * 1024
before = peak()
space = engine.state_space(memory={memory}, threads={threads})
print(peak() - before, space.nbytes, len(space), space.complete)
"""


def _run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout


def _rings() -> Engine:
    scope: dict[str, object] = {}
    exec(_RINGS, scope)
    engine = scope["engine"]
    assert isinstance(engine, Engine)
    return engine


@pytest.mark.parametrize(
    "search",
    [
        "engine.state_space(threads=1, memory=1 << 30)",
        "engine.state_space(threads=2, memory=1 << 30)",
        "engine.state_space(order='depth', memory=1 << 30)",
        "engine.check('AG EF (r0p0 >= 9 and r1p0 >= 9 and r2p0 >= 9 and r3p0 >= 9)', memory=1 << 30)",
    ],
)
def test_ctrl_c_is_heard(search: str) -> None:
    """Within 0.2 s on an idle machine; the test leaves room for a busy one."""
    assert float(_run(_RINGS + _INTERRUPTED.format(search=search))) < 1.0


@pytest.mark.parametrize("threads", [1, 2])
def test_a_memory_limit_holds_for_the_process(threads: int) -> None:
    limit = 200_000_000
    taken, held, states, complete = _run(_RINGS + _MEMORY.format(memory=limit, threads=threads)).split()
    assert complete == "False"
    assert int(taken) < 1.1 * limit
    assert int(held) <= 1.02 * limit
    assert int(states) > 5_000_000  # most of it is used: a marking is 8 bytes and its entries


def test_a_time_limit_gives_what_was_found_until_then() -> None:
    start = time.monotonic()
    space = _rings().state_space(timeout=0.2, memory=1 << 30)
    assert time.monotonic() - start < 2.0
    assert not space.complete
    assert re.fullmatch(r"the time limit was reached with [\d,]+ states", space.reason)
    assert 0 < space.expanded < len(space)


def test_progress_counts_states_and_what_it_raises_ends_the_search() -> None:
    told: list[int] = []

    def stop_at_a_million(states: int) -> None:
        told.append(states)
        if states > 1_000_000:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        _rings().state_space(progress=stop_at_a_million, memory=1 << 30)
    assert told == sorted(told)


def test_a_space_of_one_marking_takes_little_memory() -> None:
    net = Net("one")
    net.add_place("p", 3)
    assert net.compile().state_space().nbytes < 10_000
