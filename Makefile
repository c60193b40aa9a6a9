# The commands of this repository. "make" alone lists them.

SHELL := /bin/bash
MODULES := migrations sdk core plugins/conan plugins/maven plugins/npm plugins/nuget
PACKAGES := $(foreach m,$(MODULES),./$(m)/...)
TOOLS := bin/tools
GO := go
# Tests start servers and databases: more packages at once than processors would only make them wait.
TESTFLAGS ?= -p 2 -timeout 20m
DATA ?= data
LISTEN ?= 127.0.0.1:8080

.DEFAULT_GOAL := help
.PHONY: help build run test test-unit e2e race lint fmt generate verify standalone fuzz dead bench clients tools ci clean

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

build: ## Build pakhus and its plugins into bin/
	$(GO) build -trimpath -o bin/ ./core/cmd/pakhus ./plugins/conan/cmd/pakhus-plugin-conan ./plugins/maven/cmd/pakhus-plugin-maven ./plugins/npm/cmd/pakhus-plugin-npm ./plugins/nuget/cmd/pakhus-plugin-nuget
	@cd bin && sha256sum pakhus-plugin-* > SHA256SUMS

run: build ## Build, and run a registry with an embedded PostgreSQL (DATA=data LISTEN=127.0.0.1:8080)
	@exec bin/pakhus serve --data "$(DATA)" --listen "$(LISTEN)"

test: build clients ## Run every test of every module, with real PostgreSQL and real clients
	$(GO) test $(TESTFLAGS) $(PACKAGES)

test-unit: ## Run the tests that need no package clients
	$(GO) test $(TESTFLAGS) $(foreach m,migrations sdk core,./$(m)/...) ./plugins/maven ./plugins/maven/internal/... ./plugins/npm

e2e: build clients ## Run the tests with real package clients
	$(GO) test $(TESTFLAGS) ./plugins/npm/e2e/... ./plugins/maven/e2e/... ./plugins/nuget/e2e/... ./plugins/conan/e2e/...

race: build clients ## Run every test with the race detector
	$(GO) test -race $(TESTFLAGS) $(PACKAGES)

clients: ## Install the package clients that tests use, into .cache/
	@scripts/clients.sh

tools: ## Install the development tools, into bin/tools
	@scripts/tools.sh

lint: ## Check style and the walls between packages
	@scripts/tools.sh golangci-lint
	$(TOOLS)/golangci-lint run $(PACKAGES)

fmt: ## Format
	@scripts/tools.sh golangci-lint
	$(TOOLS)/golangci-lint fmt $(PACKAGES)

generate: ## Generate code from the contract and the queries
	@scripts/tools.sh protoc-gen-go protoc-gen-go-grpc buf sqlc
	cd sdk/proto && PATH="$(CURDIR)/$(TOOLS):$$PATH" buf generate
	cd core && ../$(TOOLS)/sqlc generate

verify: generate ## Check that what is generated is current, and that contract and schema keep their promises
	@scripts/tools.sh squawk
	cd sdk/proto && ../../$(TOOLS)/buf lint
	@scripts/breaking.sh
	$(TOOLS)/squawk migrations/*.sql plugins/*/migrations/*.sql
	for m in $(MODULES); do (cd $$m && GOWORK=off $(GO) mod tidy) || exit 1; done
	$(GO) work sync
	git diff --exit-code

standalone: ## Build each module by itself, as those who import it do
	for m in $(MODULES); do echo "$$m"; (cd $$m && GOWORK=off $(GO) build ./... && GOWORK=off $(GO) vet ./...) || exit 1; done

fuzz: ## Fuzz every parser of hostile input for a while (FUZZTIME=30s)
	@scripts/fuzz.sh

dead: ## List code that nothing reaches
	@scripts/tools.sh deadcode
	$(TOOLS)/deadcode -test $(PACKAGES)

bench: build ## Compare with Verdaccio and the bare reference; writes bench.json
	@scripts/bench-peers.sh
	$(GO) run ./core/bench -json bench.json

ci: standalone lint verify test ## Everything that must pass before a change lands

clean: ## Remove what was built
	rm -rf bin/pakhus bin/pakhus-plugin-* bin/SHA256SUMS
