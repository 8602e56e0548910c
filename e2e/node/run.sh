#!/usr/bin/env bash
# The tests of a Node service, in TypeScript, with types from the OpenAPI document. Arguments are node's, such as
# --test-name-pattern=PATTERN.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

npm_ci .

compile() {
	node_modules/.bin/openapi-typescript ../../api/openapi.yaml --output src/openapi.gen.ts
	node_modules/.bin/tsc
}
check "node/types are generated and the tests compile" compile
if [ "$code" -ne 0 ]; then exit "$code"; fi

exec node --test-reporter=./build/reporter.js --test-reporter-destination=stdout "$@" build/main.js
