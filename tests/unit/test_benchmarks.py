"""The benchmarks run: petricore's own rows, small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_figure_is_measured_and_written(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--json", str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ""},
        check=True,
        capture_output=True,
        timeout=120,
    )
    measured = json.loads(out.read_text())
    names = {figure["name"] for figure in measured["figures"]}
    parts = {
        "random firing",
        "bulk enabled",
        "conflicts",
        "maximal step",
        "agent",
        "fleet",
        "import",
        "simulation",
    }
    assert parts <= names
    assert [f for f in measured["figures"] if not all(value > 0 for value in f["values"].values())] == []
    assert measured["machine"]["simd"] in {"baseline", "avx2", "avx512"}
