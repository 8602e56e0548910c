#!/usr/bin/env bash
# The tests of the pages, in a browser. Arguments are node's, such as --test-name-pattern=PATTERN. SCREENSHOTS is the
# directory for the screenshots. CHROMIUM is the path of the browser, if it is not the one from npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

npm_ci .
exec node --test-reporter=./reporter.js --test-reporter-destination=stdout "$@" tests.js
