# The commands of this checkout. `make` alone lists them.
# PYTHON=python3.12 make setup   chooses the Python; HTTP_PORT=9080 make up   moves all ports.
PYTHON ?=
export PYTHON
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status test test-fast coverage model chaos load bench lint format lock docs dashboards clean
.PHONY: env stack stack-down test-most test-faults test-stack test-cluster browser
.PHONY: images images-push images-pull images-index chart chart-push kind lint-deploy lock-check lock-upgrade lock-proposal
.PHONY: release-notes release-page

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

test: setup browser lint ## runs lint, types and all tests that need no Docker
	@$(MAKE) test-most test-faults

test-most: setup browser
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --ignore tests/chaos --ignore tests/load

test-faults: setup
	$(BIN)/pytest tests/chaos tests/load

coverage: setup ## shows which lines and branches the unit, model and integration tests reach
	$(BIN)/pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered tests/unit tests/model tests/integration

test-fast: setup lint ## runs lint, the unit tests that repeat no estimate, and the model test
	$(BIN)/pytest -n auto -m "not repeated" tests/unit $(wildcard tests/model)

model: setup ## runs the model test of a task's life at length: 2,000 examples (MODEL_EXAMPLES, SEED)
	@seed=$(or $(SEED),$$(date +%s)); echo "SEED=$$seed"; \
	  MODEL_EXAMPLES=$(or $(MODEL_EXAMPLES),2000) $(BIN)/pytest tests/model -rA --hypothesis-profile=long --hypothesis-seed=$$seed

chaos: setup ## breaks each part of the nine under load and writes docs/reliability.md (ROUNDS=3; ROWS=combined or all)
	$(BIN)/python -m tests.chaos

load: setup ## sends 100 requests a second for five minutes, report in var/load (RATE, DURATION, TASKS=200000, PROFILE=overload, WEB=8089)
	$(BIN)/python -m tests.load

bench: setup ## measures the figures of docs/benchmarks.md, each beside a floor or a rival
	@for name in journey_search profile front_door in_process group_commit growth worker value_at_risk repricing pricing optimization memory cancellation durability redis_blocking task_list history; do \
	  echo "── $$name"; $(BIN)/python -m tests.bench.bench_$$name || exit 1; done

lint: setup ## checks style, types, imports, Dockerfiles and workflows
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint deploy/Dockerfile nginx/Dockerfile observability/otel-collector/Dockerfile
	$(BIN)/zizmor --quiet --offline --persona pedantic .github

lint-deploy: ## checks workflows and chart by what `lint` does not need: Go (actionlint) and helm
	go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	helm lint --strict deploy/helm/throughline
	helm lint --strict deploy/helm/throughline --values tests/cluster/values.yaml

format: setup ## formats the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: setup ## writes the lock files from pyproject.toml
	sh throughline/local/lock.sh

lock-check: setup ## fails where `make lock` would change a lock file
	sh throughline/local/lock.sh
	@git diff --exit-code --stat -- '*.lock' || { echo "The lock files are not those of pyproject.toml: run 'make lock' and commit them." >&2; exit 1; }

lock-upgrade: setup ## as `lock`, with the newest version of all that pyproject.toml does not pin
	sh throughline/local/lock.sh --upgrade

lock-proposal: ## makes a pull request of changed lock files (GH_TOKEN)
	@sh deploy/lock_proposal.sh

docs: setup ## writes the reference pages, plots, the Grafana dashboard and what the chart knows of the settings from their sources
	$(BIN)/python -m throughline.local.reference
	$(BIN)/python -m dashboards.grafana.build
	$(BIN)/python -m docs.plots

dashboards: setup ## writes Kibana's saved objects from their sources
	$(BIN)/python -m dashboards.kibana.build

images: ## builds the images of nginx, api, worker and monitor (TAG, REGISTRY)
	@sh deploy/images.sh build

images-push: ## builds and pushes them for this architecture, by digest, with SBOM and provenance (REGISTRY, TAG)
	@sh deploy/images.sh push

images-pull: ## fetches by digest what images-push pushed (REGISTRY, TAG, PULL_AS)
	@sh deploy/images.sh pull

images-index: ## puts both architectures' images under one tag (REGISTRY, TAG)
	@sh deploy/images.sh index

chart: ## packs the Helm chart into var/chart (TAG, REGISTRY)
	@sh deploy/chart.sh pack

chart-push: ## pushes what `chart` packed to REGISTRY/charts
	@sh deploy/chart.sh push

release-notes: setup ## writes the changelog's section of TAG into var/release/notes.md; refuses a TAG that is not the version
	@mkdir -p var/release
	@$(BIN)/python -m deploy.release_notes $(TAG) >var/release/notes.md

release-page: ## makes TAG's page on GitHub of var/release/notes.md and the packed chart (GH_TOKEN)
	gh release create "$(TAG)" --verify-tag --title "$(TAG)" --notes-file var/release/notes.md var/chart/*.tgz

kind: ## brings metrics-server and KEDA into a new cluster of kind's
	@sh tests/cluster/kind.sh

env: ## writes the stack's passwords into .env, if they are not there yet
	@sh deploy/env.sh .env

stack: env ## starts the stack in Docker: the nine containers and the plane; needs no setup
	@grep -qs '^SERVICE_VERSION=.' .env || export SERVICE_VERSION="$${SERVICE_VERSION:-$$(sh deploy/version.sh)}"; \
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
