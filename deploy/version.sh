#!/bin/sh
# Prints which build this checkout is: the package's version and the commit, such as 0.1.0+g1a2b3c4.dirty. Images get it
# when they are built (deploy/images.sh, `make stack`); a process that runs from a checkout finds it itself
# (throughline/build_version.py).
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
[ -e .git ] && commit=$(git describe --always '--exclude=*' --abbrev=7 --dirty=.dirty 2>/dev/null) || commit=
echo "$version${commit:++g$commit}"
