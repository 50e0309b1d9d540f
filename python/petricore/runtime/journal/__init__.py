"""The journal: an append-only log of events for each session, the only source of truth."""

from petricore.runtime.journal.memory import Journal, Log, MemoryJournal

__all__ = ["Journal", "Log", "MemoryJournal"]
