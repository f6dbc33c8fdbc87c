"""What a request for a run leads to. Pure."""

from __future__ import annotations

import hashlib


def on_demand_job_name(channel: str, uid: str, *, request: str | None) -> str:
    """Return the only name that the Job of this request may have; of the channel's first run without one."""
    if request is None:
        return f"{channel}-initial-{_digest(uid)[:8]}"
    return f"{channel}-manual-{_digest(uid, request)[:10]}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
