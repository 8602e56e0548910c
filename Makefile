# Flowgate. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/gateway
	@CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/gateway ./cmd/gateway

.PHONY: generate
generate: ## Generate the API's types and its JSON form from api/openapi.yaml
	go tool -modfile=tools/go.mod oapi-codegen -config tools/oapi-codegen.yaml api/openapi.yaml
	cd tools && go run ./yaml2json ../api/openapi.yaml ../api/openapi.json
