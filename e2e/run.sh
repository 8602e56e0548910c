#!/usr/bin/env bash
# Runs the test suites of clients in other languages against a running gateway. dev/cmd/with-stack starts the gateway
# and sets the environment:
#
#	cd dev && go run ./cmd/with-stack ../e2e/run.sh [-json] [SUITE...]
#
# A suite is a directory with a run.sh, which reports its tests in the format of `go test -v`. With -json, this script
# writes the events of `go test -json` for the report of make test, with each suite as a package.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

json=
if [ "${1-}" = -json ]; then json=1; shift; fi
if [ $# -eq 0 ]; then set -- python worker node oidc generated guide lint browser; fi

# In the format of `go test`, a slash in a name marks a subtest, so run replaces it by a dot.
run() { "$1/run.sh" 2>&1 | sed -u '/^=== \|^--- /s:/:.:g'; }

code=0
for suite in "$@"; do
	if [ "$json" ]; then
		go tool test2json -t -p "e2e/$suite" ./run.sh "$suite" || code=1
		continue
	fi
	started=$SECONDS
	if run "$suite"; then verdict='PASS\nok  '; else verdict='FAIL\nFAIL' code=1; fi
	printf "$verdict\te2e/%s\t%ds\n" "$suite" $((SECONDS - started))
done
exit "$code"
