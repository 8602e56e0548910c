#!/usr/bin/env bash
# Clients that are not Go against a running gateway. dev/cmd/with-stack starts one and tells where it is:
#
#	cd dev && go run ./cmd/with-stack ../e2e/run.sh [SUITE...]
#
# A suite is a directory with a run.sh. It tells of its tests in the words of `go test -v`, for the summary of make test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ $# -eq 0 ]; then
	set -- python worker node oidc generated lint
	# The browser's tests come with the pages that they open.
	if [ -x browser/run.sh ]; then set -- "$@" browser; fi
fi

code=0
for suite in "$@"; do
	started=$SECONDS
	if "$suite/run.sh" 2>&1; then verdict='ok  '; else verdict=FAIL code=1; fi
	printf '%s\te2e/%s\t%ds\n' "$verdict" "$suite" $((SECONDS - started))
done
exit "$code"
