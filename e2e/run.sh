#!/usr/bin/env bash
# Tests clients in other languages than Go with a running gateway. dev/cmd/with-stack starts the gateway and sets the
# environment:
#
#	cd dev && go run ./cmd/with-stack ../e2e/run.sh [-json] [SUITE...]
#
# A suite is a directory with a run.sh, which reports its tests as `go test -v` does. With -json the events of
# `go test -json` are written, for the report of make test; each suite stands for a package.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

json=
if [ "${1-}" = -json ]; then json=1; shift; fi
if [ $# -eq 0 ]; then set -- python worker node oidc generated lint browser; fi

# A slash in a name would mark a subtest of a test that does not exist.
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
