#!/bin/sh
# Starts NGINX with the replicas that Docker's name server knows; asks again every second and reloads when they change.
# (Open-source NGINX does that itself from 1.27.3 on; see docs/decisions/scaling.md.)
set -eu

addresses() {
  getent ahostsv4 "$1" | awk '$2 == "STREAM" { print $1 }' | sort
}

configure() {
  API_SERVERS=$(for ip in $1; do echo "server $ip:8000 max_fails=3 fail_timeout=4s;"; done)
  MONITOR_SERVER=${2:-127.0.0.1}:8084
  export API_SERVERS MONITOR_SERVER
  envsubst '$API_SERVERS $MONITOR_SERVER $NGINX_LISTEN $NGINX_SPANS_FILE $NGINX_NODE_NAME $SERVICE_VERSION
    $RATE_LIMIT_PER_SECOND $RATE_LIMIT_BURST $SAMPLING $TRACEPARENT_HEADER $TRACESTATE_HEADER' \
    </etc/throughline/throughline.conf.template >/tmp/throughline.conf
}

follow() {
  while sleep 1; do
    api=$(addresses fastapi) monitor=$(addresses monitor | head -n 1)
    # No address at all: the name server does not answer, or all replicas are away. The last known ones stay.
    if [ -n "$api" ] && [ "$api $monitor" != "$known" ]; then
      configure "$api" "$monitor"
      nginx -c /etc/throughline/nginx.conf -e stderr -s reload && known="$api $monitor"
    fi
  done
}

# It ends here when a variable is wrong.
SERVICE_VERSION=$(awk -f /etc/throughline/version.awk /etc/throughline/pyproject.toml)
SAMPLING=$(awk -f /etc/throughline/sampling.awk)
TRACEPARENT_HEADER=traceparent TRACESTATE_HEADER=tracestate
export SERVICE_VERSION SAMPLING TRACEPARENT_HEADER TRACESTATE_HEADER

until api=$(addresses fastapi) && [ -n "$api" ]; do sleep 0.2; done
monitor=$(addresses monitor | head -n 1)
configure "$api" "$monitor"
known="$api $monitor"
follow &
/etc/throughline/rotate.sh $$ "$NGINX_SPANS_FILE" &
exec nginx -c /etc/throughline/nginx.conf -e stderr
