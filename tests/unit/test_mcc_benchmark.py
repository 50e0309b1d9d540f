"""The benchmark of contest queries: it goes on where it ended, and a wrong verdict cannot pass."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.mcc_queries import main

MODELS = Path(__file__).parents[1] / "models"
NET = "SwimmingPool-PT-01"


def _property(query_id: str, formula: str) -> str:
    return f"<property><id>{query_id}</id><formula>{formula}</formula></property>"


def _at_least(count: int) -> str:
    tokens = "<tokens-count><place>Cabins</place></tokens-count>"
    return (
        f"<exists-path><finally><integer-le><integer-constant>{count}</integer-constant>{tokens}</integer-le>"
        "</finally></exists-path>"
    )


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    """One net; a document that mixes two years (10 cabins are free at first), and one of bounds."""
    shutil.copy(MODELS / f"{NET}.pnml", tmp_path)
    formulas = tmp_path / "formulas"
    formulas.mkdir()
    mixed = [
        _property(f"{NET}-ReachabilityCardinality-2025-00", _at_least(11)),
        _property(f"{NET}-ReachabilityCardinality-2023-01", _at_least(10)),
    ]
    bounds = [_property(f"{NET}-UpperBounds-00", "<place-bound><place>Cabins</place></place-bound>")]
    for examination, properties in (("ReachabilityCardinality", mixed), ("UpperBounds", bounds)):
        document = f"<property-set>{''.join(properties)}</property-set>"
        (formulas / f"{NET}.{examination}.xml").write_text(document)
    answers = {
        f"{NET}-ReachabilityCardinality-00": "TRUE",
        f"{NET}-ReachabilityCardinality-01": "FALSE",
        f"{NET}-UpperBounds-00": "10",
    }
    (formulas / "answers.json").write_text(json.dumps(answers))
    return tmp_path


def test_verdicts_are_kept_and_tabulated(nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = nets / "verdicts.jsonl"
    arguments = [str(nets), "--out", str(out), "--seconds", "5"]
    assert main(arguments) == 0
    first, lines = capsys.readouterr().out, out.read_text().splitlines()
    assert len(lines) == 3
    assert "| all | 3 | 3 | 0 |" in first
    # The second run asks nothing again.
    assert main(arguments) == 0
    assert capsys.readouterr().out == first
    assert out.read_text().splitlines() == lines


def test_a_wrong_verdict_is_reported(nets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = nets / "verdicts.jsonl"
    assert main([str(nets), "--out", str(out), "--seconds", "5", "--numbering", "given"]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("WRONG") == 2
    assert "| ReachabilityCardinality | 2 | 2 | 2 |" in printed.out
