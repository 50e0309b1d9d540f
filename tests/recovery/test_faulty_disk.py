"""EIO, ENOSPC and writes cut short at every single write that SQLite makes for the journal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent


def test_whichever_write_the_disk_refuses_what_was_reported_is_what_is_there(tmp_path: Path) -> None:
    library = tmp_path / "disk.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", library, _HERE / "faulty_disk.c", "-ldl"], check=True
    )
    folder = tmp_path / "journals"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, str(_HERE / "faulty_disk.py"), str(folder)],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100, "the disk did not fail often enough"
