"""Steps per second of a DBOS workflow on SQLite, with its own settings: `FULL|NORMAL steps` (the first is its own)."""

import logging
import sys
import tempfile
import time

from dbos import DBOS

size = int(sys.argv[2])
logging.disable(logging.CRITICAL)
with tempfile.TemporaryDirectory(dir=".") as folder:
    DBOS(
        config={
            "name": "chain",
            "system_database_url": f"sqlite:///{folder}/dbos.db",
            "run_admin_server": False,
            "log_level": "CRITICAL",
        }
    )

    @DBOS.step()
    def step(n: int) -> int:
        return n - 1

    @DBOS.workflow()
    def chain(n: int) -> int:
        while n > 0:
            n = step(n)
        return n

    DBOS.launch()
    start = time.perf_counter()
    chain(size)
    print(size / (time.perf_counter() - start))
    DBOS.destroy()
