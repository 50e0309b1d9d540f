"""`Image`: what an action's image is made of. Equal declarations are one image, built once."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from petricore.errors import NetError

__all__ = ["Image"]

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+~:=<>!,\[\]@/-]*")


@dataclass(frozen=True, slots=True, init=False)
class Image:
    """An image that is built when it is first needed, and found by its content after that.

    Args:
        base: the image it begins from (default: the slim image of that `python`).
        python: version of Python, where no base is named.
        packages: what pip installs: `["httpx>=0.27"]`.
        apt: what apt installs.
        files: files of this machine by their absolute path in the image, with their content as of now.

    Raises:
        NetError: a name has characters that no package has, or a file is not there.
    """

    base: str
    packages: tuple[str, ...]
    apt: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...]

    def __init__(
        self,
        base: str | None = None,
        *,
        python: str = "3.12",
        packages: Iterable[str] = (),
        apt: Iterable[str] = (),
        files: Mapping[str, str | Path] | None = None,
    ) -> None:
        set_field = object.__setattr__
        set_field(self, "base", _word("base", base or f"python:{python}-slim"))
        set_field(self, "packages", tuple(_word("packages", one) for one in packages))
        set_field(self, "apt", tuple(_word("apt", one) for one in apt))
        set_field(self, "files", tuple(sorted(_file(*one) for one in (files or {}).items())))

    @property
    def tag(self) -> str:
        """Its name: a hash of all that it is made of."""
        digest = hashlib.sha256(self.dockerfile().encode())
        for path, content in self.files:
            digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        return f"petricore/image:{digest.hexdigest()[:20]}"

    def dockerfile(self) -> str:
        """How it is built."""
        lines = [f"FROM {self.base}", "USER root"]
        if self.apt:
            lines.append(
                "RUN apt-get update && apt-get install -y --no-install-recommends "
                f"{' '.join(self.apt)} && rm -rf /var/lib/apt/lists/*"
            )
        if self.packages:
            wanted = " ".join(f"'{one}'" for one in self.packages)
            lines.append(f"RUN python3 -m pip install --no-cache-dir {wanted}")
        if self.files:
            lines.append("COPY files/ /")
        return "\n".join(lines) + "\n"

    def build_context(self) -> bytes:
        """What the engine builds it from: a tar archive."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            _add(archive, "Dockerfile", self.dockerfile().encode())
            for path, content in self.files:
                _add(archive, f"files{path}", content)
        return packed.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755
    archive.addfile(entry, io.BytesIO(content))


def _word(field: str, value: object) -> str:
    """A name that means nothing to a shell within quotes, nor to the file that it is written into."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise NetError(f"Image: {field} takes names and versions, not {value!r}")
    if field != "packages" and re.search(r"[ <>]", value):
        raise NetError(f"Image: {field} takes plain names, not {value!r}")
    return value


def _file(target: str, source: str | Path) -> tuple[str, bytes]:
    path = PurePosixPath(target)
    if not path.is_absolute() or ".." in path.parts:
        raise NetError(f"Image: files go to absolute paths, not {target!r}")
    try:
        return str(path), Path(source).read_bytes()
    except OSError as error:
        raise NetError(f"Image: the file for {target!r} cannot be read: {error}") from error
