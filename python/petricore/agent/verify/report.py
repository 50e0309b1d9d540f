"""`Report`: what was found out about an agent, property by property, with the runs that show it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Finding", "Report"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One property of an agent and whether it holds for the given inputs."""

    name: str
    verdict: bool | None
    """None: it could not be decided; `reason` says why."""
    reason: str
    exact: bool = True
    """Whether the verdict follows from the declaration alone. Otherwise `depends` says what else it depends on."""
    severity: Literal["error", "warning"] = "error"
    """Whether a property that fails makes the report not ok."""
    depends: tuple[str, ...] = ()
    witness: tuple[str, ...] | None = None
    """The run that shows it, step by step, in the agent's words."""
    fired: tuple[str, ...] = ()
    """The transitions that fire in the witness, each once, in order."""
    left: Mapping[str, int] = field(default_factory=dict)
    """Tokens per place at the end of the witness."""
    subjects: tuple[str, ...] = ()
    """The transitions or places that the verdict is about."""

    def __bool__(self) -> bool:
        raise TypeError("a finding is True, False or None (undecided): ask for its .verdict")


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of `Agent.verify`, in a fixed order. `report["no hang"]` is one of them."""

    agent: str
    inputs: Mapping[str, int]
    findings: tuple[Finding, ...]
    states: int
    """Markings looked at."""
    longest: int | None
    """Up to how many elements of a kind lists are told apart (None: nothing returns a list)."""
    strict: bool = False
    """Whether warnings count as errors."""

    @property
    def ok(self) -> bool:
        """Whether every required property is known to hold. Warnings are required if the report is strict."""
        return all(one.verdict is True for one in self.findings if self._required(one))

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Required properties that do not hold."""
        return tuple(one for one in self.findings if one.verdict is False and self._required(one))

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """Required properties that could not be decided."""
        return tuple(one for one in self.findings if one.verdict is None and self._required(one))

    def __getitem__(self, name: str) -> Finding:
        for one in self.findings:
            if one.name == name:
                return one
        raise KeyError(f"no finding {name!r}; there are {', '.join(repr(one.name) for one in self.findings)}")

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def to_dict(self) -> dict[str, Any]:
        """The report in terms of JSON."""
        return {
            "agent": self.agent,
            "inputs": dict(self.inputs),
            "ok": self.ok,
            "strict": self.strict,
            "states": self.states,
            "findings": [{**asdict(one), "left": dict(one.left)} for one in self.findings],
        }

    def __str__(self) -> str:
        from petricore.agent.verify.story import tell

        return tell(self)

    def _repr_html_(self) -> str:
        from petricore.agent.verify.story import to_html

        return to_html(self)

    def _required(self, finding: Finding) -> bool:
        return self.strict or finding.severity == "error"
