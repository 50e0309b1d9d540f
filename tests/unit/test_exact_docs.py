"""The examples of docs/simulation.md about exact solutions, long runs and rare events run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import petricore as pc

DOCS = Path(__file__).parents[2] / "docs" / "simulation.md"


def test_the_examples_of_exact_solutions_and_long_runs_run() -> None:
    text = DOCS.read_text(encoding="utf-8")
    names: dict[str, Any] = {"pc": pc}
    for title in ("Exact solution", "Steady state", "Rare events"):
        section = text.split(f"## {title}\n")[1].split("\n## ")[0]
        (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        exec(code, names)
        if title == "Steady state":
            served = names["found"]["served"]
            assert served.low <= names["chain"].throughput("serve") <= served.high
    exact = names["net"].compile()
    started = pc.Net("started")
    for place, tokens in (("free", 9), ("jobs", 1)):
        started.add_place(place, tokens)
    for one in exact.net().transitions.values():
        started.add_transition(one.name, one.inputs, one.outputs, rate=one.rate)
    probability = started.compile().markov_chain().first_passage("jobs >= 10", before="jobs == 0").probability
    assert names["found"].probability == pytest.approx(probability, rel=0.2)
