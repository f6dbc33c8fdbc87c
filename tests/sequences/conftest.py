"""How long sequences go on: a minute in ``make test``, by the same examples each time; longer in ``make soak``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

COMMON = settings(
    deadline=None, database=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck), print_blob=False
)
settings.register_profile("sequences", COMMON, max_examples=20, stateful_step_count=30, derandomize=True)
settings.register_profile(
    "soak", COMMON, max_examples=int(os.environ.get("BANNETTE_SOAK_EXAMPLES", "300")), stateful_step_count=50
)
