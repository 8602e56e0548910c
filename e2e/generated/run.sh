#!/usr/bin/env bash
# Generates clients from the OpenAPI document with the default options of each generator, compiles them, and executes the
# sample workflow Order with each client.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

# The key of the build cache changes when an input of the builds changes.
key=$({
	find . \( -name .work -o -name .venv -o -name node_modules -o -name '.*_cache' \) -prune -o -type f -print | LC_ALL=C sort | xargs cat
	cat ../../api/openapi.json ../../tools/go.mod
	go version
	python3 --version
	java --version
	node --version
} | python3 -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])')
work=$PWD/.work/$key
if [ ! -d "$work" ]; then
	rm -rf .work
	mkdir -p "$work"
fi
document=$PWD/../../api/openapi.json

# once NAME COMMAND... runs a command unless it has succeeded before.
once() {
	local done=$work/$1.done
	shift
	if [ ! -e "$done" ]; then
		"$@"
		touch "$done"
	fi
}

build_python() {
	local project=$work/python
	venv python
	# The generator formats its code with ruff, if it finds it.
	PATH=$PWD/python/.venv/bin:$PWD/python/.venv/site/bin:$PATH "${python[@]}" -m openapi_python_client generate \
		--path "$document" --overwrite --output-path "$project" 2>&1 | tee "$work/python.warnings"
	# It supports no response in YAML.
	[ "$(grep '^WARNING' "$work/python.warnings")" = 'WARNING parsing GET /v1/openapi.yaml within gateway.' ]
	export MYPYPATH=$project
	"${python[@]}" -m mypy --cache-dir "$project/.mypy_cache" -p flowgate_client
	"${python[@]}" -m mypy --cache-dir "$project/.mypy_cache" --strict python/main.py
}

run_python() {
	venv python
	"${python[@]}" -c 'import sys; sys.path.insert(0, sys.argv.pop(1)); import runpy; runpy.run_path(sys.argv[1])' \
		"$work/python" python/main.py
}

build_java() {
	mvn --batch-mode --quiet --file java/pom.xml -Ddocument="$document" -Dwork="$work/java" compile
}

run_java() {
	java -cp "$work/java/classes:$work/java/lib/*" example.Main
}

build_go() {
	mkdir -p "$work/go/client"
	cp go/* "$work/go"
	(cd ../.. && go tool -modfile=tools/go.mod oapi-codegen -generate types,client -package client \
		-o "$work/go/client/client.gen.go" "$document")
	(cd "$work/go" && go vet ./... && go build -o order .)
}

run_go() {
	"$work/go/order"
}

build_typescript() {
	local project=$work/typescript
	npm_ci typescript
	mkdir -p "$project"
	cp typescript/*.ts typescript/*.json "$project"
	ln -sfn "$PWD/typescript/node_modules" "$project/node_modules"
	(
		cd "$project"
		node_modules/.bin/openapi-typescript "$document" --output generated/openapi-typescript.ts
		node_modules/.bin/openapi-ts --input "$document" --output generated/hey-api
		node_modules/.bin/tsc
	)
}

run_typescript() {
	node "$work/typescript/openapi-fetch.js"
	node "$work/typescript/hey-api.js"
}

# compiled LANGUAGE STATUS reports the end of a build that ran in the background.
compiled() {
	cat "$work/$1.log"
	return "$2"
}

# The builds run concurrently: they mostly start programs and read files.
declare -A builds
for language in java typescript python go; do
	once "$language" "build_$language" >"$work/$language.log" 2>&1 &
	builds[$language]=$!
done
for language in go python typescript java; do
	status=0
	wait "${builds[$language]}" || status=$?
	check "generated/$language: the client compiles" compiled "$language" "$status"
	check "generated/$language: the client runs orders" "run_$language"
done
exit "$code"
