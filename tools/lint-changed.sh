#!/usr/bin/env bash
# Runs golangci-lint on the packages with files that have changed since the merge base with BASE, committed or not:
#
#	tools/lint-changed.sh BASE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

base=$(git merge-base HEAD "$1" 2>/dev/null || git rev-parse HEAD)

# changed MODULE lists the changed packages of a module, relative to the module. The directory of the gateway's module
# contains the other modules, which it excludes.
changed() {
	local others=()
	if [ "$1" = . ]; then others=(':!bench' ':!deploy' ':!dev' ':!e2e' ':!tools'); fi
	{
		git -C "$1" diff --relative --name-only --diff-filter=d "$base" -- '*.go' "${others[@]}"
		git -C "$1" ls-files --others --exclude-standard -- '*.go' "${others[@]}"
	} | grep -v /testdata/ | sed 's:[^/]*$::; s:^:./:' | sort -u
}

code=0
for module in . dev bench deploy; do
	packages=$(changed "$module" || true)
	if [ -z "$packages" ]; then continue; fi
	echo "== golangci-lint:" $packages "of $(cd "$module" && go list -m)"
	(cd "$module" && go tool -modfile="$OLDPWD/tools/lint/go.mod" golangci-lint run --allow-serial-runners $packages) || code=1
done
exit "$code"
