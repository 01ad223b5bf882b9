#!/bin/sh
# Gives FILE (.env) a random value for each secret that it lacks; existing ones stay. `make env` calls it.
set -eu
umask 077
file=${1:-.env}
touch "$file"
chmod 600 "$file"
for name in REDIS_PASSWORD ELASTIC_PASSWORD KIBANA_PASSWORD FILEBEAT_PASSWORD JAEGER_PASSWORD READER_PASSWORD \
  KIBANA_ENCRYPTION_KEY GRAFANA_PASSWORD HISTORY_OWNER_PASSWORD HISTORY_WRITER_PASSWORD HISTORY_READER_PASSWORD NGINX_SECRET; do
  grep -q "^$name=" "$file" || echo "$name=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >>"$file"
done
