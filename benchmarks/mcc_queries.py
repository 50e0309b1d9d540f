"""Queries of the Model Checking Contest: how many are decided, by which method, and whether any verdict is wrong.

    python -m benchmarks.mcc_queries NETS --seconds 10 --out verdicts.jsonl

NETS is a folder of `<net>.pnml` files with `formulas/<net>.<Examination>.xml` and `formulas/answers.json`, which maps
ids without the year (`Kanban-PT-00005-CTLFireability-03`) to TRUE, FALSE or a number. Verdicts are appended to the
output as they are found; a run that was broken off goes on where it ended. The exit code is 1 if a verdict is wrong.

Numbers in the published answers. A document of the contest may mix properties of two years: 2025-00 to 2025-11, then
2023-12 to 2023-15. Tables that drop the year number such answers in the order of the full ids, so 2023-12 is number 00
there. `--numbering sorted`, the default, takes answers that way; `--numbering given` takes number n as the answer to
the property whose own id ends in n. For documents of a single year the two are the same.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import petricore as pc
from petricore.analysis.mcc import Query
from petricore.analysis.verdict import Verdict


class Outcome(NamedTuple):
    id: str
    examination: str
    found: str | None
    """TRUE, FALSE or a number; None: undecided."""
    answer: str | None
    """What is published; None: nothing is."""
    method: str
    reason: str
    states: int
    seconds: float

    @property
    def wrong(self) -> bool:
        return self.found is not None and self.answer is not None and self.found != self.answer


def queries(nets: Path, names: str, examinations: str) -> Iterator[tuple[str, Path]]:
    """Pairs of a net and a document of queries about it."""
    for document in sorted((nets / "formulas").glob("*.xml")):
        net, _, examination = document.name.removesuffix(".xml").rpartition(".")
        if re.search(names, net) and re.search(examinations, examination):
            yield net, document


def answer_of(query: Query, verdict: Verdict) -> str | None:
    if verdict.holds is None:
        return None
    if query.examination == "UpperBounds":
        return None if verdict.bound is None else str(verdict.bound)
    return str(verdict.holds).upper()


def without_year(query_id: str) -> str:
    return re.sub(r"-20\d\d(?=-\d+$)", "", query_id)


def answer_ids(asked: list[Query], numbering: str) -> list[str]:
    """For each query of a document the id, without year, of its published answer."""
    if numbering == "given":
        return [without_year(query.id) for query in asked]
    rank = {query_id: i for i, query_id in enumerate(sorted(query.id for query in asked))}
    return [re.sub(r"\d+$", f"{rank[query.id]:02d}", without_year(query.id)) for query in asked]


def ask(engine: pc.Engine, query: Query, answer: str | None, options: dict[str, Any]) -> Outcome:
    assert query.formula is not None
    started = time.monotonic()
    verdict = engine.check(query.formula, **options)
    seconds = time.monotonic() - started
    return Outcome(
        query.id,
        query.examination,
        answer_of(query, verdict),
        answer,
        verdict.method,
        verdict.reason,
        verdict.states,
        round(seconds, 4),
    )


def run(
    nets: Path, out: Path, options: dict[str, Any], names: str, examinations: str, numbering: str
) -> Iterator[Outcome]:
    """All outcomes: those read from `out` first, then those still to be found, which are appended to it."""
    answers = json.loads((nets / "formulas" / "answers.json").read_text())
    done: dict[str, Outcome] = {}
    if out.exists():
        done = {o.id: o for line in out.read_text().splitlines() if (o := Outcome(**json.loads(line)))}
    engines: dict[str, pc.Engine] = {}
    with out.open("a") as file:
        for net, document in queries(nets, names, examinations):
            asked = pc.read_mcc_formulas(document)
            for query, answer_id in zip(asked, answer_ids(asked, numbering), strict=True):
                known = done.get(query.id)
                if known is None:
                    if net not in engines:
                        engines = {net: pc.read_pnml(nets / f"{net}.pnml").compile()}
                    known = ask(engines[net], query, answers.get(answer_id), options)
                    file.write(json.dumps(known._asdict()) + "\n")
                    file.flush()
                yield known


def table(outcomes: Iterable[Outcome]) -> str:
    """Per examination: how many were decided, by each method."""
    by_examination: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_examination.setdefault(outcome.examination, []).append(outcome)
    everything = [outcome for rows in by_examination.values() for outcome in rows]
    lines = [
        "| examination | queries | decided | wrong | seconds | methods |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in [*sorted(by_examination.items()), ("all", everything)]:
        methods = Counter(outcome.method for outcome in rows if outcome.found is not None)
        by_method = ", ".join(f"{method} {count}" for method, count in methods.most_common())
        decided = sum(methods.values())
        wrong = sum(outcome.wrong for outcome in rows)
        seconds = sum(outcome.seconds for outcome in rows)
        lines.append(f"| {name} | {len(rows)} | {decided} | {wrong} | {seconds:.1f} | {by_method} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("nets", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0, help="time limit of each query")
    parser.add_argument("--memory", type=int, default=2 << 30, help="bytes for the states of one search")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("mcc_queries.jsonl"))
    parser.add_argument("--net", default="", help="a regular expression: only nets that match")
    parser.add_argument(
        "--examination", default="", help="a regular expression: only examinations that match"
    )
    parser.add_argument("--numbering", choices=["sorted", "given"], default="sorted", help="see above")
    parser.add_argument("--quiet", action="store_true")
    given = parser.parse_args(arguments)
    options = {"timeout": given.seconds, "memory": given.memory, "threads": given.threads}
    outcomes = []
    for outcome in run(given.nets, given.out, options, given.net, given.examination, given.numbering):
        outcomes.append(outcome)
        if outcome.wrong:
            print(f"WRONG: {outcome}", file=sys.stderr)
        elif not given.quiet:
            print(f"{outcome.id} {outcome.found} {outcome.method} {outcome.seconds:.2f} s", file=sys.stderr)
    print(table(outcomes))
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
