"""Prometheus's promtool, built once from its Go module: it checks and evaluates alert rules."""

from __future__ import annotations

from pathlib import Path

from devcluster.go_tools import built

MODULE = "github.com/prometheus/prometheus/cmd/promtool@v0.316.0"


def promtool() -> Path:
    """Return the path of promtool, built from its Go module at first use (minutes)."""
    return built("promtool", MODULE)
