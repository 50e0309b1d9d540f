"""Hand-tuned C++ loops of our own: what the machine allows when a library's duties are left out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import petricore as pc
from benchmarks.nets import as_text


@cache
def _program(name: str) -> str | None:
    compiler = shutil.which("g++")
    if compiler is None:
        return None
    out = Path(tempfile.mkdtemp(prefix="petricore-baseline-")) / name
    source = Path(__file__).parent / f"{name}.cpp"
    subprocess.run([compiler, "-O3", "-march=native", "-std=c++20", source, "-o", out], check=True)
    return str(out)


def rate(name: str, net: pc.Net, amount: int, appended: str = "") -> float | None:
    """What the loop `name` reaches on the net (and on what is `appended`) per CPU second; None without a compiler."""
    program = _program(name)
    if program is None:
        return None
    done = subprocess.run(
        [program, str(amount)], input=as_text(net) + appended, capture_output=True, text=True, check=True
    )
    return float(done.stdout)
