#!/bin/sh
# Makes this checkout runnable: NGINX and redis-server from the system's packages, everything else into .venv.
# `make setup` calls it, and so does each target that needs it. When nothing is missing, it prints nothing.
# `setup.sh browser` installs Chromium instead, which only the tests of the page need.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin
stamp=.venv/.setup

fail() {
  echo "setup: $*" >&2
  exit 1
}

# Runs a command silently; shows its output if it fails.
quietly() {
  said=$(mktemp)
  if "$@" >"$said" 2>&1; then
    rm -f "$said"
  else
    cat "$said" >&2
    rm -f "$said"
    return 1
  fi
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# ── Packages of the system

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  has apt-get && { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

# Installs Debian packages, or says in one line what to install.
install_packages() {
  may_install || fail "$* missing. Please install: sudo apt-get install $*"
  echo "Installing $* …"
  if apt_install "$@" >/dev/null 2>&1; then return; fi
  # The package lists are absent or old.
  quietly as_root apt-get update || fail "apt-get update failed"
  quietly apt_install "$@" || fail "could not install $*"
}

install_servers() {
  missing=
  has nginx || missing="nginx"
  has redis-server || missing="$missing redis-server"
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086 # a list of words
  if [ "$(uname)" = Darwin ]; then
    has brew || fail "NGINX and Redis are missing. Please install Homebrew, then: brew install nginx redis"
    echo "Installing NGINX and Redis with Homebrew …"
    quietly brew install nginx redis || fail "brew could not install nginx and redis"
  else
    install_packages $missing
    echo "(If your system now runs an nginx or redis service of its own: Throughline does not use it.)"
  fi
}

# A browser of any of these names will do; tests/system/browser.py looks for the same.
install_browser() {
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if has "$name"; then return; fi
  done
  if [ "$(uname)" = Darwin ]; then
    [ -d "/Applications/Google Chrome.app" ] || [ -d /Applications/Chromium.app ] ||
      fail "the page's tests need a browser. Please install: brew install --cask google-chrome"
  else
    install_packages chromium
  fi
}

# ── Python

suits() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  # A name on the PATH is not enough: a pyenv shim may point to nothing.
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if suits "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not a Python 3.11 or newer"
  fail "no Python 3.11 or newer found. Please install it (Debian: sudo apt-get install python3), or set PYTHON=/path/to/it"
}

# Debian's Python comes without the modules that make a virtual environment.
need_venv() {
  "$1" -c 'import ensurepip, venv' 2>/dev/null && return
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  has apt-get || fail "$1 has no ensurepip module: please install another Python 3.11 or newer, or set PYTHON"
  install_packages "python$version-venv"
  "$1" -c 'import ensurepip, venv' 2>/dev/null || fail "$1 still has no ensurepip module: set PYTHON to another Python"
}

# What .venv was made from. Empty when its Python does not run.
fingerprint() {
  version=$(.venv/bin/python -c 'import sys; print(sys.version)' 2>/dev/null) || return 0
  echo "$version|$PWD|${PYTHON:-}|$(cat requirements.lock pyproject.toml | cksum)"
}

usable() {
  .venv/bin/python -m pip --version >/dev/null 2>&1 && grep -qF "$PWD/.venv" .venv/bin/pip 2>/dev/null
}

make_environment() {
  python=$(find_python)
  if ! usable || { [ -n "${PYTHON:-}" ] && [ "$(version_of "$python")" != "$(version_of .venv/bin/python)" ]; }; then
    need_venv "$python"
    echo "Making .venv with $("$python" --version) …"
    rm -rf .venv
    quietly "$python" -m venv .venv || fail "could not make .venv"
  fi
  rm -f "$stamp"
  echo "Installing the Python packages into .venv (about a minute the first time) …"
  pip="env PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet"
  quietly $pip --require-hashes -r requirements.lock || fail "could not install the Python packages"
  quietly $pip --no-deps --no-build-isolation -e . || fail "could not install Throughline itself into .venv"
  fingerprint >"$stamp"
}

version_of() {
  "$1" -c 'import sys; print(sys.version)' 2>/dev/null
}

if [ "${1:-}" = browser ]; then
  install_browser
  exit
fi
install_servers
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$(fingerprint)" ]; then
  make_environment
  echo "Set up."
fi
