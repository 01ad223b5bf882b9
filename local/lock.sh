#!/bin/sh
# Writes the lock files from pyproject.toml: one for a developer's .venv, one for each image. `make lock` calls it.
set -eu
cd "$(dirname "$0")/.."
lock() {
  out=$1
  shift
  .venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
    --no-header --no-emit-find-links --no-emit-index-url "$@" --output-file "$out"
}
lock requirements.lock --all-extras
lock requirements-api.lock --extra api
lock requirements-worker.lock --extra worker
lock requirements-monitor.lock --extra monitor
