# Flowgate. `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
OAPI_CODEGEN := go tool -modfile=tools/go.mod oapi-codegen

# Only the race detector needs a C compiler. Without a compiler, the tests run without the race detector.
RACE = $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && command -v $$(go env CC) >/dev/null && echo -race)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# temporal-documents are the commands that write the documents of the Temporal HTTP API to a directory.
temporal-documents = go run ./api/temporal/generate openapi "$(1)/openapi.yaml" && \
	go run ./api/temporal/generate swagger /dev/stdout | (cd tools && go run ./yaml2json /dev/stdin "$(1)/swagger.json")

# The Dockerfile builds releases, with -trimpath and without cgo. The build here has the default flags, like the tests,
# the linter and the development stack, so that shared packages are compiled once.
.PHONY: build
build: ## Build bin/gateway
	@go build -ldflags "$(LDFLAGS)" -o bin/gateway ./cmd/gateway

# The bill of materials of bin/gateway, as SPDX. Releases have one for each binary.
.PHONY: sbom
sbom: build sbom-tool ## Write the bill of materials of bin/gateway to bin/gateway.spdx.json
	@bin/sbom bin/gateway "$(VERSION)" bin/gateway.spdx.json

.PHONY: sbom-tool
sbom-tool:
	@cd tools && go build -o ../bin/sbom ./sbom

# It is not a part of make test, because goreleaser builds for minutes. The release workflow runs it.
.PHONY: release-check
release-check: ## Validate .goreleaser.yaml (building goreleaser the first time takes minutes)
	@go tool -modfile=tools/release/go.mod goreleaser check

# exec replaces the shell with the stack, so that the stack receives Ctrl-C once.
.PHONY: run
run: ## Run Temporal, a sample worker and the gateway until Ctrl-C
	@echo "Flowgate's development stack: Temporal, a sample worker and the gateway"
	@cd dev && go run ./cmd/build
	@exec bin/stack

# BASE is the branch that make check compares with, to lint only the changed packages.
BASE ?= main

.PHONY: check
check: ## Check the format, vet, lint the changed packages and test the gateway, in about a minute
	@$(MAKE) lint-format
	@echo "== go vet: the gateway"
	@go vet ./...
	@tools/lint-changed.sh $(BASE)
	@$(MAKE) test-gateway RACE=

# STEPS are the steps of make test. The steps with Go tests write the events of go test -json. test2json converts the
# output of other steps to such events, with the step as the package. tools/report.sh reports them all.
TESTS := gateway bench fuzz stack deploy clients
STEPS := generated vet $(TESTS)

.PHONY: test
test: ## Run everything that CI runs
	@tools/report.sh $(MAKE) -j 1 --keep-going $(STEPS:%=events-%)

# One step of make test, such as make test-gateway PACKAGES=./internal/server
.PHONY: $(TESTS:%=test-%)
$(TESTS:%=test-%): test-%:
	@tools/report.sh $(MAKE) events-$*

# heading is the command that writes a heading before a step, as an event.
heading = printf '{"Action":"output","Package":"make","Output":"== %s\\n"}\n' "$(1)"
# as-events is the command that runs another command and converts its text output to events. Its argument is the name of
# the package in the events.
as-events = go tool test2json -t -p "$(1)"

.PHONY: events-generated events-vet
events-generated events-vet: events-%:
	@$(call as-events,make $*) $(MAKE) $*

.PHONY: generated
generated: ## Check that the generated files are current
	@echo "== generated files are current"
	@dir=$$(mktemp -d) && trap 'rm -r "$$dir"' EXIT && \
	sed "s|^output:.*|output: $$dir/openapi.gen.go|" tools/oapi-codegen.yaml >"$$dir/config.yaml" && \
	$(OAPI_CODEGEN) -config "$$dir/config.yaml" api/openapi.yaml && \
	(cd tools && go run ./yaml2json ../api/openapi.yaml "$$dir/openapi.json") && \
	mkdir "$$dir/temporal" && $(call temporal-documents,$$dir/temporal) && \
	cmp "$$dir/openapi.gen.go" internal/handlers/openapi/openapi.gen.go && cmp "$$dir/openapi.json" api/openapi.json && \
	cmp "$$dir/temporal/openapi.yaml" api/temporal/openapi.yaml && \
	cmp "$$dir/temporal/swagger.json" api/temporal/swagger.json || \
	{ echo "Run make generate." >&2; exit 1; }

.PHONY: vet
vet: ## Run go vet
	@echo "== go vet: the gateway"
	@go vet ./...
	@echo "== go vet: dev (compiles a Temporal server the first time, which takes minutes)"
	@cd dev && go vet ./...
	@echo "== go vet: bench"
	@cd bench && go vet ./...
	@echo "== go vet: deploy"
	@cd deploy && go vet ./...

PACKAGES ?= ./...

.PHONY: events-gateway
events-gateway:
	@$(call heading,tests of the gateway $(if $(RACE),with,without) the race detector)
	@go test -json $(RACE) $(PACKAGES)

.PHONY: events-bench
events-bench:
	@$(call heading,tests of the benchmark)
	@cd bench && go test -json ./...

# A short form of make fuzz that starts from the seeds only, without the inputs that earlier runs have found. It runs two
# packages at a time, because a target spends half of its time on startup and waiting.
.PHONY: events-fuzz
events-fuzz:
	@$(call heading,fuzz targets for a moment each (instrumenting the packages the first time takes minutes))
	@cache=$$(mktemp -d) && trap 'rm -r "$$cache"' EXIT && \
	$(call as-events,make fuzz) $(MAKE) -j 2 --output-sync=target fuzz FUZZTIME=3s FUZZCACHE="$$cache"

# One package at a time, because each starts servers. -count=1 bypasses the test cache, which does not detect changes of
# the gateway's binary.
.PHONY: events-stack
events-stack: events-build
	@$(call heading,tests against a Temporal server)
	@cd dev && go test -json -count=1 -p 1 ./...

# One package at a time, because each starts servers. DEPLOY names packages: make test-deploy DEPLOY=./helm.
DEPLOY ?= ./...

.PHONY: events-deploy
events-deploy: events-build events-with-stack
	@$(call heading,tests of deploy/ (installs programs from Debian the first time, as root))
	@cd deploy && ../bin/with-stack go test -json -count=1 -p 1 -timeout 20m $(DEPLOY)

# Suites can be named: make test-clients SUITES="python node".
.PHONY: events-clients
events-clients: events-build events-with-stack
	@$(call heading,tests of clients that are not Go (installs what they need the first time, which takes minutes))
	@cd dev && ../bin/with-stack ../e2e/run.sh -json $(SUITES)

.PHONY: events-with-stack
events-with-stack:
	@cd dev && $(call as-events,make with-stack) go build -o ../bin/with-stack ./cmd/with-stack

.PHONY: events-build
events-build:
	@$(call as-events,make build) $(MAKE) build

# FUZZTIME is the time for each target. Interesting inputs are stored in FUZZCACHE, and failing ones in the package's
# testdata/fuzz. Inputs are minimised for 100 executions and not for the default minute, because the goroutines of a
# server make coverage differ between executions. A package's binary is built once, for all of its targets.
FUZZTIME ?= 10m
FUZZCACHE ?= $(shell go env GOCACHE)/fuzz/flowgate
FUZZED := $(sort $(dir $(shell grep -rl --include='*_test.go' '^func Fuzz' cmd internal)))

.PHONY: fuzz
fuzz: $(FUZZED:%/=fuzz-%) ## Fuzz each target for FUZZTIME (10m); stop at the first failure

.PHONY: $(FUZZED:%/=fuzz-%)
$(FUZZED:%/=fuzz-%): fuzz-%:
	@bin=$$(mktemp -d) && trap 'rm -r "$$bin"' EXIT && \
	go test -c -fuzz . -o "$$bin/fuzz.test" ./$* && cd $* && \
	for target in $$("$$bin/fuzz.test" -test.list '^Fuzz'); do \
		"$$bin/fuzz.test" -test.v -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzztime $(FUZZTIME) \
			-test.fuzzminimizetime 100x -test.fuzzcachedir "$(FUZZCACHE)/$*" || \
			{ printf 'FAIL\t%s: %s\n' $* "$$target"; exit 1; }; \
	done && \
	printf 'ok  \t%s\t%s a target\n' $* $(FUZZTIME)

# SOAK are flags: make soak SOAK="-duration 1m".
.PHONY: soak
soak: build ## Send valid and hostile traffic to a gateway for ten minutes
	@cd dev && go run ./cmd/soak $(SOAK)

# BENCH are flags: make bench BENCH=-short, or BENCH=-write for docs/performance.md.
.PHONY: bench
bench: build ## Compare the gateway with the floor and plain grpc-gateways, in four minutes
	@cd bench && go run . $(BENCH)

.PHONY: lint
lint: ## Check the format, run go vet and golangci-lint
	@$(MAKE) --keep-going lint-format vet lint-gateway lint-dev lint-bench lint-deploy

.PHONY: lint-format
lint-format:
	@echo "== gofmt"
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "$$unformatted"; exit 1; fi

.PHONY: lint-gateway
lint-gateway:
	@echo "== golangci-lint: the gateway (building it the first time takes minutes)"
	@go tool -modfile=tools/lint/go.mod golangci-lint run --allow-serial-runners

.PHONY: lint-dev
lint-dev:
	@echo "== golangci-lint: dev"
	@cd dev && go tool -modfile=../tools/lint/go.mod golangci-lint run --allow-serial-runners

.PHONY: lint-bench
lint-bench:
	@echo "== golangci-lint: bench"
	@cd bench && go tool -modfile=../tools/lint/go.mod golangci-lint run --allow-serial-runners

.PHONY: lint-deploy
lint-deploy:
	@echo "== golangci-lint: deploy"
	@cd deploy && go tool -modfile=../tools/lint/go.mod golangci-lint run --allow-serial-runners

.PHONY: generate
generate: ## Generate files from api/openapi.yaml, Temporal's API, the settings, the chart's values and npm
	$(OAPI_CODEGEN) -config tools/oapi-codegen.yaml api/openapi.yaml
	cd tools && go run ./yaml2json ../api/openapi.yaml ../api/openapi.json
	$(call temporal-documents,$(CURDIR)/api/temporal)
	UPDATE_README=1 go test -count=1 -run '^TestREADME' ./internal/config
	cp deploy/prometheus/rules.yaml deploy/grafana/flowgate.json deploy/helm/flowgate/files
	cd deploy && UPDATE_README=1 go test -count=1 -run '^TestREADME' ./helm
	dir=$$(mktemp -d) && trap 'rm -r "$$dir"' EXIT && cd internal/docs/ui && cp package.json package-lock.json .npmrc "$$dir" && \
	npm ci --prefix "$$dir" --ignore-scripts --no-audit --no-fund && \
	for file in swagger-ui/*; do cp "$$dir/node_modules/swagger-ui-dist/$${file##*/}" swagger-ui/ || exit 1; done
