#!/usr/bin/env bash
# Runs a command that writes the events of `go test -json`, and reports them through gotestsum: a line for each package that
# passes, the output of each failed test, and the number of tests in the last line. It fails if the command, a test or a
# package fails, or if no test has passed.
#
#	tools/report.sh COMMAND...
set -euo pipefail

results=$(mktemp -d)
trap 'rm -r "$results"' EXIT

code=0
go tool -modfile="$(dirname "${BASH_SOURCE[0]}")/go.mod" gotestsum \
	--raw-command --format standard-quiet --hide-summary skipped \
	--jsonfile-timing-events "$results/events" --post-run-command "sh -c 'echo \$TESTS_FAILED >$results/failed'" \
	-- "$@" || code=$?

# A package that fails without a failed test counts as one failure, and so does a command that fails before its first
# event.
passed=$(grep -c '"Action":"pass".*"Test":' "$results/events" || true)
failed=$(cat "$results/failed")
if [ "$failed" -gt 0 ]; then code=1; fi
if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
if [ "$passed" -eq 0 ]; then
	echo "No test passed." >&2
	code=1
fi
echo "$passed passed, $failed failed"
exit "$code"
