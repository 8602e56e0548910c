# Functions that the suites share. Source this file.

# check NAME COMMAND... runs a command as one test. If the command fails, check prints its output and sets code to 1. It
# does not end the script. Do not call it in a condition, where bash ignores errexit.
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

# venv DIR installs the packages of DIR/requirements.txt, and no others, in DIR/.venv. It sets python to the command
# that uses them.
venv() {
	local dir=$1/.venv pins=$1/requirements.txt
	if ! cmp -s "$pins" "$dir/requirements.txt"; then
		rm -rf "$dir"
		if python3 -m venv "$dir" >/dev/null 2>&1; then
			"$dir/bin/python" -m pip install --quiet --disable-pip-version-check -r "$pins"
		else
			# Some distributions package venv separately from Python.
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

# npm_ci DIR installs the packages of DIR/package-lock.json in DIR/node_modules.
npm_ci() {
	local lock=$1/package-lock.json installed=$1/node_modules/.installed
	if ! cmp -s "$lock" "$installed"; then
		npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error
		cp "$lock" "$installed"
	fi
}
