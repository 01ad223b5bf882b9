#!/bin/sh
# Starts NGINX with the replicas that the name server knows; asks again and reloads when they change.
# (Open-source NGINX does that itself from 1.27.3 on; see docs/decisions/scaling.md.)
#
# NGINX_API_HOST         name of the api: an address for each replica (Docker), or one for all (a Service of Kubernetes)
# NGINX_API_BACKUP_HOST  one for all as well, also for those that are not ready, for when the first one refuses (Kubernetes)
# NGINX_MONITOR_HOST     name of the monitor
# NGINX_LOOK_SECONDS     time between two questions; a Service's address hardly ever changes
set -eu

addresses() {
  [ -z "$1" ] || getent ahostsv4 "$1" | awk '$2 == "STREAM" { print $1 }' | sort
}

look() {
  api=$(addresses "$NGINX_API_HOST") backup=$(addresses "$NGINX_API_BACKUP_HOST")
  monitor=$(addresses "$NGINX_MONITOR_HOST" | head -n 1)
}

api_servers() {
  if [ -z "$NGINX_API_BACKUP_HOST" ]; then
    for ip in $api; do echo "server $ip:8000 max_fails=2 fail_timeout=10s;"; done
    # Of several, each twice: as a backup it is never left out. While all are slow, they are asked all the same.
    set -- $api
    [ $# -lt 2 ] || for ip; do echo "server $ip:8000 max_fails=0 backup;"; done
  else
    # Twice: a second try is a new connection, and may reach another replica.
    for ip in $api $api; do echo "server $ip:8000 max_fails=0;"; done
    for ip in $backup $backup; do echo "server $ip:8000 max_fails=0 backup;"; done
    echo "keepalive_time 3s;" # a connection stays with its replica, whatever the Service says by now
  fi
}

configure() {
  API_SERVERS=$(api_servers) MONITOR_SERVER=${monitor:-127.0.0.1}:8084
  export API_SERVERS MONITOR_SERVER
  envsubst '$API_SERVERS $MONITOR_SERVER $NGINX_LISTEN $NGINX_SPANS_FILE $NGINX_NODE_NAME $SERVICE_VERSION
    $RATE_LIMIT_PER_SECOND $RATE_LIMIT_BURST $ASKS_FOR_KEYS $NGINX_SECRET $SAMPLING $TRACEPARENT_HEADER $TRACESTATE_HEADER' \
    </etc/throughline/throughline.conf.template >/tmp/throughline.conf
}

follow() {
  while sleep "$NGINX_LOOK_SECONDS"; do
    look
    # No address at all: the name server does not answer, or all replicas are away. The last known ones stay.
    if [ -n "$api" ] && [ "$api $backup $monitor" != "$known" ]; then
      configure
      nginx -c /etc/throughline/nginx.conf -e stderr -s reload 2>/tmp/errors && known="$api $backup $monitor"
    fi
  done
}

# It ends here when a variable is wrong.
SERVICE_VERSION=$(awk -f /etc/throughline/version.awk /etc/throughline/pyproject.toml)
SAMPLING=$(awk -f /etc/throughline/sampling.awk)
: "${NGINX_API_HOST:=fastapi}" "${NGINX_API_BACKUP_HOST:=}" "${NGINX_MONITOR_HOST:=monitor}" "${NGINX_LOOK_SECONDS:=1}"
: "${RATE_LIMIT_PER_SECOND:=1000}" "${RATE_LIMIT_BURST:=2000}" "${NGINX_SECRET:=}"
ASKS_FOR_KEYS=${API_KEYS_FILE:+keys} # the file itself is for those who can hash
TRACEPARENT_HEADER=traceparent TRACESTATE_HEADER=tracestate
export SERVICE_VERSION SAMPLING RATE_LIMIT_PER_SECOND RATE_LIMIT_BURST ASKS_FOR_KEYS NGINX_SECRET
export TRACEPARENT_HEADER TRACESTATE_HEADER

trap 'exit 0' TERM QUIT # as the first process of a container, a shell ignores both
until look && [ -n "$api" ]; do sleep 0.2; done
configure
known="$api $backup $monitor"
follow &
/etc/throughline/rotate.sh $$ "$NGINX_SPANS_FILE" &
sh /etc/throughline/started.sh "$NGINX_NODE_NAME" "$SERVICE_VERSION" $$
printf '%s' "$SERVICE_VERSION" >/tmp/version
[ -p /tmp/errors ] || mkfifo -m 600 /tmp/errors
sh /etc/throughline/errors.sh "$NGINX_NODE_NAME" /tmp/version </tmp/errors &
TZ=UTC exec nginx -c /etc/throughline/nginx.conf -e stderr 2>/tmp/errors
