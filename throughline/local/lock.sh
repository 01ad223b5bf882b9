#!/bin/sh
# Writes the lock files from pyproject.toml: one for a developer's .venv, one for each image. `make lock` calls it,
# `make lock-upgrade` with the option --upgrade.
set -eu
options=${1:-}
cd "$(dirname "$0")/../.."
lock() {
  out=$1
  shift
  # shellcheck disable=SC2086 # none or one
  .venv/bin/uv pip compile $options --universal --python-version 3.11 --generate-hashes --quiet \
    --no-strip-extras --no-header --no-emit-find-links --no-emit-index-url "$@" --output-file "$out" >/dev/null
}
lock requirements.lock pyproject.toml --all-extras
lock requirements-api.lock pyproject.toml --extra api
lock requirements-worker.lock pyproject.toml --extra worker --extra risk
lock requirements-monitor.lock pyproject.toml --extra monitor
# What `make bench` measures against.
rivals=tests/bench/rivals
lock $rivals/requirements.lock $rivals/requirements.in pyproject.toml --extra api --extra worker --extra risk
lock $rivals/requirements-arq.lock $rivals/requirements-arq.in
