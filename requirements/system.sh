#!/usr/bin/env bash
# Make sure that the system packages of requirements/system.txt, or those named as arguments, are there; install what is
# missing where we may.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
wanted=("$@")
[ $# -gt 0 ] || mapfile -t wanted < <(grep -v '^#' requirements/system.txt)
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "These packages are missing: ${missing[*]}. Install them, for example: sudo apt-get install ${missing[*]}" >&2
  exit 2
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  exit 3
fi
rm -f "$log"
