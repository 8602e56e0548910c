#!/usr/bin/env bash
# The tests of the pages, in a browser. Arguments are node's, such as --test-name-pattern=PATTERN. SCREENSHOTS is the
# directory for the screenshots, CHROMIUM the path of another browser than npm's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

npm_ci .
exec node --test-reporter=./reporter.js --test-reporter-destination=stdout "$@" tests.js
