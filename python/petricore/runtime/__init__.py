"""The runtime: sessions, their journal, their clocks, and the people they wait for."""

from petricore.runtime.clock import Clock, ManualClock, SystemClock
from petricore.runtime.context import Context
from petricore.runtime.events import Event
from petricore.runtime.journal import Journal, MemoryJournal
from petricore.runtime.lineage import Lineage
from petricore.runtime.net_description import describe_net, net_version
from petricore.runtime.runtime import Runtime
from petricore.runtime.session import Session
from petricore.runtime.status import Pending
from petricore.runtime.versions import Compatibility, Migration, compatibility

__all__ = [
    "Clock",
    "Compatibility",
    "Context",
    "Event",
    "Journal",
    "Lineage",
    "ManualClock",
    "MemoryJournal",
    "Migration",
    "Pending",
    "Runtime",
    "Session",
    "SystemClock",
    "compatibility",
    "describe_net",
    "net_version",
]
