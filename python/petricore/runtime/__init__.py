"""The runtime: sessions, their journal, their clocks, and the people they wait for."""

from petricore.runtime.clock import Clock, ManualClock, SystemClock
from petricore.runtime.context import Context
from petricore.runtime.events import Event
from petricore.runtime.journal import Journal, MemoryJournal
from petricore.runtime.runtime import Runtime
from petricore.runtime.session import Pending, Session

__all__ = [
    "Clock",
    "Context",
    "Event",
    "Journal",
    "ManualClock",
    "MemoryJournal",
    "Pending",
    "Runtime",
    "Session",
    "SystemClock",
]
