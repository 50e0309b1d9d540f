"""Actions that mean harm, each in its own way. They run in sandboxes only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import struct
import sys
from pathlib import Path

from petricore import Context

from .actions import Done, Job


def bomb(job: Job) -> Done:
    """Fork without end."""
    while True:
        os.fork()


def fill_disk(job: Job) -> Done:
    """Write until nothing more can be written."""
    with open("/work/full", "wb") as file:
        while True:
            file.write(bytes(1 << 22))


def write_anywhere(job: Job) -> Done:
    """Count the places outside of its own that it can write to."""
    written = 0
    for folder in ("/", "/usr", "/etc", "/bin", "/run", "/proc/sys", "/sys", "/dev"):
        try:
            Path(folder, "mark").write_text("x")
        except OSError:
            continue
        written += 1
    return Done(n=written)


def flood(job: Job) -> Done:
    """Print ten gigabytes."""
    line = b"x" * (1 << 20)
    for _ in range(10 << 10):
        os.write(2, line)
    return Done(n=1)


def exfiltrate(job: Job) -> Done:
    """Reach the listeners named in the text: how many answered."""
    reached = 0
    for address in job.text.split():
        host, _, port = address.partition(":")
        try:
            socket.create_connection((host, int(port)), 2).close()
        except OSError:
            continue
        reached += 1
    return Done(n=reached)


def snoop(job: Job) -> Done:
    """Look for a text everywhere: how often it is found, itself aside."""
    found = []
    for top in ("/work", "/tmp", "/run", "/dev/shm", "/proc", "/home", "/root", "/var"):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if top == "/proc" and name not in ("environ", "cmdline"):
                    continue
                try:
                    content = Path(path).read_bytes()[: 1 << 20] if os.path.isfile(path) else b""
                except OSError:
                    continue
                if job.text.encode() in content:
                    found.append(path)
    return Done(n=len(found), text=" ".join(found))


def leave(job: Job) -> Done:
    """Leave a text behind wherever that can be done."""
    for folder in ("/work", "/tmp", "/dev/shm"):
        try:
            Path(folder, "left").write_text(job.text)
        except OSError:
            continue
    return Done(n=1)


def use_secret(job: Job, ctx: Context) -> Done:
    """Hold a secret for a while, in every place that a program holds one."""
    os.environ["HELD"] = ctx.secret("key")
    Path("/work/held").write_text(ctx.secret("key"))
    return Done(n=len(ctx.secret("key")))


def probe(job: Job) -> Done:
    """Try what a sandbox forbids: the names of what worked."""
    libc = ctypes.CDLL(None, use_errno=True)
    worked = []
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0:
        worked.append("mount")
    if libc.ptrace(16, 1, None, None) == 0:  # PTRACE_ATTACH to the worker
        worked.append("ptrace")
    if libc.syscall(250, 0, -3, 1) >= 0:  # keyctl(KEYCTL_GET_KEYRING_ID, session keyring)
        worked.append("keyctl")
    if libc.unshare(0x10000000) == 0:  # CLONE_NEWUSER
        worked.append("unshare")
    if libc.setuid(0) == 0:
        worked.append("setuid")
    for path in (
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/proc/1/mem",
        "/proc/1/environ",
        "/dev/sda",
        "/dev/kmsg",
    ):
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError:
            continue
        worked.append(path)
    with contextlib.suppress(OSError):
        worked += os.listdir("/proc/1/fd")
    return Done(n=os.getuid(), text=" ".join(worked))


def kill_worker(job: Job) -> Done:
    """Kill the worker, and all else."""
    os.kill(1, signal.SIGKILL)
    os.kill(1, signal.SIGTERM)
    os.kill(-1, signal.SIGSTOP)
    return Done(n=1)


def _channel() -> int:
    """The descriptor over which this action's outcome is told."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                return int(name)
        except OSError:
            continue
    raise LookupError("no channel")


def garble(job: Job) -> Done:
    """Write what is no frame."""
    os.write(_channel(), b"\x00\x00\x00\x04\x00\x00\x00\x00nope" * 100)
    return Done(n=1)


def announce(job: Job) -> Done:
    """Announce a frame of four gigabytes."""
    os.write(_channel(), struct.pack(">II", 100, 0xFFFFFFFF) + b"x" * 1000)
    return Done(n=1)


def forge(job: Job) -> Done:
    """Speak for another firing."""
    header = b'{"kind": "done", "id": "0000000000000000"}'
    body = b'{"type": "Done", "value": {"n": 666, "text": ""}}'
    os.write(_channel(), struct.pack(">II", len(header), len(body)) + header + body)
    return Done(n=1)


class Trap:
    """What would run a command where it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch /tmp/petricore-was-here",)


def pickle(job: Job) -> Done:
    """Return what would do harm if it were unpickled."""
    return Trap()  # type: ignore[return-value]


def deepen(job: Job) -> Done:
    """Return what is nested too deeply."""
    value: object = 1
    for _ in range(100_000):
        value = [value]
    return value  # type: ignore[return-value]


def link(job: Job, ctx: Context) -> Done:
    """Hand over files by names that lead elsewhere."""
    os.symlink("/etc/passwd", "/work/link")
    ctx.send_file("../../etc/passwd", Path("/work/link").read_bytes() if job.n else b"mine")
    ctx.send_file("/work/link", b"mine")
    return Done(n=1)


def grow(job: Job) -> Done:
    """Return more than is taken."""
    return Done(n=1, text="x" * job.n)


def ask_without_end(job: Job, ctx: Context) -> Done:
    """Ask and ask, and never wait."""
    for n in range(100_000):
        ctx.ask(f"question {n}?")
    return Done(n=1)


def overflow_stack(job: Job) -> Done:
    """Recurse until the stack is gone."""
    sys.setrecursionlimit(10**9)

    def again() -> None:
        again()

    again()
    return Done(n=1)
