#!/usr/bin/env bash
# Tests that observe a worker with Temporal's Python SDK through the gateway, with the client of e2e/python. The worker
# has a separate environment, so that no test can import the SDK. Arguments are pytest's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

venv sdk
export FLOWGATE_SDK_PYTHON="${python[*]}"
# Python imports the client and its checks from the current directory.
cd ../python
venv .
exec "${python[@]}" -B -m pytest -p no:cacheprovider -p no:terminal -p go_style -c ../worker/pyproject.toml ../worker "$@"
