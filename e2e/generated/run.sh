#!/usr/bin/env bash
# Generates clients from the OpenAPI document, compiles them, and executes the sample workflow Order with each client.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ../lib.sh

# The key of the build cache changes when an input of the builds changes.
key=$({
	find . \( -name .work -o -name .venv -o -name '.*_cache' \) -prune -o -type f -print | LC_ALL=C sort | xargs cat
	cat ../../api/openapi.json ../../tools/go.mod
	go version
	python3 --version
	java --version
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
	local client=$work/python/flowgate_client
	venv python
	"${python[@]}" -m openapi_python_client generate --path "$document" --config python/config.yaml \
		--meta none --fail-on-warning --overwrite --output-path "$client"
	"${python[@]}" -m compileall -q "$client"
	MYPYPATH=$work/python "${python[@]}" -m mypy --cache-dir "$work/python/.mypy_cache" -p flowgate_client
	MYPYPATH=$work/python "${python[@]}" -m mypy --cache-dir "$work/python/.mypy_cache" --strict python/main.py
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

for language in python go java; do
	check "generated/$language: the client compiles" once "$language" "build_$language"
	check "generated/$language: the client runs an order" "run_$language"
done
exit "$code"
