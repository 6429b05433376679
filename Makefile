# make serve   from a fresh machine to a running gateway
# make test    from a fresh machine to the whole suite passed
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help serve demo test test-node lint format bench bench-detection docs docs-leaks lock install dev sbom image wheel clean

JOBS ?= 2
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
LLAMA := $(shell sed -n 's/^llama-cpp-python==\([^ ]*\).*/\1/p' requirements/base.txt)
# A compiled wheel fits one interpreter and one processor, so both are part of its folder's name.
CPU := $(shell (uname -m; grep -m1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null || sysctl -n machdep.cpu.brand_string 2>/dev/null) | cksum | cut -d' ' -f1)
WHEELS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/privacy-gateway/wheels/$(notdir $(PYTHON))-$(CPU)

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

serve: install ## run the gateway on 127.0.0.1:8080 (ARGS="--port 9000" passes arguments on)
	@exec $(BIN)/gateway serve $(ARGS)

demo: install ## see in one screen what leaves and what stays
	@exec $(BIN)/gateway demo $(ARGS)

test: dev ## the whole test suite, file by file in JOBS processes
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

test-node: dev ## the official Node clients, directly and through the gateway (needs Node 20 or newer)
	$(BIN)/python -m tests.node.run

lint: dev ## style, types, import contracts, size stops
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture

format: dev ## write the canonical form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: dev ## measure, and write docs/benchmarks/gateway.json and streaming.json
	$(BIN)/python -m tests.benchmarks.bench_gateway $(ARGS)
	$(BIN)/python -m tests.benchmarks.bench_streaming

bench-detection: dev ## measure detection beside plain Presidio (data: GATEWAY_BENCH_DATA), and write docs/benchmarks/detection.md
	$(BIN)/python -m tests.benchmarks.bench_detection $(ARGS)

docs: install ## write the generated references
	$(BIN)/python -m gateway.docs

docs-leaks: dev ## run the whole leak suite, and write docs/leaks.md
	$(BIN)/python -m tests.egress.leaks.report

lock: ## pin every requirement again, nothing younger than a week (needs uv)
	for set in base build dev train; do \
	  uv pip compile requirements/$$set.in -o requirements/$$set.txt --universal --python-version 3.11 --generate-hashes \
	    --exclude-newer "$$(date -u -d '7 days ago' +%Y-%m-%dT00:00:00Z)" --no-emit-index-url --no-header -q; \
	done

sbom: dev ## write dist/sbom.cdx.json: every pinned dependency with its hashes, in CycloneDX
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements/base.txt --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json

image: ## build the container image (needs docker)
	docker build --build-arg REVISION="$$(git rev-parse HEAD)" -t privacy-gateway:0.1.0 .

wheel: dev ## build dist/*.whl
	$(BIN)/python -m build --wheel --no-isolation

install: $(VENV)/.installed
dev: $(VENV)/.dev

$(VENV)/.installed: requirements/base.txt requirements/build.txt pyproject.toml | $(WHEELS)/llama-$(LLAMA)
	@echo "Installing the gateway into $(VENV) (every file checked against its hash) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements/build.txt
	@awk '/^[a-z]/ {skip = /^llama-cpp-python==/} !skip' requirements/base.txt > $(VENV)/base.txt
	@$(PIP) install --require-hashes -r $(VENV)/base.txt
	@$(PIP) install --no-deps --no-index --force-reinstall $(WHEELS)/llama-$(LLAMA)/*.whl
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements/dev.txt
	@echo "Installing what testing needs ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(WHEELS)/llama-$(LLAMA):
	@echo "Compiling llama.cpp $(LLAMA) for this processor. This happens once and takes about four minutes on two cores;"
	@echo "the result is kept in $(WHEELS)."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements/build.txt
	@awk '/^[a-z]/ {keep = /^llama-cpp-python==/} keep' requirements/base.txt > $(VENV)/llama.txt
	@mkdir -p $(WHEELS)
	@rm -rf $@.part
	@PATH="$(abspath $(BIN)):$$PATH" CMAKE_ARGS="-DLLAVA_BUILD=OFF $(CMAKE_ARGS)" $(PIP) wheel --no-deps --no-build-isolation \
	  --no-binary llama-cpp-python --no-cache-dir --require-hashes -r $(VENV)/llama.txt -w $@.part
	@mv $@.part $@

clean: ## remove what was built here (not the cached wheel)
	rm -rf $(VENV) build dist var tests/node/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
