"""How much memory a search may take when nobody says."""

from __future__ import annotations

from pathlib import Path

__all__ = ["available_memory", "free_address_space"]

_SHARE = 0.8  # the rest is for what else this process and the machine need meanwhile
_UNKNOWN = 2 << 30


def available_memory() -> int:
    """Bytes a search may take by default: four fifths of what the machine and the control group have left."""
    left = [free for free in (_of_machine(), *_of_control_group()) if free is not None]
    return int(min(left) * _SHARE) if left else _UNKNOWN


def free_address_space() -> int | None:
    """Bytes that `ulimit -v` leaves this process to map, or None if it has no such limit."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        mapped = 0
    return max(limit - mapped, 0)


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    available = fields.get("MemAvailable", "").split()
    return int(available[0]) * 1024 if available else None


def _of_control_group() -> list[int | None]:
    group = Path("/sys/fs/cgroup")
    return [
        _left(group / "memory.max", group / "memory.current"),
        _left(group / "memory/memory.limit_in_bytes", group / "memory/memory.usage_in_bytes"),
    ]


def _left(limit: Path, usage: Path) -> int | None:
    try:
        return max(int(limit.read_text()) - int(usage.read_text()), 0)
    except (OSError, ValueError):  # not there, or "max"
        return None
