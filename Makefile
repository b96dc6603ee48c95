# Every command that this project needs. `make help` lists them.
# PYTHON=… chooses the interpreter for the set-up; ARGS="…" is passed on to the command.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-postgres lint format bench kills kills-out properties simulate fuzz fuzz-postgres wheels-test requirements protocol openapi clean

ARGS ?=
UPGRADE ?=
export PYTHON

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## Set up .venv, the test tools and what npm brings (the other commands do it themselves)
	@scripts/setup.sh dev

demo: ## Run the gateway with local chains and a funded payer; ARGS="--port 9000 …"
	@scripts/setup.sh run
	@exec .venv/bin/cloudpay demo $(ARGS)

test: ## Run all tests, on SQLite and (where it is installed) on PostgreSQL; ARGS="-k invoice"
	@scripts/setup.sh dev
	@exec .venv/bin/python scripts/suite.py all $(ARGS)

test-postgres: ## Run the core's tests on a private PostgreSQL alone
	@scripts/setup.sh dev
	@exec .venv/bin/python scripts/suite.py postgres $(ARGS)

lint: ## Check style (ruff), types (mypy), imports (import-linter) and the tree itself
	@scripts/setup.sh dev
	@exec .venv/bin/python scripts/lint.py

format: ## Lay the code out and apply ruff's safe fixes
	@scripts/setup.sh dev
	@.venv/bin/ruff check --quiet --fix-only . && .venv/bin/ruff format --quiet .

bench: ## Run the benchmarks, which print figures beside their goals; ARGS="reads --quick"
	@scripts/setup.sh dev
	@exec .venv/bin/python -m bench $(ARGS)

kills: ## Kill processes hundreds of times while money comes in; ARGS="--kills 500 --seed 1 --database sqlite"
	@scripts/setup.sh dev
	@exec .venv/bin/python -m tests.kills $(ARGS)

kills-out: ## Kill processes at every failpoint while money goes out; ARGS="--family tron --seeds 20 --database sqlite --json FILE"
	@scripts/setup.sh dev
	@exec .venv/bin/python -m tests.kills_out $(ARGS)

properties: ## Hold the money rules of paying out against chance; ARGS="--steps 10000", "--seed 17 --examples 20"
	@scripts/setup.sh dev
	@exec .venv/bin/python -m tests.properties $(ARGS)

simulate: ## Run the gateway against chance, seed by seed; ARGS="--seeds 2000", "--seed 17", "--mutants --seeds 25"
	@scripts/setup.sh dev
	@exec .venv/bin/python -m tests.simulation $(ARGS)

fuzz: ## Send the API what its document allows and forbids, on SQLite; ARGS="--requests 20000 --seed 1"
	@scripts/setup.sh dev
	@exec .venv/bin/python -m tests.fuzz $(ARGS)

fuzz-postgres: ## The same on a private PostgreSQL
	@scripts/setup.sh dev
	@exec .venv/bin/python scripts/postgres.py .venv/bin/python -m tests.fuzz $(ARGS)

wheels-test: ## Build wheels and test them in clean environments: the core alone, each plugin alone
	@scripts/setup.sh dev
	@exec .venv/bin/python scripts/wheels_test.py $(ARGS)

requirements: ## Compile the pinned requirement files; UPGRADE=1 takes new versions
	@scripts/setup.sh dev
	@exec .venv/bin/python scripts/requirements.py $(if $(UPGRADE),--upgrade)

protocol: ## Make Python modules of the TRON plugin's Protocol Buffers, after a change of tron.proto
	@scripts/setup.sh dev
	@exec .venv/bin/python scripts/protocol.py $(ARGS)

openapi: ## Print the OpenAPI document of this checkout
	@scripts/setup.sh run >&2
	@exec .venv/bin/cloudpay openapi $(ARGS)

clean: ## Remove everything that these commands made (not the data of a gateway)
	@rm -rf .venv .local tools/*/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
