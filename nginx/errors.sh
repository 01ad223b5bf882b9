#!/bin/sh
# Reads NGINX's standard error until NGINX has ended, and writes log lines: errors.sh NODE VERSION_FILE
# This shell keeps the pipe open: awk may be killed, and NGINX goes on.
set -eu
export LC_ALL=C
unbuffered='' # mawk waits for a full buffer otherwise
case $(awk -W version </dev/null 2>&1) in mawk*) unbuffered='-W interactive' ;; esac
# shellcheck disable=SC2086 # none or two words
until awk $unbuffered -v node="$1" -v version_file="$2" -f "$(dirname "$0")/errors.awk"; do sleep 0.1; done
