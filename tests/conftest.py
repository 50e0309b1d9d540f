"""Hypothesis profiles: `ci` draws the same examples every time; `dev` is quick; `thorough` is for hunting.

`acceptance` is what a release has to pass: 2,000 examples of each property of the analysis, the same every time.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Coverage and sanitizers slow examples down many times over, so no profile measures time.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "ci", derandomize=True, print_blob=True, deadline=None, database=None, suppress_health_check=_SLOW
)
settings.register_profile("dev", print_blob=True, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("sanitize", settings.get_profile("ci"), max_examples=20)
settings.register_profile("acceptance", settings.get_profile("ci"), max_examples=2000)
settings.register_profile("thorough", settings.get_profile("dev"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))
