"""The examples of docs/simulation.md run one after the other as they stand there, and its names exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

import petricore as pc
from petricore.simulation.arguments import ALGORITHMS
from petricore.simulation.choose import ALWAYS_DIRECT, NEVER_DIRECT, PER_TOUCHED
from petricore.simulation.trajectories import ENDS

TEXT = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text(encoding="utf-8")
PAGE, _, _ = TEXT.partition("## Exact solution")  # what follows has a test of its own
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_run(capsys: Any) -> None:
    scope: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, scope)
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3
    machines, *shapes = out[0].split(maxsplit=1)
    assert 4.4 < float(machines) < 4.6
    assert shapes == ["(10000, 2) (10000, 2)"]
    assert "4 of 4 replicas were cut off by the limit of 100,000 events before time 50" in out[1]
    assert out[2].startswith("(10, 1000, 2) [")


def test_the_first_example_is_right() -> None:
    """Machines that fail one by one and two people: a birth-death chain, solved here."""
    broken = np.ones(6)
    for n in range(1, 6):
        broken[n] = broken[n - 1] * 0.1 * (6 - n) / min(n, 2)
    broken /= broken.sum()
    scope: dict[str, Any] = {}
    exec(BLOCKS[0], scope)
    seen = scope["found"].observables["machines"]
    error = seen.std(ddof=1) / len(seen) ** 0.5
    assert abs(seen.mean() - (broken * np.arange(5, -1, -1)).sum()) < 5 * error


def test_every_algorithm_end_and_observable_is_described() -> None:
    for name in (*ALGORITHMS, *ENDS):
        assert f"`{name}`" in TEXT or f'`"{name}"`' in TEXT, name
    for name in ("TimeAverage", "TimeIn", "Throughput", "FirstPassage", "Maximum", "Minimum", "Final"):
        assert f"{name}(" in TEXT
        assert hasattr(pc, name)


def test_the_limit_of_auto_is_that_in_the_table() -> None:
    assert f"up to {ALWAYS_DIRECT} transitions" in TEXT
    assert f"up to {NEVER_DIRECT} where a firing touches many others, {PER_TOUCHED} for each" in TEXT
