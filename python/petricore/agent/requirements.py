"""What a transition asks of where it runs: the options `image`, `cpu`, `memory`, ... checked."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from petricore.errors import NetError
from petricore.runtimes.base import Requirements, Volume

__all__ = ["REQUIREMENTS", "parse_requirements"]

REQUIREMENTS = ("image", "command", "cpu", "memory", "gpu", "network", "volumes", "env", "secrets", "reuse")
"""The options that become `Requirements`."""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_requirements(where: str, given: Mapping[str, Any]) -> Requirements:
    """The requirements among the options `given` for the transition described by `where`.

    Raises:
        NetError: an option has a bad value; the message says which.
    """
    return Requirements(
        image=_image(where, given.get("image")),
        command=_command(where, given.get("command")),
        cpu=_cpu(where, given.get("cpu")),
        memory=_memory(where, given.get("memory")),
        gpu=_gpu(where, given.get("gpu", 0)),
        network=_network(where, given.get("network")),
        volumes=_volumes(where, given.get("volumes")),
        env=_env(where, given.get("env")),
        secrets=_secrets(where, given.get("secrets")),
        reuse=_reuse(where, given.get("reuse")),
    )


def _image(where: str, value: Any) -> Any:
    if value is None or hasattr(value, "tag"):
        return value
    if not isinstance(value, str) or not value or value.startswith("-"):
        raise NetError(f"{where}: image is the name of an image or an Image(...), not {value!r}")
    return value


def _command(where: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise NetError(f"{where}: command is a list of texts, not {value!r}")
    words = tuple(value)
    if not words or not all(isinstance(one, str) for one in words):
        raise NetError(f"{where}: command is a list of texts, not {value!r}")
    return words


def _cpu(where: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.01 <= value < math.inf:
        raise NetError(f"{where}: cpu is a number of processors from 0.01 on, not {value!r}")
    return float(value)


def _memory(where: str, value: Any) -> int | None:
    if value is None:
        return None
    size: float = -1
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", value.lower())
        if match is not None:
            size = float(match[1]) * _UNITS[match[2]]
    if not 1 << 20 <= size <= 1 << 60:
        raise NetError(f"{where}: memory is bytes, or like '512m' or '2g', from 1m on, not {value!r}")
    return int(size)


def _gpu(where: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1024:
        raise NetError(f"{where}: gpu is a number of cards, not {value!r}")
    return value


def _network(where: str, value: Any) -> tuple[str, ...]:
    if value is None or value == "none":
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise NetError(
            f"{where}: network is a list of hosts, like ['example.org:443'], or 'none', not {value!r}"
        )
    return tuple(_host(where, one) for one in value)


def _host(where: str, value: Any) -> str:
    match = re.fullmatch(r"([A-Za-z0-9.-]+)(?::(\d{1,5}))?", value) if isinstance(value, str) else None
    if match is None or not 0 < int(match[2] or 443) < 1 << 16:
        raise NetError(f"{where}: a host of network is like 'example.org' or 'example.org:80', not {value!r}")
    return f"{match[1].lower()}:{int(match[2] or 443)}"


def _volumes(where: str, value: Any) -> tuple[Volume, ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise NetError(
            f"{where}: volumes is like {{'/host/folder': '/data'}} or {{'name': '/data:rw'}}, not {value!r}"
        )
    return tuple(_volume(where, str(source), target) for source, target in value.items())


def _volume(where: str, source: str, target: Any) -> Volume:
    path, _, mode = target.partition(":") if isinstance(target, str) else ("", "", "")
    if not path.startswith("/") or ".." in Path(path).parts or mode not in ("", "ro", "rw"):
        raise NetError(
            f"{where}: of volumes, {source!r} goes to an absolute path, ':rw' behind it to write there, not {target!r}"
        )
    if not (Path(source).is_absolute() or _NAME.fullmatch(source)):
        raise NetError(f"{where}: volumes are absolute paths or names, not {source!r}")
    return Volume(source, path, mode == "rw")


def _env(where: str, value: Any) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise NetError(f"{where}: env is a dict of texts, not {value!r}")
    for name, text in value.items():
        if not (isinstance(name, str) and _VARIABLE.fullmatch(name) and isinstance(text, str)):
            raise NetError(f"{where}: env is a dict of texts by names of variables, not {name!r}: {text!r}")
        if "\0" in text:
            raise NetError(f"{where}: the variable {name!r} of env contains a zero byte")
    return tuple(sorted(value.items()))


def _secrets(where: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise NetError(f"{where}: secrets is a list of names, not {value!r}")
    names = tuple(value)
    for name in names:
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise NetError(
                f"{where}: names of secrets are of letters, digits, '_', '.' and '-', not {name!r}"
            )
    return tuple(sorted(set(names)))


def _reuse(where: str, value: Any) -> Any:
    if value not in (None, "never", "session", "agent"):
        raise NetError(f"{where}: reuse is 'never', 'session' or 'agent', not {value!r}")
    return value
