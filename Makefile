# `make help` lists what there is. Everything lives in .venv, .build and the user's cache folder.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What whole runs come to under every fault: minutes.
TAKES_LONGER := tests/behaviours tests/sequences
NEEDS_MORE := apiserver or cluster or peer or stores or documents or kill
# There is one node; API servers take most of a core each; most other tests wait for answers rather than compute.
ON_THE_NODE := cluster
ON_API_SERVERS := apiserver and not cluster
AT_ONCE := -n 4 --dist loadfile --no-loadscope-reorder
# Installed before tests run side by side, which would have to wait for each other's apt-get, and don't.
PACKAGES_OF_TESTS := buildah debootstrap chromium fonts-dejavu-core libfaketime
TWO_AT_ONCE := -n 2 --dist loadfile --no-loadscope-reorder
# Where the shell has it set, thousands of processes would each compile what they import.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help dev check test-fast test test-on-the-node test-on-api-servers run tour demo down golden pictures manifests lock bench soak clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

$(VENV)/.complete: pyproject.toml requirements/dev.txt
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || requirements/system.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	@echo "The pinned packages are downloaded and installed into $(VENV): half a minute, or several on a busy machine"
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

dev: $(VENV)/.complete ## a virtual environment with everything, pinned by hash
	requirements/system.sh

check: $(VENV)/.complete ## formatting, lint, types, import layers
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test-fast: dev ## what needs neither root nor a cluster: 3 minutes
	$(BIN)/python -m pytest -q -m "not ($(NEEDS_MORE))" $(addprefix --ignore=,$(TAKES_LONGER)) $(AT_ONCE)

test: dev check ## all tests, on a real Kubernetes that is built and started here (root, Debian)
	requirements/system.sh $(PACKAGES_OF_TESTS)
	command -v npm >/dev/null || requirements/system.sh nodejs npm
	$(BIN)/python -m devcluster prepare
	$(MAKE) --jobs=2 --keep-going test-on-the-node test-on-api-servers
	$(BIN)/python -m pytest -m "not (cluster or apiserver)" $(AT_ONCE) --durations=15

# The node is idle most of the time, so its tests run beside those of the API servers. What make tells its own jobs is
# kept from those that tests start.
test-on-the-node:
	@mkdir -p .build
	@echo "The node's tests run beside these of the API servers; what they print comes at their end."
	@unset MAKEFLAGS MFLAGS MAKELEVEL; code=0; \
	$(BIN)/python -m pytest -m "$(ON_THE_NODE)" --durations=15 >.build/test-on-the-node.log 2>&1 || code=$$?; \
	cat .build/test-on-the-node.log; exit $$code

test-on-api-servers:
	@unset MAKEFLAGS MFLAGS MAKELEVEL; \
	$(BIN)/python -m pytest -m "$(ON_API_SERVERS)" $(TWO_AT_ONCE) --durations=15

run: dev ## from nothing to a collected OneDrive on Kubernetes (BANNETTE_CONTEXT=name: your own cluster)
	$(BIN)/python -m demo.cluster

tour: $(VENV)/.complete ## after make run: a client connects an account, from the mail to the inbox, and you are the client
	$(BIN)/python -m demo.tour

demo: dev ## the same documents without Kubernetes: a minute
	$(BIN)/python -m demo.local

down: $(VENV)/.complete ## end the embedded cluster
	$(BIN)/python -m devcluster down

golden: $(VENV)/.complete ## make the golden files again; read the difference
	$(BIN)/python -m tests.controller.golden
	$(BIN)/python -m tests.ocr.golden
	$(BIN)/python -m tests.chart.snapshots
	PYTHONPATH=operator:. $(BIN)/python -m tests.notify.mails

pictures: $(VENV)/.complete ## take the pictures of the README again, in a browser
	PYTHONPATH=operator:. $(BIN)/python -m tests.browser.pictures

manifests: $(VENV)/.complete ## render manifests/install and the chart's README, docs/{reference,behaviours,formats}.md
	$(BIN)/python -m devcluster.chart
	$(BIN)/python docs/generate_reference.py
	$(BIN)/python docs/generate_behaviours.py
	$(BIN)/python docs/generate_formats.py
	$(BIN)/python docs/generate_values.py

bench: dev ## measure what runs cost (40 minutes); writes benchmarks/figures.md (BENCH="--only quiet": a part)
	$(BIN)/python -m benchmarks $(BENCH)

soak: dev ## kill runs 1,000 times and the operator 200 times, go through long random sequences and damaged documents; writes benchmarks/soak.md
	$(BIN)/python -m soak --kills 1000 --store local
	for seed in 1 2 3 4; do $(BIN)/python -m soak --kills 250 --store s3 --seed $$seed; done
	BANNETTE_KILL_MOMENTS=200 $(BIN)/python -m pytest -q tests/collector/test_killed.py -k moment
	BANNETTE_OPERATOR_KILLS=200 $(BIN)/python -m pytest -q tests/controller/test_kills.py
	$(BIN)/python -m pytest -q tests/sequences --hypothesis-profile=soak
	BANNETTE_FUZZ_EXAMPLES=3000 $(BIN)/python -m pytest -q -s tests/ocr/test_mutations.py

lock: $(VENV)/.complete ## renew the pinned requirements
	requirements/lock.sh

clean: ## remove what was built here (not the cache folder)
	rm -rf $(VENV) .build dist
