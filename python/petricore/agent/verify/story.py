"""A report in words, for terminals and notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from petricore.agent.verify.report import Finding, Report

__all__ = ["answer", "counted", "tell", "to_html"]


def tell(report: Report) -> str:
    """A line per property; where it fails or is undecided, the run that shows it as a numbered list."""
    lines = [f"{report.agent} with {counted(report.inputs) or 'no tokens'}: {_conclusion(report)}"]
    told: dict[tuple[str, ...], str] = {}
    for one in report.findings:
        lines.append(f"{answer(one, strict=report.strict):>9}  {one.name}: {one.reason}")
        if one.witness is not None and one.verdict is not True and one.witness in told:
            lines.append(f"{'':>11}(the run of {told[one.witness]!r})")
        elif one.witness is not None and one.verdict is not True:
            told[one.witness] = one.name
            lines += [f"{'':>11}{number}. {step}" for number, step in enumerate(one.witness, 1)]
            if one.left:
                lines.append(f"{'':>11}left: {counted(one.left)}")
    return "\n".join(lines)


def answer(finding: Finding, *, strict: bool = False) -> str:
    """The verdict in a word."""
    if finding.verdict is None:
        return "undecided"
    if finding.verdict:
        return "yes"
    return "NO" if strict or finding.severity == "error" else "warning"


def counted(tokens: Mapping[str, int]) -> str:
    """Token counts in words: `2 Url, 1 Report`."""
    return ", ".join(f"{count} {place}" for place, count in tokens.items() if count)


def to_html(report: Report) -> str:
    """The report as an HTML table."""
    rows = []
    for one in report.findings:
        told = ""
        if one.witness is not None and one.verdict is not True:
            told = f"<ol>{''.join(f'<li>{escape(step)}</li>' for step in one.witness)}</ol>"
            if one.left:
                told += f"<p>left: {escape(counted(one.left))}</p>"
        rows.append(
            f"<tr><td>{escape(answer(one, strict=report.strict))}</td><td>{escape(one.name)}</td>"
            f"<td style='text-align:left'>{escape(one.reason)}{told}</td></tr>"
        )
    title = f"{report.agent} with {counted(report.inputs) or 'no tokens'}: {_conclusion(report)}"
    return f"<table><caption>{escape(title)}</caption>{''.join(rows)}</table>"


def _conclusion(report: Report) -> str:
    if report.failed:
        return f"not ok ({', '.join(one.name for one in report.failed)})"
    if report.undecided:
        return f"undecided ({', '.join(one.name for one in report.undecided)})"
    warned = sum(one.verdict is not True for one in report.findings)
    return "ok" if not warned else f"ok, {warned} warning{'s' if warned > 1 else ''}"
