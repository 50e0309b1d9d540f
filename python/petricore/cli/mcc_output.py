"""The output of the Model Checking Contest (https://mcc.lip6.fr): a line per formula or number.

`FORMULA <id> TRUE|FALSE|<number> TECHNIQUES <names>`, `STATE_SPACE <figure> <number> TECHNIQUES <names>`;
`FORMULA <id> CANNOT_COMPUTE` for what was not decided within the limits, `CANNOT_COMPUTE` alone for a state space
that was not completed, `DO_NOT_COMPETE` alone for an examination that petricore does not know.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from time import monotonic

from petricore.analysis.formula import Bound
from petricore.analysis.mcc import EXAMINATIONS, Query, examination_formula, read_mcc_formulas
from petricore.analysis.verdict import Verdict
from petricore.cli.errors import UsageError
from petricore.engine import Engine

__all__ = ["answers"]

_ALWAYS = ("EXPLICIT",)
_TECHNIQUES = {
    "structural reduction": ("STRUCTURAL_REDUCTION", "EXPLICIT", "STUBBORN_SETS"),
    "structure": ("STRUCTURAL",),
    "siphons and traps": ("STRUCTURAL",),
    "invariants": ("TOPOLOGICAL",),
    "state equation": ("STATE_EQUATION",),
    "walk": ("RANDOM_WALK",),
    "reduced search": ("EXPLICIT", "STUBBORN_SETS"),
    "coverability": ("COVERABILITY",),
}


def answers(
    engine: Engine, examination: str, formulas: str | os.PathLike[str] | None, *, limit: int | None,
    timeout: float | None,
) -> Iterator[str]:  # fmt: skip
    """The lines, one after the other as they are found; `timeout` seconds for all of them.

    Raises:
        UsageError: the examination needs a document of formulas, or the document cannot be read.
        PnmlError: the document is malformed.
    """
    if examination not in EXAMINATIONS:
        yield "DO_NOT_COMPETE"
        return
    end = None if timeout is None else monotonic() + timeout
    queries = _queries(examination, formulas)
    for number, query in enumerate(queries):
        left = None if end is None else max(end - monotonic(), 0.0)
        share = None if left is None else left / (len(queries) - number)
        if query.formula is None:
            yield from _state_space(engine, limit, share)
            continue
        verdict = engine.check(query.formula, limit=limit, timeout=share)
        yield _line(query, verdict)


def _queries(examination: str, formulas: str | os.PathLike[str] | None) -> list[Query]:
    if formulas is not None:
        try:
            return read_mcc_formulas(formulas)
        except OSError as error:
            raise UsageError(f"cannot read {formulas}: {error.strerror}") from error
    try:
        return [Query(examination, examination_formula(examination), examination)]
    except KeyError:
        raise UsageError(
            f"--mcc {examination} takes its formulas from a file: give --formulas FILE"
        ) from None


def _line(query: Query, verdict: Verdict) -> str:
    asks_number = isinstance(query.formula, Bound)
    value = str(verdict.bound) if asks_number else str(verdict.holds).upper()
    if verdict.holds is None or (asks_number and (verdict.bound is None or verdict.holds is False)):
        return f"FORMULA {query.id} CANNOT_COMPUTE"
    return f"FORMULA {query.id} {value} {_techniques(verdict.method)}"


def _state_space(engine: Engine, limit: int | None, timeout: float | None) -> Iterator[str]:
    space = engine.state_space(limit=limit, timeout=timeout)
    if not space.complete:
        yield "CANNOT_COMPUTE"
        return
    figures: Iterable[tuple[str, int]] = (
        ("STATES", len(space)),
        ("TRANSITIONS", space.firings),
        ("MAX_TOKEN_PER_MARKING", space.most_tokens),
        ("MAX_TOKEN_IN_PLACE", int(space.bounds.max(initial=0))),
    )
    for name, value in figures:
        yield f"STATE_SPACE {name} {value} {_techniques('full search')}"


def _techniques(method: str) -> str:
    names = next((found for known, found in _TECHNIQUES.items() if known in method), _ALWAYS)
    return f"TECHNIQUES {' '.join(names)}"
