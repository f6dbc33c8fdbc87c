#!/usr/bin/env bash
# Renew the pinned requirements from pyproject.toml: versions and hashes, no registry addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
  .venv/bin/uv pip compile -q pyproject.toml "${@:2}" --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --no-header -o "requirements/$1.txt"
}
compile collector --extra collector
compile operator --extra operator
compile connect --extra connect
compile simulator --extra simulator
compile dev --all-extras --group dev
