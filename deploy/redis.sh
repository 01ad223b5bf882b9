#!/bin/sh
# Starts the stack's Redis: the redis.conf beside this script, then what comes from the environment. The password is in a
# file that only Redis's user can read: every process of the host could read a command line. Redis takes the place of this
# shell, so that it is Redis that is told to stop.
set -eu
: "${REDIS_PASSWORD:?is empty: anyone who reached Redis could read all tasks}"
umask 077
{
  cat "$(dirname "$0")/redis.conf"
  echo "maxmemory ${REDIS_MAXMEMORY_MB}mb"
  printf 'requirepass "%s"\n' "$(printf %s "$REDIS_PASSWORD" | sed 's/[\\"]/\\&/g')"
} >/tmp/redis.conf
exec redis-server /tmp/redis.conf
