# The commands of this checkout. `make` alone lists them.
# PYTHON=python3.12 make setup   chooses the Python; HTTP_PORT=9080 make up   moves all ports.
PYTHON ?=
export PYTHON
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status test test-fast model chaos load bench lint format lock docs dashboards clean
.PHONY: env stack stack-down test-stack test-cluster browser

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

setup: ## installs what is missing: NGINX, redis-server, everything else into .venv
	@sh throughline/local/setup.sh

demo: setup ## starts the nine processes, sends a task, shows its journey
	@$(BIN)/throughline demo

up: setup ## starts the nine processes
	@$(BIN)/throughline up

down: ## stops them
	@test ! -x $(BIN)/throughline || $(BIN)/throughline down

status: setup ## shows process, port, pid and health of each
	@$(BIN)/throughline status

test: setup browser lint ## runs lint, types and all tests that need no Docker, with branch coverage
	$(BIN)/pytest --cov --cov-report= -n 2 --dist loadfile --ignore tests/chaos --ignore tests/load
	$(BIN)/pytest --cov --cov-append --cov-report=term:skip-covered tests/chaos tests/load

test-fast: setup lint ## runs lint, unit tests and the model test: less than a minute
	$(BIN)/pytest -n auto tests/unit $(wildcard tests/model)

model: setup ## runs the model test of a task's life at length: 2,000 examples (MODEL_EXAMPLES, SEED)
	@seed=$(or $(SEED),$$(date +%s)); echo "SEED=$$seed"; \
	  MODEL_EXAMPLES=$(or $(MODEL_EXAMPLES),2000) $(BIN)/pytest tests/model -rA --hypothesis-profile=long --hypothesis-seed=$$seed

chaos: setup ## breaks each part of the nine under load and writes docs/reliability.md (ROUNDS=3)
	$(BIN)/python -m tests.chaos

load: setup ## sends 100 requests a second for five minutes, report in var/load (RATE, DURATION, TASKS=200000, PROFILE=overload, WEB=8089)
	$(BIN)/python -m tests.load

bench: setup ## measures the figures of docs/benchmarks.md, each beside a floor or a rival
	@for name in journey_search profile front_door in_process group_commit growth worker value_at_risk pricing memory cancellation durability redis_blocking task_list history; do \
	  echo "── $$name"; $(BIN)/python -m tests.bench.bench_$$name || exit 1; done

lint: setup ## checks style, types and imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup ## formats the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: setup ## writes the lock files from pyproject.toml
	sh throughline/local/lock.sh

docs: setup ## writes the reference pages, the Grafana dashboard and what the chart knows of the settings from their sources
	$(BIN)/python -m throughline.local.reference
	$(BIN)/python -m dashboards.grafana.build

dashboards: setup ## writes Kibana's saved objects from their sources
	$(BIN)/python -m dashboards.kibana.build

env: ## writes the stack's passwords into .env, if they are not there yet
	@sh deploy/env.sh .env

stack: env ## starts the stack in Docker: the nine containers and the plane; needs no setup
	docker compose up --build --wait

stack-down: ## stops it; its data stays (docker compose down -v removes that too)
	docker compose down

test-stack: setup ## starts a stack of its own in Docker and checks it from outside
	$(BIN)/pytest -m stack tests/stack --timeout 900

test-cluster: setup ## installs the chart into a namespace of its own on the cluster at hand and checks it from outside
	$(BIN)/pytest -m cluster tests/chart tests/cluster --timeout 900

browser:
	@sh throughline/local/setup.sh browser

clean: down ## stops the nine; removes their data and everything that setup made here
	rm -rf var .venv *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
