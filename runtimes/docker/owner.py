"""Whose a container is: a process of this machine, told apart from a later one of the same number."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from secrets import token_hex

__all__ = ["is_left_behind", "new_owner"]


def new_owner() -> str:
    """A name of its own for an executor of this process: machine, boot, number, time of start, a random part."""
    return ":".join(
        (socket.gethostname(), _boot(), str(os.getpid()), _begun(os.getpid()) or "0", token_hex(4))
    )


def is_left_behind(owner: str) -> bool:
    """Whether the owner was a process of this machine that is no more. Of other machines nothing is known."""
    host, _, rest = owner.partition(":")
    parts = rest.split(":")
    if host != socket.gethostname() or len(parts) != 4:
        return False
    boot, pid, begun, _ = parts
    return boot != _boot() or not pid.isdigit() or _begun(int(pid)) != begun


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _begun(pid: int) -> str | None:
    """When the process began, in ticks since the boot; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]
