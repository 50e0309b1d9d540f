"""Real services that tests talk to, one file each. None is ever replaced by a fake in silence."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

__all__ = ["absent"]


def absent(service: str, reason: str) -> NoReturn:
    """End a test whose service is not there: failed where PETRICORE_REQUIRE names the service, else skipped."""
    message = f"{service} is not there: {reason}"
    if service in os.environ.get("PETRICORE_REQUIRE", "").split(","):
        pytest.fail(f"{message} (PETRICORE_REQUIRE asks for it)")
    pytest.skip(f"{message}; set PETRICORE_REQUIRE={service} to make this a failure")
