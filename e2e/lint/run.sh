#!/usr/bin/env bash
# Lints the OpenAPI document, with the linter that e2e/node pins.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./lib.sh

npm_ci node

lint() {
	REDOCLY_SUPPRESS_UPDATE_NOTICE=true node/node_modules/.bin/redocly lint --config ../api/redocly.yaml "$1"
}
check "lint/openapi.yaml has no errors and no warnings" lint ../api/openapi.yaml
exit "$code"
