#!/usr/bin/env bash
# Lints the OpenAPI documents, with the linter that e2e/node pins.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./lib.sh

npm_ci node

lint() {
	REDOCLY_SUPPRESS_UPDATE_NOTICE=true node/node_modules/.bin/redocly lint --config ../api/redocly.yaml "$1"
}
for document in openapi.yaml temporal/openapi.yaml temporal/swagger.json; do
	check "lint/$document has no errors and no warnings" lint "../api/$document"
done
exit "$code"
