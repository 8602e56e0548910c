#!/usr/bin/env bash
# The tests of a Python service. Arguments are pytest's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

venv .
exec "${python[@]}" -B -m pytest -p no:cacheprovider -p no:terminal -p go_style "$@"
