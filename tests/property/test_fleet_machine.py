"""The Fleet as a state machine against the naive model: all arc kinds, keys, guards, resources, groups."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.property.fleet_twins import Twins, random_spec

randoms = st.randoms(use_true_random=False)


class FleetMachine(RuleBasedStateMachine):
    @initialize(random=randoms)
    def build(self, random: Random) -> None:
        self.twins = Twins(random_spec(random))
        self.twins.open(2)
        self.twins.open(2, account=1)

    @property
    def running(self) -> list[int]:
        return sorted(self.twins.model.firings)

    @rule(random=randoms)
    def put(self, random: Random) -> None:
        if self.twins.model.sessions:
            self.twins.put_somewhere(random, 4)

    @rule(limit=st.sampled_from([0, 1, 2, 100]))
    def claim(self, limit: int) -> None:
        # A transition that only reads stays enabled for ever, hence a limit on what runs at once.
        self.twins.claim(min(limit, max(0, 30 - len(self.running))))

    @precondition(lambda self: self.running)
    @rule(random=randoms)
    def complete(self, random: Random) -> None:
        self.twins.complete(random, random.choice(self.running))

    @precondition(lambda self: self.running)
    @rule(random=randoms)
    def emit(self, random: Random) -> None:
        self.twins.emit(random, random.choice(self.running))

    @precondition(lambda self: self.running)
    @rule(random=randoms)
    def fail(self, random: Random) -> None:
        self.twins.fail(random, random.choice(self.running))

    @precondition(lambda self: self.running)
    @rule(random=randoms)
    def release(self, random: Random) -> None:
        self.twins.release(random.choice(self.running))

    @rule(random=randoms)
    def drop(self, random: Random) -> None:
        self.twins.drop_any(random)

    @rule(random=randoms)
    def supply(self, random: Random) -> None:
        self.twins.supply(random)

    @rule(account=st.integers(0, 3))
    def open(self, account: int) -> None:
        self.twins.open(account=account)

    @precondition(lambda self: self.twins.model.sessions)
    @rule(random=randoms)
    def close(self, random: Random) -> None:
        self.twins.close(random.choice(self.twins.model.sessions))

    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        """Ids that are not alive are refused, and nothing changes (the invariant looks)."""
        stale = data.draw(st.integers(-(2**63), 2**63 - 1))
        fleet, model = self.twins.fleet, self.twins.model
        if stale not in model.firings:
            for call in (fleet.complete, fleet.fail, fleet.release):
                with pytest.raises(KeyError):
                    call(stale)
        if stale not in model.sessions:
            with pytest.raises(KeyError):
                fleet.put(stale, 0)
        if stale not in model.tokens:
            with pytest.raises(KeyError):
                fleet.scope(stale)

    @invariant()
    def agree(self) -> None:
        self.twins.check()


TestFleetMachine = FleetMachine.TestCase
TestFleetMachine.settings = settings(settings.default, stateful_step_count=40)
