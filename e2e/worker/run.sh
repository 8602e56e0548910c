#!/usr/bin/env bash
# A worker written with Temporal's Python SDK, driven and observed through the gateway alone by the client of e2e/python.
# The worker has an environment of its own, so that no test can reach for the SDK. Arguments are pytest's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

venv sdk
export FLOWGATE_SDK_PYTHON="${python[*]}"
# The client and what it checks come from the directory where Python starts.
cd ../python
venv .
exec "${python[@]}" -B -m pytest -p no:cacheprovider -p no:terminal -p go_style -c ../worker/pyproject.toml ../worker "$@"
