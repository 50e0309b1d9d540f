"""The id of a runtime: by it, others on the same machine see at once whether its process is alive."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

__all__ = ["is_dead", "new_owner"]


def new_owner() -> str:
    """An id that names machine boot, process and the process's start, where the system tells them."""
    from os import getpid

    return f"{_boot()}:{getpid()}:{_started(getpid())}:{uuid4().hex[:8]}"


def is_dead(owner: str) -> bool:
    """Whether the runtime was a process of this machine, and is gone. False for what is not known."""
    parts = owner.split(":")
    if len(parts) != 4 or not parts[0] or parts[0] != _boot() or not parts[1].isdigit():
        return False
    return _started(int(parts[1])) != parts[2]


def _boot() -> str:
    """The id of this boot of this machine (of this container's view of it); empty where there is none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return boot + Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When the process began, in clock ticks since the boot; empty when there is no such process."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
