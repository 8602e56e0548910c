#!/usr/bin/env bash
# The tests with an OpenID provider. They start the provider, and gateways that accept its tokens, in addition to the
# gateway that all suites share. Arguments are node's, such as --test-name-pattern=PATTERN. The processes write their
# output to bin/oidc.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

npm_ci .
check "oidc/the tests compile" node_modules/.bin/tsc
if [ "$code" -ne 0 ]; then exit "$code"; fi

exec node --test-reporter=./build/reporter.js --test-reporter-destination=stdout "$@" build/main.js
