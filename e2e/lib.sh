# What the suites share. To be sourced.

# check NAME COMMAND... is one test: it passes when the command does, and otherwise shows what the command wrote. It goes
# on either way; code is 1 once a test has failed. Not to be called in a condition, where bash ignores errexit.
code=0
check() {
	local name=$1 started=$SECONDS verdict=PASS output status
	shift
	echo "=== RUN   $name"
	set +e
	output=$(set -e; "$@" 2>&1)
	status=$?
	set -e
	if [ "$status" -ne 0 ]; then
		verdict=FAIL code=1
		printf '%s\n' "$output"
	fi
	echo "--- $verdict: $name ($((SECONDS - started))s)"
}

# venv DIR makes DIR/.venv hold what DIR/requirements.txt pins, and nothing else, and sets python to what runs there.
venv() {
	local dir=$1/.venv pins=$1/requirements.txt
	if ! cmp -s "$pins" "$dir/requirements.txt"; then
		rm -rf "$dir"
		if python3 -m venv "$dir" >/dev/null 2>&1; then
			"$dir/bin/python" -m pip install --quiet --disable-pip-version-check -r "$pins"
		else
			# Some distributions package venv apart from Python.
			rm -rf "$dir"
			python3 -m pip install --quiet --disable-pip-version-check --target "$dir/site" -r "$pins"
		fi
		cp "$pins" "$dir/requirements.txt"
	fi
	if [ -d "$dir/site" ]; then
		python=(env "PYTHONPATH=$PWD/$dir/site" python3)
	else
		python=("$PWD/$dir/bin/python")
	fi
}

# npm_ci DIR makes DIR/node_modules hold what DIR/package-lock.json pins.
npm_ci() {
	local lock=$1/package-lock.json installed=$1/node_modules/.installed
	if ! cmp -s "$lock" "$installed"; then
		npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error
		cp "$lock" "$installed"
	fi
}
