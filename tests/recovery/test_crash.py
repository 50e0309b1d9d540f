"""A real process that runs 200 sessions is killed again and again; what it leaves behind must be whole."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from petricore.runtime.events import Completed
from petricore.runtime.fold import Fold
from petricore.runtime.journal.open import open_store
from petricore.runtime.journal.schema import EventCodec

from .crash_agent import INPUTS, Ledger, build, drive
from .processes import fork

KILLS = int(os.environ.get("PETRICORE_KILLS", "60"))
SESSIONS = 200


def test_killed_at_random_moments_every_session_ends_as_if_undisturbed(tmp_path: Path) -> None:
    random = Random(20261123)
    journal, ledger = str(tmp_path / "journal.db"), str(tmp_path / "ledger")
    kills = 0
    while True:
        pid = _fork(journal, ledger)
        patience = random.uniform(0.02, 0.6) if kills < KILLS else 120.0
        if _ended(pid, patience):
            break
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kills += 1
        assert kills <= KILLS, "the sessions did not come to rest"
    _check(journal, ledger)


def _fork(journal: str, ledger: str) -> int:
    return fork(lambda: asyncio.run(drive(journal, Ledger(ledger), SESSIONS)))


def _ended(pid: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0, "the process failed by itself"
            return True
        time.sleep(0.002)
    return False


def _check(journal: str, ledger_path: str) -> None:
    store = open_store(journal)
    agent = build(Ledger(ledger_path))
    codec = EventCodec(agent.plan())
    assert len(store.ids()) == SESSIONS
    done: set[tuple[str, str]] = set()
    for name in store.ids():
        events = [codec.decode(record) for record in store.records(name)]
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        done |= {(event.transition, event.firing_id) for event in events if isinstance(event, Completed)}
        fold = Fold(events)
        assert not fold.held, name
        marking = fold.marking()
        assert marking.pop("Charged", 0) + marking.pop("unpaid", 0) == INPUTS, (name, marking)
        assert marking == {}, name
    store.close()
    firings: Counter[tuple[str, str]] = Counter()
    for line in Path(ledger_path).read_text().splitlines():
        action, firing, _ = line.split()
        firings[action, firing] += 1
    once = Counter({firing: n for (action, firing), n in firings.items() if action == "charge"})
    assert max(once.values()) == 1, "at most once was twice"
    assert firings.keys() >= done, "a completed action never happened"
    assert len({firing for action, firing in firings if action == "split"}) == SESSIONS * INPUTS


@pytest.mark.parametrize("name", ["journal.db"])
def test_the_journal_of_an_undisturbed_run_passes_the_same_check(tmp_path: Path, name: str) -> None:
    journal, ledger = str(tmp_path / name), str(tmp_path / "ledger")
    asyncio.run(drive(journal, Ledger(ledger), SESSIONS))
    _check(journal, ledger)
